import { type Design, type Reservation, takeFrom } from './design.ts';
import type { Process } from './kernel.ts';
import type { Store } from './store.ts';
import type { MicroUsd, Request, World } from './world.ts';

/** The sweep works for so long in a minute. */
const SWEEP_MS = 50_000;

/**
 * A. One transaction reserves, one update keeps the cost, another transaction closes.
 * `docs/decisions/0002-money-reserve-settle-sweep.md`: 11 write units for four scopes, then 1 + 13.
 */
export class Transactions implements Design {
  readonly name = 'A transactions';
  private readonly world: World;
  private readonly store: Store;
  /** The records in index `open`: reserved or costed, and not closed. */
  private readonly open = new Set<Request>();

  constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
  }

  *reserve(request: Request): Process<Reservation> {
    const { world, open } = this;
    const result = yield* this.store.transact([
      // The record and its entry in index `open`, which is one unit and not two.
      { item: request.record, units: 1.5, isDone: () => open.has(request), apply: () => open.add(request) },
      ...request.key.chain.map((scope) => takeFrom(world, scope, request.estimate)),
    ]);
    if (result === 'done') return 'reserved';
    return result === 'unavailable' ? 'unavailable' : 'refused';
  }

  *settle(request: Request, cost: MicroUsd): Process {
    if (!this.open.has(request)) return;
    const costed = yield* this.store.update({
      item: request.record,
      condition: () => request.recordedCost === undefined,
      isDone: () => request.recordedCost === cost,
      apply: () => this.world.record(request, cost),
    });
    if (costed === 'done') yield* this.close(request);
  }

  *upkeep(): Process {
    const { kernel } = this.world;
    const endsAtMs = kernel.nowMs + SWEEP_MS;
    this.store.counts.readUnits += 16;
    for (const request of [...this.open]) {
      if (kernel.nowMs > endsAtMs) return;
      if (request.recordedCost !== undefined) yield* this.close(request);
      else if (request.expiresAtMs < kernel.nowMs) yield* this.settle(request, request.estimate);
    }
  }

  heldByTheDead(): MicroUsd {
    return sumOf([...this.open].filter(({ environment }) => environment.isDead));
  }

  private *close(request: Request): Process {
    const cost = request.recordedCost;
    if (cost === undefined) return;
    const { world, open } = this;
    yield* this.store.transact([
      {
        item: request.record,
        units: 1.5,
        condition: () => open.has(request),
        apply: () => open.delete(request),
      },
      ...request.key.chain.map((scope) => ({
        item: scope.item,
        apply: () => world.move(scope, { committed: cost - request.estimate, spent: cost }),
      })),
      { item: request.key.rollUp },
    ]);
  }
}

/** What these requests have set aside. */
export const sumOf = (requests: readonly Request[]): MicroUsd =>
  requests.reduce((sum, { estimate }) => sum + estimate, 0);
