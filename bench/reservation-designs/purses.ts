import type { Design, Reservation } from './design.ts';
import {
  expectedSpend,
  fill,
  fold,
  type Holding,
  newHolding,
  reserveIn,
  settleIn,
  shareOfRemainder,
} from './holding.ts';
import type { Process } from './kernel.ts';
import type { Store, Write } from './store.ts';
import type { Environment, Key, MicroUsd, Request, World } from './world.ts';

export interface PurseParameters {
  /** A purse is folded after so long, or after so long for each block of purses with money of its scope, if that is longer. */
  readonly foldAfterMs: number;
  readonly foldAfterMsPerBlock: number;
  /** So many neighbouring purses of a key are filled and folded together. */
  readonly block: number;
  /** So many open requests are a crowd. */
  readonly places: number;
  /** A key gets twice as many purses when one request has met so many crowds. */
  readonly crowdsToWiden: number;
  /** The most a purse takes of what is left, divided by the number of purses. */
  readonly targetShare: number;
  /** While no scope of a chain has moved for so long, its purses get what a request needs, and are folded with it. */
  readonly hotForMs: number;
  /** A fold leaves what the next period will need, instead of nothing. */
  readonly refills: boolean;
  /** So many purses are folded by one transaction of upkeep, or when money is short. */
  readonly foldsAtOnce: number;
  /** Purses are folded for want of money at most this often. */
  readonly reclaimEveryMs: number;
}

export const DEFAULT_PURSES: PurseParameters = {
  foldAfterMs: 60_000,
  foldAfterMsPerBlock: 100,
  block: 16,
  places: 8,
  crowdsToWiden: 4,
  targetShare: 0.25,
  hotForMs: 30_000,
  refills: true,
  foldsAtOnce: 12,
  reclaimEveryMs: 1_000,
};

/** Who has met so much contention gives up. */
const MOST_CONTENDED = 6;
/** Where there is no more than crumbs, all want the same ones. */
const SCARCE_COUNTS = 2;
/** As long as the store's retries take. */
const RESERVE_FOR_MS = 1_500;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 200;
/** The index and the purses that are looked at before some are folded for want of money. */
const LOOKED_AT = 40;
const UPKEEP_MS = 50_000;

interface Purse extends Holding {
  readonly number: number;
  readonly window: number;
  /** Got what one request needed, and is folded with it. */
  isExact: boolean;
}

/** The purses of one key in one window. Their number is in the key's item. */
interface KeyPurses {
  readonly window: number;
  count: number;
  readonly purses: Purse[];
}

