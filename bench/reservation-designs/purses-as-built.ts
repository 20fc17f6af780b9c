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
/** A refusal makes all of the key's purses give back what they have; of more than so many, some. */
const ALL_RECLAIMED = 64;
const SOME_RECLAIMED = 16;
const SWEEP_CONCURRENCY = 8;
const UPKEEP_MS = 50_000;
const MOST_ROUNDS = 8;
const MOST_SHARDS = 4_096;
/** As long as the store's retries take. */
const DRAW_FOR_MS = 1_500;
const LEAST_DRAWS = 8;
const LONGEST_PAUSE_MS = 200;

/** What a request has to do with its purses. */
interface Asked {
  readonly request: Request;
  readonly view: View;
  readonly family: FamilyView;
  readonly terms: Terms;
  readonly ahead: MicroUsd;
}

/** How often a request has tried in vain; `sinceMs` and `pauses`: after the last step that led on. */
interface Tries {
  sinceMs: number;
  pauses: number;
  crowds: number;
  hasLooked: boolean;
}

type Outcome = Reservation | 'crowded' | 'contended';
type LeaseResult = WriteResult | 'contended' | 'refused';

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
    const tries: Tries = { sinceMs: this.world.kernel.nowMs, pauses: 0, crowds: 0, hasLooked: false };
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
    const isOverfull =
      purse.open.size === 0 && terms.allowance < request.estimate && purse.room > terms.allowance;
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
        return yield* this.afterRefusal(asked, purse, tries);
    }
  }

  private *afterCrowd({ request, family }: Asked, tries: Tries): Process<'unavailable' | undefined> {
    tries.crowds++;
    const isChance = family.shards > 1 && tries.crowds % CROWDS_TO_WIDEN > 0;
    if (!isChance && family.shards >= MOST_SHARDS) return yield* this.pause(request, tries);
    if (!isChance) yield* this.widen(family);
    Object.assign(tries, { sinceMs: this.world.kernel.nowMs, pauses: 0 });
    return undefined;
  }

  private *afterContention(
    asked: Asked,
    purse: BuiltPurse,
    tries: Tries,
  ): Process<'refused' | 'unavailable' | undefined> {
    if ((yield* this.pause(asked.request, tries)) !== undefined) return 'unavailable';
    return (yield* this.hasRoom(asked, purse)) ? undefined : yield* this.afterRefusal(asked, purse, tries);
  }

  private *afterRefusal(asked: Asked, purse: BuiltPurse, tries: Tries): Process<'refused' | undefined> {
    if (tries.hasLooked || !(yield* this.findRoom(asked, purse))) return 'refused';
    tries.hasLooked = true;
    return undefined;
  }

  private *pause({ environment }: Request, tries: Tries): Process<'unavailable' | undefined> {
    tries.pauses++;
    const isOver = this.world.kernel.nowMs - tries.sinceMs > DRAW_FOR_MS;
    if (isOver && tries.pauses >= LEAST_DRAWS) return 'unavailable';
    yield environment.dice() * Math.min(LONGEST_PAUSE_MS, 10 * 2 ** tries.pauses);
    return undefined;
  }

  private *reserveIn(asked: Asked, purse: BuiltPurse): Process<Outcome> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const result = yield* this.reserveAsKnown(asked, purse);
      if (result === 'done') return 'reserved';
      if (result !== 'condition-failed') return result;
      if (isCrowded(purse)) return 'crowded';
    }
    return 'unavailable';
  }

  /** A purse never seen may have been opened by others. */
  private *reserveAsKnown(asked: Asked, purse: BuiltPurse): Process<LeaseResult> {
    const { request, family } = asked;
    const known = family.seen.get(purse);
    const mayHaveRoom = known === undefined || (known.isOpen && known.room >= request.estimate);
    const result = mayHaveRoom
      ? yield* this.store.update(reserveInPurse(purse, request))
      : yield* this.lease(asked, purse, known);
    if (result === 'done' || result === 'condition-failed') family.seen.set(purse, seen(purse));
    return result;
  }

  /** Takes what the request needs, and something ahead if there is room, from every scope. */
  private *lease(
    asked: Asked,
    purse: BuiltPurse,
    before: SeenPurse,
    extra = asked.ahead,
  ): Process<LeaseResult> {
    const { foldAfterMs } = asked.terms;
    const lease = leaseTo(this.world, purse, { request: asked.request, before, extra, foldAfterMs });
    const result = yield* this.store.transactOnce(lease.writes);
    if (result !== 'condition-failed' || !lease.met.isAsKnown) return result;
    return extra === 0 ? 'refused' : yield* this.lease(asked, purse, before, 0);
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

  /** Folds the purse and some of the key's others, or looks at it again. Whether there may be more than was known. */
  private *findRoom({ request, family, terms }: Asked, purse: BuiltPurse): Process<boolean> {
    const { nowMs } = this.world.kernel;
    if (nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) {
      const known = family.seen.get(purse)?.room ?? 0;
      yield* this.store.read(1);
      family.seen.set(purse, seen(purse));
      return this.views.index.has(purse) && purse.room > known;
    }
    family.reclaimedAtMs = nowMs;
    const from = Math.floor(request.environment.dice() * family.shards);
    const length = family.shards > ALL_RECLAIMED ? SOME_RECLAIMED : family.shards;
    const some = Array.from({ length }, (_, shard) =>
      this.views.purseAt(family, (from + shard) % family.shards),
    );
    let isAnyBack = false;
    const reclaim = function* (this: PursesAsBuilt, each: BuiltPurse): Process {
      yield* this.store.read(1);
      if (!this.views.index.has(each) || (each.room <= 0 && each.spent <= 0)) return;
      if (yield* this.foldOnce(family, each, terms)) isAnyBack = true;
    }.bind(this);
    const purses = new Set([purse, ...some]);
    yield* this.workOff([...purses], purses.size, reclaim);
    return isAnyBack;
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
