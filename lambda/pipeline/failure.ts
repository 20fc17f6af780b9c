import { GatewayError, type UpstreamError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import type { Attempt } from '../domain/request-record.ts';
import { UpstreamTransportError } from '../ports/upstream.ts';
import type { AbortCause } from './deadline.ts';

/** How one attempt failed, and what that means for the next. */
export interface AttemptFailure {
  readonly error: UpstreamError;
  /** Another deployment may do better. A caller's own mistake is one everywhere. */
  readonly failover: boolean;
  /** The same deployment may do better in a moment. */
  readonly retry: boolean;
  /** It counts against the deployment's health. */
  readonly isDeploymentsFault: boolean;
}

/** Codes with which a provider says that the request itself is wrong: no other deployment will like it better. */
const CALLERS_FAULT: ReadonlySet<string> = new Set([
  'invalid_request',
  'context_length_exceeded',
  'content_policy_violation',
  'unsupported_parameter',
  'payload_too_large',
]);

const PASSING: ReadonlySet<string> = new Set([
  'rate_limit_exceeded',
  'upstream_overloaded',
  'upstream_error',
  'upstream_timeout',
  'upstream_invalid_response',
]);

/** Codes of a provider that is there, but full: waiting helps. */
const FULL: ReadonlySet<string> = new Set(['rate_limit_exceeded', 'upstream_overloaded']);
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** Codes that say something of the deployment, not of what the caller sent. */
const DEPLOYMENTS_FAULT: ReadonlySet<string> = new Set([
  'upstream_error',
  'upstream_overloaded',
  'upstream_timeout',
  'upstream_invalid_response',
  'upstream_authentication_failed',
]);

/** Whether an answer that ended so counts against the deployment's health. */
export const isDeploymentsFault = (code: string): boolean => DEPLOYMENTS_FAULT.has(code);

/** What a provider's own refusal or failure means. */
export const failureOf = (error: UpstreamError): AttemptFailure => ({
  error,
  failover: !CALLERS_FAULT.has(error.code),
  retry: PASSING.has(error.code),
  isDeploymentsFault: isDeploymentsFault(error.code),
});

/** What a broken connection, a credential that cannot be read, or a limit of ours means. Anything else is a bug and thrown on. */
export function failureOfThrown(thrown: unknown, cause: AbortCause | undefined): AttemptFailure {
  if (cause?.type === 'timeout') {
    const { error, isDeploymentsFault } = cause;
    return { ...failureOf(upstreamError('upstream_timeout', error.message)), isDeploymentsFault };
  }
  if (thrown instanceof UpstreamTransportError) {
    const code = thrown.kind === 'connect-timeout' ? 'upstream_timeout' : 'upstream_error';
    return failureOf(upstreamError(code, 'The connection to the provider failed.'));
  }
  if (thrown instanceof GatewayError) return failureOf(upstreamError(thrown.code, thrown.message));
  throw thrown;
}

export const upstreamError = (code: UpstreamError['code'], message: string): UpstreamError => ({
  code,
  message,
  status: undefined,
  providerCode: undefined,
  retryAfterSeconds: undefined,
});

/** A provider's error in the words of the gateway: after the first byte, or when nothing else is left to try. */
export function asCallerError(error: UpstreamError, attempts: readonly Attempt[]): GatewayError {
  const retryAfterSeconds =
    error.retryAfterSeconds ?? (FULL.has(error.code) ? DEFAULT_RETRY_AFTER_SECONDS : undefined);
  return new GatewayError(error.code, error.message, {
    retryable: retryAfterSeconds !== undefined,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    metadata: {
      attempts: attempts.map(describeAttempt),
      ...(error.providerCode !== undefined && { provider_code: error.providerCode }),
    },
  });
}

const describeAttempt = (attempt: Attempt): Json => ({
  deployment: attempt.deployment,
  outcome: attempt.outcome,
  ...(attempt.status !== undefined && { status: attempt.status }),
  duration_ms: attempt.durationMs,
});
