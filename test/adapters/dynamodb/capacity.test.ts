import type { DynamoDBClient, ServiceOutputTypes } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDynamoClient } from '../../../lambda/adapters/dynamodb/client.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { facts, hard, outcome, reservation, scopeWith } from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

/** A client that adds up the units its calls take, by command. */
function meteredClient(): { readonly client: DynamoDBClient; readonly units: Map<string, number> } {
  const units = new Map<string, number>();
  const client = makeDynamoClient(engine.endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'INDEXES' } });
      const command = context.commandName ?? '';
      units.set(command, (units.get(command) ?? 0) + unitsOf(result.output));
      return result;
    },
    { step: 'initialize', name: 'meter' },
  );
  return { client, units };
}

/** The units an answer says it took: one statement for an item, a list of them for a transaction. */
const unitsOf = (output: ServiceOutputTypes): number =>
  'ConsumedCapacity' in output
    ? [output.ConsumedCapacity ?? []]
        .flat()
        .reduce((sum, each) => sum + ('CapacityUnits' in each ? (each.CapacityUnits ?? 0) : 0), 0)
    : 0;

// The figures of docs/decisions/0002-money-reserve-settle-sweep.md: whoever changes them changes the price of a request.
test.each([
  { scopes: 1, reserve: 5, raise: 4, cost: 1, close: 7, read: 1 },
  { scopes: 4, reserve: 11, raise: 10, cost: 1, close: 13, read: 4 },
])('a request on $scopes scope(s) takes the write units it is known to take', async (expected) => {
  const { client, units } = meteredClient();
  const ledger = dynamoLedger(engine.store(client));
  const scopes = await Promise.all(
    Array.from({ length: expected.scopes }, () => scopeWith(engine.store(), [hard(10_000n, 'month')])),
  );
  const [policy] = scopes;
  if (policy === undefined) throw new Error('At least one scope was made.');
  const request = facts(policy);
  const from = reservation(scopes, 1000n);
  await ledger.reserve(request, from);
  expect(Object.fromEntries(units)).toEqual({ TransactWriteItemsCommand: expected.reserve });
  units.clear();
  await ledger.raise(request.id, from, nanoUsd(2000n));
  expect(Object.fromEntries(units)).toEqual({ TransactWriteItemsCommand: expected.raise });
  units.clear();
  await ledger.settle(request.id, outcome(250n));
  expect(Object.fromEntries(units)).toEqual({
    UpdateItemCommand: expected.cost,
    TransactWriteItemsCommand: expected.close,
    GetItemCommand: expected.read,
  });
});
