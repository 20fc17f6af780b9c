import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  countName,
  NO_DEMAND,
  RATE_WINDOW_MS,
  type RateCounters,
  shareOf,
  shortageOf,
  slotsName,
  strictest,
  usedAt,
  windowAt,
} from '../../../lambda/domain/rates/rate-window.ts';

const MINUTE = 29_380_000;
const at = (elapsedMs: number): number => MINUTE * RATE_WINDOW_MS + elapsedMs;
const counted = (previous: number, current: number): RateCounters => ({
  minute: MINUTE,
  [countName('requests', MINUTE - 1)]: previous,
  [countName('requests', MINUTE)]: current,
});
const one = { ...NO_DEMAND, requests: 1 };

describe('windowAt', () => {
  test('is the minute of the clock, and how far it has gone', () => {
    expect(windowAt({}, at(12_345))).toEqual({ minute: MINUTE, elapsedMs: 12_345 });
  });

  test('is the beginning of a later minute in which somebody else has counted already', () => {
    expect(windowAt({ minute: MINUTE + 1 }, at(59_000))).toEqual({ minute: MINUTE + 1, elapsedMs: 0 });
  });
});

describe('shareOf', () => {
  test('is the whole previous count when a minute begins, rounded up on the way, and nothing when it ends', () => {
    const share = (elapsedMs: number): number => shareOf(7, { minute: MINUTE, elapsedMs });
    expect([0, 1, 30_000, 59_999, 60_000].map(share)).toEqual([7, 7, 4, 1, 0]);
  });

  test('never grows as time goes by', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1e9 }),
        fc.nat({ max: 60_000 }),
        fc.nat({ max: 60_000 }),
        (previous, a, b) => {
          const [early, late] = a < b ? [a, b] : [b, a];
          expect(shareOf(previous, { minute: 0, elapsedMs: late })).toBeLessThanOrEqual(
            shareOf(previous, { minute: 0, elapsedMs: early }),
          );
        },
      ),
    );
  });
});

describe('shortageOf', () => {
  test('says when a request fits, and not a millisecond too early', () => {
    fc.assert(
      fc.property(
        fc.record({
          limit: fc.integer({ min: 1, max: 10_000 }),
          previous: fc.nat({ max: 10_000 }),
          current: fc.nat({ max: 10_000 }),
          amount: fc.integer({ min: 1, max: 5000 }),
          elapsedMs: fc.nat({ max: 59_999 }),
        }),
        ({ limit, previous, current, amount, elapsedMs }) => {
          const counters = counted(Math.min(previous, limit), Math.min(current, limit));
          const demand = { ...NO_DEMAND, requests: amount };
          const shortage = (nowMs: number) =>
            shortageOf({ requestsPerMinute: limit }, counters, demand, nowMs);
          const now = shortage(at(elapsedMs));
          if (now === undefined) return;
          if (amount > limit) {
            expect(now.fitsAtMs).toBeUndefined();
            return;
          }
          const fitsAtMs = now.fitsAtMs ?? Number.NaN;
          expect(fitsAtMs).toBeGreaterThan(at(elapsedMs));
          expect(shortage(fitsAtMs)).toBeUndefined();
          expect(shortage(fitsAtMs - 1)).toBeDefined();
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('names the limit that takes longest', () => {
    const counters = { ...counted(0, 10), [countName('tokens', MINUTE)]: 90 };
    const limits = { requestsPerMinute: 10, tokensPerMinute: 100 };
    expect(shortageOf(limits, counters, { ...one, tokens: 101 }, at(0))).toMatchObject({
      limit: 'tokensPerMinute',
      allowed: 100,
      used: 90,
      fitsAtMs: undefined,
    });
    expect(shortageOf(limits, counters, { ...one, tokens: 1 }, at(0))).toMatchObject({
      limit: 'requestsPerMinute',
    });
  });

  test('counts no slot whose request must have ended', () => {
    const limits = { concurrentRequests: 2 };
    const demand = { ...one, slots: 1 };
    const running = { slots: 2, [slotsName(MINUTE + 1)]: 1, [slotsName(MINUTE + 5)]: 1 };
    expect(shortageOf(limits, running, demand, at(59_999))).toMatchObject({ used: 2 });
    expect(shortageOf(limits, running, demand, at(60_000))).toBeUndefined();
  });

  test('lets nothing through where nothing is allowed', () => {
    expect(shortageOf({ requestsPerMinute: 0 }, {}, one, at(0))).toMatchObject({ fitsAtMs: undefined });
    expect(shortageOf({}, {}, one, at(0))).toBeUndefined();
  });
});

test('what was taken in one minute counts no more when the next one ends', () => {
  const counters = counted(0, 9);
  expect(usedAt(counters, 'requests', windowAt(counters, at(59_999)))).toBe(9);
  expect(usedAt(counters, 'requests', windowAt(counters, at(2 * 60_000 - 1)))).toBe(1);
  expect(usedAt(counters, 'requests', windowAt(counters, at(2 * 60_000)))).toBe(0);
});

test('several limits allow the least of each kind', () => {
  expect(
    strictest([
      { requestsPerMinute: 5, tokensPerMinute: 9 },
      { requestsPerMinute: 3, concurrentRequests: 0 },
    ]),
  ).toEqual({
    requestsPerMinute: 3,
    tokensPerMinute: 9,
    concurrentRequests: 0,
  });
  expect(strictest([])).toEqual({});
});
