import type { ChatEvent } from '../domain/chat/event.ts';
import { ERROR_KINDS, type ErrorCode, type GatewayError, type UpstreamError } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../domain/json.ts';
import { asObject, objectIn, textIn } from './loose.ts';
import { codeOfStatus, invalidAnswer, presentableMessage, retryAfterSeconds } from './upstream-error.ts';

/** What an error body says, wherever it says it. */
interface ErrorFacts {
  readonly message: string | undefined;
  readonly code: string | undefined;
  readonly type: string | undefined;
  /** An HTTP status named inside the body. */
  readonly status: number | undefined;
}

const NO_FACTS: ErrorFacts = { message: undefined, code: undefined, type: undefined, status: undefined };

/**
 * A provider's refusal. Envelopes: OpenAI's `{error:{message,type,code}}` (OpenRouter's `code` is a number), xAI's
 * `{code,error:'text'}`, Mistral's `{detail}` and `{object:'error',message}`, Venice's `{error:'text'}`, plain text.
 * A page of HTML is not passed on.
 */
export function decodeError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): UpstreamError {
  const facts = readErrorText(body);
  return {
    ...describe(facts, status),
    status,
    retryAfterSeconds: waitSeconds(status, headers),
  };
}

/** An error that stands in a stream or in an answer with status 200. */
export function decodeErrorChunk(body: Json | undefined): UpstreamError {
  const facts = isJsonObject(body) ? readErrorBody(body) : NO_FACTS;
  return { ...describe(facts, facts.status), status: undefined, retryAfterSeconds: undefined };
}

/** What is said of an answer that does not hold what it should: the error that stands in it, if one does. */
export const missingAnswer = (body: JsonObject, expected: string): ChatEvent =>
  body['error'] === undefined
    ? invalidAnswer(`The answer holds no ${expected}.`)
    : { type: 'error', error: decodeErrorChunk(body) };

/** An error before the first byte. */
export function encodeError(error: GatewayError, requestId: string): string {
  return JSON.stringify({ error: errorBody(error, { request_id: requestId }) });
}

/** The `error` object, the same before and inside a stream. */
export function errorBody(error: GatewayError, metadata: JsonObject): JsonObject {
  return {
    message: error.message,
    type: ERROR_KINDS[error.code].openaiType,
    code: error.code,
    param: error.param ?? null,
    metadata: { ...error.metadata, ...metadata, retryable: error.retryable },
  };
}

function describe(
  facts: ErrorFacts,
  status: number | undefined,
): Pick<UpstreamError, 'code' | 'message' | 'providerCode'> {
  const fallback =
    status === undefined ? 'The provider reported an error.' : `The provider answered with status ${status}.`;
  return {
    code: errorCode(facts, status),
    message: facts.message === undefined ? fallback : presentableMessage(facts.message),
    providerCode: facts.code ?? facts.type,
  };
}

function readErrorText(body: string): ErrorFacts {
  const json = parseJson(body);
  if (isJsonObject(json)) return readErrorBody(json);
  const text = typeof json === 'string' ? json : body.trim();
  const isPage = text.startsWith('<') || text === '';
  return json !== undefined && typeof json !== 'string'
    ? NO_FACTS
    : { ...NO_FACTS, message: isPage ? undefined : text };
}

function readErrorBody(body: JsonObject): ErrorFacts {
  const error = body['error'];
  const inner = asObject(error) ?? body;
  const details = objectIn(body, 'detail');
  const code = inner['code'] ?? body['code'];
  return {
    message:
      (typeof error === 'string' ? textIn(body, 'error') : undefined) ??
      textIn(inner, 'message') ??
      textIn(body, 'detail') ??
      textIn(details, 'message'),
    code: typeof code === 'string' && code !== '' ? code : undefined,
    type: textIn(inner, 'type') ?? textIn(inner, 'error_type'),
    status:
      errorStatus(code) ??
      errorStatus(inner['status_code']) ??
      errorStatus(inner['http_status']) ??
      errorStatus(inner['raw_status_code']),
  };
}

const errorStatus = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && value >= 400 && value < 600 ? value : undefined;

