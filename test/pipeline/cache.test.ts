import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { usdFromNano, ZERO_USD } from '../../lambda/domain/money/nano.ts';
import { windowIdAt } from '../../lambda/domain/money/window.ts';
import { ask, parseStream, type Question, readStream } from '../support/ask.ts';
import { hurriedClock } from '../support/engine.ts';
import {
  budget,
  type LocalGateway,
  MOCK_PRICE,
  startLocalGateway,
  type TestKey,
  until,
} from '../support/local-gateway.ts';
import { MOCK_CACHED_TOKENS, MOCK_PROMPT_TOKENS, mockText } from '../support/mock-answers.ts';

let laterMs = 0;
let loggedBefore = 0;
const clock = { ...hurriedClock, now: () => hurriedClock.now() + laterMs };

let gateway: LocalGateway;
let key: TestKey;
beforeAll(async () => {
  gateway = await startLocalGateway({
    clock,
    config: {
      cache: { ttlSeconds: 600 },
      modelGroups: {
        cached: { cache: { mode: 'exact' }, deployments: [{ provider: 'openai', model: 'mock' }] },
        'for-the-key': {
          cache: { mode: 'exact', sharedWithin: 'key' },
          deployments: [{ provider: 'openai', model: 'mock' }],
        },
        'for-the-team': {
          cache: { mode: 'exact', sharedWithin: 'team' },
          deployments: [{ provider: 'openai', model: 'mock' }],
        },
      },
    },
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  key = await gateway.createKey();
  gateway.mock.reset();
  laterMs = 0;
  loggedBefore = gateway.log().length;
});

const EXACT = { 'x-sluice-cache': 'exact' };
const calls = (): number => gateway.mock.requests.length;
const cacheOf = (response: Response): string | null => response.headers.get('x-sluice-cache');

async function total({
  key: owner,
}: TestKey): Promise<{ readonly spent: bigint; readonly committed: bigint }> {
  const counters = await gateway.counters(owner);
  const window = counters.windows[windowIdAt('total', clock.now())];
  return { spent: window?.spent ?? -1n, committed: window?.committed ?? -1n };
}

/** Asks, reads all, and waits until what comes after the answer's end is done: the line in the log is the last of it. */
async function answered(question: Question = {}, { secret } = key) {
  const linesBefore = gateway.log().length;
  const response = await ask(gateway, secret, { headers: EXACT, ...question });
  const text = await response.text();
  await until('the request is logged', () => gateway.log().length > linesBefore);
  const record = await gateway.record(response);
  return { response, text, record, cache: cacheOf(response) };
}

/** Until the first answer since the test began is kept. */
const untilKept = (): Promise<void> =>
  until('the request is logged', () => gateway.log().length > loggedBefore);

/** The cost of a mock answer of three words, in dollars. */
const ANSWER_USD =
  ((MOCK_PROMPT_TOKENS - MOCK_CACHED_TOKENS) * MOCK_PRICE.promptUsdPerMillion +
    MOCK_CACHED_TOKENS * MOCK_PRICE.cacheReadUsdPerMillion +
    3 * MOCK_PRICE.completionUsdPerMillion) /
  1e6;

describe('an answer that is given again', () => {
  test('calls nobody, costs nothing, and says what it saved', async () => {
    const first = await answered();
    expect(first.cache).toBe('miss');
    expect(usdFromNano(first.record.cost ?? ZERO_USD)).toBeCloseTo(ANSWER_USD, 9);
    const again = await answered();
    expect(again.cache).toBe('hit');
    expect(calls()).toBe(1);
    expect(again.response.headers.get('x-sluice-cost-usd')).toBe('0');
    expect(again.response.headers.get('x-sluice-attempts')).toBe('0');
    const body = JSON.parse(again.text);
    expect(body.usage).toMatchObject({ prompt_tokens: MOCK_PROMPT_TOKENS, cost: 0 });
    expect(body.usage.cost_details.saved_cost).toBeCloseTo(ANSWER_USD, 9);
    expect(again.record).toMatchObject({
      outcome: 'ok',
      cacheHit: 'exact',
      cost: 0n,
      deployment: 'openai/mock',
    });
    expect(again.record.savedCost).toBe(first.record.cost);
    expect(again.record.usage).toBeUndefined();
    const { spent, committed } = await total(key);
    expect([spent, committed]).toEqual([first.record.cost, first.record.cost]);
  });

  test('has its own id, and is the same to the byte but for id and cost', async () => {
    const first = await answered();
    const again = await answered();
    expect(JSON.parse(again.text).id).toBe(again.response.headers.get('x-request-id'));
    const plain = (text: string): string =>
      text
        .replace(/"id":"[^"]*"/, '')
        .replace(/"cost_details":\{[^}]*\}/, '')
        .replace(/"cost":[\d.]+/, '');
    expect(plain(again.text)).toBe(plain(first.text));
    expect(again.text).toContain('9007199254740993');
  });

  test('says what had been left out of its request, however it is found', async () => {
    const headers = { ...EXACT, 'x-sluice-unsupported': 'drop', 'idempotency-key': 'with-a-seed' };
    const question = { model: 'anthropic/mock', body: { seed: 7 }, headers };
    const leftOut = async (asked: Question): Promise<readonly (string | null)[]> => {
      const { response, cache } = await answered(asked);
      return [cache, response.headers.get('x-sluice-dropped')];
    };
    expect(await leftOut(question)).toEqual(['miss', 'seed']);
    expect(await leftOut(question)).toEqual(['bypass', 'seed']);
    expect(await leftOut({ ...question, headers: { ...headers, 'idempotency-key': 'another' } })).toEqual([
      'hit',
      'seed',
    ]);
  });

  test('shows in the record of the request', async () => {
    await answered();
    const { response } = await answered();
    const shown = await fetch(`${gateway.url}/v1/generation?id=${response.headers.get('x-request-id')}`, {
      headers: { authorization: `Bearer ${key.secret}` },
    });
    const { data } = (await shown.json()) as { data: Record<string, unknown> };
    expect(data).toMatchObject({ total_cost: 0, cache_hit: 'exact' });
    expect(data['saved_cost']).toBeCloseTo(ANSWER_USD, 9);
  });

  test.each([
    ['openai', 'openai/mock'],
    ['openai', 'anthropic/mock'],
    ['anthropic', 'anthropic/mock'],
    ['anthropic', 'openai/mock'],
  ] as const)('to a caller of %s, by %s, streams or comes whole, however it was made', async (as, model) => {
    for (const stream of [true, false]) {
      const own = await gateway.createKey();
      const question = { as, model, body: { stream } };
      expect((await answered(question, own)).cache).toBe('miss');
      const streamed = await answered({ as, model, body: { stream: true } }, own);
      expect(streamed.cache).toBe('hit');
      const { text, errors, isFinished } = parseStream(streamed.text);
      expect({ text, errors, isFinished }).toEqual({ text: mockText(3), errors: [], isFinished: true });
      const whole = await answered({ as, model, body: { stream: false } }, own);
      expect(whole.cache).toBe('hit');
      const body = JSON.parse(whole.text);
      expect(as === 'openai' ? body.choices[0].message.content : body.content[0].text).toBe(mockText(3));
      expect(body.usage.cost).toBe(0);
    }
    expect(calls()).toBe(2);
  });

  test('is read by the official OpenAI SDK, as a stream and not', async () => {
    const openai = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: key.secret,
      defaultHeaders: EXACT,
      maxRetries: 0,
    });
    const request = { model: 'anthropic/mock-c5', messages: [{ role: 'user' as const, content: 'Hello' }] };
    const made = await openai.chat.completions.create(request);
    await untilKept();
    const again = await openai.chat.completions.create(request);
    expect(again.choices).toEqual(made.choices);
    const stream = openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(mockText(5));
    expect(final.usage).toMatchObject({ completion_tokens: 5, cost: 0 });
    expect(calls()).toBe(1);
  });

  test('is read by the official Anthropic SDK, as a stream and not', async () => {
    const anthropic = new Anthropic({
      baseURL: gateway.url,
      apiKey: key.secret,
      defaultHeaders: EXACT,
      maxRetries: 0,
    });
    const request = {
      model: 'anthropic/mock-c5',
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: 'Hello' }],
    };
    const made = await anthropic.messages.stream(request).finalMessage();
    await untilKept();
    const again = await anthropic.messages.stream(request).finalMessage();
    expect(again.content).toEqual(made.content);
    expect(again.usage).toMatchObject({ output_tokens: 5 });
    const whole = await anthropic.messages.create(request);
    expect(whole.content).toMatchObject([{ type: 'text', text: mockText(5) }]);
    expect(whole.stop_reason).toBe('end_turn');
    expect(whole.usage).toMatchObject({ cost: 0 });
    expect(calls()).toBe(1);
  });
});

