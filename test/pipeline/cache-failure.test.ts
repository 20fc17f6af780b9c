import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { type Fault, faultyClient, type StoreCall } from '../support/faulty-client.ts';
import { type LocalGateway, startLocalGateway, type TestKey, until } from '../support/local-gateway.ts';

/** What happens to calls of the cache's table, and to no others. */
let fault: (call: StoreCall) => Fault | undefined = () => undefined;
let gateway: LocalGateway;
let key: TestKey;
beforeAll(async () => {
  gateway = await startLocalGateway({
    client: (endpoint) =>
      faultyClient(endpoint, (call) =>
        'TableName' in call.input && call.input.TableName === 'sluice-cache' ? fault(call) : undefined,
      ),
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  key = await gateway.createKey();
  gateway.mock.reset();
  fault = () => undefined;
});

const EXACT = { 'x-sluice-cache': 'exact' };

async function answered(headers: Readonly<Record<string, string>> = EXACT) {
  const linesBefore = gateway.log().split('mock →').length + gateway.log().split('nobody').length;
  const response = await ask(gateway, key.secret, { headers });
  const text = await response.text();
  await until(
    'the request is logged',
    () => gateway.log().split('mock →').length + gateway.log().split('nobody').length > linesBefore,
  );
  return { response, text, cache: response.headers.get('x-sluice-cache') };
}

describe('a cache that fails never fails a request', () => {
  test.each(['refused', 'throttled', 'lost-answer'] as const)('%s, in whatever it does', async (failing) => {
    fault = () => failing;
    const { response, cache } = await answered({ ...EXACT, 'x-sluice-single-flight': 'on' });
    expect([response.status, cache]).toEqual([200, 'bypass']);
    expect((await gateway.record(response)).outcome).toBe('ok');
    expect(gateway.log()).toContain('The cache could not be read');
    fault = () => undefined;
    expect((await answered()).response.status).toBe(200);
  });

  test('only in writing: the next one is a miss', async () => {
    fault = ({ command }) => (command.startsWith('Put') ? 'refused' : undefined);
    expect((await answered()).cache).toBe('miss');
    expect((await answered()).cache).toBe('miss');
    expect(gateway.mock.requests).toHaveLength(2);
    expect(gateway.log()).toContain('An answer could not be kept');
    fault = () => undefined;
    expect((await answered()).cache).toBe('miss');
    expect((await answered()).cache).toBe('hit');
  });

  test('an item that somebody has changed is no answer, and is told of', async () => {
    const { store } = gateway;
    let written: StoreCall['input'] | undefined;
    fault = ({ command, input }) => {
      if (command.startsWith('Put')) written = input;
      return undefined;
    };
    expect((await answered()).cache).toBe('miss');
    if (written === undefined || !('Item' in written)) throw new Error('Nothing was written.');
    const data = Buffer.from(written.Item?.['data']?.B ?? []);
    data[40] = (data[40] ?? 0) ^ 1;
    await store.client.send(
      new PutItemCommand({ TableName: store.tables.cache, Item: { ...written.Item, data: { B: data } } }),
    );
    const { response, cache } = await answered();
    expect([response.status, cache]).toEqual([200, 'bypass']);
    expect((await answered()).cache).toBe('hit');
  });
});

describe('a promise that cannot be kept is not made', () => {
  test('an Idempotency-Key that cannot be claimed is refused, and nothing is charged', async () => {
    fault = () => 'refused';
    const { response, text } = await answered({ 'idempotency-key': 'once' });
    expect(response.status).toBe(503);
    expect(JSON.parse(text).error).toMatchObject({ code: 'store_unavailable' });
    expect(await gateway.record(response)).toMatchObject({ cost: 0n, outcome: 'store_unavailable' });
    expect(gateway.mock.requests).toHaveLength(0);
  });

  test('a claim whose answer was lost is still one’s own', async () => {
    let isFirst = true;
    fault = ({ command }) => {
      if (!command.startsWith('Put') || !isFirst) return undefined;
      isFirst = false;
      return 'lost-answer';
    };
    expect((await answered({ 'idempotency-key': 'twice' })).response.status).toBe(200);
    const again = await answered({ 'idempotency-key': 'twice' });
    expect(again.response.headers.get('x-sluice-idempotent-replayed')).toBe('true');
  });

  test('an answer that could not be kept is not made, and charged, again', async () => {
    fault = ({ command, input }) =>
      command.startsWith('Put') && 'Item' in input && input.Item?.['data'] !== undefined
        ? 'refused'
        : undefined;
    expect((await answered({ 'idempotency-key': 'unkept' })).response.status).toBe(200);
    const again = await answered({ 'idempotency-key': 'unkept' });
    expect(again.response.status).toBe(409);
    expect(JSON.parse(again.text).error).toMatchObject({
      code: 'idempotency_conflict',
      metadata: { answer_kept: false },
    });
    expect(gateway.mock.requests).toHaveLength(1);
  });
});
