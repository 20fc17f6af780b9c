import type { SimulatedAnswer } from '../contract.ts';

/** A call to a simulated provider, with the time and chance it may use. */
export interface SimulatedCall {
  /** After the base address. */
  readonly path: string;
  readonly body: string;
  sleep(durationMs: number): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
  /** Unix time in milliseconds. */
  now(): number;
}

export type Simulator = (call: SimulatedCall) => SimulatedAnswer;

/** What goes wrong with a call of the model `flaky`. */
export type SimulatedFault = 'none' | 'overloaded' | 'cut';

/** After so many pieces a cut answer breaks off. */
export const PIECES_BEFORE_CUT = 5;

/** Every second call fails, in turns before its first token and after some. One object counts for one provider. */
export function faultSequence(): () => SimulatedFault {
  const turns: readonly SimulatedFault[] = ['none', 'overloaded', 'none', 'cut'];
  let calls = 0;
  return () => {
    const fault = turns[calls % turns.length] ?? 'none';
    calls += 1;
    return fault;
  };
}

/** Thrown while a body is read, as a broken connection is. */
export class SimulatedCutError extends Error {
  constructor() {
    super('The simulated connection was cut.');
    this.name = 'SimulatedCutError';
  }
}

/** Letters and digits at random, as ids have them. */
export function randomId(random: () => number, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

const ENCODER = new TextEncoder();

/** Texts as a body. */
export async function* bodyOf(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield ENCODER.encode(text);
}

/** A whole answer, after the time its pieces take; cut, it breaks off half way. */
export async function* wholeBody(
  call: SimulatedCall,
  text: string,
  options: { readonly delayMs: number; readonly isCut: boolean },
): AsyncGenerator<Uint8Array> {
  await call.sleep(options.delayMs);
  if (!options.isCut) {
    yield ENCODER.encode(text);
    return;
  }
  yield ENCODER.encode(text.slice(0, text.length / 2));
  throw new SimulatedCutError();
}