describe('another answer is made', () => {
  const isMade = async (question: Question, asked = key): Promise<void> => {
    expect((await answered(question, asked)).cache).toBe('miss');
  };

  test('for another key, another end user, and for nobody in particular', async () => {
    await isMade({ body: { user: 'ada' } });
    await isMade({ body: { user: 'bob' } });
    await isMade({});
    await isMade({ body: { user: 'ada' } }, await gateway.createKey());
    expect((await answered({ body: { user: 'ada' } })).cache).toBe('hit');
    expect(calls()).toBe(4);
  });

  test('when anything that could change it is another', async () => {
    await isMade({});
    await isMade({ body: { temperature: 0.1 } });
    await isMade({ body: { x_unknown: 9_007_199_254_740_991 } });
    await isMade({ body: { messages: [{ role: 'user', content: 'hello' }] } });
    await isMade({ headers: { ...EXACT, 'openai-beta': 'more' } });
    await isMade({ headers: { ...EXACT, 'x-sluice-unsupported': 'drop' } });
    await isMade({ as: 'anthropic' });
    expect(calls()).toBe(7);
  });

  test('for a key that may not call the provider of the one that is kept', async () => {
    const team = { team: 'red' };
    const open = await gateway.createKey(team);
    const narrow = await gateway.createKey({ ...team, providers: ['anthropic'] });
    const question = { model: 'for-the-team', body: { models: ['anthropic/mock'] }, headers: {} };
    await isMade(question, open);
    const other = await answered(question, narrow);
    expect(other.cache).toBe('miss');
    expect(other.response.headers.get('x-sluice-provider')).toBe('anthropic');
  });
});

