import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask, type CallerDialect, readStream } from '../support/ask.ts';
import { type LocalGateway, MOCK_PRICE, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const seen = () => {
  const request = gateway.mock.requests.at(-1);
  if (request === undefined) throw new Error('Nothing reached the upstream.');
  return request;
};

const OWN = {
  models: ['openai/mock-c2', 'anthropic/mock-c2'],
  provider: { order: ['openai'], allow_fallbacks: true },
  session_id: 's1',
  usage: { include: true },
};

describe.each<CallerDialect>(['openai', 'anthropic'])('between a caller and a provider of %s', (as) => {
  test('fields nobody here knows reach the provider', async () => {
    await ask(gateway, owner.secret, {
      as,
      model: `${as}/mock`,
      body: { x_new: { deep: [1, null] }, x_flag: false },
    });
    expect(seen().body).toMatchObject({ x_new: { deep: [1, null] }, x_flag: false });
  });

  test('numbers no double holds reach the provider as they were written', async () => {
    await fetch(`${gateway.url}${as === 'openai' ? '/v1/chat/completions' : '/v1/messages'}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.secret}` },
      body: `{ "model" : "${as}/mock", "max_tokens":9, "x_exact": 12345678901234567890.10, "messages":[{"role":"user","content":"a\\u00e9"}]}`,
    });
    expect(seen().text).toContain('"x_exact": 12345678901234567890.10');
    expect(seen().text).toContain('a\\u00e9');
  });

  test("the gateway's own fields never do", async () => {
    await ask(gateway, owner.secret, { as, model: `${as}/mock`, body: OWN });
    for (const field of Object.keys(OWN)) expect(seen().body).not.toHaveProperty(field);
  });

  test('fields nobody here knows reach the caller, whole and streamed', async () => {
    const whole = await ask(gateway, owner.secret, { as, model: `${as}/mock` });
    expect(await whole.text()).toContain('"x_mock":{"exact":9007199254740993}');
    const streamed = await ask(gateway, owner.secret, { as, model: `${as}/mock`, body: { stream: true } });
    const { raw } = await readStream(streamed);
    if (as === 'openai') expect(raw).toContain('"x_mock":{"exact":9007199254740993}');
    else expect(raw).toContain('event: ping');
  });

  test('nothing is dropped', async () => {
    const response = await ask(gateway, owner.secret, { as, model: `${as}/mock`, body: { x_new: 1 } });
    expect(response.headers.get('x-sluice-dropped')).toBeNull();
  });
});

describe.each<CallerDialect>(['openai', 'anthropic'])('between a caller of %s and the other format', (as) => {
  const other = as === 'openai' ? 'anthropic' : 'openai';

  test('unknown fields are dropped and named', async () => {
    const response = await ask(gateway, owner.secret, {
      as,
      model: `${other}/mock`,
      body: { x_new: 1, 'x ü': 2 },
    });
    expect(response.status).toBe(200);
    expect(seen().body).not.toHaveProperty('x_new');
    expect(response.headers.get('x-sluice-dropped')).toContain('x_new');
  });

  test("the gateway's own fields neither reach the provider nor are named as dropped", async () => {
    const response = await ask(gateway, owner.secret, {
      as,
      model: `${other}/mock`,
      body: { ...OWN, provider: { order: [other] } },
    });
    expect(response.status).toBe(200);
    for (const field of Object.keys(OWN)) expect(seen().body).not.toHaveProperty(field);
    expect(response.headers.get('x-sluice-dropped')).toBeNull();
  });
});

describe('a bound beyond what a model can give', () => {
  test.each<CallerDialect>(['openai', 'anthropic'])(
    'is lowered to that where a caller of %s asks a model of another format, and said so',
    async (as) => {
      const other = as === 'openai' ? 'anthropic' : 'openai';
      const body = { max_tokens: 128_000 };
      const response = await ask(gateway, owner.secret, { as, model: `${other}/mock`, body });
      expect(response.status).toBe(200);
      expect(seen().body.max_tokens ?? seen().body.max_completion_tokens).toBe(MOCK_PRICE.maxOutputTokens);
      expect(response.headers.get('x-sluice-dropped')).toContain('max');
      await ask(gateway, owner.secret, { as, model: `${as}/mock`, body });
      expect(seen().body).toMatchObject(body);
    },
  );
});

