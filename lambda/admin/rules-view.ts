import type { Budget } from '../domain/money/budget.ts';
import { usdFromNano } from '../domain/money/nano.ts';
import type { RateLimit, ScopeRules } from '../domain/scope-settings.ts';
import { isoTime } from '../http/budget-view.ts';
import { standingIncreases } from './rules-body.ts';
import { type StandingBudget, standingBudgetView } from './scope-budgets.ts';

type Rules = ScopeRules & { readonly metadata: Readonly<Record<string, string>> };

/** What an operator said of a key or another scope, and where its budgets stand. */
export const rulesView = (rules: Rules, budgets: readonly StandingBudget[], nowMs: number) => ({
  models: rules.models,
  providers: rules.providers,
  budgets: budgets.map(standingBudgetView),
  increases: standingIncreases(rules, nowMs).map((increase) => ({
    amount_usd: usdFromNano(increase.amount),
    window: increase.window ?? null,
    model: increase.model ?? null,
    provider: increase.provider ?? null,
    expires_at: isoTime(increase.expiresAtMs),
    reason: increase.reason,
  })),
  rate_limits: rateLimitsView(rules.rateLimits),
  metadata: rules.metadata,
});

/** A budget by what was set, without where it stands: it is counted in many places. */
export const plainBudgetView = (budget: Budget) => ({
  limit_usd: usdFromNano(budget.limit),
  window: budget.window,
  mode: budget.mode,
  soft_limits: budget.softLimits,
});

/** As it was given: null, one object where there is one limit on everything, else a list. */
function rateLimitsView(limits: readonly RateLimit[]) {
  const [first, ...others] = limits;
  if (first === undefined) return null;
  const isOnEverything = first.model === undefined && first.provider === undefined;
  if (others.length === 0 && isOnEverything) return ratesView(first);
  return limits.map((limit) => ({
    model: limit.model ?? null,
    provider: limit.provider ?? null,
    ...ratesView(limit),
  }));
}

const ratesView = (limit: RateLimit) => ({
  requests_per_minute: limit.requestsPerMinute ?? null,
  tokens_per_minute: limit.tokensPerMinute ?? null,
  concurrent_requests: limit.concurrentRequests ?? null,
});
