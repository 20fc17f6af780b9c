import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { REFUSALS } from './recordings.ts';

const body = (type: string, message = 'Words of the provider'): string =>
  JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' });

describe('an upstream’s refusal', () => {
  test.each<[number, string, string, string]>([
    [400, 'invalid_request_error', 'max_tokens: Field required', 'invalid_request'],
    [400, 'invalid_request_error', 'prompt is too long: 3 tokens > 2 maximum', 'context_length_exceeded'],
    [
      400,
      'invalid_request_error',
      'input length and `max_tokens` exceed context limit: 1 + 2 > 2',
      'context_length_exceeded',
    ],
    [400, 'invalid_request_error', 'Output blocked by content filtering policy', 'content_policy_violation'],
    [400, 'invalid_request_error', 'Your credit balance is too low to access the API', 'upstream_error'],
    [401, 'authentication_error', 'invalid x-api-key', 'upstream_authentication_failed'],
    [402, 'billing_error', 'Pay', 'upstream_error'],
    [403, 'permission_error', 'No', 'upstream_authentication_failed'],
    [404, 'not_found_error', 'model: claude-x', 'model_not_found'],
    [413, 'request_too_large', 'Too large', 'payload_too_large'],
    [429, 'rate_limit_error', 'Slow', 'rate_limit_exceeded'],
    [500, 'api_error', 'Oops', 'upstream_error'],
    [504, 'timeout_error', 'Late', 'upstream_timeout'],
    [529, 'overloaded_error', 'Overloaded', 'upstream_overloaded'],
    [529, 'still_to_come', 'Overloaded', 'upstream_overloaded'],
  ])('of status %i and type %s (%s) is %s', (status, type, message, code) => {
    expect(anthropicMessages.decodeError(status, {}, body(type, message))).toEqual({
      code,
      status,
      message,
      providerCode: type,
      retryAfterSeconds: undefined,
    });
  });

  test.each<[number, string]>([
    [404, 'upstream_error'],
    [502, 'upstream_error'],
    [503, 'upstream_overloaded'],
    [429, 'rate_limit_exceeded'],
    [401, 'upstream_authentication_failed'],
  ])('that is a page of HTML with status %i is %s, and is not repeated', (status, code) => {
    expect(anthropicMessages.decodeError(status, {}, '<html>secret</html>')).toEqual({
      code,
      status,
      message: `The provider answered with status ${status}.`,
      providerCode: undefined,
      retryAfterSeconds: undefined,
    });
  });

  test.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '12' }, 12],
    [{ 'retry-after': 'Wed, 19 Aug 2026 14:35:00 GMT', date: 'Wed, 19 Aug 2026 14:34:00 GMT' }, 60],
    [{ 'retry-after': 'soon' }, undefined],
    [
      {
        date: 'Wed, 19 Aug 2026 14:34:00 GMT',
        'anthropic-ratelimit-requests-remaining': '5',
        'anthropic-ratelimit-requests-reset': '2026-08-19T15:00:00Z',
        'anthropic-ratelimit-input-tokens-remaining': '0',
        'anthropic-ratelimit-input-tokens-reset': '2026-08-19T14:34:07Z',
      },
      7,
    ],
    [{ 'anthropic-ratelimit-tokens-remaining': '0' }, undefined],
  ])('with headers %j asks to come back in %p seconds', (headers, seconds) => {
    expect(anthropicMessages.decodeError(429, headers, body('rate_limit_error')).retryAfterSeconds).toBe(
      seconds,
    );
  });

  test.each(REFUSALS)(
    'as recorded has a code and the provider’s words: $name',
    ({ status, headers, body: answer }) => {
      const codes: Record<number, string> = {
        400: 'context_length_exceeded',
        401: 'upstream_authentication_failed',
        404: 'model_not_found',
        529: 'upstream_overloaded',
      };
      expect(anthropicMessages.decodeError(status, headers, answer)).toMatchObject({
        code: codes[status],
        message: JSON.parse(answer).error.message,
      });
    },
  );
});

describe('an error of ours', () => {
  test('stands in Anthropic’s envelope, with code, parameter and retryability beside it', () => {
    const error = new GatewayError('budget_exceeded', 'No money left.', {
      param: 'max_tokens',
      metadata: { limit_usd: 1 },
    });
    expect(JSON.parse(anthropicMessages.encodeError(error, 'gen-1'))).toEqual({
      type: 'error',
      error: {
        type: 'billing_error',
        message: 'No money left.',
        code: 'budget_exceeded',
        param: 'max_tokens',
        metadata: { limit_usd: 1, retryable: false },
      },
      request_id: 'gen-1',
    });
  });
});