/** Providers' own words, first match counts. @see https://platform.openai.com/docs/guides/error-codes */
const CODES_BY_WORD: readonly (readonly [RegExp, ErrorCode])[] = [
  // Waiting does not help, unlike with the rate limit that shares its status.
  [/insufficient_quota|billing|payment_required|insufficient_balance|credits?_exhausted/, 'upstream_error'],
  [/context_length|too_many_prompt_tokens|context_window|max_tokens_exceeded/, 'context_length_exceeded'],
  [
    /content_filter|content_policy|responsibleaipolicy|moderation|safety_violation/,
    'content_policy_violation',
  ],
  [/model_not_found|deploymentnotfound|invalid_model|unknown_model/, 'model_not_found'],
  [/tool_use_failed/, 'upstream_invalid_response'],
  [/invalid_api_key|authentication|permission/, 'upstream_authentication_failed'],
  [/request_too_large|payload_too_large/, 'payload_too_large'],
  [/rate_limit|rate_limited|too_many_requests/, 'rate_limit_exceeded'],
  [/overloaded|capacity|unavailable/, 'upstream_overloaded'],
  [/timeout|timed_out/, 'upstream_timeout'],
  [/server_error|internal|api_error/, 'upstream_error'],
  [/invalid_request|unsupported|invalid_prompt/, 'invalid_request'],
];

const CONTEXT_LENGTH_MESSAGE =
  /maximum context length|context (?:length|window)|prompt is too long|total length of all messages is too long/i;

const CREDENTIAL_MESSAGE = /^(?:incorrect|invalid) api key/i;

function errorCode(facts: ErrorFacts, status: number | undefined): ErrorCode {
  const byMessage = isClientError(status) && CONTEXT_LENGTH_MESSAGE.test(facts.message ?? '');
  if (byMessage) return 'context_length_exceeded';
  // xAI says so with a bare 400.
  if (isClientError(status) && CREDENTIAL_MESSAGE.test(facts.message ?? ''))
    return 'upstream_authentication_failed';
  const fromStatus = status === undefined ? undefined : codeByStatus(status);
  const fromWords = codeByWord(facts.code) ?? codeByWord(facts.type);
  if (fromStatus === undefined) return fromWords ?? 'upstream_error';
  return fromWords !== undefined && refines(fromWords, fromStatus) ? fromWords : fromStatus;
}

const isClientError = (status: number | undefined): boolean =>
  status === undefined || (status >= 400 && status < 500);

function codeByWord(word: string | undefined): ErrorCode | undefined {
  const lower = word?.toLowerCase();
  return lower === undefined ? undefined : CODES_BY_WORD.find(([pattern]) => pattern.test(lower))?.[1];
}

/** Whether the provider's word says more than its status: a bare 400 or 5xx says little, a quota's 429 too much. */
function refines(fromWord: ErrorCode, fromStatus: ErrorCode): boolean {
  switch (fromStatus) {
    case 'invalid_request':
      return fromWord !== 'upstream_error';
    case 'upstream_error':
      return fromWord === 'upstream_overloaded' || fromWord === 'upstream_timeout';
    case 'rate_limit_exceeded':
      return fromWord === 'upstream_error';
    case 'upstream_authentication_failed':
      return fromWord === 'content_policy_violation' || fromWord === 'model_not_found';
    default:
      return false;
  }
}

function codeByStatus(status: number): ErrorCode {
  const known = codeOfStatus(status);
  if (known !== undefined) return known;
  const isRefusal = status >= 400 && status < 500 && status !== PAYMENT_REQUIRED;
  return isRefusal ? 'invalid_request' : 'upstream_error';
}

/** The operator's account with the provider is empty: nothing a caller can change. */
const PAYMENT_REQUIRED = 402;

/**
 * How long to wait: `retry-after-ms`, `retry-after` (seconds, or a date set against the answer's own `date`), else the
 * reset of the limits that are used up, which OpenAI and Groq write as `1m2.5s`.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
function waitSeconds(status: number, headers: Readonly<Record<string, string>>): number | undefined {
  const milliseconds = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (milliseconds >= 0) return milliseconds / 1000;
  return retryAfterSeconds(headers) ?? (status === 429 ? limitResetSeconds(headers) : undefined);
}

function limitResetSeconds(headers: Readonly<Record<string, string>>): number | undefined {
  const limits = ['requests', 'tokens'].map((name) => ({
    isUsedUp: headers[`x-ratelimit-remaining-${name}`] === '0',
    seconds: durationSeconds(headers[`x-ratelimit-reset-${name}`] ?? ''),
  }));
  const usedUp = limits.filter(({ isUsedUp }) => isUsedUp);
  const waits = (usedUp.length > 0 ? usedUp : limits).flatMap(({ seconds }) => seconds ?? []);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 };

function durationSeconds(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (SECONDS_PER_UNIT[unit ?? ''] ?? 0),
    0,
  );
}
