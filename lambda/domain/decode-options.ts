import * as z from 'zod/mini';
import { decodeCacheWishes } from './cache-settings.ts';
import type { ChatRequest } from './chat/request.ts';
import { GatewayError } from './errors.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';
import { nanoFromUsd } from './money/nano.ts';
import type { RequestOptions, RoutePreferences } from './request-options.ts';

const strings = z.array(z.string().check(z.minLength(1)));

const preferencesSchema = z.strictObject({
  order: z.nullish(strings),
  only: z.nullish(strings),
  ignore: z.nullish(strings),
  allow_fallbacks: z.nullish(z.boolean()),
  require_parameters: z.nullish(z.boolean()),
  data_collection: z.nullish(z.enum(['allow', 'deny'])),
  zdr: z.nullish(z.boolean()),
  sort: z.nullish(z.unknown()),
  max_price: z.nullish(z.unknown()),
  preferred_min_throughput: z.nullish(z.unknown()),
  preferred_max_latency: z.nullish(z.unknown()),
  quantizations: z.nullish(strings),
});

/** Wishes of `provider` that ask for what no deployment here can promise yet; anything but these values is refused. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly unknown[]>> = {
  data_collection: ['allow'],
  zdr: [false],
  sort: [],
  max_price: [],
  preferred_min_throughput: [],
  preferred_max_latency: [],
  quantizations: [],
};

const MOST_FALLBACKS = 10;
const LONGEST_SESSION = 256;
const MOST_TAGS = 50;
const LONGEST_TAG = 512;
const LONGEST_TIMEOUT_MS = 840_000;

/**
 * What the caller says about the request beside the conversation: body fields first, then headers.
 * @throws GatewayError `invalid_request` or `unsupported_parameter`, naming the field or header
 */
