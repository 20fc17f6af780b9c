import { type BudgetState, leftOf } from '../domain/money/budget-state.ts';
import { usdFromNano } from '../domain/money/nano.ts';
import type { ScopeBudgetState } from '../pipeline/remainder-cache.ts';

/** A budget and where it stands, as callers and operators are shown it. Money in dollars, times in ISO 8601. */
export const budgetView = (state: BudgetState) => ({
  limit_usd: usdFromNano(state.budget.limit),
  window: state.budget.window,
  model: state.budget.model ?? null,
  provider: state.budget.provider ?? null,
  mode: state.budget.mode,
  soft_limits: state.budget.softLimits,
  spent_usd: usdFromNano(state.spent),
  reserved_usd: usdFromNano(state.reserved),
  remaining_usd: usdFromNano(leftOf(state)),
  resets_at: isoTime(state.resetsAtMs),
});

/** A budget together with the scope it belongs to. */
export const scopedBudgetView = ({ policy: { scope }, ...state }: ScopeBudgetState) => ({
  scope: scope.kind,
  scope_id: scope.id,
  ...budgetView(state),
});

/** @param timeMs Unix milliseconds */
export const isoTime = (timeMs: number | undefined): string | null =>
  timeMs === undefined ? null : new Date(timeMs).toISOString();
