import { describe, expect, test } from '@jest/globals';
import { runBudgetStorm, type StormReport } from '../support/budget-storm.ts';

const LIMIT_USD = 0.05;
const STORM = {
  requests: 120,
  processes: 4,
  limitUsd: LIMIT_USD,
  scope: 'key',
  untilRefused: false,
  sweep: 'now',
} as const;

function expectExactBooks(report: StormReport): void {
  expect(report.spent).toBe(report.sumOfRecords);
  expect(report.spent).toBeLessThanOrEqual(report.limit);
  expect(report.spent).toBeGreaterThanOrEqual((report.limit * 9n) / 10n);
  expect(report.reserved).toBe(0n);
}

describe('a hard budget that four processes on one store draw on at once', () => {
  test('is used up and never overspent, and the books agree', async () => {
    const report = await runBudgetStorm({ ...STORM, kill: false });
    expectExactBooks(report);
    expect(Object.keys(report.answers).sort()).toEqual(['200', '402']);
  }, 60_000);

  test('is neither overspent nor lost when all of them are killed in the middle', async () => {
    const report = await runBudgetStorm({ ...STORM, kill: true });
    expect(report.openAfterKill).toBeGreaterThan(0);
    expect(report.swept).toBeGreaterThan(0);
    expectExactBooks(report);
  }, 60_000);
});
