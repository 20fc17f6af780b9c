import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDynamoClient } from '../../../lambda/adapters/dynamodb/client.ts';
import { dynamoRateStore } from '../../../lambda/adapters/dynamodb/rate-store.ts';
import type { CounterChange, RateChange } from '../../../lambda/domain/rates/rate-change.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import { unique } from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const MINUTE = 29_380_000;
const NAME = `requests:${MINUTE}`;
const change = (counters: Readonly<Record<string, CounterChange>>, minute = MINUTE): RateChange => ({
  minute,
  changes: new Map(Object.entries(counters)),
  removals: new Map(),
});
const takeOne = change({ [NAME]: { add: 1, atMost: 1 } });
const faulty = (faults: readonly Fault[]) =>
  dynamoRateStore(engine.store(faultyClient(engine.endpoint, scriptedFaults(faults))));

describe('a change', () => {
  test('is carried out while its conditions hold, and tells what it met when they do not', async () => {
    const store = dynamoRateStore(engine.store());
    const scope = unique('team#a');
    for (const count of [1, 2])
      expect(await store.change(scope, takeOne)).toEqual({
        type: 'done',
        counters: { minute: MINUTE, [NAME]: count },
      });
    expect(await store.change(scope, takeOne)).toEqual({
      type: 'refused',
      counters: { minute: MINUTE, [NAME]: 2 },
    });
    expect(await store.change(scope, change({ [NAME]: { add: -3, atLeast: 3 } }))).toMatchObject({
      type: 'refused',
    });
  });

  test('fails once a later minute has begun', async () => {
    const store = dynamoRateStore(engine.store());
    const scope = unique('team#a');
    await store.change(scope, change({ later: { add: 1 } }, MINUTE + 1));
    expect(await store.change(scope, takeOne)).toEqual({
      type: 'refused',
      counters: { minute: MINUTE + 1, later: 1 },
    });
  });

  test('never fits below 0, also where nothing was counted yet', async () => {
    const outcome = await dynamoRateStore(engine.store()).change(
      unique('team#a'),
      change({ [NAME]: { add: 5, atMost: -1 } }),
    );
    expect(outcome).toEqual({ type: 'refused', counters: {} });
  });

  test('removes lapsed slots only if they are what was seen', async () => {
    const store = dynamoRateStore(engine.store());
    const scope = unique('team#a');
    const slots = { slots: { add: 2 }, 'slots:7': { add: 2 } };
    await store.change(scope, change(slots));
    const removal = (held: number): RateChange => ({
      ...change({ slots: { add: -held } }),
      removals: new Map([['slots:7', held]]),
    });
    expect(await store.change(scope, removal(1))).toMatchObject({ type: 'refused' });
    expect(await store.change(scope, removal(2))).toEqual({
      type: 'done',
      counters: { minute: MINUTE, slots: 0 },
    });
    expect(await store.change(scope, removal(2))).toMatchObject({ type: 'refused' });
  });

  test('that was throttled is sent again', async () => {
    const scope = unique('team#a');
    const outcome = await faulty(['throttled', 'conflict']).change(scope, takeOne);
    expect(outcome).toMatchObject({ type: 'done', counters: { [NAME]: 1 } });
  });

  test('whose answer was lost is known by its mark to be carried out, and not sent again', async () => {
    const outcome = await faulty(['lost-answer']).change(unique('team#a'), takeOne);
    expect(outcome).toMatchObject({ type: 'done', counters: { [NAME]: 1 } });
  });

  test('is unknown where another one followed or nothing arrived', async () => {
    const scope = unique('team#a');
    const calm = dynamoRateStore(engine.store());
    const client = faultyClient(engine.endpoint, scriptedFaults(['lost-answer']));
    client.middlewareStack.add(
      (next) => async (args) => {
        try {
          return await next(args);
        } catch (error) {
          await calm.change(scope, takeOne);
          throw error;
        }
      },
      { step: 'initialize', priority: 'high' },
    );
    const outcome = await dynamoRateStore(engine.store(client)).change(scope, takeOne);
    expect(outcome).toMatchObject({ type: 'unknown', counters: { [NAME]: 2 } });
    expect(await faulty(['refused']).change(unique('team#a'), takeOne)).toEqual({
      type: 'unknown',
      counters: {},
    });
  });

  test('takes one write unit', async () => {
    const { client, units } = meteredClient();
    const counters = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`slots:${MINUTE + index}`, { add: 1, atMost: 99_999 }]),
    );
    const store = dynamoRateStore(engine.store(client));
    const scope = unique('organization#with-a-long-name');
    await store.change(scope, change(counters));
    await store.change(scope, change(counters));
    expect(units).toEqual([1, 1]);
  });
});

test.each([
  ['of ten thousand characters', 'x'.repeat(10_000)],
  ['with half a character', 'tag#a=\ud800'],
  ['with characters of expressions', 'tag#:value0 OR #minute = ){}"\u0000\n|model:*'],
  ['that is empty', ''],
])('a scope with a name %s has counters of its own', async (_what, name) => {
  const store = dynamoRateStore(engine.store());
  const scope = `${unique('tag#')}=${name}`;
  await store.change(scope, takeOne);
  expect(await store.change(scope, takeOne)).toMatchObject({ type: 'done', counters: { [NAME]: 2 } });
  expect(await store.change(`${scope}\udfff`, takeOne)).toMatchObject({ counters: { [NAME]: 1 } });
  expect(await store.change(`${scope}\udffe`, takeOne)).toMatchObject({ counters: { [NAME]: 1 } });
});

/** A client that notes the units each of its updates takes. */
function meteredClient(): { readonly client: DynamoDBClient; readonly units: number[] } {
  const units: number[] = [];
  const client = makeDynamoClient(engine.endpoint);
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      const consumed =
        'ConsumedCapacity' in result.output ? [result.output.ConsumedCapacity ?? []].flat() : [];
      units.push(
        consumed.reduce((sum, each) => sum + ('CapacityUnits' in each ? (each.CapacityUnits ?? 0) : 0), 0),
      );
      return result;
    },
    { step: 'initialize', name: 'meter' },
  );
  return { client, units };
}
