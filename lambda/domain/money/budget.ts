import type { NanoUsd } from './nano.ts';
import type { BudgetWindow, WindowId } from './window.ts';

/** A hard budget refuses what does not fit; a soft one only tells. */
export type BudgetMode = 'hard' | 'soft';

/** Which of a scope's requests a limit counts: all of them, or only those that one model or one provider answers. */
export interface LimitedTo {
  /** `provider/model`, or the beginning of one and `*`. */
  readonly model?: string;
  readonly provider?: string;
}

/** Money for one window of one scope. */
export interface Budget extends LimitedTo {
  readonly window: BudgetWindow;
  readonly limit: NanoUsd;
  readonly mode: BudgetMode;
  /** Shares of the limit (0.8 = 80 %) at which somebody is told, once per window each. */
  readonly softLimits: readonly number[];
}

/** More money for a while, for a scope's budgets on the same model and provider: without these, for those on everything. */
export interface BudgetIncrease extends LimitedTo {
  readonly amount: NanoUsd;
  /** Only this window's budgets; `undefined`: all. */
  readonly window?: BudgetWindow;
  readonly expiresAtMs: number;
  readonly reason: string;
}

/** Told at four fifths, where an operator has not said otherwise. */
export const DEFAULT_SOFT_LIMITS: readonly number[] = [0.8];

/** What has limits of its own. An end user and a session belong to a key; a tag is `name=value`. */
export type ScopeKind =
  | 'organization'
  | 'team'
  | 'project'
  | 'member'
  | 'key'
  | 'end-user'
  | 'session'
  | 'tag';

export interface Scope {
  readonly kind: ScopeKind;
  readonly id: string;
  /** `model:openai/gpt-5`, `provider:openai`: counts only what that one answers. */
  readonly facet?: string;
}

/** `key#key_0123`, `team|provider%3Aopenai#search`: how a scope is named in the store. Ids may hold any sign. */
export const scopeName = ({ kind, id, facet }: Scope): string =>
  `${kind}${facet === undefined ? '' : `|${encodeURIComponent(facet)}`}#${id}`;

/** A scope together with the budgets that bound it and the version of the policy they were read from. */
export interface ScopePolicy {
  readonly scope: Scope;
  /** 0: the scope has no settings. `undefined`: not fenced by a version of its own (a facet, a session, an end user). */
  readonly policyVersion: number | undefined;
  readonly budgets: readonly Budget[];
}

/** One window's counters. `committed` is spent plus what open reservations hold. */
export interface WindowCounters {
  readonly committed: NanoUsd;
  readonly spent: NanoUsd;
}

/** A scope's counters, by window id, as they were when read. */
export interface ScopeCounters {
  readonly scope: Scope;
  readonly windows: Readonly<Record<WindowId, WindowCounters>>;
  /** Purses that hold money of the scope. */
  readonly purses?: number;
}
