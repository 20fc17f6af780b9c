import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: OpenAI;

const VECTORS = [
  [0.5, -0.25, 1],
  [0, 2, -0.125],
];
const answerOf = (embeddings: readonly unknown[], usage: unknown = { prompt_tokens: 9, total_tokens: 9 }) =>
  JSON.stringify({
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model: 'vectors-2026',
    usage,
    extra: 12345678901234567890n.toString(),
  });
const base64Of = (vector: readonly number[]): string =>
  Buffer.from(Float32Array.from(vector).buffer).toString('base64');

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = ({ body }) => ({
    body: answerOf(body.encoding_format === 'base64' ? VECTORS.map(base64Of) : VECTORS),
  });
});

describe('the OpenAI SDK', () => {
  test('gets vectors of the provider, asked for in base64 as it does by itself', async () => {
    const { data, response } = await client.embeddings
      .create({ model: 'openai/vectors', input: ['one', 'two'], dimensions: 3 })
      .withResponse();
    expect(data.data.map(({ embedding }) => embedding)).toEqual(VECTORS);
    expect(data.model).toBe('openai/vectors');
    expect(gateway.upstream.requests[0]?.path).toBe('/embeddings');
    expect(gateway.upstream.requests[0]?.body).toEqual({
      model: 'vectors',
      input: ['one', 'two'],
      dimensions: 3,
      encoding_format: 'base64',
    });
    expect(response.headers.get('x-sluice-cost-usd')).toBe('0.000027');
    expect(data.usage).toMatchObject({ prompt_tokens: 9, total_tokens: 9, cost: 0.000027 });
  });

  test('gets its vectors from a server that knows no base64', async () => {
    gateway.upstream.answer = () => ({ body: answerOf(VECTORS) });
    const answer = await client.embeddings.create({ model: 'openai/vectors', input: 'one' });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(VECTORS);
  });

  test('gets numbers where it asks for them and the server sends base64 all the same', async () => {
    gateway.upstream.answer = () => ({ body: answerOf(VECTORS.map(base64Of)) });
    const answer = await client.embeddings.create({
      model: 'openai/vectors',
      input: 'one',
      encoding_format: 'float',
    });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(VECTORS);
  });

  test('gets vectors of Voyage, which spells its wishes otherwise', async () => {
    gateway.upstream.answer = () => ({ body: answerOf(VECTORS, { total_tokens: 9 }) });
    const answer = await client.embeddings.create({ model: 'voyage/vectors', input: 'one', dimensions: 3 });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(VECTORS);
    expect(answer.usage).toMatchObject({ total_tokens: 9, cost: 0.000027 });
    expect(gateway.upstream.requests[0]?.body).toEqual({
      model: 'vectors',
      input: 'one',
      output_dimension: 3,
    });
  });

  test('may send tokens', async () => {
    const input = [
      [1, 2, 3],
      [40_000, 5],
    ];
    await client.embeddings.create({ model: 'openai/vectors', input, encoding_format: 'float' });
    expect(gateway.upstream.requests[0]?.body.input).toEqual(input);
  });

  test('gets the simulated model’s vectors, as many as it sends texts', async () => {
    const simulated = await startOperationGateway({ providers: { sim: {} } });
    try {
      const { secret } = await simulated.createKey();
      const sdk = new OpenAI({ apiKey: secret, baseURL: `${simulated.url}/v1`, maxRetries: 0 });
      const answer = await sdk.embeddings.create({ model: 'sim/embed', input: ['one', 'two'] });
      expect(answer.data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
    } finally {
      await simulated.close();
    }
  });

  test('is told in OpenAI’s envelope what is wrong', async () => {
    const asked = client.embeddings.create({ model: 'openai/vectors', input: [] });
    await expect(asked).rejects.toMatchObject({ status: 400, code: 'invalid_request', param: 'input' });
    gateway.upstream.answer = () => ({ status: 429, body: '{"error":{"message":"slow","type":"requests"}}' });
    const limited = client.embeddings.create({ model: 'openai/vectors', input: 'one' });
    await expect(limited).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
  });
});

describe('a request for vectors', () => {
  test('is recorded with what it cost', async () => {
    const answer = await gateway.post('/v1/embeddings', owner.secret, {
      model: 'openai/vectors',
      input: 'one',
      user: 'someone',
    });
    expect(await gateway.record(answer)).toMatchObject({
      dialect: 'openai-embeddings',
      outcome: 'ok',
      deployment: 'openai/vectors',
      endUser: 'someone',
      usage: { promptTokens: 9, completionTokens: 0 },
      cost: nanoFromUsd('0.000027'),
      chargeBasis: 'exact',
      boundExceeded: false,
    });
  });

  test('is counted here where the provider reports nothing', async () => {
    gateway.upstream.answer = () => ({ body: answerOf(VECTORS, null) });
    const answer = await gateway.post('/v1/embeddings', owner.secret, {
      model: 'openai/vectors',
      input: 'one',
    });
    expect(await gateway.record(answer)).toMatchObject({
      usage: { promptTokens: expect.any(Number), completionTokens: 0, estimated: true },
      chargeBasis: 'estimated',
    });
  });

  test('changes nothing else on either way', async () => {
    const body = '{ "input" : "one", "unknown": 12345678901234567890,"model":"openai/vectors" }';
    gateway.upstream.answer = () => ({
      body: '{"data":[{"embedding":[0.10000000000000000001]}], "odd" : 12345678901234567890, "model":"x"}',
    });
    const answer = await gateway.post('/v1/embeddings', owner.secret, body);
    expect(gateway.upstream.requests[0]?.bytes.toString()).toBe(body.replace('openai/vectors', 'vectors'));
    expect(await answer.text()).toBe(
      '{"data":[{"embedding":[0.10000000000000000001]}], "odd" : 12345678901234567890, "model":"openai/vectors"}',
    );
  });

  test('is refused by a hard budget that does not hold it, and settled exactly by one that does', async () => {
    const poor = await gateway.createKey({ budgets: [budget(0.000_01)] });
    const refused = await gateway.post('/v1/embeddings', poor.secret, {
      model: 'openai/vectors',
      input: 'a text that may cost more than is left',
    });
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({ error: { code: 'budget_exceeded' } });
    expect(gateway.upstream.requests).toHaveLength(0);
    const rich = await gateway.createKey({ budgets: [budget(0.01)] });
    const answered = await gateway.post('/v1/embeddings', rich.secret, {
      model: 'openai/vectors',
      input: 'one',
    });
    expect(answered.status).toBe(200);
    await gateway.record(answered);
    const { windows } = await gateway.counters(rich.key);
    expect(windows).toMatchObject({ total: { committed: 27_000n, spent: 27_000n } });
  });

  test('of a million tokens is read in no time', async () => {
    const key = await gateway.createKey({ budgets: [budget(0.01)] });
    const startedMs = performance.now();
    const answer = await gateway.post('/v1/embeddings', key.secret, {
      model: 'openai/vectors',
      input: Array.from({ length: 1_000_000 }, () => 1),
    });
    expect(answer.status).toBe(402);
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test('is given again by the exact cache, for nothing', async () => {
    const ask = () =>
      gateway.post(
        '/v1/embeddings',
        owner.secret,
        { model: 'openai/vectors', input: 'kept' },
        { 'x-sluice-cache': 'exact' },
      );
    const first = await ask();
    await gateway.record(first);
    const again = await ask();
    expect(again.headers.get('x-sluice-cache')).toBe('hit');
    expect(gateway.upstream.requests).toHaveLength(1);
    expect(await again.json()).toMatchObject({
      data: [{ embedding: VECTORS[0] }, { embedding: VECTORS[1] }],
    });
  });
});
