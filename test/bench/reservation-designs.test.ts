import { describe, expect, test } from '@jest/globals';
import type { DesignOf } from '../../bench/reservation-designs/design.ts';
import { Kernel } from '../../bench/reservation-designs/kernel.ts';
import { Leases } from '../../bench/reservation-designs/leases.ts';
import { ParallelUpdates } from '../../bench/reservation-designs/parallel-updates.ts';
import { Purses } from '../../bench/reservation-designs/purses.ts';
import { type Setting, simulate } from '../../bench/reservation-designs/simulate.ts';
import { DEFAULT_STORE, Store, StoreItem, type WriteResult } from '../../bench/reservation-designs/store.ts';
import { Transactions } from '../../bench/reservation-designs/transactions.ts';

const EXACT: readonly (readonly [string, DesignOf])[] = [
  ['transactions', (world, store) => new Transactions(world, store)],
  ['leases', (world, store) => new Leases(world, store)],
  ['purses', (world, store) => new Purses(world, store)],
];

/** 20 environments spend a budget of 60 s, with lost answers and deaths, over the edge of a window. */
const settingOf = (designOf: DesignOf): Setting => ({
  designOf,
  scenario: { name: 'test', teams: 2, keysPerTeam: 3 },
  environments: 20,
  seed: 7,
  store: { ...DEFAULT_STORE, lostAnswers: 0.02 },
  budgetSeconds: 60,
  fromMs: 0,
  untilMs: 150_000,
  deathsAtMs: 40_000,
  edgeAtMs: 50_000,
});

describe('the simulation', () => {
  test.each(EXACT)(
    '%s never overspend, and their counters equal the records once all is closed',
    (_, designOf) => {
      const outcome = simulate(settingOf(designOf));
      expect(outcome.overspent).toBe(0);
      expect(outcome.drift).toBe(0);
      expect(outcome.refused).toBeGreaterThan(0);
      expect(outcome.dead.mostShare).toBeGreaterThan(0);
    },
  );

  test('notices that parallel updates drift from their records', () => {
    expect(simulate(settingOf((world, store) => new ParallelUpdates(world, store))).drift).toBeGreaterThan(0);
  });

  test.each(EXACT)('%s come out the same for the same seed', (_, designOf) => {
    const setting = settingOf(designOf);
    expect(simulate(setting)).toEqual(simulate(setting));
    expect(simulate({ ...setting, seed: 8 })).not.toEqual(simulate(setting));
  });
});

describe('the store', () => {
  function results(
    begin: (store: Store, item: StoreItem) => readonly Generator<unknown, WriteResult | 'contended'>[],
  ) {
    const kernel = new Kernel();
    const store = new Store(kernel, () => 0.5, { ...DEFAULT_STORE, lostAnswers: 0 });
    const item = new StoreItem('item');
    const seen: (string | undefined)[] = [];
    for (const [index, process] of begin(store, item).entries())
      kernel.start(
        (function* () {
          seen[index] = yield* process as ReturnType<Store['transactOnce']>;
        })(),
      );
    kernel.run();
    return { seen, counts: store.counts };
  }

  test('lets one of two transactions on an item through, and charges both twice', () => {
    const { seen, counts } = results((store, item) => [
      store.transactOnce([{ item }]),
      store.transactOnce([{ item }]),
    ]);
    expect(seen).toEqual(['done', 'contended']);
    expect(counts).toMatchObject({ writeUnits: 4, conflicts: 1 });
  });

  test('lets plain updates wait for each other, but not for a transaction', () => {
    expect(results((store, item) => [store.update({ item }), store.update({ item })]).counts).toMatchObject({
      writeUnits: 2,
      conflicts: 0,
      retries: 0,
    });
    const { seen, counts } = results((store, item) => [
      store.transactOnce([{ item }]),
      store.update({ item }),
    ]);
    expect(seen).toEqual(['done', 'done']);
    expect(counts.conflicts).toBeGreaterThan(0);
  });

  test('throttles what exceeds the units of one item', () => {
    const { counts } = results((store, item) => Array.from({ length: 1_100 }, () => store.update({ item })));
    expect(counts.throttles).toBeGreaterThan(0);
  });
});
