import type { ChatEvent } from '../domain/chat/event.ts';
import { type ErrorCode, GatewayError, type UpstreamError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import { defined } from './loose.ts';

/** Longer messages are cut: some upstreams send back what they were sent. */
const MAX_MESSAGE_LENGTH = 1000;
const CREDENTIAL =
  /\b(?:sk|gsk|xai|pplx|csk|AIza|hf_|nvapi-|gh[a-z]_|github_pat_|dapi|jina_|ABSK|ya29\.)[-_*.\w]{8,}/g;

/**
 * What AWS says behind a refused signature: all that was signed, the session's token among it.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
 */
const SIGNED_TEXT = 'The Canonical String for this request should have been';

/** A provider's own words, fit for a caller: providers quote the credential they refused. */
export const presentableMessage = (message: string): string =>
  (message.split(SIGNED_TEXT, 1)[0] ?? '')
    .slice(0, MAX_MESSAGE_LENGTH)
    .trimEnd()
    .replace(CREDENTIAL, '[credential]');

const CODES_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [401, 'upstream_authentication_failed'],
  [403, 'upstream_authentication_failed'],
  [404, 'model_not_found'],
  [408, 'upstream_timeout'],
  [413, 'payload_too_large'],
  [429, 'rate_limit_exceeded'],
  [503, 'upstream_overloaded'],
  [504, 'upstream_timeout'],
  // Anthropic's own, which gateways before others took over.
  [529, 'upstream_overloaded'],
]);

/** What a refusal's HTTP status says in every format; `undefined` for those that say little, such as a bare 400. */
export const codeOfStatus = (status: number): ErrorCode | undefined => CODES_BY_STATUS.get(status);

/**
 * How long to wait, in seconds, where `retry-after` says so: as a number, or as a date that counts from the answer's own
 * `date`.
 * @param headers lower-case names
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterSeconds(headers: Readonly<Record<string, string>>): number | undefined {
  const retryAfter = headers['retry-after'] ?? '';
  if (/^\d+(\.\d+)?$/.test(retryAfter)) return Number(retryAfter);
  return secondsUntil(retryAfter, headers);
}

/** Seconds from when the provider answered to a date it names; `undefined` where either is no date. */
export function secondsUntil(date: string, headers: Readonly<Record<string, string>>): number | undefined {
  const seconds = (Date.parse(date) - Date.parse(headers['date'] ?? '')) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** An answer that is no proper answer of its format. */
export const invalidResponse = (message: string): UpstreamError => ({
  code: 'upstream_invalid_response',
  status: undefined,
  message,
  providerCode: undefined,
  retryAfterSeconds: undefined,
});

/** The event that ends an answer which is no proper one of its format. */
export const invalidAnswer = (message: string): ChatEvent => ({
  type: 'error',
  error: invalidResponse(message),
});

/** An upstream's error as our caller is told. */
export const gatewayErrorOf = (error: UpstreamError): GatewayError =>
  new GatewayError(error.code, error.message, {
    ...defined({ retryAfterSeconds: error.retryAfterSeconds }),
    // `defined` leaves no undefined member.
    metadata: defined({
      provider_code: error.providerCode,
      retry_after: error.retryAfterSeconds,
    }) as Readonly<Record<string, Json>>,
  });

/** What a caller is told of an answer whose finish is an error: it never ends like a good one. */
export const failedAnswer = (): GatewayError =>
  new GatewayError('upstream_error', 'The provider ended the answer with an error.');
