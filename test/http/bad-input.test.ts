import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CallerDialect } from '../support/ask.ts';
import { type LocalGateway, startLocalGateway, type TestKey, until } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway();
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const DIALECTS = ['openai', 'anthropic'] as const;
const PATHS = { openai: '/v1/chat/completions', anthropic: '/v1/messages' };
const MESSAGES = [{ role: 'user', content: 'Hello' }];
const valid = { model: 'openai/mock', max_tokens: 10, messages: MESSAGES };

const post = (
  as: CallerDialect,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
): Promise<Response> =>
  fetch(gateway.url + PATHS[as], {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
const authorization = () => ({ authorization: `Bearer ${owner.secret}` });

/** Checks the envelope of the caller's dialect. @returns the error in it */
async function refusal(as: CallerDialect, response: Response) {
  expect(response.headers.get('content-type')).toContain('application/json');
  const id = response.headers.get('x-request-id');
  expect(id).toMatch(/^gen-/);
  const body = JSON.parse(await response.text());
  if (as === 'openai')
    expect(body).toEqual({
      error: {
        message: expect.any(String),
        type: expect.any(String),
        code: expect.any(String),
        param: body.error.param === null ? null : expect.any(String),
        metadata: expect.objectContaining({ request_id: id, retryable: false }),
      },
    });
  else
    expect(body).toEqual({
      type: 'error',
      request_id: id,
      error: expect.objectContaining({
        type: expect.any(String),
        message: expect.any(String),
        code: expect.any(String),
        metadata: expect.objectContaining({ retryable: false }),
      }),
    });
  return body.error;
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const text = (value: unknown): string => JSON.stringify(value);
const deepSchema = (depth: number): string =>
  `${'{"type":"object","properties":{"a":'.repeat(depth)}{}${'}}'.repeat(depth)}`;

/** What a known caller can get wrong: body, status, code, and the parameter that is named. */
const WRONG_BODIES: readonly (readonly [
  string,
  string | Uint8Array<ArrayBuffer>,
  number,
  string,
  string?,
])[] = [
  ['no JSON', '{"model":', 400, 'invalid_request'],
  ['an empty body', '', 400, 'invalid_request'],
  ['JSON that is no object', '[1]', 400, 'invalid_request'],
  ['JSON that is null', 'null', 400, 'invalid_request'],
  ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]), 400, 'invalid_request'],
  ['no model', text({ ...valid, model: undefined }), 400, 'invalid_request', 'model'],
  ['a model that is a number', text({ ...valid, model: 7 }), 400, 'invalid_request', 'model'],
  ['no messages', text({ ...valid, messages: undefined }), 400, 'invalid_request', 'messages'],
  ['messages that are text', text({ ...valid, messages: 'Hello' }), 400, 'invalid_request', 'messages'],
  ['a message that is null', text({ ...valid, messages: [null] }), 400, 'invalid_request'],
  [
    'a role that is a number',
    text({ ...valid, messages: [{ role: 1, content: 'x' }] }),
    400,
    'invalid_request',
  ],
  [
    'content that is a number',
    text({ ...valid, messages: [{ role: 'user', content: 1 }] }),
    400,
    'invalid_request',
  ],
  ['stream that is text', text({ ...valid, stream: 'yes' }), 400, 'invalid_request', 'stream'],
  ['max_tokens that is text', text({ ...valid, max_tokens: '10' }), 400, 'invalid_request', 'max_tokens'],
  ['max_tokens below nothing', text({ ...valid, max_tokens: -5 }), 400, 'invalid_request', 'max_tokens'],
  [
    'max_tokens that is a fraction',
    text({ ...valid, max_tokens: 1.5 }),
    400,
    'invalid_request',
    'max_tokens',
  ],
  [
    'max_tokens beyond any number',
    `{"max_tokens":1e400,"model":"openai/mock","messages":${text(MESSAGES)}}`,
    400,
    'invalid_request',
    'max_tokens',
  ],
  ['temperature that is text', text({ ...valid, temperature: 'hot' }), 400, 'invalid_request', 'temperature'],
  ['tools that are an object', text({ ...valid, tools: {} }), 400, 'invalid_request', 'tools'],
  ['a tool without a name', text({ ...valid, tools: [{}] }), 400, 'invalid_request'],
  ['models that are text', text({ ...valid, models: 'openai/mock' }), 400, 'invalid_request', 'models'],
  [
    'too many models',
    text({ ...valid, models: Array(11).fill('openai/mock') }),
    400,
    'invalid_request',
    'models',
  ],
  ['session_id that is a number', text({ ...valid, session_id: 5 }), 400, 'invalid_request', 'session_id'],
  ['provider that is text', text({ ...valid, provider: 'openai' }), 400, 'invalid_request', 'provider'],
  [
    'an unknown key in provider',
    text({ ...valid, provider: { orders: ['openai'] } }),
    400,
    'invalid_request',
    'provider',
  ],
  [
    'a wrong type in provider',
    text({ ...valid, provider: { only: 'openai' } }),
    400,
    'invalid_request',
    'provider',
  ],
  [
    'a wish that cannot be granted',
    text({ ...valid, provider: { zdr: true } }),
    400,
    'unsupported_parameter',
    'provider.zdr',
  ],
  [
    'another of those',
    text({ ...valid, provider: { sort: 'price' } }),
    400,
    'unsupported_parameter',
    'provider.sort',
  ],
  ['an unknown model', text({ ...valid, model: 'nobody/knows' }), 404, 'model_not_found', 'model'],
  ['an unknown bare model', text({ ...valid, model: 'nobody-knows' }), 404, 'model_not_found', 'model'],
  ['a model named like a property', text({ ...valid, model: '__proto__' }), 404, 'model_not_found', 'model'],
  ['an unknown fallback', text({ ...valid, models: ['nobody/knows'] }), 404, 'model_not_found', 'model'],
  [
    'no eligible provider',
    text({ ...valid, provider: { only: ['anthropic'] } }),
    404,
    'no_eligible_deployment',
  ],
];

