import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const post = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner.secret}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

describe('an operation that the provider does not have', () => {
  test.each([
    ['/v1/images/generations', { model: 'anthropic/mock', prompt: 'A cat' }],
    ['/v1/moderations', { model: 'anthropic/mock', input: 'Hm' }],
    ['/v2/rerank', { model: 'anthropic/mock', query: 'q', documents: ['d'] }],
  ])('is refused for good, saying so (%s)', async (path, body) => {
    const response = await post(path, body);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(await response.text()).toContain('anthropic has no');
    expect(gateway.mock.requests).toEqual([]);
  });
});

describe('a conversation that another provider keeps', () => {
  const body = { model: 'anthropic/mock', input: 'Go on', previous_response_id: 'resp_1' };

  test.each(['reject', 'drop'])('is never left out of a request (%s)', async (mode) => {
    const response = await post('/v1/responses', body, { 'x-sluice-unsupported': mode });
    expect(response.status).toBe(400);
    const { error } = JSON.parse(await response.text());
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'previous_response_id' });
    expect(error.message).toContain('kept by the provider');
    expect(gateway.mock.requests).toEqual([]);
  });
});

test('a caller of Converse reads the request’s id where the AWS SDK looks for it', async () => {
  const response = await post('/model/openai%2Fmock/converse', {
    messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('x-amzn-requestid')).toBe(response.headers.get('x-request-id'));
});

test('an answer that is nested without end is no answer', async () => {
  const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
  const call = `{"id":"c","type":"function","function":{"name":"f","arguments":${deep}}}`;
  const answer = `{"id":"a","choices":[{"index":0,"message":{"role":"assistant","tool_calls":[${call}]},"finish_reason":"tool_calls"}]}`;
  const nested = await startLocalGateway({
    beside: gateway,
    gateway: {
      send: async () => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: (async function* () {
          yield Buffer.from(answer);
        })(),
      }),
    },
  });
  try {
    const { secret } = await nested.createKey();
    const response = await ask(nested, secret, { model: 'openai/mock' });
    expect(response.status).toBe(502);
    expect(JSON.parse(await response.text()).error.code).toBe('upstream_invalid_response');
  } finally {
    await nested.close();
  }
});
