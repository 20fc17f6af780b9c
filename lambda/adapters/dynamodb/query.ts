import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import { type Item, textAttribute } from './attributes.ts';
import type { TableNames } from './client.ts';
import { type Store, withRetries } from './store.ts';

/** Which partition of a table, or of one of its indexes, to read. */
export interface PartitionQuery {
  readonly table: keyof TableNames;
  /** @default the table itself */
  readonly index?: string;
  /** Name of the partition key. */
  readonly attribute: string;
  readonly partition: string;
  /** Not possible on an index. @default false */
  readonly consistent?: boolean;
}

/** All items of a partition, in the order of its sort key, page by page as they are asked for. */
export async function* queryPartition(store: Store, query: PartitionQuery): AsyncGenerator<Item> {
  for await (const page of queryPages(store, query)) yield* page;
}

/** As `queryPartition`, in the store's own pages. */
export async function* queryPages(store: Store, query: PartitionQuery): AsyncGenerator<readonly Item[]> {
  let startKey: Record<string, AttributeValue> | undefined;
  do {
    const page = await withRetries(store, () =>
      store.client.send(
        new QueryCommand({
          TableName: store.tables[query.table],
          IndexName: query.index,
          KeyConditionExpression: '#attribute = :partition',
          ExpressionAttributeNames: { '#attribute': query.attribute },
          ExpressionAttributeValues: { ':partition': textAttribute(query.partition) },
          ExclusiveStartKey: startKey,
          ConsistentRead: query.consistent ?? false,
        }),
      ),
    );
    yield page.Items ?? [];
    startKey = page.LastEvaluatedKey;
  } while (startKey !== undefined);
}

/** The primary keys of what is not finished in a partition of index `open`, by `expiresAtMs`. */
export const queryOpen = (store: Store, partition: string): AsyncGenerator<Item> =>
  queryPartition(store, { table: 'spend', index: 'open', attribute: 'openShard', partition });
