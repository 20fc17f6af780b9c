import type { FinishReason } from './chat/event.ts';
import type { ErrorCode } from './errors.ts';
import type { DeploymentId, RequestId, VirtualKeyId } from './ids.ts';
import type { ScopePolicy } from './money/budget.ts';
import type { LeaseTerms } from './money/lease.ts';
import type { NanoUsd } from './money/nano.ts';
import type { Usage } from './money/usage.ts';
import type { WindowId } from './money/window.ts';

/** One call to one deployment, and how it ended. */
export interface Attempt {
  readonly deployment: DeploymentId;
  readonly outcome: 'ok' | 'client-gone' | ErrorCode;
  /** HTTP status of the upstream's answer, where there was one. */
  readonly status?: number;
  readonly durationMs: number;
}

/** Who asked, for what: known when a request has been authenticated and decoded. */
export interface RequestFacts {
  readonly id: RequestId;
  readonly startedAtMs: number;
  readonly keyId: VirtualKeyId;
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly member?: string;
  readonly endUser?: string;
  readonly session?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The caller's dialect. */
  readonly dialect: string;
  /** What was asked for, where it was no conversation: `embeddings`, `rerank`. */
  readonly operation?: string;
  /** The model asked for, then the fallbacks, in the caller's words. */
  readonly modelsAsked: readonly string[];
  readonly stream: boolean;
}

/**
 * How well a charge is known. `exact`: from the provider's count. `estimated`: counted by Sluice, as the provider said
 * nothing. `swept`: the process died; the whole reservation is charged. `unpriced`: nothing is charged, as the price is not
 * known.
 */
export type ChargeBasis = 'exact' | 'estimated' | 'swept' | 'unpriced';

/**
 * Why an answer was there already: kept for the same request, or for one that means the same; made meanwhile for a request that came a
 * little earlier; or given before under the same Idempotency-Key.
 */
export type CacheHit = 'exact' | 'semantic' | 'single-flight' | 'idempotency';

/** How a request ended, known when its last byte is out. */
export interface RequestOutcome {
  readonly outcome: 'ok' | 'client-gone' | ErrorCode;
  readonly attempts: readonly Attempt[];
  readonly provider?: string;
  /** The provider's own name of the model that answered. */
  readonly model?: string;
  readonly deployment?: DeploymentId;
  readonly upstreamId?: string;
  readonly finishReason?: FinishReason;
  readonly usage?: Usage;
  readonly cost: NanoUsd;
  readonly chargeBasis: ChargeBasis;
  readonly priceVersion?: string;
  /** The answer cost more than was reserved for it: charged in full, and alarmed. */
  readonly boundExceeded: boolean;
  readonly timeToFirstTokenMs?: number;
  readonly durationMs: number;
  /** How the answer was found, where it was given again and not made. */
  readonly cacheHit?: CacheHit;
  /** How near the request it was made for is to this one, 0..1, where both only mean the same. */
  readonly similarity?: number;
  /** What the vector cost by which it was compared with earlier ones: part of `cost`. */
  readonly embeddingCost?: NanoUsd;
  /** What it had cost when it was made. */
  readonly savedCost?: NanoUsd;
  /** Time in the gateway before the first upstream call. */
  readonly overheadMs?: number;
}

/** Money to set aside for a request: how much, in which scopes and windows, and until when. */
export interface Reservation {
  readonly estimate: NanoUsd;
  /** Which of the request's reservations this is, from 0: another one where the next deployment has other budgets. */
  readonly leg: number;
  readonly deployment: DeploymentId;
  /** The caller's key, under the version of its policy that the plan was made under. */
  readonly key: { readonly id: VirtualKeyId; readonly policyVersion: number; readonly purseShards: number };
  /** Scopes that many requests share: the key and those above it. Their money is leased to purses. */
  readonly shared: readonly ScopePolicy[];
  /** Scopes of few requests at a time: a session, an end user. They are their own purse. */
  readonly own: readonly OwnScopePolicy[];
  /** Periods the shared scopes count, the shortest first. A purse serves one of the shortest. */
  readonly windows: readonly WindowId[];
  /** After this moment (Unix milliseconds) the sweep charges the whole estimate. */
  readonly expiresAtMs: number;
  readonly terms: LeaseTerms;
}

/** The policy of a scope that is its own purse. */
export interface OwnScopePolicy extends ScopePolicy {
  /** Calls it may make in all. */
  readonly maxCalls?: number;
}

/** A reservation that stands, and the purse that holds it. */
export interface HeldReservation extends Reservation {
  /** The purse's name in the store. */
  readonly purse: string;
}

/** The wide event of one request: what is kept in the ledger, logged, and shown by `GET /v1/generation`. */
export interface RequestRecord extends RequestFacts, RequestOutcome {
  /** What was set aside for it. */
  readonly estimate: NanoUsd;
}
