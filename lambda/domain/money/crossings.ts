import { type ScopeCounters, type ScopePolicy, scopeName } from './budget.ts';
import { type BudgetState, budgetState } from './budget-state.ts';

/** A soft limit that a budget has reached in its window. */
export interface Crossing {
  readonly state: BudgetState;
  /** Share of the limit, 0..1. */
  readonly threshold: number;
  /** Names scope, window and threshold. */
  readonly name: string;
}

/**
 * The soft limits that a scope's budgets have reached.
 * @param counted by what is spent; once a budget has refused a request, also by what is reserved: it is as good as used up
 */
export function crossings(
  policy: ScopePolicy,
  counters: ScopeCounters,
  { nowMs, counted }: { readonly nowMs: number; readonly counted: 'spent' | 'committed' },
): readonly Crossing[] {
  return policy.budgets.flatMap((budget) => {
    const state = budgetState(budget, counters, nowMs);
    const used = Number(counted === 'spent' ? state.spent : state.spent + state.reserved);
    return budget.softLimits
      .filter((threshold) => used >= threshold * Number(budget.limit))
      .map((threshold) => ({
        state,
        threshold,
        name: `${scopeName(policy.scope)} ${state.window} ${threshold}`,
      }));
  });
}
