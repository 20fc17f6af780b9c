import type { NanoUsd } from './nano.ts';
import type { BudgetWindow, WindowId } from './window.ts';

/** A hard budget refuses what does not fit; a soft one only tells. */
export type BudgetMode = 'hard' | 'soft';

/** Money for one window of one scope. */
export interface Budget {
  readonly window: BudgetWindow;
  readonly limit: NanoUsd;
  readonly mode: BudgetMode;
  /** Shares of the limit (0.8 = 80 %) at which somebody is told, once per window each. */
  readonly softLimits: readonly number[];
}

/** Told at four fifths, where an operator has not said otherwise. */
export const DEFAULT_SOFT_LIMITS: readonly number[] = [0.8];

/** What has budgets: today the virtual key; organization, team, project, member, end user, session and tag use the same. */
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
}

/** `key#key_0123`: how a scope is named in the store and in errors. */
export const scopeName = (scope: Scope): string => `${scope.kind}#${scope.id}`;

/** A scope together with the budgets that bound it and the version of the policy they were read from. */
export interface ScopePolicy {
  readonly scope: Scope;
  readonly policyVersion: number;
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
  readonly policyVersion: number;
  readonly windows: Readonly<Record<WindowId, WindowCounters>>;
}
