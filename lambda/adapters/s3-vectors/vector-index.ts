import {
  DeleteVectorsCommand,
  ListVectorsCommand,
  type ListVectorsCommandOutput,
  PutVectorsCommand,
  QueryVectorsCommand,
  S3VectorsClient,
  type S3VectorsClientConfig,
} from '@aws-sdk/client-s3vectors';
import { isJsonObject } from '../../domain/json.ts';
import type { Clock } from '../../ports/clock.ts';
import type { VectorIndex, VectorUpkeep } from '../../ports/vector-index.ts';

const CONNECTION_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html */
const MOST_LISTED = 500;
/** Into so many parts an index can be listed. */
const SEGMENTS = 16;
const HOUR_MS = 3_600_000;

/** What is kept beside a vector. Each of its members can be filtered by. */
interface Metadata {
  readonly partition: string;
  readonly expiresAtMs: number;
}

/** An index of Amazon S3 Vectors with the metric `cosine`, by its ARN. */
export interface VectorIndexOptions {
  readonly indexArn: string;
  /** @default the environment's region and credentials */
  readonly client?: S3VectorsClientConfig;
}

/**
 * Vectors in Amazon S3. A query filters by partition and expiry itself, and what it answers is looked at again: the
 * index's answer is approximate, and a foreign tenant's vector must not depend on a filter alone.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-metadata-filtering.html
 */
export function s3VectorIndex({ indexArn, client: config = {} }: VectorIndexOptions): VectorIndex {
  const client = vectorsClient(config);
  return {
    async put({ id, vector, partition, expiresAtMs }) {
      const metadata: Metadata = { partition, expiresAtMs };
      await client.send(
        new PutVectorsCommand({
          indexArn,
          vectors: [{ key: id, data: { float32: [...vector] }, metadata: { ...metadata } }],
        }),
      );
    },
    async nearest({ partition, vector, nowMs, signal }) {
      const { vectors = [], distanceMetric } = await client.send(
        new QueryVectorsCommand({
          indexArn,
          topK: 1,
          queryVector: { float32: [...vector] },
          filter: { $and: [{ partition: { $eq: partition } }, { expiresAtMs: { $gt: nowMs } }] },
          returnMetadata: true,
          returnDistance: true,
        }),
        { abortSignal: signal },
      );
      const [{ key, distance, metadata } = {}] = vectors;
      if (key === undefined || distance === undefined || distanceMetric !== 'cosine') return undefined;
      const found = readMetadata(metadata);
      if (found?.partition !== partition || found.expiresAtMs <= nowMs) return undefined;
      return { id: key, similarity: 1 - distance };
    },
  };
}

/**
 * Deletes expired vectors, which the service itself never does. Each hour has one of sixteen parts of the index, so that
 * a vector is gone within sixteen hours of its expiry, and an index of a million costs about sixty listings an hour.
 */
export function s3VectorUpkeep({
  indexArn,
  clock,
  client: config = {},
}: VectorIndexOptions & { readonly clock: Clock }): VectorUpkeep {
  const client = vectorsClient(config);
  return {
    async removeExpired(nowMs, deadlineMs) {
      let removed = 0;
      let nextToken: string | undefined;
      do {
        const page: ListVectorsCommandOutput = await client.send(
          new ListVectorsCommand({
            indexArn,
            maxResults: MOST_LISTED,
            segmentCount: SEGMENTS,
            segmentIndex: Math.floor(nowMs / HOUR_MS) % SEGMENTS,
            returnMetadata: true,
            nextToken,
          }),
        );
        const keys = (page.vectors ?? []).flatMap(({ key, metadata }) =>
          key !== undefined && isExpired(metadata, nowMs) ? [key] : [],
        );
        if (keys.length > 0) await client.send(new DeleteVectorsCommand({ indexArn, keys }));
        removed += keys.length;
        nextToken = page.nextToken;
      } while (nextToken !== undefined && clock.now() < deadlineMs);
      return removed;
    },
  };
}

/** Retries are off: a cache that does not answer at once is a miss. */
const vectorsClient = (config: S3VectorsClientConfig): S3VectorsClient =>
  new S3VectorsClient({
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...config,
  });

/** What this file did not write is no vector of ours, and may go. */
const isExpired = (metadata: unknown, nowMs: number): boolean =>
  (readMetadata(metadata)?.expiresAtMs ?? 0) <= nowMs;

function readMetadata(metadata: unknown): Metadata | undefined {
  if (!isJsonObject(metadata)) return undefined;
  const { partition, expiresAtMs } = metadata;
  return typeof partition === 'string' && typeof expiresAtMs === 'number'
    ? { partition, expiresAtMs }
    : undefined;
}
