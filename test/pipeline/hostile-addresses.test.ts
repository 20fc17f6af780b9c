import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PROVIDERS } from '../../lambda/providers/registry.ts';
import { budget } from '../support/local-gateway.ts';
import { type MoneyGateway, startMoneyGateway } from '../support/money-gateway.ts';

/** Callers name the model, and where it stands in an address, they write a part of the provider's address. */

let gateway: MoneyGateway;
beforeAll(async () => {
  gateway = await startMoneyGateway({
    modelGroups: {
      pair: {
        deployments: [
          { provider: 'openai', model: 'mock-a' },
          { provider: 'cohere', model: 'mock-b' },
        ],
      },
    },
  });
});
afterAll(() => gateway.close());

const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];
const turns = [{ role: 'user', content: [{ text: 'Hi' }] }];
const messages = [{ role: 'user', content: 'Hi' }];
const cached = { 'x-sluice-cache': 'exact' };

const HOSTILE_NAMES = [
  'a/../../b',
  '../x',
  'a?alt=media',
  'a#b',
  'a%2F..%2Fb',
  'a%252e%252e',
  'a\\..\\b',
  'a:predict',
  'a;b=c',
  '@evil.example',
  '/evil.example',
];

describe('a model’s name', () => {
  test.each(HOSTILE_NAMES)('stays one part of the address of whatever provider: %s', (name) => {
    for (const { apis, baseUrl, exampleBaseUrl } of PROVIDERS)
      for (const api of apis) {
        const base = baseUrl ?? exampleBaseUrl ?? 'https://example.com';
        const plain = new URL(base + api.path('plain', true));
        const asked = new URL(base + api.path(name, true));
        expect([asked.host, asked.search, asked.hash]).toEqual([plain.host, plain.search, plain.hash]);
        expect(asked.pathname).toBe(plain.pathname.replace('plain', encodeURIComponent(name)));
      }
  });

  test.each(['bedrock/..', 'bedrock/.', 'gemini/..', 'bedrock%2F%2e%2e'])(
    'that would leave out a part of the address is none: %s',
    async (model) => {
      const path = `/model/${encodeURIComponent(decodeURIComponent(model))}/converse`;
      const { status, sent } = await gateway.post(path, { messages: turns }, { key: gateway.free });
      expect([status, sent]).toEqual([404, undefined]);
    },
  );

  test('that is no Unicode is none', async () => {
    const body = `{"model":"gemini/mock\\ud800","messages":${JSON.stringify(messages)}}`;
    const { status, code, sent } = await gateway.post('/v1/chat/completions', body, { key: gateway.free });
    expect([status, code, sent]).toEqual([404, 'model_not_found', undefined]);
  });

  test('in the body is not believed where the address names one', async () => {
    const body = { model: 'models/gemini-dear', contents };
    const { sent } = await gateway.post('/v1beta/models/gemini%2Fmock:generateContent', body);
    expect(sent?.path).toBe('/v1beta/models/mock:generateContent');
    expect(sent?.body).not.toHaveProperty('model');
  });
});

describe('the same body at two addresses', () => {
  const at = (model: string, verb = 'generateContent') => `/v1beta/models/gemini%2F${model}:${verb}`;
  const sentFor = async (path: string, headers: Readonly<Record<string, string>>) => {
    const { sent, response } = await gateway.post(path, { contents }, { headers });
    return { path: sent?.path, hit: response.headers.get('x-sluice-cache'), response };
  };

  test('has two answers in the cache', async () => {
    await gateway.record((await sentFor(at('mock-1'), cached)).response);
    expect((await sentFor(at('mock-1'), cached)).hit).toBe('hit');
    expect((await sentFor(at('mock-2'), cached)).path).toBe('/v1beta/models/mock-2:generateContent');
  });

  test('is two requests under one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'one' };
    await gateway.record((await sentFor(at('mock-1'), headers)).response);
    expect((await sentFor(at('mock-2'), headers)).response.status).toBe(409);
  });

  test('is answered from the cache in the form of the address that is asked', async () => {
    await gateway.record((await sentFor(at('mock-3'), cached)).response);
    const list = await sentFor(at('mock-3', 'streamGenerateContent'), cached);
    expect(list.hit).toBe('hit');
    expect(Array.isArray(await list.response.json())).toBe(true);
    const events = await sentFor(`${at('mock-3', 'streamGenerateContent')}?alt=sse`, cached);
    expect(await events.response.text()).toMatch(/^data: \{/);
  });
});

test('an answer to less than was asked is not given to whoever asked for all', async () => {
  const organization = 'shared';
  const sharing = await startMoneyGateway({ cache: { mode: 'exact', sharedWithin: 'organization' } });
  try {
    const held = await sharing.createKey({ organization, budgets: [budget(5)] });
    const free = await sharing.createKey({ organization });
    const body = { model: 'openai/mock', messages, to_come: { a: 1 } };
    const first = await sharing.post('/v1/chat/completions', body, { key: held });
    expect(first.dropped).toBe('to_come');
    await sharing.record(first.response);
    const second = await sharing.post('/v1/chat/completions', body, { key: free });
    expect(second.sent?.body).toHaveProperty('to_come');
  } finally {
    await sharing.close();
  }
});

describe('a list of models', () => {
  test.each(['/v1/models', '/v1beta/models', '/v1/models/pair'])(
    'at %s names only what its key may call',
    async (path) => {
      const { secret } = await gateway.createKey({ providers: ['cohere'] });
      const answer = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${secret}` } });
      const text = await answer.text();
      expect(answer.status).toBe(200);
      expect(text).toContain('pair');
      expect([text.includes('openai'), text.includes('azure')]).toEqual([false, false]);
    },
  );
});

test('a key in a query is not logged', async () => {
  const path = `/v1beta/models/gemini%2Fmock:generateContent?key=${gateway.free.secret}`;
  await gateway.post(path, { contents });
  expect(gateway.log()).not.toContain(gateway.free.secret);
});

test.each(['openai/mock', 'anthropic/mock', 'gemini/mock', 'bedrock/mock', 'cohere/mock'])(
  'what a caller’s addresses name is not fetched by the gateway: %s',
  async (model) => {
    const url = `${gateway.upstream.url}/secret.png`;
    const parts = [{ type: 'image_url', image_url: { url } }];
    const body = { model, messages: [{ role: 'user', content: parts }] };
    await gateway.post('/v1/chat/completions', body, {
      key: gateway.free,
      headers: { 'x-sluice-unsupported': 'drop' },
    });
    expect(gateway.upstream.requests.map(({ path }) => path)).not.toContain('/secret.png');
  },
);