describe('a parameter the other format has no word for', () => {
  const body = { logit_bias: { '50256': -100 } };

  test('is refused by name', async () => {
    const response = await ask(gateway, owner.secret, { model: 'anthropic/mock', body });
    expect(response.status).toBe(400);
    const { error } = JSON.parse(await response.text());
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'logit_bias' });
    expect(gateway.mock.requests).toEqual([]);
    expect(await gateway.record(response)).toMatchObject({ outcome: 'unsupported_parameter', cost: 0n });
  });

  test('is dropped and named where the caller says so', async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'anthropic/mock',
      body,
      headers: { 'x-sluice-unsupported': 'drop' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-dropped')).toBe('logit_bias');
    expect(seen().body).not.toHaveProperty('logit_bias');
  });

  test('is dropped and named where the operator says so for its model group', async () => {
    const deployments = [{ provider: 'anthropic', model: 'mock' }];
    const lenient = await startLocalGateway({
      config: {
        modelGroups: { lenient: { deployments, unsupportedParameters: 'drop' }, strict: { deployments } },
      },
    });
    try {
      const { secret } = await lenient.createKey();
      const response = await ask(lenient, secret, { model: 'lenient', body });
      expect(response.headers.get('x-sluice-dropped')).toBe('logit_bias');
      expect((await ask(lenient, secret, { model: 'strict', body })).status).toBe(400);
    } finally {
      await lenient.close();
    }
  });

  test('is dropped and named where the operator says so', async () => {
    const lenient = await startLocalGateway({ config: { unsupportedParameters: 'drop' } });
    try {
      const { secret } = await lenient.createKey();
      const dropped = await ask(lenient, secret, { model: 'anthropic/mock', body });
      expect(dropped.headers.get('x-sluice-dropped')).toBe('logit_bias');
      const strict = { 'x-sluice-unsupported': 'reject' };
      expect((await ask(lenient, secret, { model: 'anthropic/mock', body, headers: strict })).status).toBe(
        400,
      );
    } finally {
      await lenient.close();
    }
  });

  test('passes that deployment over for one that has the word', async () => {
    const response = await ask(gateway, owner.secret, {
      model: 'anthropic/mock',
      body: { ...body, models: ['openai/mock'] },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-deployment')).toBe('openai/mock');
    expect(seen().body).toMatchObject(body);
  });
});

describe('headers', () => {
  test("of the caller's own and the gateway's keys never reach a provider", async () => {
    for (const as of ['openai', 'anthropic'] as const)
      for (const provider of ['openai', 'anthropic']) {
        await ask(gateway, owner.secret, {
          as,
          model: `${provider}/mock`,
          headers: {
            cookie: 'a=b',
            'x-app-secret': 'hidden',
            'x-forwarded-for': '10.0.0.1',
            'x-session-id': 's1',
            'openai-organization': 'org-1',
            'user-agent': 'my-app/1',
          },
        });
        const { headers } = seen();
        for (const name of [
          'cookie',
          'x-app-secret',
          'x-forwarded-for',
          'x-session-id',
          'openai-organization',
        ])
          expect(headers).not.toHaveProperty(name);
        expect(JSON.stringify(headers)).not.toContain('sk-slu-');
        expect(headers['user-agent']).toBe('sluice');
        expect(headers['authorization'] ?? headers['x-api-key']).toContain(`${provider}-credential`);
      }
  });

  test('with a meaning to the provider go on between the same formats only', async () => {
    const headers = { 'anthropic-beta': 'new-thing-1', 'anthropic-version': '2024-10-22' };
    await ask(gateway, owner.secret, { as: 'anthropic', model: 'anthropic/mock', headers });
    expect(seen().headers).toMatchObject(headers);
    await ask(gateway, owner.secret, { as: 'anthropic', model: 'openai/mock', headers });
    expect(seen().headers).not.toHaveProperty('anthropic-beta');
    await ask(gateway, owner.secret, { model: 'anthropic/mock', headers });
    expect(seen().headers).toMatchObject({ 'anthropic-version': '2023-06-01' });
  });

  test('of an answer say who gave it', async () => {
    const response = await ask(gateway, owner.secret, { model: 'openai/mock-c2' });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-sluice-provider': 'openai',
      'x-sluice-model': 'mock-c2',
      'x-sluice-deployment': 'openai/mock-c2',
      'x-sluice-attempts': '1',
      'x-request-id': expect.stringMatching(/^gen-[0-9a-f]{32}$/),
      'request-id': response.headers.get('x-request-id'),
      'x-generation-id': response.headers.get('x-request-id'),
      'server-timing': expect.stringMatching(
        /^auth;dur=[\d.]+, plan;dur=[\d.]+, admit;dur=[\d.]+, upstream;dur=[\d.]+$/,
      ),
    });
  });
});

test('both base paths are the same', async () => {
  const response = await fetch(`${gateway.url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner.secret}` },
    body: JSON.stringify({ model: 'openai/mock', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(response.status).toBe(200);
});

test('what the caller says of itself stands in the record, and pinned tags win', async () => {
  const { secret } = await gateway.createKey({ team: 'blue', project: 'p1', tags: { env: 'production' } });
  const response = await ask(gateway, secret, {
    body: { session_id: 's1', user: 'u1', metadata: { env: 'test', feature: 'f' } },
  });
  expect(await gateway.record(response)).toMatchObject({
    session: 's1',
    endUser: 'u1',
    team: 'blue',
    project: 'p1',
    tags: { env: 'production', feature: 'f' },
    dialect: 'openai-chat',
    stream: false,
    modelsAsked: ['openai/mock'],
    provider: 'openai',
    model: 'mock',
    upstreamId: 'chatcmpl-mock',
    finishReason: 'stop',
    priceVersion: 'config',
  });
  const fromHeader = await ask(gateway, secret, { headers: { 'x-session-id': 's2' } });
  expect(await gateway.record(fromHeader)).toMatchObject({ session: 's2' });
});
