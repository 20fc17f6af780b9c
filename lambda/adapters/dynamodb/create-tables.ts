import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { TABLES, type TableDefinition, type TableName } from '../../schema/tables.ts';
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

/** Makes the tables that are missing, from the definitions the data stack deploys, and waits until they can be used. */
export async function createTables(store: Store): Promise<void> {
  // The names are the definitions' own keys.
  for (const [name, definition] of Object.entries(TABLES) as [TableName, TableDefinition][]) {
    const tableName = store.tables[name];
    await createTable(store, tableName, definition);
    await waitUntilActive(store, tableName);
    await enableTimeToLive(store, tableName, definition);
  }
}

async function createTable(store: Store, tableName: string, definition: TableDefinition): Promise<void> {
  const keyed = [definition, ...definition.indexes];
  const attributes = new Map(
    keyed
      .flatMap(({ partitionKey, sortKey }) =>
        sortKey === undefined ? [partitionKey] : [partitionKey, sortKey],
      )
      .map(({ name, type }) => [name, type]),
  );
  const command = new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema(definition),
    GlobalSecondaryIndexes:
      definition.indexes.length === 0
        ? undefined
        : definition.indexes.map((index) => ({
            IndexName: index.name,
            KeySchema: keySchema(index),
            Projection: { ProjectionType: index.projection },
          })),
  });
  try {
    await store.client.send(command);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

const keySchema = ({ partitionKey, sortKey }: Pick<TableDefinition, 'partitionKey' | 'sortKey'>) => [
  { AttributeName: partitionKey.name, KeyType: 'HASH' as const },
  ...(sortKey === undefined ? [] : [{ AttributeName: sortKey.name, KeyType: 'RANGE' as const }]),
];

async function waitUntilActive(store: Store, tableName: string): Promise<void> {
  const deadlineMs = store.clock.monotonicMs() + ACTIVE_WITHIN_MS;
  for (;;) {
    const answer = await store.client.send(new DescribeTableCommand({ TableName: tableName }));
    if (answer.Table?.TableStatus === 'ACTIVE') return;
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
