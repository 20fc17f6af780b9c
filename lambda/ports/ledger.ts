import type { RequestId, VirtualKeyId } from '../domain/ids.ts';
import type { Scope, ScopeCounters, ScopePolicy } from '../domain/money/budget.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { WindowId } from '../domain/money/window.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  RequestOutcome,
  RequestRecord,
  Reservation,
} from '../domain/request-record.ts';

/** What came of an attempt to reserve. */
export type ReserveOutcome =
  | {
      readonly type: 'reserved';
      readonly held: HeldReservation;
      /** Of scopes that were read on the way; mostly none. */
      readonly counters: readonly ScopeCounters[];
    }
  | BudgetRefusal
  /** A session has made all the calls it may make. */
  | { readonly type: 'calls-exhausted'; readonly scope: OwnScopePolicy; readonly maxCalls: number }
  /** A scope's policy has changed since the caller read it (or the scope is gone): read it again, then try again. */
  | { readonly type: 'stale-policy'; readonly scope: ScopePolicy };

/** A hard budget has no room: which scope and window, and its counters at that moment. */
export interface BudgetRefusal {
  readonly type: 'refused';
  readonly scope: ScopePolicy;
  readonly window: WindowId;
  readonly committed: NanoUsd;
  readonly spent: NanoUsd;
  readonly limit: NanoUsd;
}

/**
 * The durable record of reservations and spend. Every implementation keeps, under any concurrency and any crash:
 * the committed amount of a hard budget's window never exceeds its limit by a reservation; a reservation is settled once;
 * the sum of the records equals the counters once all are settled and every purse is folded.
 *
 * Each method throws GatewayError `store_unavailable` when the store cannot be reached or stays contended; a reservation
 * that threw may or may not exist, and then expires by itself.
 */
export interface Ledger {
  /** Sets the estimate aside in every scope and window: all of it or nothing. */
  reserve(facts: RequestFacts, reservation: Reservation): Promise<ReserveOutcome>;

  /** Raises a reservation to a larger estimate (a dearer deployment is tried next): all of it or nothing. */
  raise(facts: RequestFacts, held: HeldReservation, estimate: NanoUsd): Promise<ReserveOutcome>;

  /** Gives a reservation back whose request was not sent anywhere. No record is left of it. */
  release(facts: RequestFacts, held: HeldReservation): Promise<void>;

  /**
   * Writes the record and replaces the estimate by the actual cost, exactly once. Where the sweep came first the
   * difference becomes a correction entry. Calling it again changes nothing more.
   * @returns counters of scopes that were read on the way, for headers and soft limits; empty where none were
   */
  settle(
    facts: RequestFacts,
    held: HeldReservation,
    outcome: RequestOutcome,
  ): Promise<readonly ScopeCounters[]>;

  /** Writes the record of a request that was refused before any money was reserved. */
  recordRefusal(facts: RequestFacts, outcome: RequestOutcome): Promise<void>;

  /** One finished request's record, corrections included; `undefined` where there is none (yet). */
  find(id: RequestId): Promise<RequestRecord | undefined>;

  /** A scope's counters, read with strong consistency; `undefined` where the scope does not exist. */
  counters(scope: Scope): Promise<ScopeCounters | undefined>;

  /**
   * Marks a soft limit as told and queues the notice, once per threshold and window.
   * @returns whether this call was the first
   */
  queueNotice(notice: BudgetNotice): Promise<boolean>;
}

/** Somebody has to hear that a budget's threshold was crossed. */
export interface BudgetNotice {
  readonly scope: Scope;
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
   * Charges reservations that expired as reserved, and folds purses that have kept money to themselves for long enough.
   * Works until `deadlineMs` (Unix milliseconds) and leaves the rest to the next run.
   */
  sweep(nowMs: number, deadlineMs: number): Promise<SweepResult>;
  /** Hands each queued notice to `send`, and forgets it once `send` has resolved. */
  sendNotices(send: (notice: BudgetNotice) => Promise<void>): Promise<number>;
  /** Takes counters of windows that ended more than two hours ago off a scope. */
  pruneWindows(scope: Scope, nowMs: number): Promise<void>;
}

export interface SweepResult {
  /** Reservations whose owner died, charged as reserved. */
  readonly swept: number;
  /** Purses whose money went back to their scopes. */
  readonly folded: number;
  /** Scopes that money was brought into. */
  readonly scopes: readonly Scope[];
  /** Purses that still hold money: in use, or left for want of time. */
  readonly open: number;
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
