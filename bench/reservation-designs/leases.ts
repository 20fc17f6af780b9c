import type { Design, Reservation } from './design.ts';
import {
  expectedSpend,
  fill,
  fold,
  type Holding,
  newHolding,
  reservedIn,
  reserveIn,
  settleIn,
  shareOfRemainder,
} from './holding.ts';
import type { Process } from './kernel.ts';
import type { Store } from './store.ts';
import type { Environment, Key, MicroUsd, Request, World } from './world.ts';

const LEASE_MS = 60_000;
const TARGET_SHARE = 0.1;
/** The sweep works for so long in a minute. */
const SWEEP_MS = 50_000;

/** One environment's lease on one key. */
interface Lease extends Holding {
  readonly environment: Environment;
  expiresAtMs: number;
  usedAtMs: number;
}

/**
 * C. Each environment leases money for each key it serves, for a minute, and reserves and settles in its own lease item. Expired leases
 * are renewed by their environment, or swept.
 */
export class Leases implements Design {
  readonly name = 'C leases';
  private readonly world: World;
  private readonly store: Store;
  private readonly leases = new Map<Environment, Map<Key, Lease>>();
  private readonly index = new Set<Lease>();

  constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
  }

  *reserve(request: Request): Process<Reservation> {
    const { nowMs } = this.world.kernel;
    const lease = this.leaseOf(request);
    if (nowMs < lease.expiresAtMs && lease.room >= request.estimate) {
      const result = yield* this.store.update(reserveIn(lease, request, 1));
      if (result !== 'condition-failed') return result === 'done' ? 'reserved' : 'unavailable';
    }
    const isHot = nowMs - lease.usedAtMs < LEASE_MS;
    lease.usedAtMs = nowMs;
    if (!isHot) return yield* this.renew(lease, request, 0);
    yield* this.store.read(request.key.chain.length);
    const expected = expectedSpend(this.world, lease, LEASE_MS, request.estimate);
    const most = shareOfRemainder(request.key, TARGET_SHARE);
    const target = Math.round(Math.max(0, Math.min(expected, most)));
    const result = yield* this.renew(lease, request, target);
    return result === 'refused' && target > 0 ? yield* this.renew(lease, request, 0) : result;
  }

  *settle(request: Request, cost: MicroUsd): Process {
    const lease = this.leaseOf(request);
    yield* this.settleWith(lease, request, cost);
    // Seldom used: nothing is kept.
    if (lease.room > 0 && lease.expiresAtMs < this.world.kernel.nowMs)
      yield* this.store.transact(fold(this.world, [lease]));
  }

  *upkeep(): Process {
    const endsAtMs = this.world.kernel.nowMs + SWEEP_MS;
    this.store.counts.readUnits += 16;
    for (const lease of [...this.index]) {
      const { nowMs } = this.world.kernel;
      if (nowMs > endsAtMs) return;
      if (lease.expiresAtMs > nowMs) continue;
      for (const request of [...lease.open.keys()])
        if (request.expiresAtMs < nowMs)
          yield* this.settleWith(lease, request, request.recordedCost ?? request.estimate);
      yield* this.store.transact(fold(this.world, [lease]));
    }
  }

  heldByTheDead(): MicroUsd {
    return [...this.index]
      .filter(({ environment }) => environment.isDead)
      .reduce((sum, lease) => sum + lease.room + reservedIn(lease), 0);
  }

  private leaseOf({ environment, key }: Request): Lease {
    const own = this.leases.get(environment) ?? new Map<Key, Lease>();
    this.leases.set(environment, own);
    let lease = own.get(key);
    if (lease === undefined) {
      const usedAtMs = Number.NEGATIVE_INFINITY;
      lease = { ...newHolding('lease', key, this.index), environment, expiresAtMs: 0, usedAtMs };
      own.set(key, lease);
    }
    return lease;
  }

  private *renew(lease: Lease, request: Request, target: MicroUsd): Process<Reservation> {
    const amount = request.estimate + target - lease.room;
    const result = yield* this.store.transact(fill(this.world, [{ holding: lease, amount }], request));
    if (result !== 'done') return result === 'unavailable' ? 'unavailable' : 'refused';
    lease.expiresAtMs = this.world.kernel.nowMs + (target === 0 ? 0 : LEASE_MS);
    return 'reserved';
  }

  private *settleWith(lease: Lease, request: Request, cost: MicroUsd): Process {
    if (!lease.open.has(request)) return;
    const put = yield* this.store.update({
      item: request.record,
      isDone: () => request.recordedCost === cost,
      condition: () => request.recordedCost === undefined,
      apply: () => this.world.record(request, cost),
    });
    if (put === 'done') yield* this.store.update(settleIn(lease, request, cost));
  }
}
