import {
  type AttributeDefinition,
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type GlobalSecondaryIndex,
  ResourceInUseException,
  type TableDescription,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { type IndexDefinition, TABLES, type TableDefinition, type TableName } from '../../schema/tables.ts';
import type { TableNames } from './client.ts';
import type { Store } from './store.ts';

/** Names of the tables on a local server. */
export const LOCAL_TABLE_NAMES: TableNames = {
  keys: 'sluice-keys',
  spend: 'sluice-spend',
  routing: 'sluice-routing',
  cache: 'sluice-cache',
};

const POLL_MS = 50;
const ACTIVE_WITHIN_MS = 30_000;

/**
 * Makes the tables and indexes that are missing, from the definitions the data stack deploys, and waits until they can be
 * used. A table of an earlier version gets the indexes that came later.
 */
export async function createTables(store: Store): Promise<void> {
  // The names are the definitions' own keys.
  for (const [name, definition] of Object.entries(TABLES) as [TableName, TableDefinition][]) {
    const tableName = store.tables[name];
    await createTable(store, tableName, definition);
    await addMissingIndexes(store, tableName, definition);
    await enableTimeToLive(store, tableName, definition);
  }
}

async function createTable(store: Store, tableName: string, definition: TableDefinition): Promise<void> {
  const command = new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributesOf([definition, ...definition.indexes]),
    KeySchema: keySchema(definition),
    GlobalSecondaryIndexes: definition.indexes.length === 0 ? undefined : definition.indexes.map(indexOf),
  });
  try {
    await store.client.send(command);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

/** One at a time, as the service wants it. */
async function addMissingIndexes(
  store: Store,
  tableName: string,
  definition: TableDefinition,
): Promise<void> {
  const standing = await activeTable(store, tableName);
  const names = new Set(standing.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName));
  for (const index of definition.indexes.filter(({ name }) => !names.has(name))) {
    await store.client.send(
      new UpdateTableCommand({
        TableName: tableName,
        AttributeDefinitions: attributesOf([definition, index]),
        GlobalSecondaryIndexUpdates: [{ Create: indexOf(index) }],
      }),
    );
    await activeTable(store, tableName);
  }
}

type Keyed = Pick<TableDefinition, 'partitionKey' | 'sortKey'>;

function attributesOf(keyed: readonly Keyed[]): AttributeDefinition[] {
  const keys = keyed.flatMap(({ partitionKey, sortKey }) =>
    sortKey === undefined ? [partitionKey] : [partitionKey, sortKey],
  );
  const types = new Map(keys.map(({ name, type }) => [name, type]));
  return [...types].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType }));
}

const indexOf = (index: IndexDefinition): GlobalSecondaryIndex => ({
  IndexName: index.name,
  KeySchema: keySchema(index),
  Projection:
    typeof index.projection === 'string'
      ? { ProjectionType: index.projection }
      : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.projection.include] },
});

const keySchema = ({ partitionKey, sortKey }: Keyed) => [
  { AttributeName: partitionKey.name, KeyType: 'HASH' as const },
  ...(sortKey === undefined ? [] : [{ AttributeName: sortKey.name, KeyType: 'RANGE' as const }]),
];

/** The table, once it and all of its indexes can be used. */
async function activeTable(store: Store, tableName: string): Promise<TableDescription> {
  const deadlineMs = store.clock.monotonicMs() + ACTIVE_WITHIN_MS;
  for (;;) {
    const answer = await store.client.send(new DescribeTableCommand({ TableName: tableName }));
    const indexes = answer.Table?.GlobalSecondaryIndexes ?? [];
    const isActive =
      answer.Table?.TableStatus === 'ACTIVE' && indexes.every(({ IndexStatus }) => IndexStatus === 'ACTIVE');
    if (answer.Table !== undefined && isActive) return answer.Table;
    if (store.clock.monotonicMs() > deadlineMs) throw new Error(`Table ${tableName} does not become active.`);
    await store.clock.sleep(POLL_MS);
  }
}

/** The service refuses to enable what is enabled, so it is asked first. */
async function enableTimeToLive(store: Store, tableName: string, definition: TableDefinition): Promise<void> {
  const { timeToLiveAttribute } = definition;
  if (timeToLiveAttribute === undefined) return;
  const answer = await store.client.send(new DescribeTimeToLiveCommand({ TableName: tableName }));
  const status = answer.TimeToLiveDescription?.TimeToLiveStatus;
  if (status === 'ENABLED' || status === 'ENABLING') return;
  await store.client.send(
    new UpdateTimeToLiveCommand({
      TableName: tableName,
      TimeToLiveSpecification: { AttributeName: timeToLiveAttribute, Enabled: true },
    }),
  );
}
