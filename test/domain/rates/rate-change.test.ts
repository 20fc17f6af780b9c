import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { blockAhead, planChange, type RateChange } from '../../../lambda/domain/rates/rate-change.ts';
import {
  COUNTED,
  counterOf,
  countName,
  limitName,
  NO_DEMAND,
  RATE_WINDOW_MS,
  type RateCounters,
  type RateDemand,
  type RateLimits,
  type RateWindow,
  slotsName,
  slotsUsed,
  usedAt,
  windowAt,
} from '../../../lambda/domain/rates/rate-window.ts';

const MINUTE = 29_380_000;

const holds = ({ minute, changes, removals }: RateChange, counters: RateCounters): boolean =>
  counterOf(counters, 'minute') <= minute &&
  [...changes].every(([name, { atMost = Number.POSITIVE_INFINITY, atLeast = 0 }]) => {
    const before = counterOf(counters, name);
    return before <= atMost && before >= atLeast;
  }) &&
  [...removals].every(([name, held]) => held === undefined || counters[name] === held);

/** What a store makes of a change: `undefined` where a condition does not hold. */
function carriedOut(change: RateChange, counters: RateCounters): RateCounters | undefined {
  if (!holds(change, counters)) return undefined;
  const after = new Map(Object.entries({ ...counters, minute: change.minute }));
  for (const [name, { add }] of change.changes)
    if (add !== 0) after.set(name, counterOf(counters, name) + add);
  for (const name of change.removals.keys()) after.delete(name);
  return Object.fromEntries(after);
}

/** Whether a moment's counts are within the limits, and no counter contradicts another. */
function expectSound(
  counters: RateCounters,
  limits: RateLimits,
  demand: RateDemand,
  window: RateWindow,
): void {
  for (const counted of COUNTED) {
    const limit = limits[limitName[counted]] ?? Number.POSITIVE_INFINITY;
    if (demand[counted] > 0) expect(usedAt(counters, counted, window)).toBeLessThanOrEqual(limit);
  }
  expect(slotsUsed(counters, window)).toBeLessThanOrEqual(
    limits.concurrentRequests ?? Number.POSITIVE_INFINITY,
  );
  expect(Math.min(...Object.values(counters))).toBeGreaterThanOrEqual(0);
  const slots = Object.entries(counters).filter(([name]) => name.startsWith('slots:'));
  expect(slots.reduce((sum, [, count]) => sum + count, 0)).toBe(counterOf(counters, 'slots'));
}

const smallCount = fc.nat({ max: 60 });
/** Counters with a latest minute around the clock's own, and any counts beside it. */
const anyCounters = fc
  .record({
    minute: fc.option(fc.integer({ min: MINUTE - 3, max: MINUTE + 1 }), { nil: undefined }),
    requests: fc.array(smallCount, { minLength: 5, maxLength: 5 }),
    tokens: fc.array(smallCount, { minLength: 5, maxLength: 5 }),
    slots: fc.array(fc.nat({ max: 3 }), { minLength: 5, maxLength: 5 }),
  })
  .map(({ minute, requests, tokens, slots }): RateCounters => {
    if (minute === undefined) return {};
    const counts = requests.flatMap((count, ago) => [
      [countName('requests', minute - ago), count],
      [countName('tokens', minute - ago), tokens[ago] ?? 0],
    ]);
    const held = slots.map((count, index) => [slotsName(MINUTE - 1 + index), count]);
    const total = slots.reduce((sum, count) => sum + count, 0);
    return Object.fromEntries([['minute', minute], ['slots', total], ...counts, ...held]);
  });

const anyPlan = fc.record({
  believed: anyCounters,
  store: anyCounters,
  isKnown: fc.boolean(),
  limits: fc.record(
    {
      requestsPerMinute: fc.nat({ max: 150 }),
      tokensPerMinute: fc.nat({ max: 150 }),
      concurrentRequests: fc.nat({ max: 12 }),
    },
    { requiredKeys: [] },
  ),
  demand: fc.record({
    requests: fc.integer({ min: 1, max: 20 }),
    tokens: smallCount,
    slots: fc.integer({ min: 1, max: 4 }),
  }),
  elapsedMs: fc.nat({ max: 59_999 }),
  back: fc.record({ requests: fc.nat({ max: 5 }), tokens: fc.nat({ max: 30 }), slots: fc.nat({ max: 2 }) }),
  /** Minutes before this one in which what is given back was taken. */
  ago: fc.nat({ max: 3 }),
});

