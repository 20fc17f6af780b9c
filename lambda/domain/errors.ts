import type { Json } from './json.ts';

interface ErrorKind {
  /** HTTP status of an answer that fails before its first byte. */
  readonly status: number;
  /** The `type` OpenAI's SDKs show. @see https://platform.openai.com/docs/guides/error-codes */
  readonly openaiType: string;
  /** The `error.type` Anthropic's SDKs show. @see https://docs.anthropic.com/en/api/errors */
  readonly anthropicType: string;
  /** Whether the same request, sent again by the caller, may succeed. */
  readonly retryable: boolean;
}

const kind = (
  status: number,
  openaiType: string,
  anthropicType: string,
  retryable: boolean = false,
): ErrorKind => ({
  status,
  openaiType,
  anthropicType,
  retryable,
});

/** Every error a caller can see. A code is contract: never renamed. */
export const ERROR_KINDS = {
  invalid_request: kind(400, 'invalid_request_error', 'invalid_request_error'),
  context_length_exceeded: kind(400, 'invalid_request_error', 'invalid_request_error'),
  content_policy_violation: kind(400, 'invalid_request_error', 'invalid_request_error'),
  unsupported_parameter: kind(400, 'invalid_request_error', 'invalid_request_error'),
  cost_unbounded: kind(400, 'invalid_request_error', 'invalid_request_error'),
  authentication_failed: kind(401, 'authentication_error', 'authentication_error'),
  budget_exceeded: kind(402, 'insufficient_quota', 'billing_error'),
  session_limit_exceeded: kind(402, 'insufficient_quota', 'billing_error'),
  price_unknown: kind(402, 'insufficient_quota', 'billing_error'),
  permission_denied: kind(403, 'permission_error', 'permission_error'),
  guardrail_blocked: kind(403, 'permission_error', 'permission_error'),
  not_found: kind(404, 'not_found_error', 'not_found_error'),
  model_not_found: kind(404, 'not_found_error', 'not_found_error'),
  no_eligible_deployment: kind(404, 'not_found_error', 'not_found_error'),
  method_not_allowed: kind(405, 'invalid_request_error', 'invalid_request_error'),
  idempotency_conflict: kind(409, 'invalid_request_error', 'invalid_request_error'),
  idempotency_in_progress: kind(409, 'invalid_request_error', 'invalid_request_error', true),
  payload_too_large: kind(413, 'invalid_request_error', 'request_too_large'),
  rate_limit_exceeded: kind(429, 'rate_limit_error', 'rate_limit_error', true),
  internal: kind(500, 'server_error', 'api_error'),
  upstream_error: kind(502, 'server_error', 'api_error'),
  upstream_invalid_response: kind(502, 'server_error', 'api_error'),
  upstream_authentication_failed: kind(502, 'server_error', 'api_error'),
  upstream_overloaded: kind(503, 'server_error', 'overloaded_error', true),
  no_healthy_deployment: kind(503, 'server_error', 'overloaded_error', true),
  store_unavailable: kind(503, 'server_error', 'api_error', true),
  upstream_timeout: kind(504, 'server_error', 'timeout_error'),
  loop_detected: kind(508, 'invalid_request_error', 'invalid_request_error'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** The request parameter at fault, as the caller spells it. */
  readonly param?: string;
  /** What helps the caller to react: limits, attempts, candidates. No secret and no prompt text. */
  readonly metadata?: Readonly<Record<string, Json>>;
  /** When trying again may help, in seconds. */
  readonly retryAfterSeconds?: number;
  /** Overrides the code's own retryability: an exhausted plan is not to be retried, unless waiting helps. */
  readonly retryable?: boolean;
}

/** An error we foresee and the caller is told about. Anything else that is thrown is a bug and becomes `internal`. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly metadata: Readonly<Record<string, Json>>;
  readonly retryAfterSeconds: number | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.param = options.param;
    this.metadata = options.metadata ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.retryable = options.retryable ?? ERROR_KINDS[code].retryable;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }
}

/** Turns whatever was thrown into an error a caller may see; a bug's own message is kept back (it stays in `cause`). */
export function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError('internal', 'The gateway failed. Quote the request id when you report this.', {
    cause: thrown,
  });
}

/** A provider's refusal or failure, in our terms, as its dialect understood it. */
export interface UpstreamError {
  readonly code: ErrorCode;
  /** HTTP status of the provider's answer; `undefined` for an error inside a stream. */
  readonly status: number | undefined;
  /** The provider's own words, meant for the caller. */
  readonly message: string;
  /** The provider's own code or type, as it spelled it. */
  readonly providerCode: string | undefined;
  readonly retryAfterSeconds: number | undefined;
}