describe.each(DIALECTS)('a known caller of %s who sends', (as) => {
  test.each(WRONG_BODIES.map(([what, body, status, code, param]) => ({ what, body, status, code, param })))(
    '$what is refused, charged nothing, and leaves one record',
    async ({ body, status, code, param }) => {
      const response = await post(as, body, authorization());
      expect(response.status).toBe(status);
      const error = await refusal(as, response);
      expect(error.code).toBe(code);
      if (param !== undefined) expect(error.param).toBe(param);
      expect(gateway.mock.requests).toEqual([]);
      expect(await gateway.record(response)).toMatchObject({
        keyId: owner.key.id,
        outcome: code,
        cost: 0n,
        estimate: 0n,
        attempts: [],
      });
    },
  );

  test.each([
    [
      'of a field nobody knows',
      `{"x":${nested(100_000)},"model":"openai/mock","max_tokens":9,"messages":${text(MESSAGES)}}`,
    ],
    [
      'of metadata',
      `{"metadata":{"a":${nested(100_000)}},"model":"openai/mock","max_tokens":9,"messages":${text(MESSAGES)}}`,
    ],
    [
      'of content',
      `{"model":"openai/mock","max_tokens":9,"messages":[{"role":"user","content":${nested(100_000)}}]}`,
    ],
    [
      'of tool results',
      `{"model":"openai/mock","max_tokens":9,"messages":[{"role":"user","content":${'[{"type":"tool_result","tool_use_id":"a","content":'.repeat(20_000)}"x"${'}]'.repeat(20_000)}}]}`,
    ],
    [
      'of a schema',
      `{"model":"openai/mock","max_tokens":9,"tools":[{"type":"function","name":"a","input_schema":${deepSchema(20_000)},"function":{"name":"a","parameters":${deepSchema(20_000)}}}],"messages":${text(MESSAGES)}}`,
    ],
  ])('deep nesting %s gets an answer or a refusal, and no failure', async (_, body) => {
    for (const model of ['openai/mock', 'anthropic/mock']) {
      const response = await post(as, body.replace('openai/mock', model), authorization());
      expect([200, 400]).toContain(response.status);
      await response.arrayBuffer();
    }
  });

  test('more than 6 MB is refused with 413 and recorded', async () => {
    const body = text({ ...valid, messages: [{ role: 'user', content: 'x'.repeat(7_000_000) }] });
    const response = await post(as, body, authorization());
    expect(response.status).toBe(413);
    expect(await refusal(as, response)).toMatchObject({ code: 'payload_too_large' });
    expect(await gateway.record(response)).toMatchObject({ outcome: 'payload_too_large', cost: 0n });
  });

  test.each([
    ['x-sluice-timeout-ms', 'soon'],
    ['x-sluice-timeout-ms', '-1'],
    ['x-sluice-ttft-timeout-ms', '1.5'],
    ['x-sluice-unsupported', 'maybe'],
  ])('the header %s: %s is refused by its name', async (name, value) => {
    const response = await post(as, text(valid), { ...authorization(), [name]: value });
    expect(response.status).toBe(400);
    expect(await refusal(as, response)).toMatchObject({ code: 'invalid_request', param: name });
  });
});

