import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { ask } from '../support/ask.ts';
import { budget, type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

/** 750 kB as a data URL: text of that size would be half a million tokens. */
const PICTURE = {
  type: 'image_url',
  image_url: { url: `data:image/png;base64,${'A'.repeat(750_000)}` },
};

let gateway: LocalGateway;
let held: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway({
    config: {
      modelGroups: {
        pair: {
          deployments: [
            { provider: 'openai', model: 'mock-dear' },
            { provider: 'anthropic', model: 'mock' },
          ],
        },
      },
      prices: {
        'openai/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17, contextTokens: 1_000 },
        'openai/mock-dear': { promptUsdPerMillion: 3_000, completionUsdPerMillion: 17_000 },
        'anthropic/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17 },
      },
    },
  });
  held = await gateway.createKey({ budgets: [budget(5)] });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const codeOf = async (response: Response): Promise<string> => JSON.parse(await response.text()).error.code;

describe('a charge that is only guessed', () => {
  test('of a cut answer leaves pictures out of the text, and stays below what was set aside', async () => {
    const response = await ask(gateway, held.secret, {
      model: 'openai/mock-c9-fcut-k3',
      body: { stream: true, messages: [{ role: 'user', content: [PICTURE] }] },
    });
    await response.text();
    const record = await gateway.record(response);
    expect(record).toMatchObject({ outcome: 'upstream_error', chargeBasis: 'estimated' });
    expect(record.cost).toBeGreaterThan(0n);
    expect(record.cost).toBeLessThanOrEqual(record.estimate);
    expect(record.cost).toBeLessThan(nanoFromUsd(0.2));
  });

  test.each([false, true])(
    'of a call that was given up after it was sent is not nothing (stream: %s)',
    async (stream) => {
      const response = await ask(gateway, held.secret, {
        model: 'openai/mock-fhang',
        body: { stream, max_tokens: 1_000 },
        headers: { 'x-sluice-timeout-ms': '150' },
      });
      expect(response.status).toBe(504);
      const record = await gateway.record(response);
      expect(record).toMatchObject({
        outcome: 'upstream_timeout',
        chargeBasis: 'estimated',
        provider: 'openai',
      });
      expect(record.cost).toBeGreaterThan(stream ? 0n : 1_000n * 17_000n - 1n);
      expect(record.cost).toBeLessThanOrEqual(record.estimate);
    },
  );

  test.each([
    ['claude-mock', false],
    ['mock', true],
  ])('of a given-up stream of %s counts reasoning that was not asked for: %s', async (model, counts) => {
    const price = { promptUsdPerMillion: 3, completionUsdPerMillion: 17, capabilities: ['reasoning'] };
    const beside = await startLocalGateway({
      beside: gateway,
      config: {
        providers: { deepinfra: {} },
        prices: { 'deepinfra/claude-mock*': price, 'deepinfra/mock*': price },
      },
      environment: { DEEPINFRA_TOKEN: 'credential', SLUICE_DEEPINFRA_BASE_URL: gateway.mock.url },
    });
    try {
      const response = await ask(beside, held.secret, {
        as: 'anthropic',
        model: `deepinfra/${model}-fhang`,
        body: { stream: true, max_tokens: 1_000 },
        headers: { 'x-sluice-timeout-ms': '150' },
      });
      expect(response.status).toBe(504);
      const { cost, estimate } = await beside.record(response);
      expect(cost === estimate).toBe(counts);
    } finally {
      await beside.close();
    }
  });
});

describe('what is set aside', () => {
  test('covers every byte of the prompt, even beyond the context that is listed', async () => {
    const response = await ask(gateway, held.secret, {
      model: 'openai/mock',
      body: { messages: [{ role: 'user', content: 'x'.repeat(50_000) }] },
    });
    expect((await gateway.record(response)).estimate).toBeGreaterThan(50_000n * 3_000n);
  });

  test('covers the limit the caller sends, even beyond the one that is listed', async () => {
    const response = await ask(gateway, held.secret, { model: 'openai/mock', body: { max_tokens: 200_000 } });
    expect((await gateway.record(response)).estimate).toBeGreaterThan(200_000n * 17_000n);
  });
});

test('a body that grows when it is encoded anew is set aside for as it is sent', async () => {
  const numbers = `[${Array.from({ length: 5_000 }, () => '1e20').join(',')}]`;
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: `{"x":${numbers}}` } };
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: 'done' },
  ];
  const response = await ask(gateway, held.secret, {
    model: 'anthropic/mock',
    body: { messages, max_tokens: 1 },
  });
  expect(response.status).toBe(200);
  const sentBytes = BigInt(gateway.mock.requests.at(-1)?.text.length ?? 0);
  expect(sentBytes).toBeGreaterThan(100_000n);
  expect((await gateway.record(response)).estimate).toBeGreaterThan((sentBytes - 5_000n) * 3_000n);
});