export function decodeOptions(
  body: JsonObject,
  headers: Readonly<Record<string, string>>,
  chat: ChatRequest,
): RequestOptions {
  refuseUnbuilt(headers);
  const models = decodeModels(body['models']);
  const session = decodeSession(body['session_id']) ?? headers['x-session-id']?.slice(0, LONGEST_SESSION);
  const endUser = chat.endUser ?? (typeof body['user'] === 'string' ? body['user'] : undefined);
  const timeoutMs = decodeTimeout(headers, 'x-sluice-timeout-ms');
  const firstContentTimeoutMs = decodeTimeout(headers, 'x-sluice-ttft-timeout-ms');
  const idempotencyKey = decodeIdempotencyKey(headers['idempotency-key']);
  const unsupportedParameters = decodeUnsupported(headers['x-sluice-unsupported']);
  return {
    fallbackModels: models.filter((model) => model !== chat.model),
    preferences: decodePreferences(body['provider']),
    tags: decodeTags(chat.metadata),
    sessionCaps: decodeSessionCaps(headers, session),
    cache: decodeCacheWishes(headers),
    ...(session !== undefined && { session }),
    ...(endUser !== undefined && { endUser }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(firstContentTimeoutMs !== undefined && { firstContentTimeoutMs }),
    ...(unsupportedParameters !== undefined && { unsupportedParameters }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

/** Headers whose promise this gateway cannot keep yet: a limit that is not enforced would be a lie. */
const UNBUILT_HEADERS: Readonly<Record<string, readonly string[]>> = {
  'x-sluice-stream-recovery': ['none'],
};

function refuseUnbuilt(headers: Readonly<Record<string, string>>): void {
  for (const [name, harmless] of Object.entries(UNBUILT_HEADERS)) {
    const value = headers[name];
    if (value !== undefined && !harmless.includes(value))
      throw new GatewayError(
        'unsupported_parameter',
        `The header ${name} cannot be honoured by this gateway yet.`,
        {
          param: name,
        },
      );
  }
}

function decodeSessionCaps(
  headers: Readonly<Record<string, string>>,
  session: string | undefined,
): RequestOptions['sessionCaps'] {
  const [cost, calls] = [headers['x-sluice-session-max-cost-usd'], headers['x-sluice-session-max-calls']];
  if (session === undefined && (cost !== undefined || calls !== undefined))
    throw invalid('x-session-id', 'A limit on the session needs one: send x-session-id or "session_id".');
  if (cost !== undefined && !/^\d{1,9}(\.\d{1,9})?$/.test(cost))
    throw invalid(
      'x-sluice-session-max-cost-usd',
      'x-sluice-session-max-cost-usd must be dollars, such as 0.50.',
    );
  if (calls !== undefined && !/^[1-9]\d{0,8}$/.test(calls))
    throw invalid('x-sluice-session-max-calls', 'x-sluice-session-max-calls must be a whole number above 0.');
  return {
    ...(cost !== undefined && { maxCost: nanoFromUsd(cost) }),
    ...(calls !== undefined && { maxCalls: Number(calls) }),
  };
}

function decodeModels(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  const parsed = strings.safeParse(value);
  if (!parsed.success || parsed.data.length > MOST_FALLBACKS)
    throw invalid('models', `"models" must be an array of at most ${MOST_FALLBACKS} model names.`);
  return parsed.data;
}

function decodeSession(value: Json | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.length > LONGEST_SESSION)
    throw invalid('session_id', `"session_id" must be text of at most ${LONGEST_SESSION} characters.`);
  return value;
}

function decodePreferences(value: Json | undefined): RoutePreferences {
  if (value === undefined || value === null) return { order: [], ignore: [], allowFallbacks: true };
  const parsed = preferencesSchema.safeParse(value);
  if (!parsed.success) throw invalid('provider', describePreferencesFault(parsed.error.issues));
  const preferences = parsed.data;
  for (const [name, harmless] of Object.entries(WITHOUT_EFFECT)) {
    const wish = Object.entries(preferences).find(([field]) => field === name)?.[1];
    if (wish !== undefined && wish !== null && !harmless.includes(wish))
      throw new GatewayError(
        'unsupported_parameter',
        `"provider.${name}" cannot be honoured by this gateway yet. Leave it out, or name providers with "order", "only" and "ignore".`,
        { param: `provider.${name}` },
      );
  }
  return {
    order: preferences.order ?? [],
    ignore: preferences.ignore ?? [],
    allowFallbacks: preferences.allow_fallbacks ?? true,
    ...(preferences.only !== undefined && preferences.only !== null && { only: preferences.only }),
    ...(preferences.require_parameters === true && { requireParameters: true }),
  };
}

interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function describePreferencesFault(issues: readonly Fault[]): string {
  const unknown = issues.flatMap((issue) => issue.keys ?? []);
  if (unknown.length > 0)
    return `"provider" has unknown keys: ${unknown.map((key) => key.slice(0, 100)).join(', ')}. It knows: ${Object.keys(preferencesSchema.shape).join(', ')}.`;
  const [first] = issues;
  return `"provider${(first?.path ?? []).map((part) => `.${String(part)}`).join('')}" has the wrong type.`;
}

/** Tags are the request's labels, where they are text. */
function decodeTags(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter((entry): entry is [string, string] => typeof entry[1] === 'string')
      .slice(0, MOST_TAGS)
      .map(([name, text]) => [name.slice(0, LONGEST_TAG), text.slice(0, LONGEST_TAG)]),
  );
}

function decodeTimeout(headers: Readonly<Record<string, string>>, name: string): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > LONGEST_TIMEOUT_MS)
    throw invalid(name, `The header ${name} must be whole milliseconds from 1 to ${LONGEST_TIMEOUT_MS}.`);
  return value;
}

/** @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
function decodeIdempotencyKey(text: string | undefined): string | undefined {
  if (text === undefined || IS_IDEMPOTENCY_KEY.test(text)) return text;
  throw invalid(
    'Idempotency-Key',
    'The header Idempotency-Key must be 1 to 255 printable ASCII characters without spaces, such as a UUID.',
  );
}

const IS_IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

function decodeUnsupported(text: string | undefined): 'reject' | 'drop' | undefined {
  if (text === undefined || text === 'reject' || text === 'drop') return text;
  throw invalid('x-sluice-unsupported', 'The header x-sluice-unsupported must be "reject" or "drop".');
}

const invalid = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', message, { param });
