import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cosineSimilarity } from '../../lambda/domain/semantic/similarity.ts';
import type { VectorIndex } from '../../lambda/ports/vector-index.ts';

export interface OpenIndex {
  readonly index: VectorIndex;
  close(): Promise<void>;
}

export const CONTRACT_DIMENSIONS = 4;

/** What every index of vectors does. @param open an empty index of `CONTRACT_DIMENSIONS` numbers, with cosine */
export function testVectorIndex(open: () => Promise<OpenIndex>): void {
  let opened: OpenIndex;
  let index: VectorIndex;
  let partitions = 0;
  let partition: string;
  const nowMs = Date.UTC(2026, 10, 20);
  const later = nowMs + 60_000;

  beforeAll(async () => {
    opened = await open();
    index = opened.index;
  });
  afterAll(() => opened.close());
  beforeEach(() => {
    partitions += 1;
    partition = `partition-${partitions}`;
  });

  const nearest = (vector: readonly number[], changed: object = {}) =>
    index.nearest({ partition, vector, nowMs, signal: new AbortController().signal, ...changed });
  const put = (id: string, vector: readonly number[], changed: object = {}) =>
    index.put({ id: `${partition}-${id}`, partition, vector, expiresAtMs: later, ...changed });

  test('an empty partition has no nearest vector', async () => {
    expect(await nearest([1, 0, 0, 0])).toBeUndefined();
  });

  test('finds the nearest of several, and says how near it is', async () => {
    await put('far', [0, 1, 0, 0]);
    await put('near', [3, 4, 0, 0]);
    const found = await nearest([6, 8, 0, 0]);
    expect(found?.id).toBe(`${partition}-near`);
    expect(found?.similarity).toBeCloseTo(1, 6);
  });

  test('finds the nearest also where it points the other way', async () => {
    await put('opposite', [-1, 0, 0, 0]);
    const found = await nearest([1, 0, 0, 0]);
    expect(found?.similarity).toBeCloseTo(-1, 6);
  });

  test('never finds what stands in another partition', async () => {
    await put('foreign', [1, 0, 0, 0], { partition: `${partition}-other` });
    expect(await nearest([1, 0, 0, 0])).toBeUndefined();
    await put('own', [0, 1, 0, 0]);
    expect(await nearest([1, 0, 0, 0])).toMatchObject({ id: `${partition}-own` });
  });

  test('a partition whose name holds signs of a query language is a partition', async () => {
    const hostile = `${partition}"}},{"$or":[{"partition":{"$ne":""}}]`;
    await put('own', [1, 0, 0, 0]);
    expect(await nearest([1, 0, 0, 0], { partition: hostile })).toBeUndefined();
  });

  test('does not find what has expired', async () => {
    await put('old', [1, 0, 0, 0], { expiresAtMs: nowMs });
    expect(await nearest([1, 0, 0, 0])).toBeUndefined();
    expect(await nearest([1, 0, 0, 0], { nowMs: nowMs - 1 })).toMatchObject({ id: `${partition}-old` });
  });

  test('an id that is put again replaces what was there', async () => {
    await put('same', [1, 0, 0, 0], { expiresAtMs: nowMs });
    await put('same', [0, 1, 0, 0]);
    const found = await nearest([1, 0, 0, 0]);
    expect(found?.id).toBe(`${partition}-same`);
    expect(found?.similarity).toBeCloseTo(0, 6);
  });

  test('gives up when its signal aborts', async () => {
    await put('there', [1, 0, 0, 0]);
    await expect(nearest([1, 0, 0, 0], { signal: AbortSignal.abort() })).rejects.toThrow();
  });

  test('says of every pair what the cosine of its angle is, to six places', async () => {
    const numbers = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), {
      minLength: CONTRACT_DIMENSIONS,
      maxLength: CONTRACT_DIMENSIONS,
    });
    const vectors = numbers.filter((vector) => Math.hypot(...vector) > 0.01);
    await fc.assert(
      fc.asyncProperty(vectors, vectors, async (stored, asked) => {
        await put('one', stored);
        const found = await nearest(asked);
        expect(found?.similarity).toBeCloseTo(cosineSimilarity(stored, asked) ?? Number.NaN, 5);
      }),
      { numRuns: 30 },
    );
  });
}
