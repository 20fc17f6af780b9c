import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { runSchedule, type Schedule, schedules } from '../../support/money-schedule.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

/** `bench/money-schedules.ts` runs thousands. */
const RUNS = 40;

test('no schedule of requests, crashes, faults, sweeps and clock jumps overspends or loses count', async () => {
  await fc.assert(
    fc.asyncProperty(schedules, async (schedule: Schedule) => {
      expect(await runSchedule(engine, schedule)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
}, 120_000);

test.each(['no-limit', 'no-fence', 'no-entry'] as const)(
  'a ledger broken on purpose (%s) is caught',
  async (sabotage) => {
    const found = await fc.check(
      fc.asyncProperty(
        schedules,
        async (schedule: Schedule) => (await runSchedule(engine, schedule, sabotage)).length === 0,
      ),
      { numRuns: 300, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
    // By its sums, not by an error of the engine.
    expect(String(found.errorInstance)).toContain('returning false');
  },
  120_000,
);
