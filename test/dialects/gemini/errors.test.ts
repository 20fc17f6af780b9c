import { describe, expect, test } from '@jest/globals';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import { ERROR_KINDS, type ErrorCode, GatewayError } from '../../../lambda/domain/errors.ts';

const decode = (status: number, error: unknown, headers: Record<string, string> = {}) =>
  gemini.decodeError(status, headers, typeof error === 'string' ? error : JSON.stringify({ error }));

describe('decodeError', () => {
  test.each([
    [400, { status: 'INVALID_ARGUMENT', message: 'Invalid value at contents.' }, 'invalid_request'],
    [
      400,
      {
        status: 'INVALID_ARGUMENT',
        message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      },
      'context_length_exceeded',
    ],
    [
      400,
      { status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] },
      'upstream_authentication_failed',
    ],
    [
      400,
      { status: 'FAILED_PRECONDITION', message: 'User location is not supported for the API use.' },
      'upstream_error',
    ],
    [400, {}, 'invalid_request'],
    [401, { status: 'UNAUTHENTICATED' }, 'upstream_authentication_failed'],
    [403, { status: 'PERMISSION_DENIED' }, 'upstream_authentication_failed'],
    [404, { status: 'NOT_FOUND' }, 'model_not_found'],
    [413, '', 'payload_too_large'],
    [
      429,
      { status: 'RESOURCE_EXHAUSTED', message: 'check your plan and billing details' },
      'rate_limit_exceeded',
    ],
    [
      429,
      { status: 'RESOURCE_EXHAUSTED', message: 'Your prepayment credits are depleted.' },
      'upstream_error',
    ],
    [499, { status: 'CANCELLED' }, 'upstream_error'],
    [500, { status: 'INTERNAL' }, 'upstream_error'],
    [502, '<html>', 'upstream_error'],
    [503, { status: 'UNAVAILABLE' }, 'upstream_overloaded'],
    [504, { status: 'DEADLINE_EXCEEDED' }, 'upstream_timeout'],
  ])('takes %i %j for %s', (status, error, code) => {
    expect(decode(status, error).code).toBe(code);
  });

  test('reads the list that refuses a stream asked for without events', () => {
    const error = gemini.decodeError(
      404,
      {},
      '[{"error":{"code":404,"message":"No such model.","status":"NOT_FOUND"}}]',
    );
    expect(error).toMatchObject({
      code: 'model_not_found',
      message: 'No such model.',
      providerCode: 'NOT_FOUND',
    });
  });

  test.each([
    [{ 'retry-after': '7' }, {}, 7],
    [{}, { details: [{ retryDelay: '48.5s' }] }, 48.5],
    [{}, { message: 'Please retry in 48.939935699s.' }, 48.939935699],
    [{}, { details: [{ retryDelay: 'soon' }] }, undefined],
  ])('reads how long to wait from %j %j', (headers, error, seconds) => {
    expect(decode(429, error, headers as Record<string, string>).retryAfterSeconds).toBe(seconds);
  });

  test('keeps a credential out of the message', () => {
    const { message } = decode(400, { message: 'API key AIzaSyA-1234567890abcdef not valid.' });
    expect(message).toBe('API key [credential] not valid.');
  });
});

describe('encodeError', () => {
  test('has Google’s envelope, with all that is ours as texts in its details', () => {
    const error = new GatewayError('budget_exceeded', 'The budget is spent.', {
      metadata: { limit_usd: 5, scope: 'key' },
      param: 'model',
    });
    expect(JSON.parse(gemini.encodeError(error, 'req-1'))).toEqual({
      error: {
        code: 402,
        message: 'The budget is spent.',
        status: 'FAILED_PRECONDITION',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'BUDGET_EXCEEDED',
            domain: 'sluice',
            metadata: {
              code: 'budget_exceeded',
              limit_usd: '5',
              param: 'model',
              request_id: 'req-1',
              retryable: 'false',
              scope: 'key',
            },
          },
        ],
      },
    });
  });

  test.each(Object.keys(ERROR_KINDS) as ErrorCode[])('has a status and a word of Google’s for %s', (code) => {
    const { error } = JSON.parse(gemini.encodeError(new GatewayError(code, 'm'), 'r'));
    expect(error.code).toBe(ERROR_KINDS[code].status);
    expect(error.status).toMatch(/^[A-Z_]+$/);
    if (error.code !== 502) expect(error.status).not.toBe('UNKNOWN');
  });
});
