import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { decodeOptions } from '../../lambda/domain/decode-options.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';

const CHAT: ChatRequest = {
  model: 'm',
  messages: [],
  stream: false,
  includeUsage: false,
  nativeOptions: {},
  unknownFields: [],
};
const decode = (body: JsonObject = {}, headers: Readonly<Record<string, string>> = {}, chat = CHAT) =>
  decodeOptions(body, headers, chat);

function errorOf(work: () => unknown): GatewayError {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}

test('a caller who says nothing wishes nothing', () => {
  expect(decode()).toEqual({
    fallbackModels: [],
    preferences: { order: [], ignore: [], allowFallbacks: true },
    sessionCaps: {},
    tags: {},
    cache: { keepsToolCalls: false, isFresh: false, isUnstored: false },
  });
});

describe('models', () => {
  test('are fallbacks in their order, without the one that was asked for', () => {
    expect(decode({ models: ['a', 'm', 'b'] }).fallbackModels).toEqual(['a', 'b']);
  });

  test.each([['a'], [[1]], [['']], [Array(11).fill('a')], [{}]])('%j are refused', (models) => {
    expect(errorOf(() => decode({ models }))).toMatchObject({ code: 'invalid_request', param: 'models' });
  });
});

describe('provider', () => {
  test('is read with the meaning of OpenRouter', () => {
    const provider = { order: ['a'], only: ['a', 'b'], ignore: ['c'], allow_fallbacks: false };
    expect(decode({ provider }).preferences).toEqual({
      order: ['a'],
      only: ['a', 'b'],
      ignore: ['c'],
      allowFallbacks: false,
    });
  });

  test('may say what holds anyway', () => {
    const provider = { zdr: false, data_collection: 'allow', require_parameters: false, sort: null };
    expect(decode({ provider }).preferences).toEqual({ order: [], ignore: [], allowFallbacks: true });
  });

  test.each<[string, JsonObject]>([
    ['zdr', { zdr: true }],
    ['data_collection', { data_collection: 'deny' }],
    ['sort', { sort: 'price' }],
    ['max_price', { max_price: { prompt: 1 } }],
    ['quantizations', { quantizations: ['fp8'] }],
    ['preferred_max_latency', { preferred_max_latency: 1 }],
  ])('may not ask for %s, which cannot be promised', (name, provider) => {
    expect(errorOf(() => decode({ provider }))).toMatchObject({
      code: 'unsupported_parameter',
      param: `provider.${name}`,
    });
  });

  test('may ask that nothing of the request is dropped', () => {
    expect(decode({ provider: { require_parameters: true } }).preferences).toEqual({
      order: [],
      ignore: [],
      allowFallbacks: true,
      requireParameters: true,
    });
  });

  test('names the keys it does not know, and those it does', () => {
    const { message, param } = errorOf(() => decode({ provider: { orders: [], onyl: [] } }));
    expect(param).toBe('provider');
    expect(message).toContain('orders, onyl');
    expect(message).toContain('allow_fallbacks');
  });

  test.each<JsonObject>([
    { order: 'a' },
    { order: [1] },
    { allow_fallbacks: 'no' },
    { data_collection: 'maybe' },
  ])('with a wrong type (%j) is refused by its place', (provider) => {
    const { code, message } = errorOf(() => decode({ provider }));
    expect(code).toBe('invalid_request');
    expect(message).toContain(`provider.${Object.keys(provider)[0]}`);
  });
});

describe('session, user and tags', () => {
  test('the session of the body counts before that of the header', () => {
    expect(decode({ session_id: 'a' }, { 'x-session-id': 'b' }).session).toBe('a');
    expect(decode({}, { 'x-session-id': 'b' }).session).toBe('b');
  });

  test('a session of no text or beyond any length is refused', () => {
    for (const session_id of [1, 'x'.repeat(257)])
      expect(errorOf(() => decode({ session_id }))).toMatchObject({ param: 'session_id' });
  });

  test('the end user is who the dialect names, else the field user', () => {
    expect(decode({ user: 'a' }, {}, { ...CHAT, endUser: 'b' }).endUser).toBe('b');
    expect(decode({ user: 'a' }).endUser).toBe('a');
  });

  test("tags are the texts in the request's labels, whatever its dialect calls them", () => {
    const metadata = { a: 'x', b: 1, c: null, d: { e: 'f' } };
    expect(decode({}, {}, { ...CHAT, metadata }).tags).toEqual({ a: 'x' });
    expect(decode({}).tags).toEqual({});
  });
});

describe('headers', () => {
  test('bound the time and say what becomes of parameters', () => {
    const headers = {
      'x-sluice-timeout-ms': '1500',
      'x-sluice-ttft-timeout-ms': '200',
      'x-sluice-unsupported': 'drop',
    };
    expect(decode({}, headers)).toMatchObject({
      timeoutMs: 1_500,
      firstContentTimeoutMs: 200,
      unsupportedParameters: 'drop',
    });
  });

  test.each(['0', '-1', '1.5', 'soon', '', '1e9', '840001', 'NaN'])('a time of "%s" is refused', (value) => {
    for (const name of ['x-sluice-timeout-ms', 'x-sluice-ttft-timeout-ms'])
      expect(errorOf(() => decode({}, { [name]: value }))).toMatchObject({
        code: 'invalid_request',
        param: name,
      });
  });

  test.each([['x-sluice-stream-recovery', 'continue']])(
    '%s: %s is refused, as nobody would keep it',
    (name, value) => {
      expect(errorOf(() => decode({}, { [name]: value }))).toMatchObject({
        code: 'unsupported_parameter',
        param: name,
      });
    },
  );
});

test('whatever is sent is read or refused, and never fails', () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          models: fc.jsonValue(),
          provider: fc.jsonValue(),
          session_id: fc.jsonValue(),
          metadata: fc.jsonValue(),
          user: fc.jsonValue(),
        },
        { requiredKeys: [] },
      ),
      (body) => {
        try {
          // Whatever JSON can hold is what callers can send.
          decode(body as JsonObject);
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
