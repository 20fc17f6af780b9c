import type { ErrorCode, GatewayError, UpstreamError } from '../../domain/errors.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { encodeMessage } from '../event-stream.ts';
import { defined } from '../loose.ts';
import { codeOfStatus, presentableMessage, retryAfterSeconds } from '../upstream-error.ts';
import { stringIn } from './wire.ts';

/**
 * Bedrock's exceptions, and those every service of Amazon's has; without `Exception`, in lower case.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */
const CODES_BY_TYPE: ReadonlyMap<string, ErrorCode> = new Map([
  ['validation', 'invalid_request'],
  ['serialization', 'invalid_request'],
  ['accessdenied', 'upstream_authentication_failed'],
  ['unrecognizedclient', 'upstream_authentication_failed'],
  ['invalidsignature', 'upstream_authentication_failed'],
  ['incompletesignature', 'upstream_authentication_failed'],
  ['missingauthenticationtoken', 'upstream_authentication_failed'],
  ['expiredtoken', 'upstream_authentication_failed'],
  ['notauthorized', 'upstream_authentication_failed'],
  ['resourcenotfound', 'model_not_found'],
  ['throttling', 'rate_limit_exceeded'],
  ['servicequotaexceeded', 'rate_limit_exceeded'],
  ['modeltimeout', 'upstream_timeout'],
  ['modelnotready', 'upstream_overloaded'],
  ['serviceunavailable', 'upstream_overloaded'],
  ['internalserver', 'upstream_error'],
  ['modelerror', 'upstream_error'],
  ['modelstreamerror', 'upstream_error'],
]);

/** What a `ValidationException` really is, by its message: Bedrock has no type of its own for these. */
const CODES_BY_MESSAGE: readonly (readonly [RegExp, ErrorCode])[] = [
  [
    /(input|prompt) is too long|too many (total )?(text |input )?tokens|context (window|length|limit)|maximum (number of )?tokens (you|for)/i,
    'context_length_exceeded',
  ],
  [/content (filter|policy)|filtering policy|blocked by/i, 'content_policy_violation'],
  [
    /model identifier is invalid|model (id|version) .{0,200}(not found|not supported|does not exist)/i,
    'model_not_found',
  ],
];

/** A provider's refusal: the type stands in a header (`ValidationException:http://…`), the message in the body. */
export function decodeError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): UpstreamError {
  const error = parseJsonObject(body) ?? {};
  const type = headers['x-amzn-errortype'] ?? stringIn(error, '__type');
  return {
    ...describe(type, error, status),
    status,
    retryAfterSeconds: retryAfterSeconds(headers),
  };
}

/** An exception inside a stream. @param type `throttlingException` */
export function decodeException(type: string | undefined, error: JsonObject): UpstreamError {
  return { ...describe(type, error, undefined), status: undefined, retryAfterSeconds: undefined };
}

function describe(
  type: string | undefined,
  error: JsonObject,
  status: number | undefined,
): Pick<UpstreamError, 'code' | 'message' | 'providerCode'> {
  // Some of Amazon's services write the name with a capital letter.
  const given = stringIn(error, 'message') ?? stringIn(error, 'Message');
  const fallback =
    status === undefined
      ? 'The provider reported an error without a message.'
      : `The provider answered with status ${status}.`;
  const message = given === undefined || given === '' ? fallback : given;
  const providerCode = type === undefined ? undefined : bareType(type);
  return { code: codeOf(providerCode, status, message), message: presentableMessage(message), providerCode };
}

/** The type's name alone: a namespace before it and an address behind it say nothing. */
const bareType = (type: string): string => type.split('#').at(-1)?.split(':')[0]?.trim() ?? type;

function codeOf(type: string | undefined, status: number | undefined, message: string): ErrorCode {
  const name = type?.toLowerCase().replace(/(exception|error)$/, '');
  const code =
    CODES_BY_TYPE.get(name ?? '') ??
    CODES_BY_TYPE.get(`${name}error`) ??
    (status === 400 ? 'invalid_request' : codeOfStatus(status ?? 0)) ??
    'upstream_error';
  if (code !== 'invalid_request') return code;
  return CODES_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? code;
}

