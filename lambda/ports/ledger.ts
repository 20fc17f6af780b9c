import type { RequestId, VirtualKeyId } from '../domain/ids.ts';
import type { ScopeCounters, ScopePolicy } from '../domain/money/budget.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { WindowId } from '../domain/money/window.ts';
import type { RequestFacts, RequestOutcome, RequestRecord, Reservation } from '../domain/request-record.ts';

/** What came of an attempt to reserve. */
export type ReserveOutcome =
  | { readonly type: 'reserved' }
  /** A hard budget has no room: which scope and window, and its counters at that moment. */
  | {
      readonly type: 'refused';
      readonly scope: ScopePolicy;
      readonly window: WindowId;
      readonly committed: NanoUsd;
      readonly spent: NanoUsd;
      readonly limit: NanoUsd;
    }
  /** A scope's policy has changed since the caller read it (or the scope is gone): read it again, then try again. */
  | { readonly type: 'stale-policy'; readonly scope: ScopePolicy };

/**
 * The durable record of reservations and spend. Every implementation keeps, under any concurrency and any crash:
 * the committed amount of a hard budget's window never exceeds its limit by a reservation; a record is settled once;
 * the sum of the records equals the counters once all are closed.
 *
 * Each method throws GatewayError `store_unavailable` when the store cannot be reached or stays contended; a reservation
 * that threw may or may not exist, and then expires by itself.
 */
export interface Ledger {
  /** Sets the estimate aside in every scope and window, and opens the record: all of it or nothing. */
  reserve(facts: RequestFacts, reservation: Reservation): Promise<ReserveOutcome>;

  /** Raises an open reservation to a larger estimate (a dearer deployment is tried next): all of it or nothing. */
  raise(id: RequestId, from: Reservation, estimate: NanoUsd): Promise<ReserveOutcome>;

  /**
   * Replaces the estimate by the actual cost, exactly once: costed, then closed together with the counters and the daily
   * roll-up. Calling it again, or while the sweep does, changes nothing more.
   * @returns the scopes' counters as read afterwards, for headers and soft limits
   */
  settle(id: RequestId, outcome: RequestOutcome): Promise<readonly ScopeCounters[]>;

  /** Writes the record of a request that was refused before any money was reserved. */
  recordRefusal(facts: RequestFacts, outcome: RequestOutcome): Promise<void>;

  /** One request's record, open or closed; `undefined` where there is none. */
  find(id: RequestId): Promise<RequestRecord | undefined>;

  /** A scope's counters, read with strong consistency; `undefined` where the scope does not exist. */
  counters(scope: ScopePolicy['scope']): Promise<ScopeCounters | undefined>;

  /**
   * Marks a soft limit as told and queues the notice, once per threshold and window.
   * @returns whether this call was the first
   */
  queueNotice(notice: BudgetNotice): Promise<boolean>;
}

/** Somebody has to hear that a budget's threshold was crossed. */
export interface BudgetNotice {
  readonly scope: ScopePolicy['scope'];
  readonly scopeLabel: string;
  readonly window: WindowId;
  /** Share of the limit, 0..1. */
  readonly threshold: number;
  readonly limit: NanoUsd;
  readonly spent: NanoUsd;
  readonly atMs: number;
}

/** What upkeep does with the ledger. */
export interface LedgerUpkeep {
  /**
   * Closes records whose reservation expired: those costed are finished, those still open are charged as reserved.
   * Works until `deadlineMs` (Unix milliseconds) and leaves the rest to the next run.
   */
  sweep(nowMs: number, deadlineMs: number): Promise<SweepResult>;
  /** Hands each queued notice to `send`, and forgets it once `send` has resolved. */
  sendNotices(send: (notice: BudgetNotice) => Promise<void>): Promise<number>;
  /** Takes counters of windows that ended more than two hours ago off a scope. */
  pruneWindows(keyId: VirtualKeyId, nowMs: number): Promise<void>;
}

export interface SweepResult {
  readonly closed: number;
  /** Open records seen that have not expired, or were left for want of time. */
  readonly left: number;
}

/** Whose a request was beside its key's, as the key said then. */
export interface SpendLabels {
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly member?: string;
}

/** One line of the spend report's source: one key, day, provider and model. */
export interface SpendRollup extends SpendLabels {
  readonly day: string;
  readonly keyId: VirtualKeyId;
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly cost: NanoUsd;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What one request was charged that named an end user, a session or tags. It is part of a roll-up, too. */
export interface SpendCharge extends SpendLabels {
  readonly day: string;
  readonly keyId: VirtualKeyId;
  readonly endUser?: string;
  readonly session?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly provider: string;
  readonly model: string;
  readonly cost: NanoUsd;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface SpendReports {
  /** All roll-ups of the days from `fromDay` to `toDay` (ISO dates, inclusive). */
  rollups(fromDay: string, toDay: string): Promise<readonly SpendRollup[]>;
  /** Every charge of the days from `fromDay` to `toDay`, in no order, as they are read. May lag a second behind. */
  charges(fromDay: string, toDay: string): AsyncIterable<SpendCharge>;
}
