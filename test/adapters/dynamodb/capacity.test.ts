import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDynamoClient } from '../../../lambda/adapters/dynamodb/client.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { OwnScopePolicy } from '../../../lambda/domain/request-record.ts';
import { unitsOf } from '../../support/consumed-units.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import {
  ahead,
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  scopeWith,
  sessionWith,
  standingClock,
  teamWith,
} from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

/** A client that counts its calls and the units they take, by command. */
function meteredClient() {
  const taken = new Map<string, { readonly calls: number; readonly units: number }>();
  const client = makeDynamoClient(engine.endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'INDEXES' } });
      const command = context.commandName ?? '';
      const { calls, units } = taken.get(command) ?? { calls: 0, units: 0 };
      taken.set(command, { calls: calls + 1, units: units + unitsOf(result.output) });
      return result;
    },
    { step: 'initialize', name: 'meter' },
  );
  return { client, taken };
}

/** What a step took, by command: calls, and the units of them all. */
type Taken = Readonly<Record<string, { readonly calls: number; readonly units: number }>>;

/** A request on so many scopes, whose steps are measured. */
async function measured(scopes: number, own: readonly OwnScopePolicy[] = []) {
  const { client, taken } = meteredClient();
  const clock = standingClock();
  const ledger = dynamoLedger({ ...engine.store(client), clock });
  const key = await scopeWith(engine.store(), [hard(1_000_000n, 'month')]);
  const teams = await Promise.all(
    Array.from({ length: scopes - 1 }, () => teamWith(engine.store(), [hard(1_000_000n, 'month')])),
  );
  const wanted = reservation([...teams, key], 1000n, { own, terms: ahead(16_000n) });
  const during = async <Result>(step: () => Promise<Result>): Promise<readonly [Result, Taken]> => {
    taken.clear();
    const result = await step();
    return [result, Object.fromEntries(taken)];
  };
  return {
    clock,
    async reserve() {
      const request = facts(key, { tags: {} });
      const [result, took] = await during(() => ledger.reserve(request, wanted));
      const held = reserved(result);
      return {
        took,
        raise: async () => (await during(() => ledger.raise(request, held, nanoUsd(2000n))))[1],
        settle: async () => (await during(() => ledger.settle(request, held, outcome(250n))))[1],
      };
    },
  };
}

const once = (units: number) => ({ calls: 1, units });

// The figures of docs/decisions/0004-shared-purses.md: whoever changes them changes the price of a request.
describe('a request that comes seldom', () => {
  test.each([
    { scopes: 1, reserve: 5, raise: 4, fold: 7, reads: { calls: 1, units: 1 } },
    { scopes: 4, reserve: 11, raise: 10, fold: 13, reads: { calls: 4, units: 4 } },
  ])(
    'takes the units it is known to take on $scopes scope(s)',
    async ({ scopes, reserve, raise, fold, reads }) => {
      const gateway = await measured(scopes);
      const request = await gateway.reserve();
      expect(request.took).toEqual({ TransactWriteItemsCommand: once(reserve) });
      expect(await request.raise()).toEqual({ TransactWriteItemsCommand: once(raise) });
      expect(await request.settle()).toEqual({
        PutItemCommand: once(1),
        UpdateItemCommand: once(1),
        TransactWriteItemsCommand: once(fold),
        GetItemCommand: reads,
      });
    },
  );
});

describe('a request that comes often', () => {
  async function busy(scopes: number, own?: readonly OwnScopePolicy[]) {
    const gateway = await measured(scopes, own);
    await (await gateway.reserve()).settle();
    gateway.clock.pass(500);
    await (await gateway.reserve()).settle();
    return gateway;
  }

  test.each([1, 4])('takes one unit to be reserved and two to be settled on %d scope(s)', async (scopes) => {
    const gateway = await busy(scopes);
    for (let count = 0; count < 3; count += 1) {
      const request = await gateway.reserve();
      expect(request.took).toEqual({ UpdateItemCommand: once(1) });
      expect(await request.settle()).toEqual({ PutItemCommand: once(1), UpdateItemCommand: once(1) });
    }
  });

  test('takes no more where five others stand in the same purse', async () => {
    const gateway = await busy(4);
    const requests = [];
    for (let count = 0; count < 6; count += 1) {
      const request = await gateway.reserve();
      expect(request.took).toEqual({ UpdateItemCommand: once(1) });
      requests.push(request);
    }
    for (const request of requests)
      expect(await request.settle()).toEqual({ PutItemCommand: once(1), UpdateItemCommand: once(1) });
  });

  test('takes one unit more, each way, for its session', async () => {
    const gateway = await busy(4, [sessionWith([hard(1_000_000n)], { maxCalls: 1000 })]);
    const request = await gateway.reserve();
    expect(request.took).toEqual({ UpdateItemCommand: { calls: 2, units: 2 } });
    expect(await request.settle()).toEqual({
      PutItemCommand: once(1),
      UpdateItemCommand: { calls: 2, units: 2 },
    });
  });

  test('is brought to its scopes with all others of a minute', async () => {
    const gateway = await busy(4);
    const requests = [await gateway.reserve(), await gateway.reserve()];
    gateway.clock.pass(60_000);
    expect(await requests[0]?.settle()).toEqual({
      PutItemCommand: once(1),
      UpdateItemCommand: once(1),
      TransactWriteItemsCommand: once(14),
      GetItemCommand: { calls: 4, units: 4 },
    });
  });
});
