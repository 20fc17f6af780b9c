import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { makeDynamoClient } from '../../../lambda/adapters/dynamodb/client.ts';
import { ask } from '../../support/ask.ts';
import { type LocalGateway, startLocalGateway, until } from '../../support/local-gateway.ts';

/** Calls of the cache's table, each with its units. */
let calls: string[] = [];

function meteredClient(endpoint: string): DynamoDBClient {
  const client = makeDynamoClient(endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!('TableName' in args.input) || args.input.TableName !== 'sluice-cache') return next(args);
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      const consumed = 'ConsumedCapacity' in result.output ? result.output.ConsumedCapacity : undefined;
      const units =
        consumed !== undefined && 'CapacityUnits' in consumed ? consumed.CapacityUnits : undefined;
      calls.push(`${context.commandName?.replace('ItemCommand', '')} ${units}`);
      return result;
    },
    { step: 'initialize', name: 'meter' },
  );
  return client;
}

let gateway: LocalGateway;
beforeAll(async () => {
  gateway = await startLocalGateway({ client: meteredClient });
});
afterAll(() => gateway.close());

async function callsOf(
  secret: string,
  headers: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  calls = [];
  const linesBefore = gateway.log().length;
  await (await ask(gateway, secret, { headers })).text();
  await until('the request is logged', () => gateway.log().length > linesBefore);
  return calls;
}

// The figures of docs/caching.md: whoever changes them changes the price of a request.
test('a small answer takes the units it is known to take', async () => {
  const { secret } = await gateway.createKey();
  const exact = { 'x-sluice-cache': 'exact' };
  expect(await callsOf(secret, {})).toEqual([]);
  expect(await callsOf(secret, exact)).toEqual(['Get 1', 'Put 1']);
  expect(await callsOf(secret, exact)).toEqual(['Get 1']);
  const once = { 'idempotency-key': 'once' };
  expect(await callsOf(secret, once)).toEqual(['Put 1', 'Put 1', 'Update 1']);
  // And one more, of the put whose condition failed.
  expect(await callsOf(secret, once)).toEqual(['Get 1']);
  const together = { ...exact, 'x-sluice-single-flight': 'on', 'openai-beta': 'another' };
  expect(await callsOf(secret, together)).toEqual(['Get 1', 'Put 1', 'Get 1', 'Put 1', 'Delete 1']);
});
