/** What the tokens of a model name ask the mock upstream for; the table of tokens is in `mock-upstream.ts`. */
export interface MockScript {
  readonly latencyMs: number;
  readonly chunks: number;
  readonly intervalMs: number;
  readonly bytes: number;
  readonly status: number | undefined;
  readonly fault: string | undefined;
  readonly chunksBeforeFault: number;
  readonly kind: string;
  readonly hasUsage: boolean;
}

/** Reads a model name. @param timesAsked how often it was asked before, for `-n` */
export function scriptOf(model: string, timesAsked: number): MockScript {
  const number = (letter: string): number | undefined => {
    const digits = new RegExp(`-${letter}(\\d+)`).exec(model)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  const word = (letter: string): string | undefined => new RegExp(`-${letter}([a-z]+)`).exec(model)?.[1];
  const isFaulty = timesAsked < (number('n') ?? Number.POSITIVE_INFINITY);
  return {
    latencyMs: number('l') ?? 0,
    chunks: number('c') ?? 3,
    intervalMs: number('i') ?? 0,
    bytes: number('b') ?? 0,
    status: isFaulty ? number('e') : undefined,
    fault: isFaulty ? word('f') : undefined,
    chunksBeforeFault: number('k') ?? 1,
    kind: word('x') ?? 'text',
    hasUsage: number('u') !== 0,
  };
}
