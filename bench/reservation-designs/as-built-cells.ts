import { AS_BUILT, type AsBuiltParameters } from './as-built-parameters.ts';
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
import { PursesAsBuilt } from './purses-as-built.ts';
import type { Scenario } from './world.ts';

/** The smallest changes that bear 2,000 requests a second. */
const CHANGES: Partial<AsBuiltParameters> = {
  trustsUnknown: true,
  triesFirst: true,
  drawsAgain: true,
  crowdsToWiden: 3,
  foldsOnce: true,
  drawsAtMost: true,
  countsShards: true,
  requestsAhead: 32,
  looksAgain: true,
  reclaims: 16,
  looksAtExpired: true,
  share: 0.5,
};

const changed =
  (change: Partial<AsBuiltParameters>, name?: string): DesignOf =>
  (world, store) =>
    new PursesAsBuilt(world, store, { ...AS_BUILT, ...change }, name);

const asBuilt = changed({});
const withChanges = changed(CHANGES, 'E with changes');

const STEADY = SCENARIOS.flatMap((scenario) =>
  ENVIRONMENTS.flatMap((environments) =>
    [asBuilt, withChanges].map((designOf): Cell => {
      const seconds = environments < 10_000 ? 600 : designOf === asBuilt ? 15 : 120;
      const setting = settingOf(designOf, scenario, environments, { fromSeconds: 180, seconds });
      return { table: 'steady', label: '', setting };
    }),
  ),
);

const withTenth = changed({ ...CHANGES, share: 0.1 }, 'E with changes, share 10 %');

const CLOSING = [
  [asBuilt, TEAMS, 10],
  [asBuilt, TEAMS, 100],
  [asBuilt, HOT_KEY, 1_000],
  [asBuilt, TEAMS, 1_000],
  [withChanges, TEAMS, 10],
  [withChanges, TEAMS, 100],
  [withChanges, HOT_KEY, 1_000],
  [withChanges, TEAMS, 1_000],
  [withChanges, MANY_KEYS, 1_000],
  [withChanges, HOT_KEY, 10_000],
  [withChanges, TEAMS, 10_000],
  [withTenth, TEAMS, 1_000],
  [withTenth, HOT_KEY, 10_000],
] as const satisfies readonly (readonly [DesignOf, Scenario, number])[];

const CLOSING_CELLS = CLOSING.map(([designOf, scenario, environments]): Cell => {
  const isLarge = environments >= 1_000;
  const span = isLarge
    ? { fromSeconds: 100, seconds: 350, budgetSeconds: 300 }
    : { fromSeconds: 0, seconds: 2_000, budgetSeconds: 1_500 };
  return { table: 'closing', label: '', setting: settingOf(designOf, scenario, environments, span) };
});

const DEATHS = [asBuilt, withChanges].map((designOf): Cell => {
  const setting = settingOf(designOf, HOT_KEY, 100, { fromSeconds: 60, seconds: 540, budgetSeconds: 1_000 });
  return { table: 'deaths', label: '', setting: { ...setting, deathsAtMs: 200 * SECOND_MS } };
});

const EDGES = SCENARIOS.flatMap((scenario) =>
  [100, 1_000, 10_000].flatMap((environments) =>
    [asBuilt, withChanges].map((designOf): Cell => {
      const setting = settingOf(designOf, scenario, environments, { fromSeconds: 180, seconds: 30 });
      return { table: 'edges', label: '', setting: { ...setting, edgeAtMs: 180 * SECOND_MS } };
    }),
  ),
);

/** While the last of 10,000 environments come. */
const ramp = (label: string, change: Partial<AsBuiltParameters>): readonly Cell[] =>
  [HOT_KEY, TEAMS].map((scenario): Cell => {
    const span = { fromSeconds: 60, seconds: 70 };
    return { table: 'as-built', label, setting: settingOf(changed(change), scenario, 10_000, span) };
  });

const RAMP: readonly Cell[] = [
  ...ramp('as built', {}),
  ...ramp('all changes', CHANGES),
  ...ramp('all, but counters never seen make a lease exact', { ...CHANGES, trustsUnknown: false }),
  ...ramp('all, but a purse never seen is leased for', { ...CHANGES, triesFirst: false }),
  ...ramp('all, but a lease is retried', { ...CHANGES, drawsAgain: false }),
  ...ramp('all, but doubles at the first crowd', { ...CHANGES, crowdsToWiden: 1 }),
  ...ramp('all, but a fold is retried', { ...CHANGES, foldsOnce: false }),
  ...ramp('all, but 503 at 4,096 purses', { ...CHANGES, drawsAtMost: false }),
  ...ramp('all, but does not count shards', { ...CHANGES, countsShards: false }),
  ...ramp('all, but 16 estimates ahead', { ...CHANGES, requestsAhead: 16 }),
  ...ramp('all, but does not look after contention', { ...CHANGES, looksAgain: false }),
  ...ramp('all, and reads the key before doubling', { ...CHANGES, readsBeforeDoubling: true }),
  ...ramp('all, and 8 places', { ...CHANGES, places: 8 }),
  ...ramp('all, and a fold keeps half', { ...CHANGES, keeps: 0.5 }),
  ...ramp('all, but share 10 %', { ...CHANGES, share: 0.1 }),
];

export const AS_BUILT_CELLS: readonly Cell[] = [...STEADY, ...CLOSING_CELLS, ...DEATHS, ...EDGES, ...RAMP];
