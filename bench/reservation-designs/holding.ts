import { StoreItem, type Write } from './store.ts';
import type { Key, MicroUsd, Request, Scope, World } from './world.ts';

/** What comes within a request's length is no rate yet. */
const SHORTEST_HISTORY_MS = 5_000;

/** A small item that holds money taken from all scopes of a key's chain: a purse, or one environment's lease. */
export interface Holding {
  readonly item: StoreItem;
  readonly key: Key;
  /** The sparse index in which it stands while it holds money: its scopes count it, upkeep finds it. */
  readonly index: Set<Holding>;
  /** What can still be reserved. */
  room: MicroUsd;
  /** What has been spent and the scopes do not know of. */
  spent: MicroUsd;
  readonly open: Map<Request, MicroUsd>;
  /** When `spent` was last moved up, or began to grow. */
  foldedAtMs: number;
  /** The transaction that did so: a second one that knows of another is refused. */
  foldedBy: object;
}

export const newHolding = (name: string, key: Key, index: Set<Holding>): Holding => ({
  item: new StoreItem(name),
  key,
  index,
  room: 0,
  spent: 0,
  open: new Map(),
  foldedAtMs: Number.NEGATIVE_INFINITY,
  foldedBy: {},
});

export const reservedIn = (holding: Holding): MicroUsd =>
  [...holding.open.values()].reduce((sum, estimate) => sum + estimate, 0);

/** What this holding will spend in so long, going by what came since it was last folded. */
export function expectedSpend(world: World, holding: Holding, forMs: number, more: MicroUsd): MicroUsd {
  const isNew = holding.foldedAtMs === Number.NEGATIVE_INFINITY;
  const sinceMs = isNew ? 0 : world.kernel.nowMs - holding.foldedAtMs;
  const spent = holding.spent + reservedIn(holding) + more;
  return (forMs * spent) / Math.max(SHORTEST_HISTORY_MS, sinceMs);
}

/** The most that one holding may take, so that the others find something, too. */
export const shareOfRemainder = (key: Key, share: number, least = 1): MicroUsd =>
  Math.min(
    ...key.chain.map(
      ({ limit, committed, holders }) => (share * (limit - committed)) / Math.max(least, holders),
    ),
  );

/** Reserves in the holding alone: one plain write, refused where there is no room or no place. */
export const reserveIn = (holding: Holding, request: Request, places: number): Write => ({
  item: holding.item,
  isDone: () => holding.open.has(request),
  condition: () =>
    holding.index.has(holding) && holding.room >= request.estimate && holding.open.size < places,
  apply: () => {
    holding.room -= request.estimate;
    holding.open.set(request, request.estimate);
  },
});

/** Replaces the reservation by the cost. */
export const settleIn = (holding: Holding, request: Request, cost: MicroUsd): Write => ({
  item: holding.item,
  isDone: () => !holding.open.has(request),
  apply: () => {
    holding.open.delete(request);
    holding.room += request.estimate - cost;
    holding.spent += cost;
  },
});

/** So much more for this holding. */
export interface Share {
  readonly holding: Holding;
  readonly amount: MicroUsd;
}

/**
 * A transaction that takes money for holdings of one key from every scope, moves up what they have spent, and reserves
 * `request` in the first.
 */
export function fill(world: World, shares: readonly [Share, ...Share[]], request: Request): readonly Write[] {
  const [{ holding: first }] = shares;
  const change = {
    committed: shares.reduce((sum, { amount }) => sum + amount, 0),
    spent: shares.reduce((sum, { holding }) => sum + holding.spent, 0),
    holders: shares.filter(({ holding }) => !holding.index.has(holding)).length,
  };
  const reserve = (): void => {
    first.open.set(request, request.estimate);
    first.room -= request.estimate;
  };
  return [
    { item: first.item, units: 0, isDone: () => first.open.has(request), apply: reserve },
    ...shares.map((share) => receive(world, share)),
    ...request.key.chain.map((scope) => ({
      item: scope.item,
      condition: () => scope.committed + change.committed <= scope.limit,
      apply: () => world.move(scope, change),
    })),
    ...(change.spent > 0 ? [{ item: first.key.rollUp }] : []),
  ];
}

function receive(world: World, { holding, amount }: Share): Write {
  const { index, foldedBy, spent } = holding;
  return {
    item: holding.item,
    // The entry in the index is written once, not twice.
    units: index.has(holding) ? 1 : 1.5,
    condition: () => holding.foldedBy === foldedBy,
    apply: () => {
      index.add(holding);
      Object.assign(holding, { foldedBy: {}, foldedAtMs: world.kernel.nowMs });
      holding.room += amount;
      holding.spent -= spent;
    },
  };
}

/**
 * A transaction that moves what was spent up to the scopes and gives the room back, all but `keep`, taking the
 * difference from them where there is less. Several holdings go together: scopes and roll-ups that they share take part once.
 */
export function fold<Own extends Holding>(
  world: World,
  holdings: readonly Own[],
  keepOf: (holding: Own) => MicroUsd = () => 0,
): readonly Write[] {
  const token = {};
  const seen = holdings.map((holding) => {
    const { foldedBy, room, spent, open } = holding;
    const keep = keepOf(holding);
    return {
      holding,
      foldedBy,
      isEmptied: holding.index.has(holding) && open.size === 0 && keep === 0,
      givesBack: room - keep,
      spent,
    };
  });
  const scopes = new Set(holdings.flatMap(({ key }) => key.chain));
  const rollUps = new Set(holdings.map(({ key }) => key.rollUp));
  return [
    ...seen.map(({ holding, foldedBy, isEmptied, givesBack, spent }) => ({
      item: holding.item,
      units: isEmptied ? 1.5 : 1,
      isDone: () => holding.foldedBy === token,
      condition: () =>
        holding.foldedBy === foldedBy && holding.room >= givesBack && (!isEmptied || holding.open.size === 0),
      apply: () => {
        Object.assign(holding, { foldedBy: token, foldedAtMs: world.kernel.nowMs });
        if (isEmptied) holding.index.delete(holding);
        holding.room -= givesBack;
        holding.spent -= spent;
      },
    })),
    ...[...scopes].map((scope) => moveUp(world, scope, seen)),
    ...[...rollUps].map((item) => ({ item })),
  ];
}

interface Seen {
  readonly holding: Holding;
  readonly isEmptied: boolean;
  readonly givesBack: MicroUsd;
  readonly spent: MicroUsd;
}

function moveUp(world: World, scope: Scope, seen: readonly Seen[]): Write {
  const change = { committed: 0, spent: 0, holders: 0 };
  for (const { holding, isEmptied, givesBack, spent } of seen) {
    if (!holding.key.chain.includes(scope)) continue;
    change.committed -= givesBack;
    change.spent += spent;
    if (isEmptied) change.holders--;
  }
  return {
    item: scope.item,
    condition: () => scope.committed + change.committed <= Math.max(scope.limit, scope.committed),
    apply: () => world.move(scope, change),
  };
}