describe('what is shared, and how long, is the operator’s to say', () => {
  test('a group keeps answers without being asked to, its key’s caller can turn that off', async () => {
    const question = { model: 'cached', headers: {} };
    expect((await answered(question)).cache).toBe('miss');
    expect((await answered(question)).cache).toBe('hit');
    expect((await answered({ ...question, headers: { 'x-sluice-cache': 'off' } })).cache).toBe('bypass');
    expect((await answered({ headers: {} })).cache).toBe('bypass');
  });

  test('a key decides for its requests; one that is off stays off', async () => {
    const on = await gateway.createKey({ cache: 'exact' });
    expect((await answered({ headers: {} }, on)).cache).toBe('miss');
    expect((await answered({ headers: {} }, on)).cache).toBe('hit');
    const off = await gateway.createKey({ cache: 'off' });
    for (let time = 0; time < 2; time += 1) expect((await answered({}, off)).cache).toBe('bypass');
    expect((await answered({ model: 'cached', headers: {} }, off)).cache).toBe('bypass');
  });

  test('a group shared within the key gives one end user’s answer to another, within the team to another key', async () => {
    const shared = { model: 'for-the-key', headers: {} };
    expect((await answered({ ...shared, body: { user: 'ada' } })).cache).toBe('miss');
    expect((await answered({ ...shared, body: { user: 'bob' } })).cache).toBe('hit');
    const [red, red2, blue] = await Promise.all(
      ['red', 'red', 'blue'].map((team) => gateway.createKey({ organization: 'acme', team })),
    );
    const ofTeam = { model: 'for-the-team', headers: {} };
    expect((await answered(ofTeam, red)).cache).toBe('miss');
    expect((await answered(ofTeam, red2)).cache).toBe('hit');
    expect((await answered(ofTeam, blue)).cache).toBe('miss');
    const elsewhere = await gateway.createKey({ organization: 'rival', team: 'red' });
    expect((await answered(ofTeam, elsewhere)).cache).toBe('miss');
  });

  test('an answer says how old it is, and is not given beyond its time', async () => {
    await answered();
    laterMs = 59_000;
    const again = await answered();
    expect(Number(again.response.headers.get('age'))).toBeGreaterThanOrEqual(59);
    expect(Number(again.response.headers.get('age'))).toBeLessThan(75);
    laterMs = 601_000;
    expect((await answered()).cache).toBe('miss');
  });

  test('a caller may say how long', async () => {
    const brief = { headers: { ...EXACT, 'x-sluice-cache-ttl': '30' } };
    await answered(brief);
    laterMs = 15_000;
    expect((await answered(brief)).cache).toBe('hit');
    laterMs = 31_000;
    expect((await answered(brief)).cache).toBe('miss');
  });
});

