import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: OpenAI;

const USAGE = {
  input_tokens: 20,
  input_tokens_details: { text_tokens: 20, image_tokens: 0 },
  output_tokens: 1_000,
  total_tokens: 1_020,
};
/** 20 × $5 and 1,000 × $41 a million. */
const TOKEN_COST = '0.0411';
const event = (type: string, more: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, b64_json: 'AAAA', ...more })}\n\n`;

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = ({ body }) => ({
    body: JSON.stringify({
      created: 7,
      data: Array.from({ length: body.n ?? 1 }, () => ({ b64_json: 'AAAA' })),
      ...(body.model === 'token-painter' && { usage: USAGE, size: '1024x1024', quality: 'high' }),
    }),
  });
});

describe('the OpenAI SDK', () => {
  test('gets pictures that are paid by the piece', async () => {
    const { data, response } = await client.images
      .generate({ model: 'openai/painter', prompt: 'A cat', n: 2, size: '1024x1024', quality: 'low' })
      .withResponse();
    expect(data.data).toEqual([{ b64_json: 'AAAA' }, { b64_json: 'AAAA' }]);
    expect(response.headers.get('x-sluice-cost-usd')).toBe('0.026');
    expect(gateway.upstream.requests[0]).toMatchObject({
      path: '/images/generations',
      body: { model: 'painter', prompt: 'A cat', n: 2 },
    });
    expect(await gateway.record(response)).toMatchObject({
      dialect: 'openai-images',
      usage: { images: 2, imageKind: 'low/1024x1024' },
      cost: nanoFromUsd('0.026'),
      chargeBasis: 'exact',
      boundExceeded: false,
    });
  });

  test('gets pictures that are paid by their tokens, and only by those', async () => {
    const { data, response } = await client.images
      .generate({ model: 'openai/token-painter', prompt: 'A cat' })
      .withResponse();
    expect(data.usage).toMatchObject({ output_tokens: 1_000, cost: Number(TOKEN_COST) });
    expect(await gateway.record(response)).toMatchObject({
      usage: { promptTokens: 20, completionTokens: 1_000, completionImageTokens: 1_000 },
      cost: nanoFromUsd(TOKEN_COST),
      boundExceeded: false,
    });
  });

  test('gets drafts in a stream', async () => {
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: [
        // As large as a draft is: an answer has begun with it.
        event('image_generation.partial_image', { b64_json: 'A'.repeat(2_000_000), partial_image_index: 0 }),
        event('image_generation.completed', { usage: USAGE, extra: 12345 }),
      ],
    });
    const stream = await client.images.generate({
      model: 'openai/token-painter',
      prompt: 'A cat',
      stream: true,
      partial_images: 1,
    });
    const events = [];
    for await (const one of stream) events.push(one);
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
    expect(events[1]).toMatchObject({ extra: 12345, usage: { cost: Number(TOKEN_COST) } });
  });

  test('throws where a stream breaks off after a draft', async () => {
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: [
        event('image_generation.completed', { usage: USAGE }),
        event('image_generation.partial_image', { partial_image_index: 0 }),
      ],
    });
    const stream = await client.images.generate({
      model: 'openai/token-painter',
      prompt: 'A cat',
      stream: true,
    });
    const reading = (async () => {
      for await (const _ of stream);
    })();
    await expect(reading).rejects.toThrow(/ended before/);
  });
});

describe('a hard budget', () => {
  const ask = async (body: object, usd: number) => {
    const key = await gateway.createKey({ budgets: [budget(usd)] });
    const answer = await gateway.post('/v1/images/generations', key.secret, { prompt: 'A cat', ...body });
    return { key, answer };
  };

  test('sets the dearest kind aside where the request leaves it open', async () => {
    const { answer } = await ask({ model: 'openai/painter', n: 3 }, 0.5);
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({
      error: { code: 'budget_exceeded', metadata: { estimate_usd: 0.87 } },
    });
  });

  test('sets the dearest quality of a size aside, and settles what it was', async () => {
    const { key, answer } = await ask({ model: 'openai/painter', size: '1024x1024' }, 0.18);
    expect(answer.status).toBe(200);
    await gateway.record(answer);
    expect(await gateway.counters(key.key)).toMatchObject({
      windows: { total: { committed: 170_000_000n, spent: 170_000_000n } },
    });
  });

  test('does not take a kind whose price is not listed', async () => {
    const { answer } = await ask({ model: 'openai/painter', size: '4096x4096', quality: 'high' }, 100);
    expect(answer.status).toBe(402);
    expect(await answer.json()).toMatchObject({ error: { code: 'price_unknown', param: 'size' } });
  });

  test('does not take pictures in tokens that nothing bounds', async () => {
    const { answer } = await ask({ model: 'openai/gpt-image-2' }, 100);
    expect(await answer.json()).toMatchObject({ error: { code: 'cost_unbounded' } });
  });

  test('does not take a conversation with a model that makes pictures', async () => {
    const key = await gateway.createKey({ budgets: [budget(1)] });
    const answer = await gateway.post('/v1/chat/completions', key.secret, {
      model: 'openai/painter',
      messages: [{ role: 'user', content: 'Hello' }],
    });
    expect(await answer.json()).toMatchObject({ error: { code: 'price_unknown' } });
  });
});
