/** The periods a budget can have. All are UTC; weeks run from Monday to Sunday. */
export const BUDGET_WINDOWS = ['hour', 'day', 'week', 'month', 'total'] as const;
export type BudgetWindow = (typeof BUDGET_WINDOWS)[number];

/** One period of a window: `day:2026-11-20`, `week:2026-W47`, `total`. Its id is the counter's name, so nothing is ever reset. */
export type WindowId = string & { readonly __brand: 'WindowId' };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const iso = (timeMs: number): string => new Date(timeMs).toISOString();

/** The id of the period in which a moment falls. */
export function windowIdAt(window: BudgetWindow, timeMs: number): WindowId {
  return `${window}${window === 'total' ? '' : `:${periodName(window, timeMs)}`}` as WindowId;
}

/** The ids of all five periods in which a moment falls, the shortest first. */
export const windowIdsAt = (timeMs: number): readonly WindowId[] =>
  BUDGET_WINDOWS.map((window) => windowIdAt(window, timeMs));

/** When the period that holds a moment ends, in Unix milliseconds; `undefined` for `total`, which never does. */
export function windowEndsAtMs(window: BudgetWindow, timeMs: number): number | undefined {
  const date = new Date(timeMs);
  const [year, month, day, hour] = [
    date.getUTCFullYear(),
    date.getUTCMonth(),
    date.getUTCDate(),
    date.getUTCHours(),
  ];
  switch (window) {
    case 'hour':
      return Date.UTC(year, month, day, hour + 1);
    case 'day':
      return Date.UTC(year, month, day + 1);
    case 'week':
      return mondayMs(timeMs) + 7 * DAY_MS;
    case 'month':
      return Date.UTC(year, month + 1, 1);
    case 'total':
      return undefined;
  }
}

/** When the period that holds a moment began, in Unix milliseconds; `undefined` for `total`, which has no beginning. */
export function windowStartsAtMs(window: BudgetWindow, timeMs: number): number | undefined {
  const date = new Date(timeMs);
  switch (window) {
    case 'hour':
      return timeMs - (timeMs % HOUR_MS);
    case 'day':
      return timeMs - (timeMs % DAY_MS);
    case 'week':
      return mondayMs(timeMs);
    case 'month':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    case 'total':
      return undefined;
  }
}

function periodName(window: Exclude<BudgetWindow, 'total'>, timeMs: number): string {
  switch (window) {
    case 'hour':
      return iso(timeMs).slice(0, 13);
    case 'day':
      return iso(timeMs).slice(0, 10);
    case 'month':
      return iso(timeMs).slice(0, 7);
    case 'week':
      return isoWeek(timeMs);
  }
}

/** The Monday 00:00 UTC of the week that holds a moment. */
function mondayMs(timeMs: number): number {
  const startOfDay = Math.floor(timeMs / DAY_MS) * DAY_MS;
  const daysSinceMonday = (new Date(startOfDay).getUTCDay() + 6) % 7;
  return startOfDay - daysSinceMonday * DAY_MS;
}

/** ISO 8601 week: it belongs to the year that holds its Thursday. */
function isoWeek(timeMs: number): string {
  const thursdayMs = mondayMs(timeMs) + 3 * DAY_MS;
  const year = new Date(thursdayMs).getUTCFullYear();
  const week = Math.floor((thursdayMs - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
