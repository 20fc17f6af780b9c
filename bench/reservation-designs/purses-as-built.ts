import {
  AsBuiltViews,
  type BuiltPurse,
  type FamilyView,
  type SeenPurse,
  type View,
} from './as-built-views.ts';
import {
  FOLD_AFTER_MS,
  foldOf,
  isBusy,
  isCrowded,
  leaseTo,
  reserveInPurse,
  seen,
  type Terms,
  termsOf,
} from './as-built-writes.ts';
import type { Design, Reservation } from './design.ts';
import { settleIn } from './holding.ts';
import type { Process } from './kernel.ts';
import type { Store, WriteResult } from './store.ts';
import type { MicroUsd, Request, World } from './world.ts';

/** All purses together take this share of what a scope has left. */
const SHARE_IN_HAND = 0.1;
/** One request meets so many crowds before it doubles the number of purses. */
const CROWDS_TO_WIDEN = 3;
const RECLAIM_APART_MS = 1_000;
/** A refusal makes so many of the key's other purses give back what they have. */
const RECLAIMS = 16;
const SWEEP_CONCURRENCY = 8;
const UPKEEP_MS = 50_000;
const MOST_ROUNDS = 8;
const MOST_SHARDS = 4_096;
/** As long as the store's retries take. */
const DRAW_FOR_MS = 1_500;
const LONGEST_PAUSE_MS = 200;

/** What a request has to do with its purses. */
interface Asked {
  readonly request: Request;
  readonly view: View;
  readonly family: FamilyView;
  readonly terms: Terms;
  readonly ahead: MicroUsd;
}

/** How often a request has tried in vain. */
interface Tries {
  readonly untilMs: number;
  crowds: number;
  contended: number;
  hasLooked: boolean;
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
  private readonly share: number;
  private readonly views: AsBuiltViews;
  private readonly held = new Map<Request, { readonly asked: Asked; readonly purse: BuiltPurse }>();

  constructor(world: World, store: Store, share = SHARE_IN_HAND) {
    this.name = share === SHARE_IN_HAND ? 'E purses as built' : `E with a share of ${100 * share} %`;
    this.world = world;
    this.store = store;
    this.share = share;
    this.views = new AsBuiltViews(world);
  }

  *reserve(request: Request): Process<Reservation> {
    const asked = this.ask(request);
    const { family } = asked;
    const untilMs = this.world.kernel.nowMs + DRAW_FOR_MS;
    const tries: Tries = { untilMs, crowds: 0, contended: 0, hasLooked: false };
    for (;;) {
      const purse = this.views.purseAt(family, Math.floor(request.environment.dice() * family.shards));
      const outcome = yield* this.reserveIn(asked, purse);
      if (outcome === 'reserved') this.held.set(request, { asked, purse });
      if (outcome === 'reserved' || outcome === 'unavailable') return outcome;
      const end = yield* this.again(asked, purse, outcome, tries);
      if (end !== undefined) return end;
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
    const isSeldom = purse.open.size === 0 && !isBusy(terms, family, purse.foldedAtMs - purse.foldedBeforeMs);
    const isOverfull = terms.allowance < request.estimate && purse.room > terms.allowance;
    if (!this.views.index.has(purse) || !(isOverdue || isSeldom || isOverfull)) return;
    if (!(yield* this.foldOnce(family, purse, terms))) return;
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
    const terms = termsOf(this.share, view, family, estimate);
    const { nowMs } = this.world.kernel;
    const isOften = isBusy(terms, family, nowMs - family.usedAtMs);
    family.usedAtMs = nowMs;
    return { request, view, family, terms, ahead: isOften ? terms.allowance : 0 };
  }

  /** What comes after a try that was no reservation: another, unless it is the last word. */
  private *again(
    asked: Asked,
    purse: BuiltPurse,
    outcome: Exclude<Outcome, 'reserved' | 'unavailable'>,
    tries: Tries,
  ): Process<'refused' | 'unavailable' | undefined> {
    switch (outcome) {
      case 'crowded':
        return yield* this.afterCrowd(asked, tries);
      case 'contended':
        return yield* this.afterContention(asked, purse, tries);
      case 'refused':
        if (tries.hasLooked || !(yield* this.findRoom(asked, purse))) return outcome;
        tries.hasLooked = true;
        return undefined;
    }
  }

  private *afterCrowd({ family }: Asked, tries: Tries): Process<'unavailable' | undefined> {
    tries.crowds++;
    if (family.shards >= MOST_SHARDS)
      return this.world.kernel.nowMs > tries.untilMs ? 'unavailable' : undefined;
    if (family.shards === 1 || tries.crowds % CROWDS_TO_WIDEN === 0) yield* this.widen(family);
    return undefined;
  }

  private *afterContention(
    asked: Asked,
    purse: BuiltPurse,
    tries: Tries,
  ): Process<'refused' | 'unavailable' | undefined> {
    if (this.world.kernel.nowMs > tries.untilMs) return 'unavailable';
    tries.contended++;
    if (!(yield* this.hasRoom(asked, purse))) return 'refused';
    yield asked.request.environment.dice() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** tries.contended);
    return undefined;
  }

