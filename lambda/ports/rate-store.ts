import type { RateChange } from '../domain/rates/rate-change.ts';
import type { RateCounters } from '../domain/rates/rate-window.ts';

/** What came of a write, with the scope's counters: as they are after it, or as it met them. */
export interface RateChangeOutcome {
  /**
   * `refused`: one of its conditions did not hold, nothing was changed. `unknown`: its answer was lost, and what the counters
   * show now neither proves nor excludes that it was carried out.
   */
  readonly type: 'done' | 'refused' | 'unknown';
  readonly counters: RateCounters;
}

/** The scope takes no more writes at this moment, and nothing is known of it. */
export interface RateStoreBusy {
  readonly type: 'busy';
}

/** Counters of what scopes use of their rate limits, one item a scope (or a model or provider of it). */
export interface RateStore {
  /**
   * Carries out one change, all of it or nothing, at most once.
   * @param scope the scope's name, as `scopeName` makes it
   * @throws GatewayError `store_unavailable` when the store cannot be reached: it may be carried out or not
   */
  change(scope: string, change: RateChange): Promise<RateChangeOutcome | RateStoreBusy>;
}
