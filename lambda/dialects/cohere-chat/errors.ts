import type { ErrorCode, GatewayError, UpstreamError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../domain/json.ts';
import { defined, objectIn, textIn } from '../loose.ts';
import { codeOfStatus, presentableMessage, retryAfterSeconds } from '../upstream-error.ts';

/** What a body says of an error: Cohere's `{id, message, error_type}`, or an event's `{error, error_type}`. */
interface ErrorFacts {
  readonly message: string | undefined;
  readonly type: string | undefined;
}

/** Statuses of Cohere's own. @see https://docs.cohere.com/reference/errors */
const CODES_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [402, 'upstream_error'],
  // A request or an answer holds a token that stands on a list of forbidden ones.
  [498, 'content_policy_violation'],
  // Cohere says so of streams it gave up itself, as nobody here cancels a call and then reads its answer.
  [499, 'upstream_error'],
]);

/** What a bare 400 or an event's error really is, by Cohere's words; the first match counts. */
const CODES_BY_WORDS: readonly (readonly [RegExp, ErrorCode])[] = [
  [/max[_ ]tokens (must be|cannot)/i, 'invalid_request'],
  [/TOO_MANY_TOKENS|too many tokens|context length/i, 'context_length_exceeded'],
  [/blocked (input|output)|TOXIC|safety/i, 'content_policy_violation'],
  [/INVALID_TOOL_GENERATION|invalid tool generation/i, 'upstream_invalid_response'],
  [/model '[^']{0,200}' (was )?not found/i, 'model_not_found'],
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
    code: errorCode(status, facts),
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

function errorCode(status: number, facts: ErrorFacts): ErrorCode {
  const known = CODES_BY_STATUS.get(status) ?? codeOfStatus(status);
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

/** Cohere's envelope, with our code, parameter and metadata beside. */
export const encodeError = (error: GatewayError, requestId: string): string =>
  JSON.stringify({ id: requestId, message: error.message, ...errorMembers(error) });

/** What stands beside an error's message, the same before and inside a stream. */
export function errorMembers(error: GatewayError): JsonObject {
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
