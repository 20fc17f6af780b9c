import { AS_BUILT_CELLS } from './as-built-cells.ts';
import {
  type Cell,
  ENVIRONMENTS,
  HOT_KEY,
  MANY_KEYS,
  SCENARIOS,
  SECOND_MS,
  settingOf,
  TEAMS,
} from './cell.ts';
import type { DesignOf } from './design.ts';
import { Leases } from './leases.ts';
import { ParallelUpdates } from './parallel-updates.ts';
import { DEFAULT_PURSES, type PurseParameters } from './purse-parameters.ts';
import { Purses } from './purses.ts';
import { DEFAULT_STORE, type StoreParameters } from './store.ts';
import { Transactions } from './transactions.ts';

const transactions: DesignOf = (world, store) => new Transactions(world, store);
const parallelUpdates: DesignOf = (world, store) => new ParallelUpdates(world, store);
const leases: DesignOf = (world, store) => new Leases(world, store);
const purses: DesignOf = (world, store) => new Purses(world, store, DEFAULT_PURSES);
const OTHERS = [transactions, parallelUpdates, leases];

/** 10,000 environments are there after 100 seconds; the purses of 5,000 keys are all filled after some minutes. */
const STEADY: readonly Cell[] = SCENARIOS.flatMap((scenario) =>
  ENVIRONMENTS.flatMap((environments) => {
    const isLarge = environments === 10_000;
    const span = { fromSeconds: 120, seconds: isLarge ? 15 : 120 };
    const long = { fromSeconds: 180, seconds: isLarge ? 120 : 600 };
    return [
      ...OTHERS.map((designOf) => settingOf(designOf, scenario, environments, span)),
      settingOf(purses, scenario, environments, long),
    ].map((setting): Cell => ({ table: 'steady', label: '', setting }));
  }),
);

/** A budget for five minutes (longer where it would be of few requests) is spent, and everybody goes on asking. */
const CLOSING: readonly Cell[] = [
  ...[transactions, parallelUpdates, leases, purses].flatMap((designOf) =>
    [10, 100].map((environments) => [designOf, TEAMS, environments] as const),
  ),
  ...[HOT_KEY, TEAMS, MANY_KEYS].map((scenario) => [purses, scenario, 1_000] as const),
  ...[HOT_KEY, TEAMS].map((scenario) => [purses, scenario, 10_000] as const),
  [parallelUpdates, TEAMS, 1_000] as const,
].map(([designOf, scenario, environments]): Cell => {
  const budgetSeconds = environments >= 1_000 ? 300 : 1_500;
  const fromSeconds = environments >= 1_000 ? 100 : 0;
  const seconds = (environments >= 1_000 ? 450 : 2_000) - fromSeconds;
  const span = { fromSeconds, seconds, budgetSeconds };
  return { table: 'closing', label: '', setting: settingOf(designOf, scenario, environments, span) };
});

/** A tenth of the environments is gone for ever, in whatever they were doing. */
const DEATHS: readonly Cell[] = [transactions, parallelUpdates, leases, purses].map((designOf): Cell => {
  const setting = settingOf(designOf, HOT_KEY, 100, { fromSeconds: 60, seconds: 540, budgetSeconds: 1_000 });
  return { table: 'deaths', label: '', setting: { ...setting, deathsAtMs: 200 * SECOND_MS } };
});

/** All windows end at once. */
const EDGES: readonly Cell[] = SCENARIOS.flatMap((scenario) =>
  [100, 1_000, 10_000].map((environments): Cell => {
    const setting = settingOf(purses, scenario, environments, { fromSeconds: 180, seconds: 30 });
    return { table: 'edges', label: '', setting: { ...setting, edgeAtMs: 180 * SECOND_MS } };
  }),
);

/** Every purse for itself: the first draft of design D. */
const FIRST_DRAFT: Partial<PurseParameters> = {
  block: 1,
  foldsAtOnce: 1,
  crowdsToWiden: 1,
  refills: false,
  targetShare: 0.1,
  reclaimEveryMs: 0,
};

const ramp = (label: string, change: Partial<PurseParameters>): Cell => {
  const designOf: DesignOf = (world, store) => new Purses(world, store, { ...DEFAULT_PURSES, ...change });
  const setting = settingOf(designOf, HOT_KEY, 10_000, { fromSeconds: 60, seconds: 70 });
  return { table: 'ramp', label, setting };
};

/** While the last of 10,000 environments come, 100 a second, and the number of purses doubles. */
const RAMP: readonly Cell[] = [
  ramp('as chosen', {}),
  ramp('block 1', { block: 1, foldsAtOnce: 1 }),
  ramp('doubles at the first crowd', { crowdsToWiden: 1 }),
  ramp('only a purse itself is hot', { hotForMs: 0 }),
  ramp('first draft', FIRST_DRAFT),
  ramp('first draft, only a purse itself is hot', { ...FIRST_DRAFT, hotForMs: 0 }),
];

const variant = (
  label: string,
  purseChange: Partial<PurseParameters>,
  storeChange: Partial<StoreParameters> = {},
): Cell => {
  const designOf: DesignOf = (world, store) =>
    new Purses(world, store, { ...DEFAULT_PURSES, ...purseChange });
  const span = { fromSeconds: 20, seconds: 330, budgetSeconds: 200 };
  const setting = settingOf(designOf, TEAMS, 1_000, span);
  return { table: 'variants', label, setting: { ...setting, store: { ...DEFAULT_STORE, ...storeChange } } };
};

/** One parameter at a time, from the first requests to the end of a budget. */
const VARIANTS: readonly Cell[] = [
  variant('as chosen', {}),
  variant('block 1', { block: 1, foldsAtOnce: 1 }),
  variant('block 4', { block: 4 }),
  variant('block 16, 24 folds at once', { foldsAtOnce: 24 }),
  variant('fold gives everything back', { refills: false }),
  variant('doubles at the first crowd', { crowdsToWiden: 1 }),
  variant('4 places', { places: 4 }),
  variant('12 places', { places: 12 }),
  variant('T = 30 s', { foldAfterMs: 30_000 }),
  variant('T = 120 s', { foldAfterMs: 120_000 }),
  variant('share 5 %', { targetShare: 0.05 }),
  variant('share 10 %', { targetShare: 0.1 }),
  variant('share 50 %', { targetShare: 0.5 }),
  variant('reclaims at each refusal', { reclaimEveryMs: 0 }),
  variant('transactions hold 3 ms', {}, { transactionMs: 3 }),
  variant('transactions hold 30 ms', {}, { transactionMs: 30 }),
  variant('1 % of answers lost', {}, { lostAnswers: 0.01 }),
];

export const CELLS: readonly Cell[] = [
  ...STEADY,
  ...CLOSING,
  ...DEATHS,
  ...EDGES,
  ...RAMP,
  ...VARIANTS,
  ...AS_BUILT_CELLS,
];
