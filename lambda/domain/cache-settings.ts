import { GatewayError } from './errors.ts';
import type { CacheMode } from './virtual-key.ts';

/** Who may be given an answer that was made for somebody. */
export const SHARING = ['end-user', 'key', 'team', 'organization'] as const;
/** `end-user`: of the same key, too. Of a key without a team or organization: its own requests. */
export type Sharing = (typeof SHARING)[number];

/** How an operator wants finished answers to be kept and given again. */
export interface CacheSettings {
  readonly mode: CacheMode;
  /** How long an answer is given again, unless the caller says. */
  readonly ttlSeconds: number;
  readonly sharedWithin: Sharing;
  /** Whether requests that are the same, and come while the first of them is being answered, wait for its answer. */
  readonly singleFlight: boolean;
}

/** What a caller wants of the cache for one request. */
export interface CacheWishes {
  readonly mode?: CacheMode;
  readonly ttlSeconds?: number;
  readonly singleFlight?: boolean;
  /** Answers that call tools are kept too: the caller knows that calling them again does no harm. */
  readonly keepsToolCalls: boolean;
  /** `Cache-Control: no-cache`: the answer is made anew, and kept. */
  readonly isFresh: boolean;
  /** `Cache-Control: no-store`: the answer is not kept. */
  readonly isUnstored: boolean;
  /** `Cache-Control: max-age`: no older answer is wanted. */
  readonly maxAgeSeconds?: number;
}

const MODES = ['off', 'exact', 'semantic'] as const satisfies readonly CacheMode[];
export const LONGEST_TTL_SECONDS = 2_592_000;

/**
 * Reads a caller's wishes from the headers.
 * @throws GatewayError `invalid_request` naming the header
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1
 */
export function decodeCacheWishes(headers: Readonly<Record<string, string>>): CacheWishes {
  const mode = oneOf(headers, 'x-sluice-cache', MODES);
  const singleFlight = oneOf(headers, 'x-sluice-single-flight', ['on', 'off']);
  const ttlSeconds = decodeTtl(headers['x-sluice-cache-ttl']);
  const directives = cacheControl(headers['cache-control'] ?? '');
  const maxAgeSeconds = maxAge(directives.get('max-age'));
  return {
    ...(mode !== undefined && { mode }),
    ...(ttlSeconds !== undefined && { ttlSeconds }),
    ...(singleFlight !== undefined && { singleFlight: singleFlight === 'on' }),
    keepsToolCalls: oneOf(headers, 'x-sluice-cache-tool-calls', ['keep', 'skip']) === 'keep',
    isFresh: directives.has('no-cache'),
    isUnstored: directives.has('no-store'),
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  };
}

/** The mode of a request: as it says, else as its key, else as its model group. A key that is off stays off. */
export function cacheMode(
  wishes: Pick<CacheWishes, 'mode'>,
  ofKey: CacheMode | undefined,
  settings: Pick<CacheSettings, 'mode'>,
): CacheMode {
  if (ofKey === 'off') return 'off';
  return wishes.mode ?? ofKey ?? settings.mode;
}

function oneOf<Value extends string>(
  headers: Readonly<Record<string, string>>,
  name: string,
  values: readonly Value[],
): Value | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const found = values.find((value) => value === text);
  if (found === undefined) throw invalid(name, `The header ${name} must be one of ${values.join(', ')}.`);
  return found;
}

function decodeTtl(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > LONGEST_TTL_SECONDS)
    throw invalid(
      'x-sluice-cache-ttl',
      `The header x-sluice-cache-ttl must be whole seconds from 1 to ${LONGEST_TTL_SECONDS}.`,
    );
  return value;
}

/** Directives by name, in lower case; those nobody knows are nobody's concern. */
function cacheControl(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(',').map((directive) => {
      const [name = '', value = ''] = directive.split('=');
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')];
    }),
  );
}

/** An age that is none is the strictest one. */
function maxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? Math.min(Number(text), LONGEST_TTL_SECONDS) : 0;
}

const invalid = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', message, { param });
