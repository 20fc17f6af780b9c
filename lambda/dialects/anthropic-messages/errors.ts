import { ERROR_KINDS, type ErrorCode, type GatewayError, type UpstreamError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { present } from '../loose.ts';
import { codeOfStatus, presentableMessage, retryAfterSeconds, secondsUntil } from '../upstream-error.ts';

/** Anthropic's error types. @see https://docs.anthropic.com/en/api/errors */
const CODES_BY_TYPE = new Map<string, ErrorCode>([
  ['invalid_request_error', 'invalid_request'],
  ['authentication_error', 'upstream_authentication_failed'],
  ['permission_error', 'upstream_authentication_failed'],
  ['billing_error', 'upstream_error'],
  ['not_found_error', 'model_not_found'],
  ['request_too_large', 'payload_too_large'],
  ['rate_limit_error', 'rate_limit_exceeded'],
  ['timeout_error', 'upstream_timeout'],
  ['overloaded_error', 'upstream_overloaded'],
  ['api_error', 'upstream_error'],
]);

/** What an `invalid_request_error` really is, by its message: Anthropic has no type of its own for these. */
const CODES_BY_MESSAGE: readonly (readonly [RegExp, ErrorCode])[] = [
  [
    /prompt is too long|exceeds? (the )?context (limit|window)|too many (total )?(text |input )?tokens/i,
    'context_length_exceeded',
  ],
  [/content filtering policy/i, 'content_policy_violation'],
  [/credit balance is too low/i, 'upstream_error'],
];

/** A provider's refusal. Pages of HTML and other bodies that are no JSON are not repeated to the caller. */
export function decodeError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): UpstreamError {
  const error = errorMember(parseJsonObject(body));
  const providerCode = text(error?.['type']);
  const message = text(error?.['message']) ?? `The provider answered with status ${status}.`;
  return {
    code: codeOf(status, providerCode, message),
    status,
    message: presentableMessage(message),
    providerCode,
    retryAfterSeconds: waitSeconds(headers),
  };
}

/** An `error` event inside a stream, or an error where a whole answer was expected. */
export function decodeErrorEvent(event: JsonObject): UpstreamError {
  const error = errorMember(event);
  const providerCode = text(error?.['type']);
  const message = text(error?.['message']) ?? 'The provider reported an error without a message.';
  return {
    code: codeOf(undefined, providerCode, message),
    status: undefined,
    message: presentableMessage(message),
    providerCode,
    retryAfterSeconds: undefined,
  };
}

const errorMember = (body: JsonObject | undefined): JsonObject | undefined =>
  isJsonObject(body?.['error']) ? body['error'] : undefined;

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Anthropic always says what it did not find: a bare 404 is of another server on the way. */
function codeByStatus(status: number): ErrorCode | undefined {
  if (status === 404) return undefined;
  return status === 400 || status === 422 ? 'invalid_request' : codeOfStatus(status);
}

function codeOf(status: number | undefined, type: string | undefined, message: string): ErrorCode {
  const code =
    (type === undefined ? undefined : CODES_BY_TYPE.get(type)) ??
    (status === undefined ? undefined : codeByStatus(status)) ??
    'upstream_error';
  if (code !== 'invalid_request') return code;
  return CODES_BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1] ?? code;
}

/**
 * When to come back: `retry-after` (seconds or a date), else the latest reset of a limit that is used up. Dates count from
 * the answer's own `date`.
 * @see https://docs.anthropic.com/en/api/rate-limits#response-headers
 */
function waitSeconds(headers: Readonly<Record<string, string>>): number | undefined {
  const retryAfter = retryAfterSeconds(headers);
  if (retryAfter !== undefined) return retryAfter;
  const resets = Object.keys(headers)
    .filter((name) => /^anthropic-ratelimit-.+-remaining$/.test(name) && headers[name] === '0')
    .map((name) => headers[name.replace(/remaining$/, 'reset')] ?? '')
    .map((reset) => secondsUntil(reset, headers))
    .filter((seconds) => seconds !== undefined);
  return resets.length === 0 ? undefined : Math.ceil(Math.max(...resets));
}

/** Anthropic's envelope, with our code, parameter and metadata beside its type and message. */
export function encodeError(error: GatewayError, requestId: string): string {
  return JSON.stringify({
    type: 'error',
    error: {
      type: ERROR_KINDS[error.code].anthropicType,
      message: error.message,
      code: error.code,
      ...present({ param: error.param }),
      metadata: { ...error.metadata, retryable: error.retryable },
    },
    request_id: requestId,
  });
}

/** The event that ends a stream which failed after its first byte. */
export const encodeStreamError = (error: GatewayError, envelope: AnswerEnvelope): string =>
  `event: error\ndata: ${encodeError(error, envelope.id)}\n\n`;