test('no limit at all cannot be had by asking for none', async () => {
  const response = await ask(gateway, held.secret, {
    as: 'anthropic',
    model: 'openai/mock',
    body: { max_tokens: 0 },
    headers: { 'x-sluice-unsupported': 'drop' },
  });
  expect(response.status).toBe(400);
  expect(await codeOf(response)).toBe('cost_unbounded');
  expect(gateway.mock.requests).toEqual([]);
});

test('an error in a 200 answer costs nothing', async () => {
  const response = await ask(gateway, held.secret, {
    model: 'openai/mock-fsseerr',
    body: { max_tokens: 1_000 },
  });
  expect(response.status).toBe(503);
  expect((await gateway.record(response)).cost).toBe(0n);
});

test('an ordinary request is set aside for once, also when its format changes', async () => {
  const counting = await startLocalGateway();
  const { ledger } = counting.gateway;
  const raised: string[] = [];
  const raise: typeof ledger.raise = (facts, ...rest) => {
    raised.push(facts.id);
    return ledger.raise(facts, ...rest);
  };
  Object.assign(counting.gateway, { ledger: { ...ledger, raise } });
  const code = 'say("hello");\n'.repeat(3_000);
  const messages = [
    { role: 'user', content: 'Write it.' },
    {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'a', name: 'Write', input: { path: 'a.ts', code } }],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'ok' }] },
  ];
  try {
    const { secret } = await counting.createKey({ budgets: [budget(5)] });
    const response = await ask(counting, secret, {
      as: 'anthropic',
      model: 'openai/mock',
      body: { messages },
    });
    expect(response.status).toBe(200);
    expect(raised).toEqual([]);
  } finally {
    await counting.close();
  }
});

test('a tiny file does not make the text beside it free', async () => {
  const file = { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } };
  const response = await ask(gateway, held.secret, {
    model: 'openai/mock',
    body: { messages: [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(50_000) }, file] }] },
  });
  expect((await gateway.record(response)).estimate).toBeGreaterThan(50_000n * 3_000n);
});

test('the credential that a provider refuses and quotes never reaches the caller', async () => {
  const quoting = await startLocalGateway({ environment: { OPENAI_API_KEY: 'bad-hf_SECRET1234567890' } });
  try {
    const { secret } = await quoting.createKey();
    const text = await (await ask(quoting, secret, { model: 'openai/mock' })).text();
    expect(text).toContain('upstream_authentication_failed');
    expect(text).not.toContain('SECRET');
  } finally {
    await quoting.close();
  }
});

test('many tags cost the gateway no time', async () => {
  const metadata = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`tag${index}`, 'x']));
  const { secret } = await gateway.createKey();
  const response = await ask(gateway, secret, {
    as: 'anthropic',
    model: 'anthropic/mock',
    body: { metadata },
  });
  expect(response.status).toBe(200);
  expect(gateway.mock.requests.at(-1)?.body).not.toHaveProperty('metadata');
});

