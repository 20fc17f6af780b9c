import type { Clock } from '../ports/clock.ts';
import type { RateStore } from '../ports/rate-store.ts';
import { RateGauge } from './rate-gauge.ts';

/** The gauges of the scopes this process has met. */
export interface RateLimiter {
  /** @param scope the scope's name, as `scopeName` makes it */
  gauge(scope: string): RateGauge;
}

/** A tag can be any text a caller writes, if it has limits. */
const MOST_GAUGES = 10_000;

/** A process's one limiter. Forgetting a gauge is safe: what it held ahead is lost to its scope, never used twice. */
export function rateLimiter(parts: { readonly store: RateStore; readonly clock: Clock }): RateLimiter {
  const gauges = new Map<string, RateGauge>();
  return {
    gauge(scope) {
      const gauge = gauges.get(scope) ?? new RateGauge({ ...parts, scope });
      gauges.delete(scope);
      const oldest = gauges.keys().next();
      if (gauges.size >= MOST_GAUGES && oldest.done !== true) gauges.delete(oldest.value);
      gauges.set(scope, gauge);
      return gauge;
    },
  };
}
