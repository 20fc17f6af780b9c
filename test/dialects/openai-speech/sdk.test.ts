import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

let gateway: OperationGateway;
let owner: TestKey;
let client: OpenAI;

/** Bytes of every value, so that nothing that takes them for text leaves them whole. */
const SOUND = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7 + 255) % 256));

beforeAll(async () => {
  gateway = await startOperationGateway();
  owner = await gateway.createKey();
  client = new OpenAI({ apiKey: owner.secret, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = () => ({
    contentType: 'audio/mpeg',
    body: [SOUND.subarray(0, 1), SOUND.subarray(1, 2_000), SOUND.subarray(2_000)],
  });
});

const speak = (model: string, more: Partial<OpenAI.Audio.SpeechCreateParams> = {}) =>
  client.audio.speech.create({ model, voice: 'alloy', input: 'Hello, wörld 👋', ...more });

describe('the OpenAI SDK', () => {
  test('gets the very bytes of the sound, with the provider’s type', async () => {
    const response = await speak('openai/speaker');
    expect(Buffer.from(await response.arrayBuffer()).equals(SOUND)).toBe(true);
    expect(response.headers.get('content-type')).toBe('audio/mpeg');
    expect(gateway.upstream.requests[0]).toMatchObject({ path: '/audio/speech', body: { model: 'speaker' } });
  });

  test('pays for the characters it sent', async () => {
    const response = await speak('openai/speaker');
    await response.arrayBuffer();
    expect(await gateway.record(response)).toMatchObject({
      dialect: 'openai-speech',
      stream: true,
      usage: { characters: 14 },
      cost: nanoFromUsd('0.00021'),
      chargeBasis: 'exact',
      boundExceeded: false,
    });
  });

  test('gets events where it asks for them, and the cost in their usage', async () => {
    const usage = { input_tokens: 10, output_tokens: 100, total_tokens: 110 };
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: [
        'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n',
        `data: ${JSON.stringify({ type: 'speech.audio.done', usage })}\n\n`,
      ],
    });
    const response = await speak('openai/token-speaker', { stream_format: 'sse' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const text = await response.text();
    expect(text).toContain('data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n');
    // 10 × $2.5 and 100 × $12 a million.
    expect(text).toContain('"cost":0.001225');
    expect(await gateway.record(response)).toMatchObject({
      usage: { promptTokens: 10, completionTokens: 100, completionAudioTokens: 100 },
      cost: nanoFromUsd('0.001225'),
      chargeBasis: 'exact',
    });
  });

  test('gets sound of a model that is paid by tokens, which are a guess then', async () => {
    const response = await speak('openai/token-speaker');
    await response.arrayBuffer();
    expect(await gateway.record(response)).toMatchObject({
      usage: { completionAudioTokens: 20, estimated: true },
      chargeBasis: 'estimated',
    });
  });

  test('is told of a sound that breaks off by an error event, where it reads events', async () => {
    gateway.upstream.answer = () => ({
      contentType: 'text/event-stream',
      body: 'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n',
    });
    const response = await speak('openai/token-speaker', { stream_format: 'sse' });
    expect(await response.text()).toContain('"code":"upstream_invalid_response"');
  });

  test('is told what is wrong before the first byte', async () => {
    gateway.upstream.answer = () => ({ status: 400, body: '{"error":{"message":"Unknown voice"}}' });
    await expect(speak('openai/speaker')).rejects.toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('gets sound whose answer broke off as far as it came, and the record says so', async () => {
    gateway.upstream.answer = () => ({ contentType: 'audio/mpeg', body: [SOUND], isCut: true });
    const response = await speak('openai/speaker');
    await response.arrayBuffer().catch(() => undefined);
    expect(await gateway.record(response)).toMatchObject({
      outcome: 'upstream_error',
      usage: { characters: 14 },
    });
  });
});

test('an Idempotency-Key gives the same bytes again, charged once', async () => {
  const ask = () =>
    client.audio.speech.create(
      { model: 'openai/speaker', voice: 'alloy', input: 'Once', response_format: 'mp3' },
      { headers: { 'Idempotency-Key': 'the-same-words' } },
    );
  const first = await ask();
  await first.arrayBuffer();
  await gateway.record(first);
  const again = await ask();
  expect(Buffer.from(await again.arrayBuffer()).equals(SOUND)).toBe(true);
  expect(again.headers.get('content-type')).toBe('audio/mpeg');
  expect(gateway.upstream.requests).toHaveLength(1);
  expect(await gateway.record(again)).toMatchObject({ cost: 0n, cacheHit: 'idempotency' });
});

describe('a hard budget', () => {
  test('holds characters, and settles them exactly', async () => {
    const key = await gateway.createKey({ budgets: [budget(0.0003)] });
    const ask = (input: string) =>
      gateway.post('/v1/audio/speech', key.secret, { model: 'openai/speaker', voice: 'alloy', input });
    const refused = await ask('x'.repeat(100));
    expect(refused.status).toBe(402);
    const answered = await ask('x'.repeat(20));
    expect(answered.status).toBe(200);
    await answered.arrayBuffer();
    await gateway.record(answered);
    expect(await gateway.counters(key.key)).toMatchObject({
      windows: { total: { committed: 300_000n, spent: 300_000n } },
    });
  });

  test('does not take sound in tokens whose length nothing limits', async () => {
    const key = await gateway.createKey({ budgets: [budget(100)] });
    const answer = await gateway.post('/v1/audio/speech', key.secret, {
      model: 'openai/token-speaker',
      voice: 'alloy',
      input: 'Hello',
    });
    expect(await answer.json()).toMatchObject({ error: { code: 'cost_unbounded' } });
  });
});
