import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Budget, DEFAULT_SOFT_LIMITS, type ScopeCounters } from '../../../lambda/domain/money/budget.ts';
import { budgetState } from '../../../lambda/domain/money/budget-state.ts';
import { exhaustedAtMs } from '../../../lambda/domain/money/forecast.ts';
import { type NanoUsd, nanoFromUsd, nanoUsd } from '../../../lambda/domain/money/nano.ts';
import {
  BUDGET_WINDOWS,
  type BudgetWindow,
  windowEndsAtMs,
  windowIdAt,
  windowStartsAtMs,
} from '../../../lambda/domain/money/window.ts';

const NOON = Date.UTC(2026, 10, 20, 12);
const LONG_AGO = Date.UTC(2020, 0, 1);

function stateOf(window: BudgetWindow, limit: NanoUsd, spent: NanoUsd, nowMs: number) {
  const budget: Budget = { window, limit, mode: 'hard', softLimits: DEFAULT_SOFT_LIMITS };
  const counters: ScopeCounters = {
    scope: { kind: 'key', id: 'key_1' },
    windows: { [windowIdAt(window, nowMs)]: { committed: spent, spent } },
  };
  return budgetState(budget, counters, nowMs);
}
const forecast = (
  window: BudgetWindow,
  limitUsd: number,
  spentUsd: number,
  sinceMs = LONG_AGO,
  nowMs = NOON,
) => exhaustedAtMs(stateOf(window, nanoFromUsd(limitUsd), nanoFromUsd(spentUsd), nowMs), sinceMs, nowMs);

describe('the forecast of exhaustion', () => {
  test('goes on at the pace of the window so far', () => {
    // Two thirds in twelve hours: all of it in eighteen.
    expect(forecast('day', 3, 2)).toBe(Date.UTC(2026, 10, 20, 18));
  });

  test('is unknown where the window ends first, where nothing is spent, and in the first minute', () => {
    expect(forecast('day', 3, 1.4)).toBeUndefined();
    expect(forecast('day', 3, 0)).toBeUndefined();
    expect(forecast('day', 3, 1, LONG_AGO, Date.UTC(2026, 10, 20, 0, 0, 59))).toBeUndefined();
  });

  test('counts from when the scope came to be, where that is later, and for the total', () => {
    expect(forecast('day', 3, 2, NOON - 3_600_000)).toBe(NOON + 1_800_000);
    expect(forecast('total', 4, 1, NOON - 3_600_000)).toBe(NOON + 3 * 3_600_000);
  });

  test('is now where all is spent', () => {
    expect(forecast('month', 3, 3)).toBe(NOON);
    expect(forecast('month', 3, 5)).toBe(NOON);
  });

  test('is unknown beyond what a date can say', () => {
    expect(forecast('total', 1e9, 0.000_000_001)).toBeUndefined();
  });

  test('lies between now and the end of the window', () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 18n }).map(nanoUsd);
    fc.assert(
      fc.property(
        fc.constantFrom(...BUDGET_WINDOWS),
        amount,
        amount,
        fc.integer({ min: LONG_AGO, max: Date.UTC(2040, 0, 1) }),
        fc.nat(10 ** 12),
        (window, limit, spent, nowMs, ageMs) => {
          const atMs = exhaustedAtMs(stateOf(window, limit, spent, nowMs), nowMs - ageMs, nowMs);
          if (atMs === undefined) return;
          expect(atMs).toBeGreaterThanOrEqual(nowMs);
          expect(atMs).toBeLessThan(windowEndsAtMs(window, nowMs) ?? Number.POSITIVE_INFINITY);
        },
      ),
    );
  });
});

test('a window starts where the one before ends', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2090, 0, 1) }), (timeMs) => {
      for (const window of ['hour', 'day', 'week', 'month'] as const) {
        const startMs = windowStartsAtMs(window, timeMs) ?? Number.NaN;
        expect(startMs).toBeLessThanOrEqual(timeMs);
        expect(windowIdAt(window, startMs)).toBe(windowIdAt(window, timeMs));
        expect(windowEndsAtMs(window, startMs - 1)).toBe(startMs);
      }
    }),
  );
  expect(windowStartsAtMs('total', 0)).toBeUndefined();
});
