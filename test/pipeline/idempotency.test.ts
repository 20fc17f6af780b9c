import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { windowIdAt } from '../../lambda/domain/money/window.ts';
import { ask, parseStream, type Question } from '../support/ask.ts';
import { hurriedClock } from '../support/engine.ts';
import { type LocalGateway, startLocalGateway, type TestKey, until } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';

let laterMs = 0;
const clock = { ...hurriedClock, now: () => hurriedClock.now() + laterMs };

let gateway: LocalGateway;
let other: LocalGateway;
let key: TestKey;
let name: string;
let names = 0;
beforeAll(async () => {
  gateway = await startLocalGateway({ clock });
  other = await startLocalGateway({ clock, beside: gateway });
});
afterAll(async () => {
  await other.close();
  await gateway.close();
});
beforeEach(async () => {
  key = await gateway.createKey();
  gateway.mock.reset();
  laterMs = 0;
  names += 1;
  name = `request-${names}`;
});

const calls = (): number => gateway.mock.requests.length;

async function send(question: Question = {}, at = gateway): Promise<Response> {
  return ask(at, key.secret, { ...question, headers: { 'idempotency-key': name, ...question.headers } });
}

/** Sends, reads all, and waits until what comes after the answer's end is done. */
async function answered(question: Question = {}) {
  const linesBefore = gateway.log().length;
  const response = await send(question);
  const text = await response.text();
  await until('the request is logged', () => gateway.log().length > linesBefore);
  return {
    status: response.status,
    text,
    isReplayed: response.headers.get('x-sluice-idempotent-replayed') === 'true',
    headers: response.headers,
    record: await gateway.record(response),
  };
}

async function spent(): Promise<bigint> {
  const counters = await gateway.counters(key.key);
  return counters.windows[windowIdAt('total', clock.now())]?.spent ?? 0n;
}

describe('a request sent again under its Idempotency-Key', () => {
  test.each([
    ['whole, by the caller’s format', { model: 'openai/mock' }],
    ['whole, by another format', { model: 'anthropic/mock' }],
    ['whole, to Anthropic’s SDK', { as: 'anthropic', model: 'openai/mock' }],
    [
      'streamed, by the caller’s format',
      { model: 'openai/mock', body: { stream: true, stream_options: { include_usage: true } } },
    ],
    ['streamed, by another format', { model: 'anthropic/mock', body: { stream: true } }],
    ['streamed, to Anthropic’s SDK', { as: 'anthropic', model: 'anthropic/mock', body: { stream: true } }],
    ['with calls of tools', { model: 'anthropic/mock-xtools' }],
    ['with reasoning', { as: 'anthropic', model: 'anthropic/mock-xthink', body: { stream: true } }],
    ['with an answer that its limit cut off', { model: 'openai/mock', body: { max_tokens: 2 } }],
  ] as const)('gets the same answer to the byte, charged once: %s', async (_what, question: Question) => {
    const first = await answered(question);
    const again = await answered(question);
    expect(again.text).toBe(first.text);
    expect([first.isReplayed, again.isReplayed]).toEqual([false, true]);
    expect(calls()).toBe(1);
    expect(again.record).toMatchObject({
      outcome: 'ok',
      cacheHit: 'idempotency',
      cost: 0n,
      savedCost: first.record.cost,
    });
    expect(await spent()).toBe(first.record.cost);
  });

  test('is found by another process, in whatever order its members come', async () => {
    const first = await answered();
    const response = await fetch(`${other.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.secret}`, 'idempotency-key': name },
      body: '{"messages": [{"content": "Hello", "role": "user"}], "model": "openai/mock"}',
    });
    expect(await response.text()).toBe(first.text);
    expect(calls()).toBe(1);
  });

  test('gets its answer for 24 hours, and is another request then', async () => {
    await answered();
    laterMs = 23 * 3_600_000;
    expect((await answered()).isReplayed).toBe(true);
    laterMs = 24.1 * 3_600_000;
    expect((await answered()).isReplayed).toBe(false);
    expect(calls()).toBe(2);
  });

  test('works with the official SDKs', async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key.secret, maxRetries: 0 });
    const request = { model: 'openai/mock', messages: [{ role: 'user' as const, content: 'Hello' }] };
    const options = { headers: { 'Idempotency-Key': name } };
    const linesBefore = gateway.log().length;
    const first = await openai.chat.completions.create(request, options);
    await until('the request is logged', () => gateway.log().length > linesBefore);
    expect(await openai.chat.completions.create(request, options)).toEqual(first);
    const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key.secret, maxRetries: 0 });
    const message = { ...request, max_tokens: 50 };
    const linesBeforeMessage = gateway.log().length;
    const made = await anthropic.messages.stream(message, options).finalMessage();
    await until('the request is logged', () => gateway.log().length > linesBeforeMessage);
    expect(await anthropic.messages.stream(message, options).finalMessage()).toEqual(made);
    expect(calls()).toBe(2);
  });
});

