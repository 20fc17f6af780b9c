import { fileURLToPath } from 'node:url';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { makeDynamoClient } from '../../lambda/adapters/dynamodb/client.ts';
import { createTables, LOCAL_TABLE_NAMES } from '../../lambda/adapters/dynamodb/create-tables.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { systemClock } from '../../lambda/adapters/system-clock/system-clock.ts';
import { startEngine } from '../../lambda/platform/embedded-engine.ts';
import type { Clock } from '../../lambda/ports/clock.ts';

export const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Real time; waits are a tenth as long, so that tests of retries are quick. */
export const hurriedClock: Clock = {
  ...systemClock,
  sleep: (durationMs, signal) => systemClock.sleep(durationMs / 10, signal),
};

export interface TestEngine {
  readonly endpoint: string;
  /** A store on the engine with a client of its own (or the one given), as another process would have. */
  store(client?: DynamoDBClient): Store;
  stop(): Promise<void>;
}

/** Starts the embedded engine on a free port, with all tables: in memory, or on a file. */
export async function startTestEngine(dbPath?: string): Promise<TestEngine> {
  const engine = await startEngine({
    environment: {
      DYNAMODB_ENDPOINT: process.env['DYNAMODB_ENDPOINT'],
      DYNOXIDE_BIN: process.env['DYNOXIDE_BIN'],
    },
    root: PROJECT_ROOT,
    platform: process.platform,
    arch: process.arch,
    ...(dbPath === undefined ? {} : { dbPath }),
  });
  const clients: DynamoDBClient[] = [];
  const store = (client = makeDynamoClient(engine.endpoint)): Store => {
    clients.push(client);
    return { client, tables: LOCAL_TABLE_NAMES, clock: hurriedClock };
  };
  await createTables(store());
  return {
    endpoint: engine.endpoint,
    store,
    stop: async () => {
      for (const client of clients) client.destroy();
      await engine.stop();
    },
  };
}
