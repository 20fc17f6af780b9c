import { type Design, type Reservation, takeFrom } from './design.ts';
import type { Process } from './kernel.ts';
import type { Store, WriteResult } from './store.ts';
import { sumOf } from './transactions.ts';
import type { MicroUsd, Request, Scope, World } from './world.ts';

/**
 * B. A plain conditional update for each scope, all at once, taken back where one of them is refused. Nothing ties them to the
 * record: an update whose answer was lost is carried out twice, and one that a crash left out is missed. So
 * the counters drift from the records. An item cannot remember who has updated it: 10,000 open requests do not fit into it.
 */
export class ParallelUpdates implements Design {
  readonly name = 'B parallel updates';
  private readonly world: World;
  private readonly store: Store;
  private readonly open = new Set<Request>();

  constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
  }

  *reserve(request: Request): Process<Reservation> {
    const { world, store, open } = this;
    const results = yield* world.kernel.together<WriteResult>([
      store.update({ item: request.record, units: 2, apply: () => open.add(request) }),
      ...request.key.chain.map((scope) => store.update(takeFrom(world, scope, request.estimate))),
    ]);
    if (results.every((result) => result === 'done')) return 'reserved';
    const taken = request.key.chain.filter((_, index) => results[index + 1] === 'done');
    yield* this.giveBack(taken, request.estimate);
    yield* this.closeRecord(request, 0);
    return results.includes('condition-failed') ? 'refused' : 'unavailable';
  }

  *settle(request: Request, cost: MicroUsd): Process {
    if (!this.open.has(request) || request.recordedCost !== undefined) return;
    const { world, store } = this;
    yield* store.update({
      item: request.record,
      isDone: () => request.recordedCost !== undefined,
      apply: () => world.record(request, cost),
    });
    yield* world.kernel.together([
      ...request.key.chain.map((scope) =>
        store.update({
          item: scope.item,
          apply: () => world.move(scope, { committed: cost - request.estimate, spent: cost }),
        }),
      ),
      store.update({ item: request.key.rollUp }),
    ]);
    yield* this.closeRecord(request, cost);
  }

  /** Charges what is open as estimated, as if every scope had been updated. */
  *upkeep(): Process {
    const { nowMs } = this.world.kernel;
    this.store.counts.readUnits += 16;
    for (const request of [...this.open])
      if (request.expiresAtMs < nowMs) yield* this.settle(request, request.estimate);
  }

  heldByTheDead(): MicroUsd {
    return sumOf([...this.open].filter(({ environment }) => environment.isDead));
  }

  private *giveBack(scopes: readonly Scope[], amount: MicroUsd): Process {
    const { world, store } = this;
    yield* world.kernel.together(
      scopes.map((scope) =>
        store.update({ item: scope.item, apply: () => world.move(scope, { committed: -amount }) }),
      ),
    );
  }

  private *closeRecord(request: Request, cost: MicroUsd): Process {
    request.recordedCost ??= cost;
    yield* this.store.update({ item: request.record, units: 2, apply: () => this.open.delete(request) });
  }
}
