import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { cosineSimilarity } from '../../domain/semantic/similarity.ts';
import type { NearestVector, VectorIndex } from '../../ports/vector-index.ts';
import { type Item, numberAttribute, readNumber, readText, textAttribute } from './attributes.ts';
import { queryPartition } from './query.ts';
import { type Store, withRetries } from './store.ts';

/**
 * Vectors in table `cache`, compared within the process, for a server on one's own machine: every query reads its whole
 * partition.
 */
export const localVectorIndex = (store: Store): VectorIndex => ({
  async put({ id, partition, vector, expiresAtMs }) {
    await withRetries(store, () =>
      store.client.send(
        new PutItemCommand({
          TableName: store.tables.cache,
          Item: {
            pk: textAttribute(partitionKey(partition)),
            sk: textAttribute(id),
            vector: { B: new Uint8Array(Float32Array.from(vector).buffer) },
            expiresAtMs: numberAttribute(expiresAtMs),
            expiresAtSeconds: numberAttribute(Math.ceil(expiresAtMs / 1000)),
          },
        }),
      ),
    );
  },
  async nearest({ partition, vector, nowMs, signal }) {
    let nearest: NearestVector | undefined;
    const items = queryPartition(store, {
      table: 'cache',
      attribute: 'pk',
      partition: partitionKey(partition),
      consistent: true,
    });
    for await (const item of items) {
      signal.throwIfAborted();
      // The service deletes expired items late.
      if ((readNumber(item, 'expiresAtMs') ?? 0) <= nowMs) continue;
      const similarity = cosineSimilarity(vector, readVector(item));
      if (similarity === undefined || similarity <= (nearest?.similarity ?? -2)) continue;
      nearest = { id: readText(item, 'sk'), similarity };
    }
    return nearest;
  },
});

const partitionKey = (partition: string): string => `vector#${partition}`;

function readVector(item: Item): readonly number[] {
  // A copy, as four-byte numbers must not begin anywhere in a buffer.
  return Array.from(new Float32Array(Uint8Array.from(item['vector']?.B ?? []).buffer));
}
