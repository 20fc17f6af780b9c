/**
 * Nanoseconds of CLOCK_MONOTONIC: one clock for all processes of a machine, so that a moment written by one can be
 * subtracted from a moment seen by another. A double holds a hundred days of them exactly.
 */
export const monotonicNs = (): number => Number(process.hrtime.bigint());

export const NS_PER_MS = 1e6;
