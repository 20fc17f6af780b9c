import type { DesignOf } from './design.ts';
import type { Setting } from './simulate.ts';
import { DEFAULT_STORE } from './store.ts';
import type { Scenario } from './world.ts';

/** One run, and the table it belongs to. */
export interface Cell {
  readonly table: 'steady' | 'closing' | 'deaths' | 'edges' | 'ramp' | 'variants' | 'as-built';
  readonly label: string;
  readonly setting: Setting;
}

export const SECOND_MS = 1_000;
/** More than a run can spend. */
const AMPLE_SECONDS = 1_000_000;
const SEED = 1;

export const HOT_KEY: Scenario = { name: 'one hot key', teams: 1, keysPerTeam: 1 };
export const TEAMS: Scenario = { name: '20 teams × 10 keys', teams: 20, keysPerTeam: 10 };
export const MANY_KEYS: Scenario = { name: '5,000 keys', teams: 50, keysPerTeam: 100 };
export const SCENARIOS = [HOT_KEY, TEAMS, MANY_KEYS];
export const ENVIRONMENTS = [10, 100, 1_000, 10_000];

interface Span {
  readonly fromSeconds: number;
  readonly seconds: number;
  readonly budgetSeconds?: number;
}

export function settingOf(designOf: DesignOf, scenario: Scenario, environments: number, span: Span): Setting {
  return {
    designOf,
    scenario,
    environments,
    seed: SEED,
    store: DEFAULT_STORE,
    budgetSeconds: span.budgetSeconds ?? AMPLE_SECONDS,
    fromMs: span.fromSeconds * SECOND_MS,
    untilMs: (span.fromSeconds + span.seconds) * SECOND_MS,
  };
}
