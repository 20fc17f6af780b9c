import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';

describe('decodeError', () => {
  test.each([
    [400, 'invalid request: list of documents must not be empty', 'invalid_request'],
    [400, 'too many tokens: size limit exceeded by 11326 tokens.', 'context_length_exceeded'],
    [
      400,
      'too many tokens: max tokens must be less than or equal to 4096, the maximum output for this model',
      'invalid_request',
    ],
    [401, 'invalid api token', 'upstream_authentication_failed'],
    [402, 'Please add or update your payment method', 'upstream_error'],
    [403, 'forbidden', 'upstream_authentication_failed'],
    [404, "model 'x' not found", 'model_not_found'],
    [413, 'too large', 'payload_too_large'],
    [422, 'invalid type: parameter k is of type string', 'invalid_request'],
    [429, 'You are using a Trial key', 'rate_limit_exceeded'],
    [498, 'blocked', 'content_policy_violation'],
    [499, 'request cancelled', 'upstream_error'],
    [500, 'internal server error', 'upstream_error'],
    [501, 'not implemented', 'upstream_error'],
    [503, 'no healthy upstream', 'upstream_overloaded'],
    [504, 'timed out', 'upstream_timeout'],
  ])('reads %d "%s" as %s', (status, message, code) => {
    const body = JSON.stringify({ id: 'x', message });
    expect(cohereChat.decodeError(status, {}, body)).toMatchObject({ status, message, code });
  });

  test('keeps the provider’s own type and the time to wait', () => {
    const body = '{"error_type":"TOO_MANY_TOKENS","id":"x","message":"no"}';
    expect(cohereChat.decodeError(400, { 'retry-after': '7' }, body)).toMatchObject({
      code: 'context_length_exceeded',
      providerCode: 'TOO_MANY_TOKENS',
      retryAfterSeconds: 7,
    });
    const date = { 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' };
    expect(cohereChat.decodeError(429, date, '').retryAfterSeconds).toBe(30);
  });

  test.each(['<html>Bad gateway</html>', '', '[1]', '{"message":5}'])('does not pass %j on', (body) => {
    expect(cohereChat.decodeError(500, {}, body).message).toBe('The provider answered with status 500.');
  });
});

describe('encodeError', () => {
  test('writes Cohere’s envelope, with our code, retryability and parameter beside', () => {
    const error = new GatewayError('invalid_request', 'k: expected a number.', { param: 'k' });
    expect(JSON.parse(cohereChat.encodeError(error, 'gen-1'))).toEqual({
      ...{ id: 'gen-1', message: 'k: expected a number.', code: 'invalid_request', retryable: false },
      ...{ param: 'k', metadata: { retryable: false } },
    });
  });

  test('names an error as Cohere does, where it has a name', () => {
    const error = new GatewayError('context_length_exceeded', 'Too long.');
    expect(JSON.parse(cohereChat.encodeError(error, 'gen-1'))).toMatchObject({
      error_type: 'TOO_MANY_TOKENS',
    });
  });
});
