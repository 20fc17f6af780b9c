import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  BUDGET_WINDOWS,
  windowEndsAtMs,
  windowIdAt,
  windowIdsAt,
} from '../../../lambda/domain/money/window.ts';

const at = (iso: string): number => Date.parse(iso);
const moment = fc.integer({ min: at('1970-01-01T00:00:00Z'), max: at('2199-12-31T23:59:59Z') });
const DAY_MS = 86_400_000;

/** ISO week by counting: week 1 holds the year's first Thursday, and a week begins on Monday. */
function countedWeek(timeMs: number): string {
  const thursday = new Date(timeMs);
  while (thursday.getUTCDay() !== 1) thursday.setUTCDate(thursday.getUTCDate() - 1);
  thursday.setUTCDate(thursday.getUTCDate() + 3);
  let thursdays = 0;
  const day = new Date(Date.UTC(thursday.getUTCFullYear(), 0, 1));
  for (; day.getTime() <= thursday.getTime(); day.setUTCDate(day.getUTCDate() + 1)) {
    if (day.getUTCDay() === 4) thursdays += 1;
  }
  return `week:${thursday.getUTCFullYear()}-W${String(thursdays).padStart(2, '0')}`;
}

describe('windowIdAt', () => {
  test.each([
    ['hour', '2026-11-20T09:59:59.999Z', 'hour:2026-11-20T09'],
    ['day', '2024-02-29T23:59:59.999Z', 'day:2024-02-29'],
    ['month', '2026-12-31T23:59:59.999Z', 'month:2026-12'],
    ['total', '2026-12-31T23:59:59.999Z', 'total'],
    ['week', '2026-11-20T00:00:00Z', 'week:2026-W47'],
    ['week', '2020-12-31T12:00:00Z', 'week:2020-W53'],
    ['week', '2021-01-03T23:59:59.999Z', 'week:2020-W53'],
    ['week', '2021-01-04T00:00:00Z', 'week:2021-W01'],
    ['week', '2024-12-30T00:00:00Z', 'week:2025-W01'],
    ['week', '2027-01-01T00:00:00Z', 'week:2026-W53'],
  ] as const)('names the %s of %s', (window, iso, id) => {
    expect(windowIdAt(window, at(iso))).toBe(id);
  });

  test('numbers weeks as ISO 8601 does', async () => {
    await fc.assert(
      fc.property(moment, (timeMs) => expect(windowIdAt('week', timeMs)).toBe(countedWeek(timeMs))),
    );
  });

  test('numbers every day around each year’s end as ISO 8601 does', () => {
    for (let year = 1999; year <= 2040; year += 1) {
      for (let offset = -8; offset <= 8; offset += 1) {
        const timeMs = Date.UTC(year, 0, 1) + offset * DAY_MS;
        expect(windowIdAt('week', timeMs)).toBe(countedWeek(timeMs));
      }
    }
  });

  test('lists a moment’s period of each window', () => {
    expect(windowIdsAt(at('2026-11-20T09:07:00Z'))).toEqual([
      'hour:2026-11-20T09',
      'day:2026-11-20',
      'week:2026-W47',
      'month:2026-11',
      'total',
    ]);
  });
});

describe('windowEndsAtMs', () => {
  const ending = BUDGET_WINDOWS.filter((window) => window !== 'total');

  test('is the first moment with another id', async () => {
    await fc.assert(
      fc.property(
        fc.constantFrom(...ending),
        moment,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (window, now, share) => {
          const end = windowEndsAtMs(window, now) ?? 0;
          const between = Math.floor(now + share * (end - 1 - now));
          expect(end).toBeGreaterThan(now);
          expect(windowIdAt(window, between)).toBe(windowIdAt(window, now));
          expect(windowIdAt(window, end - 1)).toBe(windowIdAt(window, now));
          expect(windowIdAt(window, end)).not.toBe(windowIdAt(window, now));
        },
      ),
    );
  });

  test.each([
    ['hour', '2026-12-31T23:30:00Z', '2027-01-01T00:00:00Z'],
    ['day', '2024-02-28T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['week', '2026-12-28T00:00:00Z', '2027-01-04T00:00:00Z'],
    ['month', '2024-01-31T12:00:00Z', '2024-02-01T00:00:00Z'],
    ['month', '2024-02-29T12:00:00Z', '2024-03-01T00:00:00Z'],
    ['month', '2026-12-31T23:59:59Z', '2027-01-01T00:00:00Z'],
  ] as const)('ends the %s of %s at %s', (window, now, end) => {
    expect(windowEndsAtMs(window, at(now))).toBe(at(end));
  });

  test('has no end for the total', () => {
    expect(windowEndsAtMs('total', 0)).toBeUndefined();
  });
});
