import fc from 'fast-check';
import type { Json } from '../../lambda/domain/json.ts';

/** The body with one value in it, chosen by the seed, replaced. */
export function replaceSomewhere(body: Json, value: Json, seed: number): Json {
  if (typeof body !== 'object' || body === null) return value;
  const names = Object.keys(body);
  const name = names[seed % Math.max(1, names.length)];
  if (name === undefined) return value;
  const copy = structuredClone(body) as Record<string, Json>;
  const isHere = seed % 3 === 0;
  copy[name] = isHere ? value : replaceSomewhere(copy[name] ?? null, value, Math.floor(seed / 3));
  return copy;
}

export const bytesOf = (stream: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(stream);

/** One of the streams with some of its bytes changed. */
export const flippedStream = (
  streams: readonly Uint8Array<ArrayBuffer>[],
): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc
    .tuple(
      fc.constantFrom(...streams),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
    )
    .map(([bytes, flips]) => {
      const changed = bytes.slice();
      for (const [at, value] of flips) changed[at % changed.length] = value;
      return changed;
    });

/** One of the streams without its end. @param most how much of it is kept at the most, as a share */
export const cutStream = (
  streams: readonly Uint8Array<ArrayBuffer>[],
  most: number = 1,
): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc
    .tuple(fc.constantFrom(...streams), fc.double({ min: 0, max: most, noNaN: true }))
    .map(([bytes, share]) => bytes.subarray(0, Math.floor(bytes.length * share)));

/** JSON of any shape whose members have a format's names, and whose values mean something to it. */
export function jsonWith(
  names: readonly string[],
  words: readonly Json[],
  size: { readonly maxDepth: number; readonly maxLength?: number; readonly maxKeys?: number },
): fc.Arbitrary<Json> {
  const { maxDepth, maxLength = 3, maxKeys = 6 } = size;
  return fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth },
      fc.constantFrom<Json[]>(null, true, 0, 1, -1, 1e300, '', 'x', ...words),
      fc.array(tie('value'), { maxLength }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys }),
    ),
  })).value;
}
