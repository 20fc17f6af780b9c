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
import type { Store } from './store.ts';
import type { Environment, Key, MicroUsd, Request, World } from './world.ts';

export interface PurseParameters {
  /** A purse is folded after so long, or after so long for each purse that holds money of its scope, if that is longer. */
  readonly foldAfterMs: number;
  readonly foldAfterMsPerPurse: number;
  /** So many open requests are a crowd. */
  readonly places: number;
  /** A key gets twice as many purses when one request has met so many crowds. */
  readonly crowdsToWiden: number;
  /** The most a purse takes of what is left, divided by the number of purses. */
  readonly targetShare: number;
  /** A purse that was folded longer ago than this, and holds nothing, gets what its request needs and no more. */
  readonly hotForMs: number;
  /** A fold leaves what the next period will need, instead of nothing. */
  readonly refills: boolean;
  /** So many purses are folded by one transaction of upkeep, or when money is short. */
  readonly foldsAtOnce: number;
  /** Purses are folded for want of money at most this often in a scope. */
  readonly reclaimEveryMs: number;
  /** An exact purse is folded with its last request, unless money was moved in the organization so shortly before. */
  readonly calmForMs: number;
}

export const DEFAULT_PURSES: PurseParameters = {
  foldAfterMs: 60_000,
  foldAfterMsPerPurse: 100,
  places: 8,
  crowdsToWiden: 2,
  targetShare: 0.1,
  hotForMs: 30_000,
  refills: true,
  foldsAtOnce: 12,
  reclaimEveryMs: 1_000,
  calmForMs: 0,
};

/** Tries for one reservation: each meets another purse, or the same one with money. */
const MOST_TRIES = 12;
/** The index and the purses that are looked at before one is folded for want of money. */
const LOOKED_AT = 40;
const UPKEEP_MS = 50_000;

interface Purse extends Holding {
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
    const keep = this.keepOf(purse);
    if (keep !== undefined) yield* this.store.read(purse.key.chain.length);
    yield* this.store.transact(fold(this.world, [purse], keep));
  }

  *upkeep(): Process {
    const { kernel } = this.world;
    const endsAtMs = kernel.nowMs + UPKEEP_MS;
    this.store.counts.readUnits += 16;
    for (const purse of [...this.index])
      for (const request of [...purse.open.keys()])
        if (request.expiresAtMs < kernel.nowMs)
          yield* this.settleWith(purse, request, request.recordedCost ?? request.estimate);
    const due = [...this.index]
      .filter((purse) => purse.open.size === 0 && this.isDue(purse))
      .sort((a, b) => a.key.index - b.key.index);
    while (due.length > 0 && kernel.nowMs < endsAtMs)
      yield* this.store.transact(fold(this.world, due.splice(0, this.parameters.foldsAtOnce)));
  }

  heldByTheDead(): MicroUsd {
    let sum = 0;
    for (const purse of this.index)
      for (const [{ environment }, estimate] of purse.open) if (environment.isDead) sum += estimate;
    return sum;
  }

  private *reserveSomewhere(request: Request): Process<Reservation> {
    let crowds = 0;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const purse = this.drawPurse(request);
      this.purseOf.set(request, purse);
      const result = yield* this.store.update(reserveIn(purse, request, this.parameters.places));
      if (result !== 'condition-failed') return result === 'done' ? 'reserved' : 'unavailable';
      if (purse.open.size >= this.parameters.places) {
        crowds++;
        if (crowds % this.parameters.crowdsToWiden === 0) yield* this.widen(request);
        continue;
      }
      if (this.index.has(purse) && purse.room >= request.estimate) continue;
      const grown = yield* this.grow(purse, request);
      if (grown !== 'again') return grown;
    }
    return 'unavailable';
  }

  private drawPurse({ environment, key }: Request): Purse {
    const all = this.pursesOf(key);
    const index = Math.floor(environment.dice() * 2 ** (this.beliefsOf(environment)[key.index] ?? 0));
    let purse = all.purses[index];
    if (purse === undefined) {
      const { window } = this.world;
      purse = { ...newHolding(`purse ${key.index}.${index}`, key, this.index), window, isExact: false };
      all.purses[index] = purse;
    }
    return purse;
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

  private *widen({ environment, key }: Request): Process {
    const beliefs = this.beliefsOf(environment);
    const believed = 2 ** (beliefs[key.index] ?? 0);
    const purses = this.pursesOf(key);
    yield* this.store.read(1);
    if (purses.count <= believed)
      yield* this.store.update({
        item: key.item,
        condition: () => purses.count === believed,
        apply: () => {
          purses.count *= 2;
        },
      });
    beliefs[key.index] = Math.log2(purses.count);
  }

  private *grow(purse: Purse, request: Request): Process<Reservation | 'again'> {
    const { world, store, parameters } = this;
    const isHot =
      this.index.has(purse) || world.kernel.nowMs - purse.foldedAtMs < parameters.hotForMs;
    yield* store.read(request.key.chain.length);
    const needed = request.estimate - purse.room;
    const fits = request.key.chain.every((scope) => scope.committed + needed <= scope.limit);
    if (!fits) return 'refused';
    const target = isHot ? this.targetOf(purse) : 0;
    const result = yield* store.transact(fill(world, purse, request, needed + target));
    if (result === 'unavailable') return 'unavailable';
    if (result === 'condition-failed') return 'again';
    purse.isExact = target === 0;
    return 'reserved';
  }

  private targetOf(purse: Purse): MicroUsd {
    const expected = expectedSpend(this.world, purse, this.periodMs(purse.key));
    const most = shareOfRemainder(purse.key, this.parameters.targetShare);
    return Math.round(Math.max(0, Math.min(expected, most)));
  }

  private periodMs(key: Key): number {
    const { foldAfterMs, foldAfterMsPerPurse } = this.parameters;
    return Math.max(foldAfterMs, ...key.chain.map(({ holders }) => holders * foldAfterMsPerPurse));
  }

  private isDue(purse: Purse): boolean {
    const { nowMs } = this.world.kernel;
    if (purse.window !== this.world.window) return purse.open.size === 0;
    const isCalm = nowMs - this.world.organization.movedAtMs >= this.parameters.calmForMs;
    if (purse.isExact && purse.open.size === 0 && isCalm) return true;
    return nowMs - purse.foldedAtMs >= this.periodMs(purse.key);
  }

  private keepOf(purse: Purse): MicroUsd | undefined {
    if (!this.parameters.refills || purse.isExact || purse.window !== this.world.window) return undefined;
    const expected = this.targetOf(purse);
    return expected > 0 ? expected : undefined;
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
