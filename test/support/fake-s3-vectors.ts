import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import * as z from 'zod';
import { cosineSimilarity } from '../../lambda/domain/semantic/similarity.ts';

/** A call as the fake received it. */
export interface VectorsCall {
  readonly operation: string;
  /** The service and region the signature is for. */
  readonly signedFor: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every operation
  readonly input: any;
}

export interface FakeS3Vectors {
  readonly url: string;
  readonly indexArn: string;
  readonly calls: readonly VectorsCall[];
  readonly vectors: Map<string, StoredVector>;
  /** Replaces what a query answers: what a broken or lying index would say. */
  answerQuery: ((found: readonly object[]) => object) | undefined;
  /** Answers everything with this status, until it is taken back. */
  failWith: number | undefined;
  close(): Promise<void>;
}

interface StoredVector {
  readonly data: readonly number[];
  readonly metadata: Readonly<Record<string, string | number>>;
}

/** What the index is called. */
export const INDEX_ARN = 'arn:aws:s3vectors:eu-central-1:123456789012:bucket/b/index/i';

const indexArn = z.string().startsWith('arn:aws:s3vectors:');
const vectorData = z.strictObject({ float32: z.array(z.number()) });
const metadata = z.record(z.string(), z.union([z.string(), z.number()]));
const condition = z.union([
  z.strictObject({ $eq: z.union([z.string(), z.number()]) }),
  z.strictObject({ $gt: z.number() }),
]);

/** What the service's API reference says of each request, as far as Sluice uses it; anything else is refused. */
const REQUESTS = {
  PutVectors: z.strictObject({
    indexArn,
    vectors: z.array(z.strictObject({ key: z.string().max(1_024), data: vectorData, metadata })).max(500),
  }),
  QueryVectors: z.strictObject({
    indexArn,
    topK: z.int().min(1).max(100),
    queryVector: vectorData,
    filter: z.strictObject({ $and: z.array(z.record(z.string(), condition)).min(1) }),
    returnMetadata: z.boolean(),
    returnDistance: z.boolean(),
  }),
  ListVectors: z.strictObject({
    indexArn,
    maxResults: z.int().min(1).max(1_000),
    segmentCount: z.int().min(1).max(16),
    segmentIndex: z.int().min(0).max(15),
    returnMetadata: z.boolean(),
    nextToken: z.string().optional(),
  }),
  DeleteVectors: z.strictObject({ indexArn, keys: z.array(z.string()).min(1).max(500) }),
};

/**
 * An index of Amazon S3 Vectors, as its API reference says: JSON by POST to a path named like the operation.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_S3_Vectors.html
 */
export async function startFakeS3Vectors(dimension: number): Promise<FakeS3Vectors> {
  const calls: VectorsCall[] = [];
  const vectors = new Map<string, StoredVector>();
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    textOf(request).then((text) => {
      const operation = String(request.url).slice(1);
      const scope = /Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\//.exec(request.headers.authorization ?? '');
      const input = JSON.parse(text);
      calls.push({ operation, input, signedFor: `${scope?.[2]}/${scope?.[1]}` });
      if (fake.failWith !== undefined) return answer(fake.failWith, { message: 'not now' });
      if (request.method !== 'POST' || !isOperation(operation)) return answer(404, { message: operation });
      const parsed = REQUESTS[operation].safeParse(input);
      if (!parsed.success) return answer(400, { message: parsed.error.message });
      answer(200, perform(operation, input));
    }, response.destroy.bind(response));
  });

  // biome-ignore lint/suspicious/noExplicitAny: `REQUESTS` has checked it
  function perform(operation: keyof typeof REQUESTS, input: any): object {
    switch (operation) {
      case 'PutVectors':
        return put(input);
      case 'QueryVectors': {
        const found = nearestOf(vectors, input);
        return fake.answerQuery?.(found) ?? { vectors: found, distanceMetric: 'cosine' };
      }
      case 'ListVectors':
        return pageOf(vectors, input);
      case 'DeleteVectors':
        for (const key of input.keys) vectors.delete(key);
        return {};
    }
  }

  function put(input: z.output<typeof REQUESTS.PutVectors>): object {
    for (const { key, data, metadata: beside } of input.vectors) {
      if (data.float32.length !== dimension) throw new Error(`Not ${dimension} numbers.`);
      vectors.set(key, { data: [...new Float32Array(data.float32)], metadata: beside });
    }
    return {};
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server has an address of this shape.
  const { port } = server.address() as AddressInfo;
  const fake: FakeS3Vectors = {
    url: `http://127.0.0.1:${port}`,
    indexArn: INDEX_ARN,
    calls,
    vectors,
    answerQuery: undefined,
    failWith: undefined,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return fake;
}

/** Names of tests end in the number of their segment. */
const segmentOf = (key: string): number => Number(/\d+$/.exec(key)?.[0] ?? 0);

const isOperation = (name: string): name is keyof typeof REQUESTS => Object.hasOwn(REQUESTS, name);

type Stored = ReadonlyMap<string, StoredVector>;
type Condition = Readonly<Record<string, z.output<typeof condition>>>;

const nearestOf = (vectors: Stored, input: z.output<typeof REQUESTS.QueryVectors>): readonly object[] =>
  [...vectors]
    .filter(([, vector]) => input.filter.$and.every((one) => fits(vector, one)))
    .map(([key, vector]) => ({
      key,
      metadata: vector.metadata,
      distance: Math.fround(1 - (cosineSimilarity(vector.data, input.queryVector.float32) ?? 0)),
    }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, input.topK);

const fits = (vector: StoredVector, wanted: Condition): boolean =>
  Object.entries(wanted).every(([name, one]) => {
    const value = vector.metadata[name];
    return '$eq' in one ? value === one.$eq : Number(value) > one.$gt;
  });

/** Pages of two, in the order of the keys. */
function pageOf(vectors: Stored, input: z.output<typeof REQUESTS.ListVectors>): object {
  const left = [...vectors]
    .filter(([key]) => segmentOf(key) % input.segmentCount === input.segmentIndex)
    .filter(([key]) => key > (input.nextToken ?? ''))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { metadata: beside }]) => ({ key, metadata: beside }));
  const page = left.slice(0, 2);
  return { vectors: page, ...(left.length > 2 && { nextToken: page.at(-1)?.key }) };
}