describe('what cannot be bounded', () => {
  const document = (source: object) => ({
    messages: [{ role: 'user', content: [{ type: 'document', source, citations: { enabled: true } }] }],
  });

  test.each([
    ['a file that the provider keeps', document({ type: 'file', file_id: 'file_1' })],
    ['a page that the provider fetches', document({ type: 'url', url: 'https://example.com/long.pdf' })],
    [
      'an upload for its container',
      { messages: [{ role: 'user', content: [{ type: 'container_upload', file_id: 'f' }] }] },
    ],
    ['a tool that it runs', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['a limit in another spelling', { MAX_TOKENS: 100_000 }],
    ['another rate', { speed: 'fast' }],
    ['a tier whose rates are not listed', { service_tier: 'priority' }],
    [
      'a document with pictures inside',
      document({
        type: 'content',
        content: [{ type: 'image', source: { type: 'url', url: 'https://example.com/1.png' } }],
      }),
    ],
    ['a limit with a long s', { max_tokenſ: 100_000 }],
    ['tools in capitals', { Tools: [] }],
  ])('is refused: %s', async (_what, body) => {
    const response = await ask(gateway, held.secret, { as: 'anthropic', model: 'anthropic/mock', body });
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('cost_unbounded');
    expect(gateway.mock.requests).toEqual([]);
  });

  test.each([
    [
      'a document that stands in the body',
      document({ type: 'text', media_type: 'text/plain', data: 'Rhine' }),
    ],
    ['a tool that the caller runs', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
  ])('is not %s', async (_what, body) => {
    const response = await ask(gateway, held.secret, { as: 'anthropic', model: 'anthropic/mock', body });
    expect(response.status).toBe(200);
  });

  test('is let through where no hard budget has to hold it', async () => {
    const { secret } = await gateway.createKey();
    const body = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] };
    const response = await ask(gateway, secret, { as: 'anthropic', model: 'anthropic/mock', body });
    expect(response.status).toBe(200);
  });
});

describe('a deployment that is too dear', () => {
  test('is passed over for one that the budget holds', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(0.01)] });
    const response = await ask(gateway, secret, { model: 'pair', body: { max_tokens: 100 } });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-deployment')).toBe('anthropic/mock');
  });
});

test('an answer that we bound is bounded for each deployment by what its model can give', async () => {
  const small = await startLocalGateway({
    config: {
      prices: {
        'openai/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17, maxOutputTokens: 4_000 },
        'anthropic/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17, maxOutputTokens: 1_000 },
      },
    },
  });
  try {
    const { secret } = await small.createKey({ budgets: [budget(5)] });
    const body = { models: ['anthropic/mock'] };
    const response = await ask(small, secret, { model: 'openai/mock-e500', body });
    expect(response.headers.get('x-sluice-deployment')).toBe('anthropic/mock');
    expect(small.mock.requests.at(-1)?.body.max_tokens).toBe(1_000);
  } finally {
    await small.close();
  }
});

describe('a key that may call some models', () => {
  test('gets of a group only the deployments it may call', async () => {
    const { secret } = await gateway.createKey({ models: ['anthropic/mock'] });
    const response = await ask(gateway, secret, { model: 'pair' });
    expect(response.headers.get('x-sluice-deployment')).toBe('anthropic/mock');
    const denied = await ask(gateway, secret, { model: 'openai/mock-dear' });
    expect(await codeOf(denied)).toBe('permission_denied');
  });
});

describe('hostile names', () => {
  test('of models reach headers percent-encoded', async () => {
    const { secret } = await gateway.createKey();
    const response = await ask(gateway, secret, { model: 'openai/mock-模型\u{1f600}' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-model')).toBe('mock-%E6%A8%A1%E5%9E%8B%F0%9F%98%80');
  });

  test.each(['openai/mock\r\nx: y', `openai/${'m'.repeat(5_000)}`])(
    'of models that nobody has are not found',
    async (model) => {
      const response = await ask(gateway, held.secret, { model });
      expect(response.status).toBe(404);
      expect(await codeOf(response)).toBe('model_not_found');
    },
  );

  test('of records are not found', async () => {
    const headers = { authorization: `Bearer ${held.secret}` };
    const response = await fetch(`${gateway.url}/v1/generation?id=gen-${'a'.repeat(3_000)}`, { headers });
    expect(response.status).toBe(404);
  });

  test('of fields that come twice are refused, as readers differ in which one counts', async () => {
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${held.secret}` },
      body: '{"model":"openai/mock","max_tokens":1,"messages":[{"role":"user","content":"x"}],"max_tokens":100000}',
    });
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('invalid_request');
  });
});

test.each([['x-sluice-stream-recovery', 'continue']])(
  'the promise of %s is refused rather than broken',
  async (name, value) => {
    const response = await ask(gateway, held.secret, { model: 'openai/mock', headers: { [name]: value } });
    expect(response.status).toBe(400);
    expect(await codeOf(response)).toBe('unsupported_parameter');
  },
);
