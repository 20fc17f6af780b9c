import { describe, expect, test } from '@jest/globals';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import { ERROR_KINDS, type ErrorCode, GatewayError } from '../../../lambda/domain/errors.ts';
import { respondError } from '../../../lambda/pipeline/respond.ts';
import { eventsOf } from '../recordings.ts';
import { framesOf, wireEvents } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };

describe('a provider’s refusal', () => {
  test.each<[number, string, string, ErrorCode]>([
    [400, 'ValidationException', 'Malformed input request.', 'invalid_request'],
    [400, 'ValidationException', 'Input is too long for requested model.', 'context_length_exceeded'],
    [
      400,
      'ValidationException',
      'prompt is too long: 210000 tokens > 200000 maximum',
      'context_length_exceeded',
    ],
    [400, 'ValidationException', 'Output blocked by content filtering policy', 'content_policy_violation'],
    [400, 'ValidationException', 'The provided model identifier is invalid.', 'model_not_found'],
    [403, 'AccessDeniedException', 'You do not have access.', 'upstream_authentication_failed'],
    [403, 'UnrecognizedClientException', 'Bad token.', 'upstream_authentication_failed'],
    [404, 'ResourceNotFoundException', 'No such model.', 'model_not_found'],
    [429, 'ThrottlingException', 'Too many requests.', 'rate_limit_exceeded'],
    [429, 'ModelNotReadyException', 'Warming up.', 'upstream_overloaded'],
    [400, 'ServiceQuotaExceededException', 'Too many tokens.', 'rate_limit_exceeded'],
    [408, 'ModelTimeoutException', 'Too slow.', 'upstream_timeout'],
    [424, 'ModelErrorException', 'Model failed.', 'upstream_error'],
    [500, 'InternalServerException', 'Oops.', 'upstream_error'],
    [503, 'ServiceUnavailableException', 'Come back.', 'upstream_overloaded'],
  ])('of status %i is known by its type %s: %s', (status, type, message, code) => {
    const headers = { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/`, 'retry-after': '7' };
    expect(bedrockConverse.decodeError(status, headers, JSON.stringify({ message }))).toEqual({
      code,
      status,
      message,
      providerCode: type,
      retryAfterSeconds: 7,
    });
  });

  test('is known by its status where it names no type, and a page is not passed on', () => {
    expect(bedrockConverse.decodeError(503, {}, '<html>')).toEqual({
      code: 'upstream_overloaded',
      status: 503,
      message: 'The provider answered with status 503.',
      providerCode: undefined,
      retryAfterSeconds: undefined,
    });
    expect(
      bedrockConverse.decodeError(400, {}, '{"__type":"com.amazon#ThrottlingException","Message":"Slow."}'),
    ).toMatchObject({ code: 'rate_limit_exceeded', message: 'Slow.', providerCode: 'ThrottlingException' });
  });
});

describe('a refused signature', () => {
  test('is told without what was signed, which holds the session’s token', () => {
    const message =
      "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this request should have been\n'POST\nhost:bedrock-runtime.eu-west-1.amazonaws.com\nx-amz-security-token:FwoGZXIvYXdzSECRET\n'";
    const headers = { 'x-amzn-errortype': 'InvalidSignatureException' };
    expect(bedrockConverse.decodeError(403, headers, JSON.stringify({ message }))).toMatchObject({
      code: 'upstream_authentication_failed',
      message: 'The request signature we calculated does not match the signature you provided.',
    });
  });
});

describe('an error for a caller', () => {
  test('has the type in header and body, and the canonical code beside it', async () => {
    const error = new GatewayError('rate_limit_exceeded', 'Wait.', { retryAfterSeconds: 2, param: 'x' });
    const { status, headers, body } = respondError(bedrockConverse, error, 'gen-1');
    const text = (await Array.fromAsync(body)).map((chunk) => new TextDecoder().decode(chunk)).join('');
    expect(status).toBe(429);
    expect(headers).toMatchObject({
      'x-amzn-errortype': 'ThrottlingException',
      'retry-after': '2',
    });
    expect(JSON.parse(text)).toEqual({
      __type: 'ThrottlingException',
      message: 'Wait.',
      code: 'rate_limit_exceeded',
      param: 'x',
      metadata: { request_id: 'gen-1', retryable: true },
    });
  });

  // The table above is typed by the codes: what is asked is only that each has its two names.
  test.each(Object.keys(ERROR_KINDS).map((code) => [code as ErrorCode]))(
    'of code %s has a name in a stream too',
    (code) => {
      const stream = bedrockConverse.encodeStreamError(new GatewayError(code, 'No.'), ENVELOPE);
      const [[name, body] = ['', {}]] = wireEvents(stream).flatMap((event) => Object.entries(event));
      expect(name).toMatch(
        /^(validation|throttling|internalServer|modelStreamError|serviceUnavailable)(Error)?Exception$/,
      );
      expect(body).toMatchObject({ message: 'No.', code });
    },
  );

  test('within a stream is read back as one error', async () => {
    const error = new GatewayError('upstream_overloaded', 'Busy.');
    const events = eventsOf(await framesOf(bedrockConverse.encodeStreamError(error, ENVELOPE)));
    expect(events).toMatchObject([
      { type: 'error', error: { code: 'upstream_overloaded', message: 'Busy.' } },
    ]);
  });
});