describe('planChange', () => {
  test('never takes more than the limits allow, whatever was believed and whatever is true', () => {
    let carried = 0;
    fc.assert(
      fc.property(anyPlan, ({ believed, store, isKnown, limits, demand, elapsedMs, back, ago }) => {
        const nowMs = MINUTE * RATE_WINDOW_MS + elapsedMs;
        const counters = isKnown ? store : believed;
        const window = windowAt(counters, nowMs);
        const giveBack = new Map([
          [countName('requests', MINUTE - ago), back.requests],
          [countName('tokens', MINUTE - ago), back.tokens],
          [slotsName(MINUTE + 1), back.slots],
        ]);
        const expiryMinute = window.minute + 2;
        const change = planChange({ limits, counters, window, demand, expiryMinute, giveBack });
        const after = carriedOut(change, store);
        if (after === undefined) return;
        carried += 1;
        const then = windowAt(after, nowMs);
        expect(then).toEqual(window);
        expectSound(after, limits, demand, then);
      }),
      { numRuns: 5000 },
    );
    expect(carried).toBeGreaterThan(500);
  });

  test('goes through at once where the scope is known and the demand fits', () => {
    fc.assert(
      fc.property(anyPlan, ({ store, limits, demand, elapsedMs }) => {
        const window = windowAt(store, MINUTE * RATE_WINDOW_MS + elapsedMs);
        const fits =
          usedAt(store, 'requests', window) + demand.requests <= (limits.requestsPerMinute ?? Infinity) &&
          (demand.tokens === 0 ||
            usedAt(store, 'tokens', window) + demand.tokens <= (limits.tokensPerMinute ?? Infinity)) &&
          slotsUsed(store, window) + demand.slots <= (limits.concurrentRequests ?? Infinity);
        const plan = { limits, counters: store, window, demand, expiryMinute: window.minute + 2 };
        expect(carriedOut(planChange({ ...plan, giveBack: new Map() }), store) !== undefined).toBe(fits);
      }),
      { numRuns: 5000 },
    );
  });

  test('goes through at the first try of a process that knows nothing, while less than half is used', () => {
    const limits = { requestsPerMinute: 100 };
    const window = { minute: MINUTE, elapsedMs: 0 };
    const demand = { ...NO_DEMAND, requests: 1 };
    const plan = planChange({
      limits,
      counters: {},
      window,
      demand,
      expiryMinute: MINUTE + 1,
      giveBack: new Map(),
    });
    const store = (previous: number, current: number): RateCounters => ({
      minute: MINUTE,
      [countName('requests', MINUTE - 1)]: previous,
      [countName('requests', MINUTE)]: current,
    });
    expect(carriedOut(plan, store(49, 50))).toBeDefined();
    expect(carriedOut(plan, store(50, 0))).toBeUndefined();
    expect(carriedOut(plan, store(0, 51))).toBeUndefined();
  });

  test('removes the counters of minutes that no longer matter', () => {
    const old = Object.fromEntries(
      Array.from({ length: 100 }, (_, ago) => [countName('tokens', MINUTE - 2 - ago), 1]),
    );
    const window = { minute: MINUTE, elapsedMs: 0 };
    const demand = { ...NO_DEMAND, requests: 1 };
    let store: RateCounters = { ...old, minute: MINUTE - 1, [countName('requests', MINUTE - 2)]: 5 };
    for (let write = 0; write < 3; write += 1) {
      const plan = { limits: {}, counters: store, window, demand, expiryMinute: MINUTE + 1 };
      store = carriedOut(planChange({ ...plan, giveBack: new Map() }), store) ?? {};
    }
    expect(store).toEqual({ minute: MINUTE, [countName('requests', MINUTE)]: 3 });
  });
});

describe('blockAhead', () => {
  const window = { minute: MINUTE, elapsedMs: 30_000 };
  const demand = { requests: 1, tokens: 10, slots: 0 };
  const busy = (perMinute: number): RateCounters => ({ [countName('requests', MINUTE - 1)]: perMinute });

  test('is nothing in a scope with fewer requests than a partition bears', () => {
    const limits = { requestsPerMinute: 1_000_000 };
    expect(blockAhead({ limits, counters: busy(11_000), window, demand }, 1000)).toEqual(NO_DEMAND);
  });

  test('keeps the writes of a hot scope at about a hundred a second', () => {
    const limits = { requestsPerMinute: 1_000_000, tokensPerMinute: 100_000_000 };
    expect(blockAhead({ limits, counters: busy(120_000), window, demand }, 1000)).toEqual({
      requests: 19,
      tokens: 190,
      slots: 0,
    });
  });

  test('is no more than the process itself will soon need', () => {
    const limits = { requestsPerMinute: 1_000_000 };
    expect(blockAhead({ limits, counters: busy(120_000), window, demand }, 0.5).requests).toBe(4);
  });

  test('shrinks to nothing near a limit, or to a five-thousandth of one that is high', () => {
    const near = (limit: number, left: number) =>
      blockAhead(
        {
          limits: { requestsPerMinute: limit },
          counters: { [countName('requests', MINUTE)]: limit - left, ...busy(0) },
          window,
          demand,
        },
        1000,
      ).requests;
    expect(near(60_000, 641)).toBe(12);
    expect(near(120_000, 641)).toBe(24);
    expect(near(4000, 65)).toBe(0);
    expect(near(120_000, 3)).toBe(2);
    expect(near(120_000, 0)).toBe(0);
  });
});
