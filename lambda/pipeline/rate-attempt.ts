import {
  blockAhead,
  type GiveBack,
  isHotAt,
  planChange,
  type RateChange,
} from '../domain/rates/rate-change.ts';
import {
  RATE_WINDOW_MS,
  type RateCounters,
  type RateDemand,
  type RateLimits,
  type RateWindow,
  strictest,
  windowAt,
} from '../domain/rates/rate-window.ts';
import type { RateBlock } from './rate-block.ts';

/** One request that wants to fit one scope's limits. */
export interface RateAsk {
  readonly limits: RateLimits;
  /** The most it may use. */
  readonly tokens: number;
  /** When its slot is free again even if nobody gives it back (Unix milliseconds). */
  readonly expiresAtMs: number;
}

/** One try at a write for some requests at once, and what it gives them. */
export interface Attempt {
  readonly change: RateChange;
  /** The strictest of the requests'. */
  readonly limits: RateLimits;
  readonly window: RateWindow;
  /** Taken for requests to come. */
  readonly ahead: RateDemand;
  /** When the slots lapse. */
  readonly expiryMinute: number;
  readonly isHot: boolean;
}

/** What a gauge knows when it tries. */
interface Situation {
  readonly asks: readonly RateAsk[];
  readonly counters: RateCounters;
  readonly block: RateBlock;
  readonly giveBack: GiveBack;
  /** Requests of this process alone. */
  readonly ownPerSecond: number;
  readonly nowMs: number;
}

/** The write that serves some requests, takes ahead what a hot scope makes worthwhile, and gives back what is owed. */
export function planAttempt({ asks, counters, block, giveBack, ownPerSecond, nowMs }: Situation): Attempt {
  const window = windowAt(counters, nowMs);
  const limits = strictest(asks.map((ask) => ask.limits));
  const asked = demandOf(asks, limits);
  const wanted = blockAhead({ limits, counters, window, demand: asked }, ownPerSecond);
  const isHot = isHotAt(counters, window);
  const left = block.leftOf(window.minute, limits);
  const ahead: RateDemand = {
    requests: Math.max(0, wanted.requests - left.requests),
    tokens: Math.max(0, wanted.tokens - left.tokens),
    slots: 0,
  };
  // A slot of a hot scope serves later requests too.
  const expiryMinute = Math.max(window.minute + 1, ...asks.map(expiryMinuteOf)) + (isHot ? 1 : 0);
  const demand: RateDemand = {
    requests: asked.requests + ahead.requests,
    tokens: asked.tokens + ahead.tokens,
    slots: asked.slots,
  };
  const change = planChange({ limits, counters, window, demand, expiryMinute, giveBack });
  return { change, limits, window, ahead, expiryMinute, isHot };
}

/** What counts of a request's tokens: nothing where they are not limited. */
export const countedTokens = (ask: RateAsk, limits: RateLimits): number =>
  limits.tokensPerMinute === undefined ? 0 : ask.tokens;

export const demandOf = (asks: readonly RateAsk[], limits: RateLimits): RateDemand => ({
  requests: asks.length,
  tokens: asks.reduce((sum, ask) => sum + countedTokens(ask, limits), 0),
  slots: limits.concurrentRequests === undefined ? 0 : asks.length,
});

export const expiryMinuteOf = ({ expiresAtMs }: RateAsk): number => Math.ceil(expiresAtMs / RATE_WINDOW_MS);
