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

const asBuilt: DesignOf = (world, store) => new PursesAsBuilt(world, store);
const withHalf: DesignOf = (world, store) => new PursesAsBuilt(world, store, 0.5);

const STEADY = SCENARIOS.flatMap((scenario) =>
  ENVIRONMENTS.map((environments): Cell => {
    const seconds = environments < 10_000 ? 600 : 120;
    const setting = settingOf(asBuilt, scenario, environments, { fromSeconds: 180, seconds });
    return { table: 'steady', label: '', setting };
  }),
);

const CLOSING = (
  [
    [asBuilt, TEAMS, 10],
    [asBuilt, TEAMS, 100],
    [asBuilt, HOT_KEY, 1_000],
    [asBuilt, TEAMS, 1_000],
    [asBuilt, MANY_KEYS, 1_000],
    [asBuilt, HOT_KEY, 10_000],
    [asBuilt, TEAMS, 10_000],
    [withHalf, HOT_KEY, 10_000],
    [withHalf, TEAMS, 10_000],
  ] as const satisfies readonly (readonly [DesignOf, Scenario, number])[]
).map(([designOf, scenario, environments]): Cell => {
  const span =
    environments >= 1_000
      ? { fromSeconds: 100, seconds: 350, budgetSeconds: 300 }
      : { fromSeconds: 0, seconds: 2_000, budgetSeconds: 1_500 };
  return { table: 'closing', label: '', setting: settingOf(designOf, scenario, environments, span) };
});

const ONE_HUNDRED = settingOf(asBuilt, HOT_KEY, 100, {
  fromSeconds: 60,
  seconds: 540,
  budgetSeconds: 1_000,
});
const DEATHS: Cell = { table: 'deaths', label: '', setting: { ...ONE_HUNDRED, deathsAtMs: 200 * SECOND_MS } };

const EDGES = SCENARIOS.flatMap((scenario) =>
  [100, 1_000, 10_000].map((environments): Cell => {
    const setting = settingOf(asBuilt, scenario, environments, { fromSeconds: 180, seconds: 30 });
    return { table: 'edges', label: '', setting: { ...setting, edgeAtMs: 180 * SECOND_MS } };
  }),
);

/** While the last of 10,000 environments come. */
const RAMP = SCENARIOS.map((scenario): Cell => {
  const setting = settingOf(asBuilt, scenario, 10_000, { fromSeconds: 60, seconds: 70 });
  return { table: 'as-built', label: '', setting };
});

export const AS_BUILT_CELLS: readonly Cell[] = [...STEADY, ...CLOSING, DEATHS, ...EDGES, ...RAMP];
