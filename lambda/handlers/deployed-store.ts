import { makeDynamoClient, type TableNames } from '../adapters/dynamodb/client.ts';
import type { Store } from '../adapters/dynamodb/store.ts';
import { systemClock } from '../adapters/system-clock/system-clock.ts';
import { TABLES, type TableName } from '../schema/tables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The store of a deployed function: its tables' names stand in the environment. @throws Error naming what is missing */
export function deployedStore(environment: Environment): Store {
  return { client: makeDynamoClient(), tables: tableNames(environment), clock: systemClock };
}

function tableNames(environment: Environment): TableNames {
  const nameOf = (table: TableName): string => {
    const { variable } = TABLES[table];
    const name = environment[variable];
    if (name === undefined)
      throw new Error(`The environment variable ${variable} must hold the name of the ${table} table.`);
    return name;
  };
  return { keys: nameOf('keys'), spend: nameOf('spend'), routing: nameOf('routing'), cache: nameOf('cache') };
}
