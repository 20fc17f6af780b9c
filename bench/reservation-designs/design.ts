import type { Process } from './kernel.ts';
import type { Store, Write } from './store.ts';
import type { MicroUsd, Request, Scope, World } from './world.ts';

/** What came of a reservation: it holds, a budget has no room for it, or the store could not be asked. */
export type Reservation = 'reserved' | 'refused' | 'unavailable';

/** A way to keep hard budgets in DynamoDB. */
export interface Design {
  readonly name: string;
  /** On the critical path of a request. */
  reserve(request: Request): Process<Reservation>;
  /** After the answer: the request cost so much. Money not settled here is left to upkeep. */
  settle(request: Request, cost: MicroUsd): Process;
  /** Runs each minute. */
  upkeep(): Process;
  /** Money of environments that are dead, which nobody else can spend. */
  heldByTheDead(): MicroUsd;
}

export type DesignOf = (world: World, store: Store) => Design;

/** Takes money from a scope, on condition that it is there. */
export const takeFrom = (world: World, scope: Scope, amount: MicroUsd, holders = 0): Write => ({
  item: scope.item,
  condition: () => scope.committed + amount <= scope.limit,
  apply: () => world.move(scope, { committed: amount, holders }),
});
