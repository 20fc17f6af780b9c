import type { Budget, BudgetIncrease, LimitedTo, Scope } from './money/budget.ts';

/** How fast a scope's requests may come. What is not given is not limited. */
export interface RateLimit extends LimitedTo {
  readonly requestsPerMinute?: number;
  /** Prompt and completion together. */
  readonly tokensPerMinute?: number;
  readonly concurrentRequests?: number;
}

/** What an operator says of any scope. */
export interface ScopeRules {
  /** Models that may be called, by group name or `provider/model` with `*` at the end as wildcard; empty: all. */
  readonly models: readonly string[];
  /** Providers that may answer; empty: all. */
  readonly providers: readonly string[];
  readonly budgets: readonly Budget[];
  readonly increases: readonly BudgetIncrease[];
  readonly rateLimits: readonly RateLimit[];
}

export const NO_RULES: ScopeRules = {
  models: [],
  providers: [],
  budgets: [],
  increases: [],
  rateLimits: [],
};

/** Scopes that have settings of their own beside the virtual key. They need not exist for a key to name them. */
export const SETTABLE_KINDS = ['organization', 'team', 'project', 'member', 'tag'] as const;
export type SettableKind = (typeof SETTABLE_KINDS)[number];

/** What an operator says of an organization, team, project, member or tag: it binds all requests below. */
export interface ScopeSettings extends ScopeRules {
  readonly scope: Scope & { readonly kind: SettableKind };
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Rises with every change; 0 where there are no settings. */
  readonly policyVersion: number;
  readonly createdAtMs: number;
  /** When they were taken away (Unix milliseconds): what is left has no rules and keeps the version rising. */
  readonly clearedAtMs?: number;
}
