import type { BudgetState } from './budget-state.ts';
import { windowStartsAtMs } from './window.ts';

/** Before so much of a window has passed, its pace says nothing. */
const LEAST_ELAPSED_MS = 60_000;

/**
 * When a budget will be spent if its window goes on at the pace so far: Unix milliseconds; the moment itself where it is
 * spent already. `undefined` where the window ends first, where nothing has been spent, and in a window's first minute.
 *
 * @param countedSinceMs since when its scope has been counted: the pace of `total`, and of a window the scope is younger than
 */
export function exhaustedAtMs(state: BudgetState, countedSinceMs: number, nowMs: number): number | undefined {
  const { budget, spent, resetsAtMs } = state;
  if (spent >= budget.limit) return nowMs;
  const startMs = Math.max(windowStartsAtMs(budget.window, nowMs) ?? countedSinceMs, countedSinceMs);
  const elapsedMs = nowMs - startMs;
  if (elapsedMs < LEAST_ELAPSED_MS || spent <= 0n) return undefined;
  const atMs = startMs + Math.ceil((elapsedMs * Number(budget.limit)) / Number(spent));
  const isBeyondDates = atMs > LATEST_DATE_MS;
  return isBeyondDates || (resetsAtMs !== undefined && atMs >= resetsAtMs) ? undefined : atMs;
}

/** The last moment that ISO 8601 writes with four digits for the year. */
const LATEST_DATE_MS = Date.UTC(9999, 11, 31);