  private *reserveIn(asked: Asked, purse: BuiltPurse): Process<Outcome> {
    const { request, family } = asked;
    let known = family.seen.get(purse);
    if (this.mayHaveRoom(asked, known)) {
      const result = yield* this.store.update(reserveInPurse(purse, request));
      known = seen(purse);
      if (result !== 'condition-failed') family.seen.set(purse, known);
      if (result !== 'condition-failed') return result === 'done' ? 'reserved' : result;
      if (isCrowded(purse)) return 'crowded';
    }
    const outcome = yield* this.lease(asked, purse, known);
    if (outcome === 'reserved' || outcome === 'crowded') family.seen.set(purse, seen(purse));
    return outcome;
  }

  /** A purse never seen may have been opened by others. */
  private mayHaveRoom({ request }: Asked, known: SeenPurse | undefined): boolean {
    return known === undefined || (known.isOpen && known.room >= request.estimate);
  }

  /** Takes what the request needs, and something ahead if there is room, from every scope. */
  private *lease(
    asked: Asked,
    purse: BuiltPurse,
    before: SeenPurse | undefined,
    { extra, rounds } = { extra: asked.ahead, rounds: MOST_ROUNDS },
  ): Process<Outcome> {
    const { request, terms } = asked;
    const lease = leaseTo(this.world, purse, {
      ...{ request, before, extra },
      foldAfterMs: terms.foldAfterMs,
    });
    const result = yield* this.store.transactOnce(lease.writes);
    if (result !== 'condition-failed') return result === 'done' ? 'reserved' : result;
    if (rounds === 1) return 'unavailable';
    if (!lease.met.isAsKnown)
      return isCrowded(purse)
        ? 'crowded'
        : yield* this.lease(asked, purse, seen(purse), { extra, rounds: rounds - 1 });
    if (extra === 0) return 'refused';
    return yield* this.lease(asked, purse, before, { extra: 0, rounds: rounds - 1 });
  }

  /** Looks at the scopes: whether what the request still needs is there. */
  private *hasRoom({ request, family, view }: Asked, purse: BuiltPurse): Process<boolean> {
    const { chain } = request.key;
    yield* this.store.read(chain.length);
    for (const scope of chain)
      view.scopes.set(scope, { left: scope.limit - scope.committed, holders: scope.holders });
    const needed = request.estimate - Math.max(0, family.seen.get(purse)?.room ?? 0);
    return chain.every(({ limit, committed }) => committed + needed <= limit);
  }

  private *widen(family: FamilyView): Process {
    const { key } = family;
    const { shards } = this.views;
    family.shards *= 2;
    const wanted = family.shards;
    yield* this.store.update({
      item: key.item,
      condition: () => (shards.get(key) ?? 1) < wanted,
      apply: () => shards.set(key, wanted),
    });
  }

  /** Looks at the purse again, and folds the key's others. Whether there is more than was known. */
  private *findRoom({ request, family, terms }: Asked, purse: BuiltPurse): Process<boolean> {
    const { nowMs } = this.world.kernel;
    const known = family.seen.get(purse)?.room ?? 0;
    yield* this.store.read(1);
    family.seen.set(purse, seen(purse));
    const isMore = this.views.index.has(purse) && purse.room > known;
    if (family.shards === 1 || nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) return isMore;
    family.reclaimedAtMs = nowMs;
    let isAnyBack = false;
    const from = Math.floor(request.environment.dice() * family.shards);
    const length = Math.min(family.shards, RECLAIMS);
    const shards = Array.from({ length }, (_, shard) => (from + shard) % family.shards);
    const others = shards.map((shard) => this.views.purseAt(family, shard)).filter((each) => each !== purse);
    const reclaim = function* (this: PursesAsBuilt, other: BuiltPurse): Process {
      yield* this.store.read(1);
      if (other.room <= 0) return;
      if (yield* this.foldOnce(family, other, terms)) isAnyBack = true;
    }.bind(this);
    yield* this.workOff(others, RECLAIMS, reclaim);
    return isAnyBack || isMore;
  }

  /** A fold that meets contention is left to the next request that leaves the purse, or to upkeep. */
  private *foldOnce(family: FamilyView, purse: BuiltPurse, { foldAfterMs }: Terms): Process<boolean> {
    family.seen.delete(purse);
    const writes = foldOf(this.world, purse, foldAfterMs);
    if ((yield* this.store.transactOnce(writes)) !== 'done') return false;
    if (!this.views.index.has(purse)) family.seen.set(purse, seen(purse));
    return true;
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
    if (this.views.index.has(purse)) yield* this.store.transact(foldOf(this.world, purse, FOLD_AFTER_MS));
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
