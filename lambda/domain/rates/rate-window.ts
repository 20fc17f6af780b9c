import type { LimitedTo } from '../money/budget.ts';
import type { RateLimit } from '../scope-settings.ts';

/** The limits on one counted thing (a scope, or a model or provider of it), the strictest of each kind. */
export type RateLimits = Omit<RateLimit, keyof LimitedTo>;

const RATE_LIMITS = [
  'requestsPerMinute',
  'tokensPerMinute',
  'concurrentRequests',
] as const satisfies readonly (keyof RateLimits)[];

/** What several limits allow together. */
export function strictest(limits: readonly RateLimits[]): RateLimits {
  const allowed = RATE_LIMITS.map(
    (name) => [name, Math.min(...limits.map((each) => each[name] ?? Number.POSITIVE_INFINITY))] as const,
  );
  return Object.fromEntries(allowed.filter(([, value]) => Number.isFinite(value)));
}

/** Whether two limits allow the same. */
export const areSameLimits = (one: RateLimits, other: RateLimits): boolean =>
  RATE_LIMITS.every((name) => one[name] === other[name]);

/**
 * What a scope's requests have used, by counter name, as the store holds it; a counter that is not there is 0.
 * - `minute`: the latest Unix minute anything was counted in. Earlier minutes take nothing more.
 * - `requests:<minute>`, `tokens:<minute>`: taken in that minute.
 * - `slots`: concurrent requests; `slots:<minute>`: those of them that lapse when that Unix minute begins.
 */
export type RateCounters = Readonly<Record<string, number>>;

/** The two that are counted by the minute. */
export const COUNTED = ['requests', 'tokens'] as const;
export type Counted = (typeof COUNTED)[number];

/** How much of each is asked for at once. */
export interface RateDemand {
  readonly requests: number;
  readonly tokens: number;
  readonly slots: number;
}

export const NO_DEMAND: RateDemand = { requests: 0, tokens: 0, slots: 0 };

export const RATE_WINDOW_MS = 60_000;
export const SLOTS = 'slots';

export const countName = (counted: Counted, minute: number): string => `${counted}:${minute}`;
export const slotsName = (expiryMinute: number): string => `${SLOTS}:${expiryMinute}`;

/** What a counter's name says: the kind, and the minute where it has one. */
export function partsOfName(name: string): { readonly kind: string; readonly minute: number | undefined } {
  const [kind = '', minute] = name.split(':');
  return { kind, minute: minute === undefined ? undefined : Number(minute) };
}

export const counterOf = (counters: RateCounters, name: string): number => counters[name] ?? 0;

/** A moment, as the minute it is counted in and the time since that minute began. */
export interface RateWindow {
  readonly minute: number;
  readonly elapsedMs: number;
}

/**
 * The window at a moment of one's own clock. Where another process has already counted in a later minute, that minute's
 * beginning: a minute that is over never grows again, so its share in the next one is known.
 */
export function windowAt(counters: RateCounters, nowMs: number): RateWindow {
  const minute = Math.max(Math.floor(nowMs / RATE_WINDOW_MS), counterOf(counters, 'minute'));
  return { minute, elapsedMs: Math.max(0, nowMs - minute * RATE_WINDOW_MS) };
}

/**
 * How much of the previous minute's count lies within the last sixty seconds, taken to be spread evenly; rounded up.
 * @see https://blog.cloudflare.com/counting-things-a-lot-of-different-things/
 */
export const shareOf = (previous: number, { elapsedMs }: RateWindow): number =>
  Math.ceil((previous * Math.max(0, RATE_WINDOW_MS - elapsedMs)) / RATE_WINDOW_MS);

const countsAt = (counters: RateCounters, counted: Counted, { minute }: RateWindow) => ({
  previous: counterOf(counters, countName(counted, minute - 1)),
  current: counterOf(counters, countName(counted, minute)),
});

/** What counts against a limit per minute: this minute's count and the previous one's share. */
export function usedAt(counters: RateCounters, counted: Counted, window: RateWindow): number {
  const { previous, current } = countsAt(counters, counted, window);
  return current + shareOf(previous, window);
}

/** Slots by the minute in which they lapse. */
const slotsByExpiry = (counters: RateCounters): readonly [number, number][] =>
  Object.entries(counters).flatMap(([name, count]): [number, number][] => {
    const { kind, minute } = partsOfName(name);
    return kind === SLOTS && minute !== undefined ? [[minute, count]] : [];
  });

/** Slots whose requests' time was up when this minute began, by expiry minute: their process has died. */
export const lapsedSlots = (counters: RateCounters, { minute }: RateWindow): readonly [number, number][] =>
  slotsByExpiry(counters).filter(([expiryMinute]) => expiryMinute <= minute);

/** Concurrent requests, without those that lapsed. */
export const slotsUsed = (counters: RateCounters, window: RateWindow): number =>
  lapsedSlots(counters, window).reduce((left, [, count]) => left - count, counterOf(counters, SLOTS));

