/** The value below which a share (0..1) of the values lies, between neighbours in proportion; `undefined` of none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low === undefined || high === undefined ? undefined : low + (high - low) * (at - Math.floor(at));
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What several rounds said. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** `undefined` of no values. Unknown ones are left out. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const known = values.filter((value) => value !== undefined);
  const median = percentile(known, 0.5);
  return median === undefined ? undefined : { median, min: Math.min(...known), max: Math.max(...known) };
}
