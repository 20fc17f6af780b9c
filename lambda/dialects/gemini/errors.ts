import { ERROR_KINDS, type ErrorCode, type GatewayError, type UpstreamError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../domain/json.ts';
import { codeOfStatus, presentableMessage, retryAfterSeconds } from '../upstream-error.ts';
import { countIn, objectIn, objectsIn, textIn } from './wire.ts';

/** Google's word for the kind of an error, by HTTP status. @see https://cloud.google.com/apis/design/errors */
const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  405: 'UNIMPLEMENTED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'UNKNOWN',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  508: 'FAILED_PRECONDITION',
};

const CODES_BY_WORD: ReadonlyMap<string, ErrorCode> = new Map([
  ['INVALID_ARGUMENT', 'invalid_request'],
  ['OUT_OF_RANGE', 'invalid_request'],
  // The account, its billing or its place: nothing a caller can change.
  ['FAILED_PRECONDITION', 'upstream_error'],
  ['UNAUTHENTICATED', 'upstream_authentication_failed'],
  ['PERMISSION_DENIED', 'upstream_authentication_failed'],
  ['NOT_FOUND', 'model_not_found'],
  ['RESOURCE_EXHAUSTED', 'rate_limit_exceeded'],
  ['UNAVAILABLE', 'upstream_overloaded'],
  ['DEADLINE_EXCEEDED', 'upstream_timeout'],
  ['INTERNAL', 'upstream_error'],
  ['UNKNOWN', 'upstream_error'],
  ['ABORTED', 'upstream_error'],
  ['CANCELLED', 'upstream_error'],
]);

/** A refused credential comes as INVALID_ARGUMENT; only its reason tells. */
const CREDENTIAL_REASON = /^(?:API_KEY|ACCESS_TOKEN|CREDENTIALS|ACCOUNT_STATE|CONSUMER|BILLING)/;
const CONTEXT_LENGTH =
  /token count.{0,200}exceeds|exceeds the maximum number of tokens|input (?:is )?too long|context (?:length|window)/i;
const CONTENT_POLICY = /prohibited (?:use|content)|safety (?:filter|polic|setting)|responsible ai/i;
/** Waiting does not help, unlike with the limits that share its status. */
const SPENT_CREDITS = /credits are depleted/i;

/** A provider's refusal. A stream that was asked for without `alt=sse` is refused with a list of one envelope. */
export function decodeError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): UpstreamError {
  const json = parseJson(body);
  const envelope = Array.isArray(json) ? json.find(isJsonObject) : json;
  const error = isJsonObject(envelope) ? describedError(envelope) : {};
  const known = describe(error, status, `The provider answered with status ${status}.`);
  const retryAfter = retryAfterSeconds(headers);
  return { ...known, status, ...(retryAfter !== undefined && { retryAfterSeconds: retryAfter }) };
}

/** An error that stands in a stream or in an answer with status 200. */
export function decodeErrorChunk(body: JsonObject): UpstreamError {
  const error = describedError(body);
  const code = countIn(error, 'code');
  const status = code !== undefined && code >= 400 && code < 600 ? code : undefined;
  return { ...describe(error, status, 'The provider reported an error.'), status: undefined };
}

function describedError(body: JsonObject): JsonObject {
  const { error } = body;
  return typeof error === 'string' ? { message: error } : objectIn(body, 'error');
}

function describe(error: JsonObject, status: number | undefined, fallback: string): UpstreamError {
  const details = objectsIn(error, 'details');
  const reason = details.map((detail) => textIn(detail, 'reason')).find((found) => found !== undefined);
  const word = textIn(error, 'status');
  const message = textIn(error, 'message');
  return {
    code: errorCode({ word, reason, message: message ?? '', status }),
    status,
    message: message === undefined ? fallback : presentableMessage(message),
    providerCode: reason ?? word,
    retryAfterSeconds: retryDelaySeconds(details, message ?? ''),
  };
}

interface ErrorFacts {
  readonly word: string | undefined;
  readonly reason: string | undefined;
  readonly message: string;
  readonly status: number | undefined;
}

function errorCode(facts: ErrorFacts): ErrorCode {
  const code = CODES_BY_WORD.get(facts.word ?? '') ?? codeByStatus(facts.status);
  if (code === 'rate_limit_exceeded') return SPENT_CREDITS.test(facts.message) ? 'upstream_error' : code;
  return code === 'invalid_request' ? refinedCode(facts) : code;
}

function codeByStatus(status: number | undefined): ErrorCode {
  if (status === undefined) return 'upstream_error';
  return codeOfStatus(status) ?? (status < 500 ? 'invalid_request' : 'upstream_error');
}

/** What is wrong with a request, as far as reason, words and status tell. */
function refinedCode({ reason, message, status }: ErrorFacts): ErrorCode {
  if (CREDENTIAL_REASON.test(reason ?? '')) return 'upstream_authentication_failed';
  if (CONTEXT_LENGTH.test(message)) return 'context_length_exceeded';
  if (CONTENT_POLICY.test(message)) return 'content_policy_violation';
  return status === 413 ? 'payload_too_large' : 'invalid_request';
}

/** `RetryInfo` says how long to wait; some messages say it in words. */
function retryDelaySeconds(details: readonly JsonObject[], message: string): number | undefined {
  const delay = details.map((detail) => textIn(detail, 'retryDelay')).find((found) => found !== undefined);
  const seconds =
    /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay ?? '') ?? /retry in (\d{1,9}(?:\.\d{1,9})?)s/.exec(message);
  return seconds === null ? undefined : Number(seconds[1]);
}

/** An error before the first byte, in Google's envelope. */
export function encodeError(error: GatewayError, requestId: string): string {
  return JSON.stringify(errorBody(error, requestId));
}

/**
 * The envelope, the same before and inside a stream. What is not Google's stands in `details`, where Google puts the
 * particulars: texts, as its `ErrorInfo` holds nothing else. `reason` is the code in capitals, as Google writes reasons.
 * @see https://google.aip.dev/193
 */
export function errorBody(error: GatewayError, requestId: string): JsonObject {
  const { code, message, retryAfterSeconds } = error;
  const { status } = ERROR_KINDS[code];
  const own = { ...error.metadata, code, request_id: requestId, retryable: error.retryable };
  const all: JsonObject = error.param === undefined ? own : { ...own, param: error.param };
  const metadata = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, asText(value)]));
  const info = {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason: code.toUpperCase(),
    domain: 'sluice',
    metadata,
  };
  const retry = {
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: `${retryAfterSeconds}s`,
  };
  const details = retryAfterSeconds === undefined ? [info] : [info, retry];
  return { error: { code: status, message, status: STATUS_WORDS[status] ?? 'UNKNOWN', details } };
}

const asText = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);