describe('Cache-Control means what HTTP says', () => {
  const withControl = (value: string): Question => ({ headers: { ...EXACT, 'cache-control': value } });

  test('no-cache makes the answer anew, and keeps it', async () => {
    await answered();
    laterMs = 100_000;
    expect((await answered(withControl('no-cache'))).cache).toBe('bypass');
    const again = await answered();
    expect(again.cache).toBe('hit');
    expect(Number(again.response.headers.get('age'))).toBeLessThan(90);
    expect(calls()).toBe(2);
  });

  test('no-store keeps nothing, and takes what is there', async () => {
    expect((await answered(withControl('no-store'))).cache).toBe('miss');
    expect((await answered()).cache).toBe('miss');
    expect((await answered(withControl('no-store'))).cache).toBe('hit');
    expect((await answered(withControl('no-store, no-cache'))).cache).toBe('bypass');
  });

  test('max-age takes no older answer', async () => {
    await answered();
    laterMs = 20_000;
    expect((await answered(withControl('max-age=60'))).cache).toBe('hit');
    expect((await answered(withControl('max-age=10'))).cache).toBe('miss');
    expect((await answered(withControl('max-age=soon'))).cache).toBe('miss');
  });
});

describe('what is not kept', () => {
  test.each([
    ['an error', { model: 'openai/mock-e400' }],
    ['an answer that its limit cut off', { body: { max_tokens: 2 } }],
    ['a stream that broke', { model: 'openai/mock-fcut', body: { stream: true } }],
    ['a stream that ended in an error', { model: 'anthropic/mock-fsseerr', body: { stream: true } }],
    ['a call of tools', { model: 'openai/mock-xtools' }],
    ['a streamed call of tools', { model: 'anthropic/mock-xtools', body: { stream: true } }],
  ])('%s', async (_what, question: Question) => {
    for (let time = 0; time < 2; time += 1) {
      const { record } = await answered(question);
      expect(record.cacheHit).toBeUndefined();
    }
    expect(calls()).toBe(2);
  });

  test('a call of tools is, where the caller asks for it', async () => {
    const question = {
      model: 'anthropic/mock-xtools',
      headers: { ...EXACT, 'x-sluice-cache-tool-calls': 'keep' },
    };
    await answered(question);
    const again = await answered(question);
    expect(again.cache).toBe('hit');
    expect(JSON.parse(again.text).choices[0].message.tool_calls).toHaveLength(2);
  });
});

describe('policies and budgets', () => {
  test('are asked on a hit too', async () => {
    const poor = await gateway.createKey({ budgets: [budget(0.004)] });
    const question = { body: { max_tokens: 100 } };
    expect((await answered(question, poor)).cache).toBe('miss');
    expect((await answered(question, poor)).cache).toBe('hit');
    const { spent, committed } = await total(poor);
    expect(committed).toBe(spent);
    const dear = await ask(gateway, poor.secret, { body: { max_tokens: 4_000 }, headers: EXACT });
    expect(dear.status).toBe(402);
    await gateway.revokeKey(poor.key);
    expect((await ask(gateway, poor.secret, { ...question, headers: EXACT })).status).toBe(401);
  });
});

test.each([
  ['x-sluice-cache', 'always'],
  ['x-sluice-cache-ttl', '0'],
  ['x-sluice-cache-ttl', '1e3'],
  ['x-sluice-cache-tool-calls', 'yes'],
  ['x-sluice-single-flight', '1'],
])('%s: %s is refused', async (name, value) => {
  const response = await ask(gateway, key.secret, { headers: { [name]: value } });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param: name } });
});

test('a stream that is given again is told from the one that is kept by nothing but its id, model and cost', async () => {
  const question = { body: { stream: true, stream_options: { include_usage: true } } };
  const first = await readStream(await ask(gateway, key.secret, { ...question, headers: EXACT }));
  await until('the answer is kept', async () => {
    const response = await ask(gateway, key.secret, { ...question, headers: EXACT });
    await response.text();
    return cacheOf(response) === 'hit';
  });
  const again = await readStream(await ask(gateway, key.secret, { ...question, headers: EXACT }));
  const plain = (raw: string): string =>
    raw.replaceAll(/"(id|cost|cost_details)":("[^"]*"|[\d.e-]+|\{[^}]*\})/g, '');
  expect(plain(again.raw)).toBe(plain(first.raw));
});