describe('an Idempotency-Key', () => {
  test('belongs to one request: another body is a conflict, and costs nothing', async () => {
    const { record } = await answered();
    for (const body of [{ temperature: 0 }, { stream: true }, { user: 'ada' }]) {
      const refused = await answered({ body });
      expect(refused.status).toBe(409);
      expect(JSON.parse(refused.text).error).toMatchObject({ code: 'idempotency_conflict' });
      expect(refused.record).toMatchObject({ outcome: 'idempotency_conflict', cost: 0n });
    }
    expect(calls()).toBe(1);
    expect(await spent()).toBe(record.cost);
    expect((await answered()).isReplayed).toBe(true);
  });

  test('counts for one virtual key and one route', async () => {
    await answered();
    expect((await answered({ as: 'anthropic' })).isReplayed).toBe(false);
    key = await gateway.createKey();
    expect((await answered()).isReplayed).toBe(false);
    expect(calls()).toBe(3);
  });

  test.each(['', ' ', 'a b', 'ü', 'x'.repeat(256), 'tab\there'])('"%s" is refused', async (value) => {
    const response = await send({ headers: { 'idempotency-key': encodeHeader(value) } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: 'Idempotency-Key' } });
  });
});

/** As a client that sends UTF-8 does. */
const encodeHeader = (value: string): string => Buffer.from(value).toString('latin1');

describe('while the first one is being answered', () => {
  test.each([{ stream: false }, { stream: true }])(
    'the others wait, and get its answer: %j',
    async (body) => {
      const question = { model: 'openai/mock-l300-c4-i20', body };
      const responses = await Promise.all(
        Array.from({ length: 6 }, async (_, index) => send(question, index % 2 === 0 ? gateway : other)),
      );
      const texts = await Promise.all(responses.map((response) => response.text()));
      expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
      expect(new Set(texts).size).toBe(1);
      expect(calls()).toBe(1);
      await Promise.all(responses.map((response) => gateway.record(response)));
      const records = await Promise.all(responses.map((response) => gateway.record(response)));
      expect(records.filter(({ cost }) => cost !== 0n)).toHaveLength(1);
    },
  );

  test('those that ask something else hear of the conflict at once', async () => {
    const first = send({ model: 'openai/mock-l500' });
    await until('the provider is called', () => calls() === 1);
    const refused = await send({ model: 'openai/mock' });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ error: { code: 'idempotency_conflict' } });
    expect((await first).status).toBe(200);
  });

  test('who has waited long enough is told to come again', async () => {
    const first = send({ model: 'openai/mock-l600', headers: { 'x-sluice-timeout-ms': '5000' } });
    await until('the provider is called', () => calls() === 1);
    const refused = await send({
      model: 'openai/mock-l600',
      headers: { 'x-sluice-timeout-ms': '1100' },
    });
    expect(refused.status).toBe(409);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.headers.get('x-should-retry')).toBe('true');
    expect(await refused.json()).toMatchObject({ error: { code: 'idempotency_in_progress' } });
    expect((await first).status).toBe(200);
  });
});

describe('what fails is not kept: the same key asks again', () => {
  test.each([
    ['refused by the provider', { model: 'openai/mock-e400-n1' }, 400],
    ['rate limited', { model: 'openai/mock-e429-n9' }, 429],
    ['failed by the provider', { model: 'openai/mock-e500-n9' }, 502],
  ])('%s', async (_what, question: Question, status) => {
    const first = await answered(question);
    expect(first.status).toBe(status);
    const before = calls();
    await answered(question);
    expect(calls()).toBeGreaterThan(before);
  });

  test('a stream that broke is charged, and the retry is a request of its own, charged too', async () => {
    const question = { model: 'openai/mock-fcut-n1', body: { stream: true } };
    const first = await answered(question);
    expect(parseStream(first.text).errors).toHaveLength(1);
    const again = await answered(question);
    expect(again.isReplayed).toBe(false);
    expect(parseStream(again.text).text).toBe(mockText(3));
    expect(await spent()).toBe((first.record.cost ?? 0n) + (again.record.cost ?? 0n));
  });

  test('a request that its budget refused', async () => {
    const model = 'openai/unpriced';
    const poor = await gateway.createKey({ budgets: [] });
    const ours = key;
    key = poor;
    expect((await answered({ model, body: { provider: { only: ['anthropic'] } } })).status).toBe(404);
    key = ours;
    expect((await answered()).status).toBe(200);
  });

  test('a first one that died: its claim ends thirty seconds after its deadline', async () => {
    const question = { model: 'openai/mock', headers: { 'x-sluice-timeout-ms': '1200' } };
    const dead = await startLocalGateway({
      clock,
      beside: gateway,
      gateway: { claims: { ...gateway.gateway.claims, close: async () => {}, release: async () => {} } },
    });
    try {
      await (await send(question, dead)).text();
    } finally {
      await dead.close();
    }
    laterMs = 25_000;
    expect((await answered(question)).status).toBe(409);
    laterMs = 32_000;
    expect((await answered(question)).status).toBe(200);
    expect(calls()).toBe(2);
  });
});

test('an answer that is too large to be kept is not charged twice: the key stays used', async () => {
  const store = await startLocalGateway({
    clock,
    beside: gateway,
    gateway: {
      answers: { ...gateway.gateway.answers, get: async () => undefined, put: async () => 'too-large' },
    },
  });
  try {
    expect((await send({}, store)).status).toBe(200);
    await until('the key is used up', async () => {
      const again = await send({}, store);
      return (await again.text()).includes('could not be kept') && again.status === 409;
    });
    expect(calls()).toBe(1);
  } finally {
    await store.close();
  }
});
