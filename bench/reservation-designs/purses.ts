import type { Design, Reservation } from './design.ts';
import { expectedSpend, fill, fold, reserveIn, settleIn, shareOfRemainder } from './holding.ts';
import type { Process } from './kernel.ts';
import { DEFAULT_PURSES, type PurseParameters } from './purse-parameters.ts';
import { type Purse, PurseRegister } from './purse-register.ts';
import type { Store, Write } from './store.ts';
import type { Key, MicroUsd, Request, World } from './world.ts';

/** Who has met so much contention gives up. Where there is no more than crumbs, all want the same ones, and most get none. */
const MOST_CONTENDED = 6;
const CONTENTION = {
  contended: { counts: 1, isIn: 'unavailable' },
  'contended for the last': { counts: 2, isIn: 'refused' },
} as const;
/** As long as the store's retries take. */
const RESERVE_FOR_MS = 1_500;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 200;
/** The index and the purses that are looked at before some are folded for want of money. */
const LOOKED_AT = 40;
const UPKEEP_MS = 50_000;

/** What came of one try: a reservation, or why another is worth while. */
type Try = Reservation | 'crowd' | 'changed' | 'contended' | 'contended for the last';

/** D. Money is kept in purses that all environments share: a few for each key, more where there is a crowd. */
export class Purses implements Design {
  readonly name = 'D shared purses';
  private readonly world: World;
  private readonly store: Store;
  private readonly parameters: PurseParameters;
  private readonly register: PurseRegister;
  private readonly purseOf = new Map<Request, Purse>();
  private reclaimedAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, store: Store, parameters: PurseParameters = DEFAULT_PURSES) {
    this.world = world;
    this.store = store;
    this.parameters = parameters;
    this.register = new PurseRegister(world, store);
  }

  *reserve(request: Request): Process<Reservation> {
    const result = yield* this.reserveSomewhere(request);
    if (result !== 'refused') return result;
    const { nowMs } = this.world.kernel;
    if (nowMs - this.reclaimedAtMs < this.parameters.reclaimEveryMs) return 'refused';
    this.reclaimedAtMs = nowMs;
    return (yield* this.reclaim(request)) ? yield* this.reserveSomewhere(request) : 'refused';
  }

  *settle(request: Request, cost: MicroUsd): Process {
    const purse = this.purseOf.get(request);
    this.purseOf.delete(request);
    if (purse === undefined) return;
    yield* this.settleWith(purse, request, cost);
    if (!this.register.index.has(purse) || !this.isDue(purse)) return;
    if (purse.isExact || this.isOver(purse)) {
      yield* this.store.transactOnce(fold(this.world, [purse]));
      return;
    }
    const block = this.register.blockOf(purse, this.parameters.block);
    yield* this.store.transactOnce(yield* this.foldsOf(block.filter((other) => this.isHalfDue(other))));
  }

  *upkeep(): Process {
    const { kernel } = this.world;
    const endsAtMs = kernel.nowMs + UPKEEP_MS;
    this.store.counts.readUnits += 16;
    for (const purse of [...this.register.index])
      for (const request of [...purse.open.keys()])
        if (request.expiresAtMs < kernel.nowMs)
          yield* this.settleWith(purse, request, request.recordedCost ?? request.estimate);
    const due = [...this.register.index].sort((a, b) => a.key.index - b.key.index || a.number - b.number);
    while (due.length > 0 && kernel.nowMs < endsAtMs) {
      const some = due.splice(0, this.parameters.foldsAtOnce);
      const writes = yield* this.foldsOf(some.filter((purse) => this.isHalfDue(purse)));
      if (writes.length > 0) yield* this.store.transact(writes);
    }
  }

  heldByTheDead(): MicroUsd {
    let sum = 0;
    for (const purse of this.register.index)
      for (const [{ environment }, estimate] of purse.open) if (environment.isDead) sum += estimate;
    return sum;
  }

  private *reserveSomewhere(request: Request): Process<Reservation> {
    const { kernel } = this.world;
    const untilMs = kernel.nowMs + RESERVE_FOR_MS;
    for (let crowds = 0, contended = 0; kernel.nowMs <= untilMs; ) {
      const result = yield* this.reserveOnce(request);
      if (result === 'reserved' || result === 'refused' || result === 'unavailable') return result;
      if (result === 'crowd') {
        crowds++;
        yield* this.register.widen(request, crowds % this.parameters.crowdsToWiden === 0);
      } else if (result !== 'changed') {
        contended += CONTENTION[result].counts;
        if (contended >= MOST_CONTENDED) return CONTENTION[result].isIn;
        yield request.environment.dice() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (contended - 1));
      }
    }
    return 'unavailable';
  }

  private *reserveOnce(request: Request): Process<Try> {
    const { places } = this.parameters;
    const purse = this.register.draw(request);
    const result = yield* this.reserveInPurse(purse, request);
    if (result !== 'condition-failed') return result;
    if (purse.open.size >= places) return 'crowd';
    if (this.register.index.has(purse) && purse.room >= request.estimate) return 'changed';
    return yield* this.grow(purse, request);
  }

  private *reserveInPurse(purse: Purse, request: Request): Process<'condition-failed' | Reservation> {
    this.purseOf.set(request, purse);
    const result = yield* this.store.update(reserveIn(purse, request, this.parameters.places));
    return result === 'done' ? 'reserved' : result;
  }

  private *grow(purse: Purse, request: Request): Process<Try> {
    const { chain } = request.key;
    const block = this.register.blockOf(purse, this.parameters.block);
    yield* this.store.read(chain.length + block.length - 1);
    const needed = request.estimate - purse.room;
    if (!chain.every((scope) => scope.committed + needed <= scope.limit)) return 'refused';
    const isHot = this.register.index.has(purse) || this.isHot(request.key);
    const target = isHot ? this.targetOf(purse, request.estimate) : 0;
    if (target < request.estimate) {
      const better = block.find((other) => this.hasRoom(other, request));
      const result = better === undefined ? 'condition-failed' : yield* this.reserveInPurse(better, request);
      if (result !== 'condition-failed') return result;
    }
    return yield* this.fillBlock({ purse, block, request, target, isHot });
  }

  private hasRoom({ room, open }: Purse, request: Request): boolean {
    return room >= request.estimate && open.size < this.parameters.places;
  }

  /** Gives the purse what the request needs, and with it the target to all of its block that have less than half. */
  private *fillBlock(options: {
    readonly purse: Purse;
    readonly block: readonly Purse[];
    readonly request: Request;
    readonly target: MicroUsd;
    readonly isHot: boolean;
  }): Process<Try> {
    const { purse, block, request, target, isHot } = options;
    this.purseOf.set(request, purse);
    const others = block.filter((other) => other !== purse && other.room < target / 2);
    const shares = others.map((holding) => ({ holding, amount: target - holding.room }));
    const own = { holding: purse, amount: request.estimate - purse.room + target };
    const isScarce = isHot && shareOfRemainder(purse.key, 1) < 2 * request.estimate;
    const result = yield* this.store.transactOnce(fill(this.world, [own, ...shares], request));
    if (result === 'unavailable') return 'unavailable';
    if (result !== 'done') return isScarce ? 'contended for the last' : 'contended';
    for (const filled of [purse, ...others]) filled.isExact = !isHot;
    return 'reserved';
  }

  /** Moves up what was spent. Purses in use keep what the next period needs, or get it. */
  private *foldsOf(purses: readonly Purse[]): Process<readonly Write[]> {
    const [first] = purses;
    if (first === undefined) return [];
    yield* this.store.read(first.key.chain.length + purses.length);
    const keepOf = (purse: Purse): MicroUsd =>
      this.parameters.refills && !this.isOver(purse) ? this.targetOf(purse, 0) : 0;
    return fold(this.world, purses, keepOf);
  }

  private isHot(key: Key): boolean {
    const { nowMs } = this.world.kernel;
    return key.chain.some(({ movedAtMs }) => nowMs - movedAtMs < this.parameters.hotForMs);
  }

  /** What a purse shall have when it is about to reserve `more`. */
  private targetOf(purse: Purse, more: MicroUsd): MicroUsd {
    const expected = expectedSpend(this.world, purse, this.periodMs(purse.key), more);
    const most = shareOfRemainder(purse.key, this.parameters.targetShare, this.register.countOf(purse.key));
    return Math.round(Math.max(0, Math.min(expected, most)));
  }

  private periodMs(key: Key): number {
    const { foldAfterMs, foldAfterMsPerBlock, block } = this.parameters;
    const count = this.register.countOf(key);
    const perPurse = foldAfterMsPerBlock / Math.min(block, count);
    return Math.max(1.5 * foldAfterMs, ...key.chain.map(({ holders }) => holders * perPurse));
  }

  private isDue(purse: Purse): boolean {
    if (purse.isExact || this.isOver(purse)) return purse.open.size === 0;
    return this.ageMs(purse) >= this.periodMs(purse.key);
  }

  private isOver(purse: Purse): boolean {
    return purse.window !== this.world.window;
  }

  private isHalfDue(purse: Purse): boolean {
    const isOld = this.ageMs(purse) >= this.parameters.foldAfterMs / 2;
    return this.register.index.has(purse) && (isOld || this.isDue(purse));
  }

  private ageMs(purse: Purse): number {
    return this.world.kernel.nowMs - purse.foldedAtMs;
  }

  private *settleWith(purse: Purse, request: Request, cost: MicroUsd): Process {
    if (!purse.open.has(request)) return;
    // The record first: whoever finds an open reservation without one knows that nobody has charged it.
    const put = yield* this.store.update({
      item: request.record,
      isDone: () => request.recordedCost === cost,
      condition: () => request.recordedCost === undefined,
      apply: () => this.world.record(request, cost),
    });
    if (put === 'done') yield* this.store.update(settleIn(purse, request, cost));
  }

  /** Folds some of the purses that have room. Whether there were any. */
  private *reclaim(request: Request): Process<boolean> {
    const listed = [...this.register.index];
    const from = Math.floor(request.environment.dice() * Math.max(1, listed.length - LOOKED_AT));
    yield* this.store.read(LOOKED_AT);
    const richest = listed
      .slice(from, from + LOOKED_AT)
      .filter(({ room }) => room > 0)
      .sort((a, b) => b.room - a.room)
      .slice(0, this.parameters.foldsAtOnce);
    if (richest.length === 0) return false;
    return (yield* this.store.transact(fold(this.world, richest))) === 'done';
  }
}