/** D. Money is kept in purses that all environments share: a few for each key, more where there is a crowd. */
export class Purses implements Design {
  readonly name = 'D shared purses';
  private readonly world: World;
  private readonly store: Store;
  private readonly parameters: PurseParameters;
  private readonly byKey = new Map<Key, KeyPurses>();
  /** How many purses each environment believes a key to have, as a power of two. */
  private readonly believed = new Map<Environment, Uint8Array>();
  private readonly index = new Set<Purse>();
  private readonly purseOf = new Map<Request, Purse>();
  private reclaimedAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, store: Store, parameters: PurseParameters = DEFAULT_PURSES) {
    this.world = world;
    this.store = store;
    this.parameters = parameters;
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
    if (!this.index.has(purse) || !this.isDue(purse)) return;
    const block = this.blockOf(purse).filter((other) => this.index.has(other) && this.isHalfDue(other));
    yield* this.store.transactOnce(purse.isExact ? fold(this.world, [purse]) : yield* this.foldsOf(block));
  }

  *upkeep(): Process {
    const { kernel } = this.world;
    const endsAtMs = kernel.nowMs + UPKEEP_MS;
    this.store.counts.readUnits += 16;
    for (const purse of [...this.index])
      for (const request of [...purse.open.keys()])
        if (request.expiresAtMs < kernel.nowMs)
          yield* this.settleWith(purse, request, request.recordedCost ?? request.estimate);
    const due = [...this.index].sort((a, b) => a.key.index - b.key.index || a.number - b.number);
    while (due.length > 0 && kernel.nowMs < endsAtMs) {
      const some = due.splice(0, this.parameters.foldsAtOnce);
      const writes = yield* this.foldsOf(
        some.filter((purse) => this.index.has(purse) && this.isHalfDue(purse)),
      );
      if (writes.length > 0) yield* this.store.transact(writes);
    }
  }

  heldByTheDead(): MicroUsd {
    let sum = 0;
    for (const purse of this.index)
      for (const [{ environment }, estimate] of purse.open) if (environment.isDead) sum += estimate;
    return sum;
  }

  private *reserveSomewhere(request: Request): Process<Reservation> {
    const { kernel } = this.world;
    const untilMs = kernel.nowMs + RESERVE_FOR_MS;
    for (let crowds = 0, contended = 0, pauseMs = FIRST_PAUSE_MS; kernel.nowMs <= untilMs; ) {
      const purse = this.drawPurse(request);
      this.purseOf.set(request, purse);
      const result = yield* this.store.update(reserveIn(purse, request, this.parameters.places));
      if (result !== 'condition-failed') return result === 'done' ? 'reserved' : 'unavailable';
      if (purse.open.size >= this.parameters.places) {
        crowds++;
        yield* this.widen(request, crowds % this.parameters.crowdsToWiden === 0);
        continue;
      }
      if (this.index.has(purse) && purse.room >= request.estimate) continue;
      const grown = yield* this.grow(purse, request);
      if (grown !== 'contended' && grown !== 'contended for the last') return grown;
      contended += grown === 'contended' ? 1 : SCARCE_COUNTS;
      if (contended >= MOST_CONTENDED) return grown === 'contended' ? 'unavailable' : 'refused';
      yield request.environment.dice() * pauseMs;
      pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
    }
    return 'unavailable';
  }

  private drawPurse({ environment, key }: Request): Purse {
    const all = this.pursesOf(key);
    const index = Math.floor(environment.dice() * 2 ** (this.beliefsOf(environment)[key.index] ?? 0));
    return this.purseAt(key, all, index);
  }

  private purseAt(key: Key, all: KeyPurses, index: number): Purse {
    let purse = all.purses[index];
    if (purse === undefined) {
      const holding = newHolding(`purse ${key.index}.${index}`, key, this.index);
      purse = { ...holding, number: index, window: all.window, isExact: false };
      all.purses[index] = purse;
    }
    return purse;
  }

  /** The purses that are filled and folded together with this one, itself included. */
  private blockOf(purse: Purse): readonly Purse[] {
    const all = this.pursesOf(purse.key);
    const first = purse.number - (purse.number % this.parameters.block);
    const length = Math.min(this.parameters.block, all.count - first);
    return Array.from({ length }, (_, offset) => this.purseAt(purse.key, all, first + offset));
  }

  private pursesOf(key: Key): KeyPurses {
    const known = this.byKey.get(key);
    if (known?.window === this.world.window) return known;
    const made = { window: this.world.window, count: known?.count ?? 1, purses: [] };
    this.byKey.set(key, made);
    return made;
  }

  private beliefsOf(environment: Environment): Uint8Array {
    let beliefs = this.believed.get(environment);
    if (beliefs === undefined) {
      // It reads the key's policy when it meets the key first, so it begins with the truth.
      beliefs = Uint8Array.from(this.world.keys, (key) => Math.log2(this.pursesOf(key).count));
      this.believed.set(environment, beliefs);
    }
    return beliefs;
  }

  private *widen({ environment, key }: Request, mayDouble: boolean): Process {
    const beliefs = this.beliefsOf(environment);
    const believed = 2 ** (beliefs[key.index] ?? 0);
    const purses = this.pursesOf(key);
    yield* this.store.read(1);
    if (mayDouble && purses.count <= believed)
      yield* this.store.update({
        item: key.item,
        condition: () => purses.count === believed,
        apply: () => {
          purses.count *= 2;
        },
      });
    beliefs[key.index] = Math.log2(purses.count);
  }

  private *grow(
    purse: Purse,
    request: Request,
  ): Process<Reservation | 'contended' | 'contended for the last'> {
    const { world, store } = this;
    const { chain } = request.key;
    const block = this.blockOf(purse);
    yield* store.read(chain.length + block.length - 1);
    const needed = request.estimate - purse.room;
    if (!chain.every((scope) => scope.committed + needed <= scope.limit)) return 'refused';
    const isHot = this.index.has(purse) || this.isHot(request.key);
    const target = isHot ? this.targetOf(purse, request.estimate) : 0;
    const isScarce = isHot && shareOfRemainder(purse.key, 1) < 2 * request.estimate;
    if (target < request.estimate) {
      const better = block.find(
        ({ room, open }) => room >= request.estimate && open.size < this.parameters.places,
      );
      if (better !== undefined) {
        this.purseOf.set(request, better);
        const moved = yield* store.update(reserveIn(better, request, this.parameters.places));
        if (moved === 'done') return 'reserved';
      }
    }
    const others = block
      .filter((other) => other !== purse && other.room < target / 2)
      .map((other) => ({ holding: other, amount: target - other.room }));
    const writes = fill(world, [{ holding: purse, amount: needed + target }, ...others], request);
    const result = yield* store.transactOnce(writes);
    if (result === 'unavailable') return 'unavailable';
    if (result !== 'done') return isScarce ? 'contended for the last' : 'contended';
    for (const filled of [purse, ...others.map(({ holding }) => holding as Purse)]) filled.isExact = !isHot;
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
    const most = shareOfRemainder(purse.key, this.parameters.targetShare, this.pursesOf(purse.key).count);
    return Math.round(Math.max(0, Math.min(expected, most)));
  }

  private periodMs(key: Key): number {
    const { foldAfterMs, foldAfterMsPerBlock, block } = this.parameters;
    const count = this.pursesOf(key).count;
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
    return this.isDue(purse) || this.ageMs(purse) >= this.parameters.foldAfterMs / 2;
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
    const listed = [...this.index];
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