describe.each(DIALECTS)('a caller of %s who is not known', (as) => {
  test.each<readonly [string, Record<string, string>]>([
    ['no key', {}],
    ['an empty key', { authorization: 'Bearer ' }],
    ["somebody else's kind of key", { authorization: 'Bearer sk-proj-0123456789abcdef' }],
    ['a key nobody has', { 'x-api-key': 'sk-slu-0123456789abcdef0123456789abcdef' }],
    ['a basic password', { authorization: 'Basic c2stc2x1OmFiYw==' }],
    ['a key beyond any length', { authorization: `Bearer sk-slu-${'a'.repeat(5_000)}` }],
  ])('and sends %s gets 401 in one form of words, and leaves a log line', async (_, headers) => {
    const response = await post(as, text(valid), headers);
    expect(response.status).toBe(401);
    const error = await refusal(as, response);
    expect(error).toMatchObject({ code: 'authentication_failed', type: 'authentication_error' });
    expect(error.message).toContain('missing, unknown, disabled, expired or revoked');
    const id = response.headers.get('x-request-id') ?? '';
    await until('the line is logged', () => gateway.log().includes(id));
    expect(
      gateway
        .log()
        .split('\n')
        .find((line) => line.includes(id)),
    ).toContain('authentication_failed');
  });

  test('is told of the key before the body is looked at', async () => {
    const response = await post(as, '{"model":', {});
    expect(response.status).toBe(401);
  });
});

describe('a path or method that is none', () => {
  test.each([
    ['GET', '/v1/chat/completions', 405, 'method_not_allowed'],
    ['DELETE', '/v1/chat/completions', 405, 'method_not_allowed'],
    ['POST', '/v1/models', 405, 'method_not_allowed'],
    ['GET', '/v1/nothing', 404, 'not_found'],
    ['GET', '/', 404, 'not_found'],
    ['POST', '/v1/chat/completions/', 404, 'not_found'],
    ['GET', '/v1/models/%zz', 401, 'authentication_failed'],
  ])('%s %s is %i %s', async (method, path, status, code) => {
    const response = await fetch(gateway.url + path, { method });
    expect(response.status).toBe(status);
    expect(await refusal('openai', response)).toMatchObject({ code });
  });

  test.each([
    ['/chat/completions', '/v1/chat/completions'],
    ['/v1/v1/messages', '/v1/messages'],
  ])('%s is told that %s exists', async (path, nearby) => {
    const response = await fetch(gateway.url + path, { method: 'POST' });
    expect(response.status).toBe(404);
    expect((await refusal('openai', response)).message).toContain(`There is ${nearby}: the base URL`);
  });

  test('is answered in the dialect its route belongs to', async () => {
    const response = await fetch(`${gateway.url}/v1/messages`, { method: 'PUT' });
    expect(response.status).toBe(405);
    await refusal('anthropic', response);
  });

  test.each([
    ['/model/m/invoke', { message: expect.any(String) }],
    ['/v2/tokenize', { message: expect.any(String) }],
    ['/v1beta/nothing', { error: expect.objectContaining({ status: 'NOT_FOUND' }) }],
  ])('%s is answered as whoever calls it reads errors', async (path, shape) => {
    const response = await fetch(gateway.url + path, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject(shape);
  });

  test('is logged without anything of what was sent but its start', async () => {
    const response = await fetch(`${gateway.url}/v1/${'x'.repeat(3_000)}?secret=hidden`);
    const id = response.headers.get('x-request-id') ?? '';
    await until('the line is logged', () => gateway.log().includes(id));
    const line =
      gateway
        .log()
        .split('\n')
        .find((one) => one.includes(id)) ?? '';
    expect(line.length).toBeLessThan(400);
    expect(line).not.toContain('hidden');
  });
});

test('nothing of all this was charged, and no secret or prompt stands in the log', async () => {
  expect((await gateway.counters(owner.key)).windows).not.toMatchObject({ total: { committed: 1n } });
  expect(gateway.log()).not.toContain(owner.secret);
  expect(gateway.log()).not.toContain('Hello');
  expect(gateway.log()).not.toContain('internal');
});
