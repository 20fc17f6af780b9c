import type { AsBuiltParameters } from './as-built-parameters.ts';
import {
  AsBuiltViews,
  type BuiltPurse,
  type FamilyView,
  type SeenPurse,
  type View,
} from './as-built-views.ts';
import type { Design, Reservation } from './design.ts';
import { fold, reserveIn, settleIn } from './holding.ts';
import type { Process } from './kernel.ts';
import type { Store, Write, WriteResult } from './store.ts';
import type { MicroUsd, Request, World } from './world.ts';

const FOLD_AFTER_MS = 60_000;
const FOLD_APART_MS = 100;
const SHARED_PURSES = 20;
const BUSY_GAP_MS = 1_000;
const UPKEEP_AFTER_MS = 30_000;
const RECLAIM_APART_MS = 1_000;
const RECLAIM_CONCURRENCY = 16;
const SWEEP_CONCURRENCY = 8;
const UPKEEP_MS = 50_000;
const MOST_ROUNDS = 8;
const MOST_SHARDS = 4_096;
/** As long as the store's retries take. */
const DRAW_FOR_MS = 1_500;
const LONGEST_PAUSE_MS = 200;

interface Terms {
  readonly allowance: MicroUsd;
  readonly foldAfterMs: number;
  readonly isShared: boolean;
}

/** What a request has to do with its purses. */
interface Asked {
  readonly request: Request;
  readonly view: View;
  readonly family: FamilyView;
  readonly terms: Terms;
  readonly ahead: MicroUsd;
}

type Outcome = Reservation | 'crowded' | 'contended';

/**
 * E. Shared purses as `lambda/adapters/dynamodb/{reserve,lease,leave,fold,sweep}.ts` have them: each purse leases for
 * itself, without a look at anything, and a fold gives all room back.
 */
export class PursesAsBuilt implements Design {
  readonly name: string;
  private readonly world: World;
  private readonly store: Store;
  private readonly parameters: AsBuiltParameters;
  private readonly views: AsBuiltViews;
  private readonly held = new Map<Request, { readonly asked: Asked; readonly purse: BuiltPurse }>();

  constructor(world: World, store: Store, parameters: AsBuiltParameters, name = 'E purses as built') {
    this.name = name;
    this.world = world;
    this.store = store;
    this.parameters = parameters;
    this.views = new AsBuiltViews(world);
  }

