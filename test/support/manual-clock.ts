import { systemClock } from '../../lambda/adapters/system-clock/system-clock.ts';
import type { Clock } from '../../lambda/ports/clock.ts';

/** A clock that goes only when it is told to; it sleeps in real time. */
export class ManualClock implements Clock {
  nowMs: number;
  /** How far `now` is ahead of the others' clocks. */
  skewMs = 0;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs + this.skewMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  random(): number {
    return systemClock.random();
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(durationMs, signal);
  }
}
