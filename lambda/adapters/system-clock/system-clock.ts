import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** The machine's own time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Not `performance`, which is loaded at its first use: 1.5 ms of a cold start.
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  random: () => Math.random(),
  sleep: async (durationMs, signal) => {
    try {
      await delay(durationMs, undefined, signal === undefined ? {} : { signal });
    } catch {
      // A sleep fails in one way only: it was aborted, which is an early end.
    }
  },
};
