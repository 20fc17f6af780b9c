import { expect, test } from '@jest/globals';
import { systemClock } from '../../../lambda/adapters/system-clock/system-clock.ts';

test('tells Unix milliseconds, durations that never fall, and chance in [0, 1)', () => {
  expect(systemClock.now()).toBeGreaterThan(Date.UTC(2026, 0));
  const before = systemClock.monotonicMs();
  expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before);
  const chance = systemClock.random();
  expect(chance >= 0 && chance < 1).toBe(true);
});

test('sleeps, and ends early without an error when the signal aborts', async () => {
  await systemClock.sleep(1);
  const leaving = new AbortController();
  const sleep = systemClock.sleep(3_600_000, leaving.signal);
  leaving.abort();
  await expect(sleep).resolves.toBeUndefined();
  await expect(systemClock.sleep(3_600_000, leaving.signal)).resolves.toBeUndefined();
});
