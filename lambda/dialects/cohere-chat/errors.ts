import { ERROR_KINDS, type ErrorCode, type GatewayError, type UpstreamError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../domain/json.ts';
import { presentableMessage } from '../upstream-message.ts';
import { defined, objectIn, textIn } from './wire.ts';

/** What a body says of an error: Cohere's `{id, message, error_type}`, or an event's `{error, error_type}`. */
interface ErrorFacts {
  readonly message: string | undefined;
  readonly type: string | undefined;
}

/** @see https://docs.cohere.com/reference/errors */
const CODES_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'upstream_authentication_failed'],
  [402, 'upstream_error'],
  [403, 'upstream_authentication_failed'],
  [404, 'model_not_found'],
  [408, 'upstream_timeout'],
  [413, 'payload_too_large'],
  [429, 'rate_limit_exceeded'],
  // A request or an answer holds a token that stands on a list of forbidden ones.
  [498, 'content_policy_violation'],
  // Cohere says so of streams it gave up itself, as nobody here cancels a call and then reads its answer.
  [499, 'upstream_error'],
  [503, 'upstream_overloaded'],
  [504, 'upstream_timeout'],
]);

/** What a bare 400 or an event's error really is, by Cohere's words; the first match counts. */
const CODES_BY_WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/max[_ ]tokens (must be|cannot)/i, 'invalid_request'],
  [/TOO_MANY_TOKENS|too many tokens|context length/i, 'context_length_exceeded'],
  [/blocked (input|output)|TOXIC|safety/i, 'content_policy_violation'],
  [/INVALID_TOOL_GENERATION|invalid tool generation/i, 'upstream_invalid_response'],
  [/model '.*' (was )?not found/i, 'model_not_found'],
  [/TIMEOUT|timed out/i, 'upstream_timeout'],
  [/overloaded|unavailable/i, 'upstream_overloaded'],
];

/** A provider's refusal. Pages of HTML are not passed on. */
export function decodeError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): UpstreamError {
  const facts = readFacts(body);
  const message = facts.message ?? `The provider answered with status ${status}.`;
  return {
    code: codeOfStatus(status, facts),
    status,
    message: presentableMessage(message),
    providerCode: facts.type,
    retryAfterSeconds: retryAfterSeconds(headers),
  };
}

function readFacts(body: string): ErrorFacts {
  const json = parseJson(body);
  if (isJsonObject(json)) return factsOf(json);
  const text = typeof json === 'string' ? json : body.trim();
  const isMessage = text !== '' && !text.startsWith('<') && (json === undefined || typeof json === 'string');
  return { message: isMessage ? text : undefined, type: undefined };
}

const factsOf = (body: JsonObject): ErrorFacts => ({
  message:
    textIn(body, 'message') ??
    textIn(body, 'error') ??
    textIn(objectIn(body, 'error'), 'message') ??
    textIn(body, 'detail'),
  type: textIn(body, 'error_type'),
});

const codeByWords = ({ message = '', type = '' }: ErrorFacts): ErrorCode | undefined =>
  CODES_BY_WORDS.find(([pattern]) => pattern.test(`${type} ${message}`))?.[1];

function codeOfStatus(status: number, facts: ErrorFacts): ErrorCode {
  const known = CODES_BY_STATUS.get(status);
  if (known !== undefined) return known;
  if (status >= 400 && status < 500) return codeByWords(facts) ?? 'invalid_request';
  return 'upstream_error';
}

/** An error that stands in a stream, or where a whole answer was expected. */
export function decodeInBandError(body: JsonObject, finishReason?: string): UpstreamError {
  const facts = factsOf(body);
  const byReason = finishReason === 'TIMEOUT' ? 'upstream_timeout' : undefined;
  return {
    code: byReason ?? codeByWords(facts) ?? 'upstream_error',
    status: undefined,
    message: presentableMessage(facts.message ?? 'The provider reported an error.'),
    providerCode: facts.type ?? finishReason,
    retryAfterSeconds: undefined,
  };
}

/** An answer that is no proper answer of this format. */
export function invalidResponse(message: string): UpstreamError {
  return {
    code: 'upstream_invalid_response',
    status: undefined,
    message,
    providerCode: undefined,
    retryAfterSeconds: undefined,
  };
}

/** `retry-after` in seconds, or as a date that counts from the answer's own `date`. */
function retryAfterSeconds(headers: Readonly<Record<string, string>>): number | undefined {
  const retryAfter = headers['retry-after'] ?? '';
  if (/^\d+(\.\d+)?$/.test(retryAfter)) return Number(retryAfter);
  const untilDate = (Date.parse(retryAfter) - Date.parse(headers['date'] ?? '')) / 1000;
  return Number.isNaN(untilDate) ? undefined : Math.max(0, untilDate);
}

/** What both kinds of error have that a caller is shown. */
export type ShownError = Pick<GatewayError, 'code' | 'message' | 'param' | 'metadata' | 'retryable'>;

/** Cohere's envelope, with our code, parameter and metadata beside. */
export const encodeError = (error: GatewayError, requestId: string): string =>
  JSON.stringify({ id: requestId, message: error.message, ...errorMembers(error) });

/** What stands beside an error's message, the same before and inside a stream. */
export function errorMembers(error: ShownError): JsonObject {
  return defined({
    error_type: ERROR_TYPES.get(error.code),
    code: error.code,
    retryable: error.retryable,
    param: error.param,
    metadata: { ...error.metadata, retryable: error.retryable },
  });
}

/** Cohere's own names of errors, as far as they are known: it gives most of them none. */
const ERROR_TYPES: ReadonlyMap<ErrorCode, string> = new Map([['context_length_exceeded', 'TOO_MANY_TOKENS']]);

/** An upstream's error as a caller is shown it inside a stream. */
export function shownUpstreamError(error: UpstreamError): ShownError {
  const metadata = defined({ provider_code: error.providerCode, retry_after: error.retryAfterSeconds });
  const { code, message } = error;
  // `defined` leaves no undefined member.
  const shown = metadata as Readonly<Record<string, Json>>;
  return { code, message, param: undefined, metadata: shown, retryable: ERROR_KINDS[code].retryable };
}
