import { type Scope, scopeName } from '../domain/money/budget.ts';
import { type BudgetState, budgetState } from '../domain/money/budget-state.ts';
import { type NanoUsd, nanoUsd, usdFromNano } from '../domain/money/nano.ts';
import type { ScopeRules } from '../domain/scope-settings.ts';
import { budgetsAt, facetOf } from '../domain/scopes-of-request.ts';
import { budgetView } from '../http/budget-view.ts';
import type { Ledger } from '../ports/ledger.ts';

/** One budget of a scope and where it stands; its limit holds the increases that stand. */
export interface StandingBudget {
  readonly state: BudgetState;
  /** How much of the limit is increases. */
  readonly increase: NanoUsd;
}

/** Reads where a scope's budgets stand: one read for the scope, and one for each model or provider that is counted apart. */
export async function standingBudgets(
  scope: Scope,
  rules: ScopeRules,
  { ledger, nowMs }: { readonly ledger: Pick<Ledger, 'counters'>; readonly nowMs: number },
): Promise<readonly StandingBudget[]> {
  const scopes = new Map(
    rules.budgets.map((budget) => countedIn(scope, budget)).map((it) => [scopeName(it), it]),
  );
  const read = await Promise.all(
    [...scopes].map(async ([name, it]) => [name, await ledger.counters(it)] as const),
  );
  const counters = new Map(read);
  return budgetsAt(rules, nowMs).map((budget, index) => ({
    state: budgetState(budget, counters.get(scopeName(countedIn(scope, budget))), nowMs),
    increase: nanoUsd(budget.limit - (rules.budgets[index]?.limit ?? budget.limit)),
  }));
}

function countedIn(scope: Scope, limit: Parameters<typeof facetOf>[0]): Scope {
  const facet = facetOf(limit);
  return facet === undefined ? scope : { ...scope, facet };
}

/** A budget as operators are shown it: as callers are, and how much of its limit is only for a while. */
export const standingBudgetView = ({ state, increase }: StandingBudget) => ({
  ...budgetView(state),
  increase_usd: usdFromNano(increase),
});