/** How a failure is called towards callers, before a stream and in one. */
interface ExceptionNames {
  readonly type: string;
  readonly inStream: string;
}

const VALIDATION: ExceptionNames = { type: 'ValidationException', inStream: 'validationException' };
const DENIED: ExceptionNames = { type: 'AccessDeniedException', inStream: 'validationException' };
const NOT_FOUND: ExceptionNames = { type: 'ResourceNotFoundException', inStream: 'validationException' };
const CONFLICT: ExceptionNames = { type: 'ConflictException', inStream: 'validationException' };
const QUOTA: ExceptionNames = { type: 'ServiceQuotaExceededException', inStream: 'validationException' };
const THROTTLED: ExceptionNames = { type: 'ThrottlingException', inStream: 'throttlingException' };
const INTERNAL: ExceptionNames = { type: 'InternalServerException', inStream: 'internalServerException' };
const MODEL: ExceptionNames = { type: 'ModelErrorException', inStream: 'modelStreamErrorException' };
const TIMED_OUT: ExceptionNames = { type: 'ModelTimeoutException', inStream: 'modelStreamErrorException' };
const UNAVAILABLE: ExceptionNames = {
  type: 'ServiceUnavailableException',
  inStream: 'serviceUnavailableException',
};

const EXCEPTIONS = {
  invalid_request: VALIDATION,
  context_length_exceeded: VALIDATION,
  content_policy_violation: VALIDATION,
  unsupported_parameter: VALIDATION,
  cost_unbounded: VALIDATION,
  authentication_failed: { ...DENIED, type: 'UnrecognizedClientException' },
  budget_exceeded: QUOTA,
  session_limit_exceeded: QUOTA,
  price_unknown: QUOTA,
  permission_denied: DENIED,
  guardrail_blocked: DENIED,
  not_found: NOT_FOUND,
  model_not_found: NOT_FOUND,
  no_eligible_deployment: NOT_FOUND,
  method_not_allowed: VALIDATION,
  idempotency_conflict: CONFLICT,
  idempotency_in_progress: CONFLICT,
  payload_too_large: VALIDATION,
  rate_limit_exceeded: THROTTLED,
  internal: INTERNAL,
  upstream_error: MODEL,
  upstream_invalid_response: MODEL,
  upstream_authentication_failed: MODEL,
  upstream_overloaded: UNAVAILABLE,
  no_healthy_deployment: UNAVAILABLE,
  store_unavailable: UNAVAILABLE,
  upstream_timeout: TIMED_OUT,
  loop_detected: VALIDATION,
} as const satisfies Record<ErrorCode, ExceptionNames>;

/** Amazon's envelope, with our code, parameter and metadata beside its message. */
export const encodeError = (error: GatewayError, requestId: string): string =>
  JSON.stringify({ __type: EXCEPTIONS[error.code].type, ...errorBody(error, requestId) });

/** Amazon's SDKs take an error's type from a header, as what stands in the body is not its own. */
export const errorHeaders = (error: GatewayError): Readonly<Record<string, string>> => ({
  'x-amzn-errortype': EXCEPTIONS[error.code].type,
});

/** The message that ends a stream which failed after its first byte. */
export const encodeStreamError = (error: GatewayError, envelope: AnswerEnvelope): string =>
  encodeMessage(
    {
      ':exception-type': EXCEPTIONS[error.code].inStream,
      ':content-type': 'application/json',
      ':message-type': 'exception',
    },
    JSON.stringify(errorBody(error, envelope.id)),
  );

const errorBody = (error: GatewayError, requestId: string): JsonObject => ({
  message: error.message,
  code: error.code,
  ...defined({ param: error.param }),
  metadata: { ...error.metadata, request_id: requestId, retryable: error.retryable },
});
