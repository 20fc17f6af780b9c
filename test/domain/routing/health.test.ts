import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { deploymentId } from '../../../lambda/domain/ids.ts';
import {
  addOutcomes,
  type DeploymentHealth,
  HEALTH_FLOOR,
  healthOf,
  isCoolingDown,
  NO_OUTCOMES,
  nextHealth,
  type OutcomeCounts,
} from '../../../lambda/domain/routing/health.ts';

const failing: OutcomeCounts = { ...NO_OUTCOMES, failures: 10 };
const answering: OutcomeCounts = {
  ...NO_OUTCOMES,
  successes: 10,
  timedSuccesses: 10,
  timeToFirstTokenMs: 2_000,
};
const full: OutcomeCounts = { ...NO_OUTCOMES, rateLimited: 10 };

const outcomes: fc.Arbitrary<OutcomeCounts> = fc.record({
  successes: fc.nat({ max: 10_000 }),
  failures: fc.nat({ max: 10_000 }),
  rateLimited: fc.nat({ max: 10_000 }),
  timedSuccesses: fc.nat(),
  timeToFirstTokenMs: fc.nat(),
});
const health = fc.double({ min: 0, max: 1, noNaN: true });

/** Health after each of some minutes, the first being where it starts. */
function over(start: number, minutes: readonly OutcomeCounts[]): number[] {
  const seen = [start];
  for (const minute of minutes) seen.push(nextHealth(seen.at(-1) ?? start, minute));
  return seen;
}
const minutes = (count: number, seen: OutcomeCounts): OutcomeCounts[] =>
  Array.from({ length: count }, () => seen);

describe('nextHealth', () => {
  test('stays between 0 and 1, whatever is seen for however long', async () => {
    await fc.assert(
      fc.property(health, fc.array(outcomes, { maxLength: 30 }), (start, seen) => {
        for (const value of over(start, seen)) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('does not change where nothing was seen', async () => {
    await fc.assert(
      fc.property(health, (previous) => expect(nextHealth(previous, NO_OUTCOMES)).toBe(previous)),
    );
  });

  test('falls below the floor within two minutes of nothing but failures', () => {
    expect(over(1, minutes(2, failing)).at(-1)).toBeLessThan(HEALTH_FLOOR);
  });

  test('returns above the floor within three minutes of nothing but answers, and to 1 within twenty', async () => {
    await fc.assert(
      fc.property(health, (start) => {
        expect(over(start, minutes(3, answering)).at(-1)).toBeGreaterThan(HEALTH_FLOOR);
        expect(over(start, minutes(20, answering)).at(-1)).toBe(1);
      }),
    );
  });

  test('stays above 0 after any number of failures, so that a weighted group hears of the recovery', () => {
    expect(over(1, minutes(1_000, failing)).at(-1)).toBeGreaterThan(0);
  });

  test('falls faster than it rises', () => {
    const [start = 0, fallen = 0, risen = 0] = over(1, [failing, answering]);
    expect(start - fallen).toBeGreaterThan(risen - fallen);
  });

  test('stays below the floor for a deployment that fails every other minute', () => {
    const alternating = minutes(20, failing).flatMap((minute) => [minute, answering]);
    const settled = over(1, alternating).slice(4);
    expect(Math.max(...settled)).toBeLessThan(HEALTH_FLOOR);
  });

  test('counts a 429 half: a deployment that is full comes to the floor, and not below', () => {
    expect(over(1, minutes(50, full)).at(-1)).toBeCloseTo(HEALTH_FLOOR);
    expect(Math.min(...over(1, minutes(50, full)))).toBeGreaterThanOrEqual(HEALTH_FLOOR);
  });

  test('never falls on better outcomes than it rises to on worse ones', async () => {
    await fc.assert(
      fc.property(health, outcomes, fc.nat({ max: 100 }), (previous, seen, more) => {
        const better = { ...seen, successes: seen.successes + more };
        fc.pre(seen.successes + seen.failures + seen.rateLimited > 0);
        expect(nextHealth(previous, better)).toBeGreaterThanOrEqual(nextHealth(previous, seen) - 1e-12);
      }),
    );
  });
});

describe('outcomes', () => {
  test('add up field by field', async () => {
    await fc.assert(
      fc.property(outcomes, outcomes, (a, b) => {
        expect(addOutcomes(a, b)).toEqual(addOutcomes(b, a));
        expect(addOutcomes(a, b)).toEqual({
          successes: a.successes + b.successes,
          failures: a.failures + b.failures,
          rateLimited: a.rateLimited + b.rateLimited,
          timedSuccesses: a.timedSuccesses + b.timedSuccesses,
          timeToFirstTokenMs: a.timeToFirstTokenMs + b.timeToFirstTokenMs,
        });
      }),
    );
  });
});

describe('the health table', () => {
  const known = deploymentId('openai/gpt-5');
  const row: DeploymentHealth = {
    deployment: known,
    health: 0.4,
    cooldownUntilMs: 1_000,
    lastUsedAtMs: 0,
    updatedAtMs: 0,
  };
  const table = new Map([[known, row]]);

  test('trusts a deployment nothing is known of', () => {
    expect(healthOf(table, known)).toBe(0.4);
    expect(healthOf(table, deploymentId('openai/gpt-5-mini'))).toBe(1);
    expect(isCoolingDown(table, deploymentId('openai/gpt-5-mini'), 0)).toBe(false);
  });

  test('ends a cooldown at its moment', () => {
    expect(isCoolingDown(table, known, 999)).toBe(true);
    expect(isCoolingDown(table, known, 1_000)).toBe(false);
  });
});