  *reserve(request: Request): Process<Reservation> {
    const asked = this.ask(request);
    const { environment } = request;
    const { family } = asked;
    const { kernel } = this.world;
    const untilMs = kernel.nowMs + DRAW_FOR_MS;
    let hasLooked = false;
    for (let crowds = 0, contended = 0; ; ) {
      const purse = this.views.purseAt(family, Math.floor(environment.dice() * family.shards));
      const outcome = yield* this.reserveIn(asked, purse);
      if (outcome === 'reserved') this.held.set(request, { asked, purse });
      if (outcome === 'reserved' || outcome === 'unavailable') return outcome;
      if (outcome === 'crowded') {
        crowds++;
        const { crowdsToWiden, drawsAtMost } = this.parameters;
        if (family.shards < MOST_SHARDS) {
          if (crowds % crowdsToWiden === 0) yield* this.widen(family);
        } else if (!drawsAtMost || kernel.nowMs > untilMs) return 'unavailable';
      } else if (outcome === 'contended') {
        if (kernel.nowMs > untilMs) return 'unavailable';
        contended++;
        yield environment.dice() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** contended);
      } else {
        if (hasLooked || !(yield* this.findRoom(asked, purse))) return outcome;
        hasLooked = true;
      }
    }
  }

  *settle(request: Request, cost: MicroUsd): Process {
    const held = this.held.get(request);
    this.held.delete(request);
    const put = yield* this.putRecord(request, cost);
    if (held === undefined || put === 'unavailable') return;
    const { asked, purse } = held;
    const { view, family, terms } = asked;
    if (!(yield* this.leave(purse, request))) return;
    family.seen.set(purse, seen(purse));
    const isOverdue = this.world.kernel.nowMs - purse.foldedAtMs >= terms.foldAfterMs;
    const isSeldom =
      purse.open.size === 0 && !this.isBusy(terms, family, purse.foldedAtMs - purse.foldedBeforeMs);
    if (!this.views.index.has(purse) || !(isOverdue || isSeldom)) return;
    family.seen.delete(purse);
    if (!(yield* this.fold(purse, terms.foldAfterMs, this.parameters.foldsOnce))) return;
    yield* this.store.read(request.key.chain.length);
    for (const scope of request.key.chain)
      view.scopes.set(scope, { left: scope.limit - scope.committed, holders: scope.holders });
  }

  *upkeep(): Process {
    const { kernel } = this.world;
    const endsAtMs = kernel.nowMs + UPKEEP_MS;
    this.store.counts.readUnits += 16;
    const due = [...this.views.index]
      .filter(({ lookAtMs }) => lookAtMs < kernel.nowMs)
      .sort((a, b) => a.lookAtMs - b.lookAtMs);
    yield* this.workOff(due, SWEEP_CONCURRENCY, (purse) => this.lookAt(purse, endsAtMs));
  }

  heldByTheDead(): MicroUsd {
    let sum = 0;
    for (const purse of this.views.index)
      for (const [{ environment }, estimate] of purse.open) if (environment.isDead) sum += estimate;
    return sum;
  }

  private ask(request: Request): Asked {
    const { key, environment, estimate } = request;
    const view = this.views.viewOf(environment);
    const { shards, isRead } = this.views.readKey(view, key);
    // The key's item and those of the three scopes above it.
    if (isRead) this.store.counts.readUnits += key.chain.length;
    const family = this.views.familyOf(view, key);
    family.shards = Math.max(family.shards, shards);
    const terms = this.termsOf(view, family, estimate);
    const { nowMs } = this.world.kernel;
    const isBusy = this.isBusy(terms, family, nowMs - family.usedAtMs);
    family.usedAtMs = nowMs;
    return { request, view, family, terms, ahead: isBusy ? terms.allowance : 0 };
  }

  private termsOf(view: View, { key: { chain }, shards }: FamilyView, estimate: MicroUsd): Terms {
    const { share, requestsAhead, trustsUnknown, countsShards } = this.parameters;
    const least = countsShards ? shards : 1;
    let allowance = requestsAhead * estimate;
    let holders = least;
    for (const scope of chain) {
      const known = view.scopes.get(scope);
      const sharing = Math.max(least, known?.holders ?? 1);
      const left = known?.left ?? (trustsUnknown ? scope.limit : 0);
      holders = Math.max(holders, sharing);
      allowance = Math.min(allowance, Math.max(0, Math.floor((share * left) / sharing)));
    }
    const foldAfterMs = Math.max(FOLD_AFTER_MS, holders * FOLD_APART_MS);
    return { allowance, foldAfterMs, isShared: holders >= SHARED_PURSES };
  }

  private isBusy({ isShared }: Terms, { shards }: FamilyView, gapMs: number): boolean {
    return isShared || shards > 1 || gapMs < BUSY_GAP_MS;
  }

  private *reserveIn(asked: Asked, purse: BuiltPurse): Process<Outcome> {
    const { request, family } = asked;
    const { places, triesFirst } = this.parameters;
    let known = family.seen.get(purse);
    const mayHaveRoom =
      known === undefined ? triesFirst || family.shards > 1 : known.isOpen && known.room >= request.estimate;
    if (mayHaveRoom) {
      const result = yield* this.store.update(reserveIn(purse, request, places));
      known = seen(purse);
      if (result !== 'condition-failed') family.seen.set(purse, known);
      if (result !== 'condition-failed') return result === 'done' ? 'reserved' : result;
      if (purse.open.size >= places) return 'crowded';
    }
    const outcome = yield* this.lease(asked, purse, known);
    if (outcome === 'reserved' || outcome === 'crowded') family.seen.set(purse, seen(purse));
    return outcome;
  }

  /** Takes what the request needs, and something ahead if there is room, from every scope. */
  private *lease(asked: Asked, purse: BuiltPurse, known: SeenPurse | undefined): Process<Outcome> {
    const { request, ahead } = asked;
    const { places, drawsAgain } = this.parameters;
    let before = known;
    let extra = ahead;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const isOpening = before?.isOpen !== true;
      const used = Math.min(request.estimate, Math.max(0, before?.room ?? 0));
      const granted = request.estimate - used + extra;
      let isAsKnown = true;
      const own: Write = {
        item: purse.item,
        units: isOpening ? 1.5 : 1,
        isDone: () => purse.open.has(request),
        condition: () => {
          const isRight = isOpening ? !this.views.index.has(purse) : this.views.index.has(purse);
          isAsKnown = isRight && purse.room >= used && purse.open.size < places;
          return isAsKnown;
        },
        apply: () => {
          if (isOpening) this.open(purse, asked.terms.foldAfterMs);
          purse.room += granted - request.estimate;
          purse.open.set(request, request.estimate);
        },
      };
      const scopes = request.key.chain.map((scope) => ({
        item: scope.item,
        condition: () => scope.committed + granted <= scope.limit,
        apply: () => this.world.move(scope, { committed: granted, holders: isOpening ? 1 : 0 }),
      }));
      const writes = [own, ...scopes];
      const result = yield* drawsAgain ? this.store.transactOnce(writes) : this.store.transact(writes);
      if (result === 'done') return 'reserved';
      if (result !== 'condition-failed') return result;
      if (!isAsKnown) {
        if (purse.open.size >= places) return 'crowded';
        before = seen(purse);
      } else if (extra === 0) return 'refused';
      else extra = 0;
    }
    return 'unavailable';
  }

  private open(purse: BuiltPurse, foldAfterMs: number): void {
    const { nowMs } = this.world.kernel;
    this.views.index.add(purse);
    const foldedBeforeMs = Math.max(0, purse.foldedAtMs);
    const lookAtMs = nowMs + foldAfterMs + UPKEEP_AFTER_MS;
    Object.assign(purse, { foldedBy: {}, foldedBeforeMs, foldedAtMs: nowMs, lookAtMs });
  }

  private *widen(family: FamilyView): Process {
    const { key } = family;
    const { shards } = this.views;
    if (this.parameters.readsBeforeDoubling) {
      yield* this.store.read(1);
      const now = shards.get(key) ?? 1;
      if (now > family.shards) {
        family.shards = now;
        return;
      }
    }
    family.shards *= 2;
    const wanted = family.shards;
    yield* this.store.update({
      item: key.item,
      condition: () => (shards.get(key) ?? 1) < wanted,
      apply: () => shards.set(key, wanted),
    });
  }

  /** Looks at the purse again, and folds the key's others. Whether there is more than was known. */
  private *findRoom({ family, terms }: Asked, purse: BuiltPurse): Process<boolean> {
    const { nowMs } = this.world.kernel;
    const known = family.seen.get(purse)?.room ?? 0;
    yield* this.store.read(1);
    family.seen.set(purse, seen(purse));
    const isMore = this.views.index.has(purse) && purse.room > known;
    if (family.shards === 1 || nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) return isMore;
    family.reclaimedAtMs = nowMs;
    let isAnyBack = false;
    const shards = Array.from({ length: family.shards }, (_, shard) => shard);
    const others = shards.map((shard) => this.views.purseAt(family, shard)).filter((each) => each !== purse);
    const reclaim = function* (this: PursesAsBuilt, other: BuiltPurse): Process {
      yield* this.store.read(1);
      if (other.room <= 0) return;
      if (yield* this.fold(other, terms.foldAfterMs)) isAnyBack = true;
      family.seen.delete(other);
    }.bind(this);
    yield* this.workOff(others, RECLAIM_CONCURRENCY, reclaim);
    return isAnyBack || isMore;
  }

  private *fold(purse: BuiltPurse, foldAfterMs: number, isOnce = false): Process<boolean> {
    const { keeps } = this.parameters;
    const { nowMs } = this.world.kernel;
    const { leaves, foldedAtMs } = purse;
    const isClosing = purse.open.size === 0;
    const keep = isClosing ? 0 : Math.floor(keeps * purse.room);
    const [own, ...others] = fold(this.world, [purse], () => keep);
    if (own === undefined) return false;
    const writes = [
      {
        ...own,
        // Its place in the index changes, or ends.
        units: isClosing ? 1.5 : 2,
        condition: () => own.condition?.() === true && (!isClosing || purse.leaves === leaves),
        apply: () => {
          own.apply?.();
          purse.foldedBeforeMs = foldedAtMs;
          purse.lookAtMs = nowMs + foldAfterMs + UPKEEP_AFTER_MS;
        },
      },
      ...others,
    ];
    const result = yield* isOnce ? this.store.transactOnce(writes) : this.store.transact(writes);
    return result === 'done';
  }

  private *lookAt(purse: BuiltPurse, endsAtMs: number): Process {
    const { kernel } = this.world;
    if (kernel.nowMs > endsAtMs) return;
    yield* this.store.read(1);
    for (const request of [...purse.open.keys()]) {
      if (request.expiresAtMs >= kernel.nowMs) continue;
      yield* this.store.update({ item: purse.item });
      yield* this.putRecord(request, request.recordedCost ?? request.estimate);
      yield* this.leave(purse, request);
    }
    if (this.views.index.has(purse)) yield* this.fold(purse, FOLD_AFTER_MS);
  }

  private putRecord(request: Request, cost: MicroUsd): Process<WriteResult> {
    return this.store.update({
      item: request.record,
      isDone: () => request.recordedCost === cost,
      condition: () => request.recordedCost === undefined,
      apply: () => this.world.record(request, cost),
    });
  }

  /** Takes a request out at its record's cost. Whether it stood there, and was taken. */
  private *leave(purse: BuiltPurse, request: Request): Process<boolean> {
    if (!purse.open.has(request) || request.recordedCost === undefined) return false;
    const leaving = settleIn(purse, request, request.recordedCost);
    const apply = (): void => {
      leaving.apply?.();
      purse.leaves++;
    };
    return (yield* this.store.update({ ...leaving, apply })) === 'done';
  }

  private *workOff(
    purses: readonly BuiltPurse[],
    concurrency: number,
    work: (purse: BuiltPurse) => Process,
  ): Process {
    const rest = purses.values();
    const worker = function* (): Process {
      for (const purse of rest) yield* work(purse);
    };
    yield* this.world.kernel.together(Array.from({ length: concurrency }, worker));
  }
}

const seen = (purse: BuiltPurse): SeenPurse => ({
  isOpen: purse.index.has(purse),
  room: purse.room,
});
