import { describe, expect, test } from '@jest/globals';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';

const decode = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  openaiChat.decodeError(status, headers, typeof body === 'string' ? body : JSON.stringify(body));

describe('decodeError', () => {
  test.each([
    [400, { error: { code: 'context_length_exceeded' } }, 'context_length_exceeded'],
    [400, { error: { message: 'This model’s maximum context length is 5' } }, 'context_length_exceeded'],
    [400, { error: { code: 'content_filter' } }, 'content_policy_violation'],
    [400, { error: { type: 'server_error' } }, 'invalid_request'],
    [401, {}, 'upstream_authentication_failed'],
    [402, {}, 'upstream_error'],
    [403, {}, 'upstream_authentication_failed'],
    [404, {}, 'model_not_found'],
    [408, {}, 'upstream_timeout'],
    [413, {}, 'payload_too_large'],
    [422, { detail: [{ msg: 'extra fields' }] }, 'invalid_request'],
    [429, {}, 'rate_limit_exceeded'],
    [429, { error: { code: 'insufficient_quota' } }, 'upstream_error'],
    [500, {}, 'upstream_error'],
    [502, '<html>', 'upstream_error'],
    [503, {}, 'upstream_overloaded'],
    [504, {}, 'upstream_timeout'],
    [529, {}, 'upstream_overloaded'],
  ])('takes %i %j for %s', (status, body, code) => {
    expect(decode(status, body).code).toBe(code);
  });

  test.each([
    [{ code: 'bad', error: 'xAI’s words' }, 'xAI’s words'],
    [{ detail: 'Mistral’s words' }, 'Mistral’s words'],
    [{ object: 'error', message: 'Mistral’s other words' }, 'Mistral’s other words'],
    ['plain words', 'plain words'],
    ['<!DOCTYPE html><html>Bad gateway</html>', 'The provider answered with status 500.'],
    ['', 'The provider answered with status 500.'],
    ['[1]', 'The provider answered with status 500.'],
    [
      { error: { message: 'Incorrect API key provided: sk-proj-abcd****wxyz.' } },
      'Incorrect API key provided: [credential]',
    ],
  ])('finds the words in %j', (body, message) => {
    expect(decode(500, body).message).toBe(message);
  });

  test.each([
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after-ms': '1500', 'retry-after': '2' }, 1.5],
    [{ 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' }, 30],
    [{ 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT' }, undefined],
    [{ 'x-ratelimit-reset-requests': '1m2.5s', 'x-ratelimit-reset-tokens': '120ms' }, 62.5],
    [
      {
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-requests': '1h',
        'x-ratelimit-reset-tokens': '7.66s',
      },
      7.66,
    ],
    [{ 'retry-after': 'soon' }, undefined],
  ])('reads how long to wait from %j', (headers, seconds) => {
    const { retryAfterSeconds } = decode(429, {}, headers as Record<string, string>);
    if (seconds === undefined) expect(retryAfterSeconds).toBeUndefined();
    else expect(retryAfterSeconds).toBeCloseTo(seconds, 6);
  });
});

describe('encodeError', () => {
  test('has OpenAI’s envelope, retryability and the request’s id', () => {
    const error = new GatewayError('budget_exceeded', 'The budget is spent.', {
      metadata: { limit_usd: 5 },
      param: 'model',
    });
    expect(JSON.parse(openaiChat.encodeError(error, 'req-1'))).toEqual({
      error: {
        message: 'The budget is spent.',
        type: 'insufficient_quota',
        code: 'budget_exceeded',
        param: 'model',
        metadata: { limit_usd: 5, request_id: 'req-1', retryable: false },
      },
    });
  });
});
