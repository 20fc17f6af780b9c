import type { Scope } from '../domain/money/budget.ts';
import {
  COUNTED,
  type Counted,
  clearAtMs,
  limitName,
  type RateCounters,
  type RateLimits,
  usedAt,
  windowAt,
} from '../domain/rates/rate-window.ts';

/** How full one limit per minute of one scope is, as last known to this process. */
export interface RateReading {
  readonly scope: Scope;
  readonly counted: Counted;
  readonly limit: number;
  readonly remaining: number;
  /** When nothing that counts now counts any more (Unix milliseconds). */
  readonly clearAtMs: number;
}

/** The readings of a scope's limits per minute; concurrent requests have none. */
export function readingsOf(
  scope: Scope,
  limits: RateLimits,
  at: { readonly counters: RateCounters; readonly nowMs: number },
): readonly RateReading[] {
  const window = windowAt(at.counters, at.nowMs);
  return COUNTED.flatMap((counted): RateReading[] => {
    const limit = limits[limitName[counted]];
    if (limit === undefined) return [];
    const remaining = Math.max(0, limit - usedAt(at.counters, counted, window));
    return [
      { scope, counted, limit, remaining, clearAtMs: clearAtMs(at.counters, counted, window) ?? at.nowMs },
    ];
  });
}

/**
 * OpenAI's rate limit headers for the limit with the least left, of requests and of tokens. `reset` is the time until the
 * limit is as if unused, which is at most two minutes; when a refused request fits again is said by `Retry-After`.
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 */
export function rateLimitHeaders(
  { readings }: { readonly readings: readonly RateReading[] },
  nowMs: number,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const counted of COUNTED) {
    const [tightest] = readings
      .filter((each) => each.counted === counted)
      .sort((a, b) => a.remaining - b.remaining);
    if (tightest === undefined) continue;
    headers[`x-ratelimit-limit-${counted}`] = String(tightest.limit);
    headers[`x-ratelimit-remaining-${counted}`] = String(tightest.remaining);
    headers[`x-ratelimit-reset-${counted}`] = durationText(tightest.clearAtMs - nowMs);
  }
  return headers;
}

/** `17ms`, `1s`, `6m0s`, `1m30.951s`: as Go writes durations, which is what OpenAI sends. */
export function durationText(durationMs: number): string {
  const wholeMs = Math.max(0, Math.ceil(durationMs));
  if (wholeMs === 0) return '0s';
  if (wholeMs < 1000) return `${wholeMs}ms`;
  const minutes = Math.floor(wholeMs / 60_000);
  const seconds = (wholeMs % 60_000) / 1000;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
