/** Random numbers that a seed brings back. */
export interface Random {
  /** From 0 to below `limit`, whole. */
  below(limit: number): number;
  /** Whether a chance of one in `times` comes true. */
  oneIn(times: number): boolean;
  /** One of them. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  pick<Item>(items: readonly Item[]): Item | undefined;
}

/** Mulberry32. @see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    below,
    oneIn: (times) => below(times) === 0,
    // A list that is not empty has an item at each index below its length.
    pick: <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item,
  };
}