/** A limit that does not hold what was asked. */
export interface RateShortage {
  readonly limit: keyof RateLimits;
  readonly allowed: number;
  /** What counts against it already. */
  readonly used: number;
  /** When the same demand fits if nobody else comes (Unix milliseconds); `undefined`: never. */
  readonly fitsAtMs: number | undefined;
}

/** Nobody knows when a running request ends: it is worth asking again after this, or when the first slot lapses. */
const SLOT_RETRY_MS = 1000;

/** The limit that does not hold a demand, the one that takes longest to; `undefined` where all do. */
export function shortageOf(
  limits: RateLimits,
  counters: RateCounters,
  demand: RateDemand,
  nowMs: number,
): RateShortage | undefined {
  const window = windowAt(counters, nowMs);
  const shortages: readonly (RateShortage | undefined)[] = [
    countShortage({ limits, counters, demand, window }, 'requests'),
    countShortage({ limits, counters, demand, window }, 'tokens'),
    slotShortage({ limits, counters, demand, window }, nowMs),
  ];
  return shortages.reduce((worst, each) => (waitOf(each) > waitOf(worst) ? each : worst), undefined);
}

const waitOf = (shortage: RateShortage | undefined): number =>
  shortage === undefined ? 0 : (shortage.fitsAtMs ?? Number.POSITIVE_INFINITY);

/** The limit that bounds what is counted by the minute. */
export const limitName = {
  requests: 'requestsPerMinute',
  tokens: 'tokensPerMinute',
} as const satisfies Record<Counted, keyof RateLimits>;

interface Situation {
  readonly limits: RateLimits;
  readonly counters: RateCounters;
  readonly demand: RateDemand;
  readonly window: RateWindow;
}

function countShortage(
  { limits, counters, demand, window }: Situation,
  counted: Counted,
): RateShortage | undefined {
  const limit = limitName[counted];
  const allowed = limits[limit];
  if (allowed === undefined || demand[counted] === 0) return undefined;
  const used = usedAt(counters, counted, window);
  if (used + demand[counted] <= allowed) return undefined;
  const counts = countsAt(counters, counted, window);
  return { limit, allowed, used, fitsAtMs: fitsAt({ ...counts, room: allowed - demand[counted] }, window) };
}

/** When the counts have sunk to `room`: within this minute by the previous one's share, or else in the next by this one's. */
function fitsAt(
  { previous, current, room }: { readonly previous: number; readonly current: number; readonly room: number },
  { minute }: RateWindow,
): number | undefined {
  if (room < 0) return undefined;
  return current <= room
    ? minute * RATE_WINDOW_MS + elapsedUntil(previous, room - current)
    : (minute + 1) * RATE_WINDOW_MS + elapsedUntil(current, room);
}

/** The milliseconds after which a previous minute's share is no more than `share`. */
const elapsedUntil = (previous: number, share: number): number =>
  previous <= share ? 0 : RATE_WINDOW_MS - Math.floor((share * RATE_WINDOW_MS) / previous);

function slotShortage(
  { limits, counters, demand, window }: Situation,
  nowMs: number,
): RateShortage | undefined {
  const { concurrentRequests: allowed } = limits;
  const used = slotsUsed(counters, window);
  if (allowed === undefined || demand.slots === 0 || used + demand.slots <= allowed) return undefined;
  if (demand.slots > allowed) return { limit: 'concurrentRequests', allowed, used, fitsAtMs: undefined };
  const lapses = slotsByExpiry(counters)
    .filter(([minute, count]) => minute > window.minute && count > 0)
    .map(([minute]) => minute * RATE_WINDOW_MS);
  const fitsAtMs = Math.max(nowMs + 1, Math.min(nowMs + SLOT_RETRY_MS, ...lapses));
  return { limit: 'concurrentRequests', allowed, used, fitsAtMs };
}

/** When nothing that is counted now counts any more (Unix milliseconds); `undefined` where nothing does. */
export function clearAtMs(counters: RateCounters, counted: Counted, window: RateWindow): number | undefined {
  const { previous, current } = countsAt(counters, counted, window);
  if (current > 0) return (window.minute + 2) * RATE_WINDOW_MS;
  return previous > 0 ? (window.minute + 1) * RATE_WINDOW_MS : undefined;
}

/** The counters as they would be with a demand counted in, where the store cannot be asked. */
export function withDemand(counters: RateCounters, demand: RateDemand, { minute }: RateWindow): RateCounters {
  const plus = (name: string, amount: number) => ({ [name]: counterOf(counters, name) + amount });
  return {
    ...counters,
    ...plus(countName('requests', minute), demand.requests),
    ...plus(countName('tokens', minute), demand.tokens),
    ...plus(SLOTS, demand.slots),
  };
}
