import { describe, expect, test } from '@jest/globals';
import { ERROR_KINDS, type ErrorCode, GatewayError } from '../../lambda/domain/errors.ts';
import { deploymentId } from '../../lambda/domain/ids.ts';
import { asCallerError, failureOf, failureOfThrown, upstreamError } from '../../lambda/pipeline/failure.ts';
import { UpstreamTransportError } from '../../lambda/ports/upstream.ts';

/** Code of an upstream's failure; whether another deployment is tried, the same again, and whether it counts against it. */
const MEANINGS: readonly (readonly [ErrorCode, boolean, boolean, boolean])[] = [
  ['invalid_request', false, false, false],
  ['context_length_exceeded', false, false, false],
  ['content_policy_violation', false, false, false],
  ['unsupported_parameter', false, false, false],
  ['payload_too_large', false, false, false],
  ['model_not_found', true, false, false],
  ['upstream_authentication_failed', true, false, true],
  ['rate_limit_exceeded', true, true, false],
  ['upstream_overloaded', true, true, true],
  ['upstream_error', true, true, true],
  ['upstream_timeout', true, true, true],
  ['upstream_invalid_response', true, true, true],
];

describe('a failure of a provider', () => {
  test.each(MEANINGS)(
    '%s: tried elsewhere %s, again %s, counted %s',
    (code, failover, retry, isDeploymentsFault) => {
      expect(failureOf(upstreamError(code, 'x'))).toMatchObject({ failover, retry, isDeploymentsFault });
    },
  );
});

describe('what is thrown on the way', () => {
  test.each([
    ['connection', 'upstream_error'],
    ['connect-timeout', 'upstream_timeout'],
  ] as const)('a transport error of the kind %s is %s', (kind, code) => {
    const failure = failureOfThrown(
      new UpstreamTransportError(kind, 'secret.internal.example refused'),
      undefined,
    );
    expect(failure.error).toMatchObject({ code, message: 'The connection to the provider failed.' });
  });

  test.each([true, false])(
    'a time limit that was passed is a time-out, the fault of the deployment: %s',
    (isDeploymentsFault) => {
      const error = new GatewayError('upstream_timeout', 'The provider sent no content within 5 ms.');
      const failure = failureOfThrown(new Error('aborted'), { type: 'timeout', error, isDeploymentsFault });
      expect(failure).toMatchObject({
        error: { code: 'upstream_timeout', message: error.message },
        failover: true,
        isDeploymentsFault,
      });
    },
  );

  test('a foreseen error keeps its code', () => {
    const failure = failureOfThrown(new GatewayError('upstream_authentication_failed', 'No key.'), undefined);
    expect(failure.error).toMatchObject({ code: 'upstream_authentication_failed', message: 'No key.' });
  });

  test('a bug is thrown on', () => {
    expect(() => failureOfThrown(new TypeError('bug'), undefined)).toThrow(TypeError);
  });
});

describe('the error a caller sees', () => {
  const attempts = [
    { deployment: deploymentId('a/b'), outcome: 'upstream_error', status: 500, durationMs: 7 },
    { deployment: deploymentId('c/d'), outcome: 'upstream_timeout', durationMs: 9 },
  ] as const;

  test('names what was tried', () => {
    expect(asCallerError(upstreamError('upstream_timeout', 'x'), attempts).metadata['attempts']).toEqual([
      { deployment: 'a/b', outcome: 'upstream_error', status: 500, duration_ms: 7 },
      { deployment: 'c/d', outcome: 'upstream_timeout', duration_ms: 9 },
    ]);
  });

  test.each(MEANINGS.map(([code]) => code))('%s is to be tried again only where waiting helps', (code) => {
    const error = asCallerError(upstreamError(code, 'x'), []);
    expect(error.retryable).toBe(code === 'rate_limit_exceeded' || code === 'upstream_overloaded');
    expect(error.retryAfterSeconds !== undefined).toBe(error.retryable);
    expect(error.status).toBe(ERROR_KINDS[code].status);
  });

  test('passes on how long to wait, where the provider says', () => {
    const error = asCallerError({ ...upstreamError('rate_limit_exceeded', 'x'), retryAfterSeconds: 42 }, []);
    expect(error).toMatchObject({ retryAfterSeconds: 42, retryable: true });
  });

  test("shows the provider's own code", () => {
    const error = asCallerError({ ...upstreamError('upstream_error', 'x'), providerCode: 'weird' }, []);
    expect(error.metadata['provider_code']).toBe('weird');
  });
});
