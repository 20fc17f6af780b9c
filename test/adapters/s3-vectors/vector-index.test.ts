import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { s3VectorIndex, s3VectorUpkeep } from '../../../lambda/adapters/s3-vectors/vector-index.ts';
import type { VectorIndex, VectorUpkeep } from '../../../lambda/ports/vector-index.ts';
import { hurriedClock } from '../../support/engine.ts';
import { type FakeS3Vectors, startFakeS3Vectors } from '../../support/fake-s3-vectors.ts';
import { CONTRACT_DIMENSIONS, testVectorIndex } from '../vector-index-contract.ts';

const optionsFor = (fake: FakeS3Vectors) => ({
  indexArn: fake.indexArn,
  client: {
    endpoint: fake.url,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
  },
});

testVectorIndex(async () => {
  const fake = await startFakeS3Vectors(CONTRACT_DIMENSIONS);
  return { index: s3VectorIndex(optionsFor(fake)), close: fake.close };
});

const HOUR_MS = 3_600_000;
const nowMs = Date.UTC(2026, 10, 20);
const vector = [1, 0, 0, 0];

describe('Amazon S3 Vectors', () => {
  let fake: FakeS3Vectors;
  let index: VectorIndex;
  let upkeep: VectorUpkeep;

  beforeAll(async () => {
    fake = await startFakeS3Vectors(CONTRACT_DIMENSIONS);
    index = s3VectorIndex(optionsFor(fake));
    upkeep = s3VectorUpkeep({ ...optionsFor(fake), clock: hurriedClock });
  });
  afterAll(() => fake.close());
  beforeEach(() => {
    fake.vectors.clear();
    fake.answerQuery = undefined;
    fake.failWith = undefined;
  });

  const nearest = () =>
    index.nearest({ partition: 'p', vector, nowMs, signal: new AbortController().signal });

  test('is asked with partition and expiry in the query itself, signed for its own name', async () => {
    await index.put({ id: 'answer-1', partition: 'p', vector, expiresAtMs: nowMs + 1 });
    expect(await nearest()).toEqual({ id: 'answer-1', similarity: 1 });
    expect(fake.calls.slice(-2)).toEqual([
      {
        operation: 'PutVectors',
        signedFor: 's3vectors/eu-central-1',
        input: {
          indexArn: fake.indexArn,
          vectors: [
            {
              key: 'answer-1',
              data: { float32: vector },
              metadata: { partition: 'p', expiresAtMs: nowMs + 1 },
            },
          ],
        },
      },
      {
        operation: 'QueryVectors',
        signedFor: 's3vectors/eu-central-1',
        input: {
          indexArn: fake.indexArn,
          topK: 1,
          queryVector: { float32: vector },
          filter: { $and: [{ partition: { $eq: 'p' } }, { expiresAtMs: { $gt: nowMs } }] },
          returnMetadata: true,
          returnDistance: true,
        },
      },
    ]);
  });

  test.each([
    ['another partition', { metadata: { partition: 'q', expiresAtMs: nowMs + 1 } }],
    ['an expired vector', { metadata: { partition: 'p', expiresAtMs: nowMs } }],
    ['no metadata', { metadata: undefined }],
    ['metadata of another shape', { metadata: { partition: ['p'], expiresAtMs: 'soon' } }],
    ['no distance', { distance: undefined }],
  ])('an index that answers with %s is not believed', async (_what, changed) => {
    const honest = { key: 'a', distance: 0, metadata: { partition: 'p', expiresAtMs: nowMs + 1 } };
    fake.answerQuery = () => ({ vectors: [{ ...honest, ...changed }], distanceMetric: 'cosine' });
    expect(await nearest()).toBeUndefined();
  });

  test('an index that measures otherwise is not believed', async () => {
    await index.put({ id: 'a', partition: 'p', vector, expiresAtMs: nowMs + 1 });
    fake.answerQuery = (vectors) => ({ vectors, distanceMetric: 'euclidean' });
    expect(await nearest()).toBeUndefined();
  });

  test('a service that fails is asked once', async () => {
    fake.failWith = 503;
    const before = fake.calls.length;
    await expect(nearest()).rejects.toThrow();
    expect(fake.calls.length - before).toBe(1);
  });

  test('expired vectors of the hour’s segment are deleted, over all pages, and no others', async () => {
    const hour = Math.floor(nowMs / HOUR_MS) % 16;
    const put = (id: string, expiresAtMs: number) => index.put({ id, partition: 'p', vector, expiresAtMs });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(`${name}-old-${hour}`, nowMs);
    await put(`living-${hour}`, nowMs + 1);
    await put(`other-segment-old-${(hour + 1) % 16}`, nowMs);
    expect(await upkeep.removeExpired(nowMs, Number.POSITIVE_INFINITY)).toBe(5);
    expect([...fake.vectors.keys()]).toEqual([`living-${hour}`, `other-segment-old-${(hour + 1) % 16}`]);
  });

  test('deleting stops at its deadline', async () => {
    const hour = Math.floor(nowMs / HOUR_MS) % 16;
    for (const name of ['a', 'b', 'c'])
      await index.put({ id: `${name}-${hour}`, partition: 'p', vector, expiresAtMs: nowMs });
    expect(await upkeep.removeExpired(nowMs, 0)).toBe(2);
    expect(fake.vectors.size).toBe(1);
  });
});
