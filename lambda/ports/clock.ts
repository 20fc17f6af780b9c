/** Time and chance, given to whatever needs them. */
export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  /** Milliseconds of a clock that never jumps, for durations. */
  monotonicMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Ends early, without error, when the signal aborts. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}
