import type { Budget, ScopeCounters } from './budget.ts';
import { maxUsd, type NanoUsd, nanoUsd, ZERO_USD } from './nano.ts';
import { type WindowId, windowEndsAtMs, windowIdAt } from './window.ts';

/** A budget and where it stands at one moment. */
export interface BudgetState {
  readonly budget: Budget;
  readonly window: WindowId;
  readonly spent: NanoUsd;
  /** Held by requests that are not finished. */
  readonly reserved: NanoUsd;
  /** What the limit leaves after both; below zero only for soft budgets. */
  readonly remaining: NanoUsd;
  /** Unix milliseconds; `undefined`: never. */
  readonly resetsAtMs: number | undefined;
}

/** @param counters of the budget's scope; `undefined` where nothing was ever counted */
export function budgetState(budget: Budget, counters: ScopeCounters | undefined, nowMs: number): BudgetState {
  const window = windowIdAt(budget.window, nowMs);
  const { committed, spent } = counters?.windows[window] ?? { committed: ZERO_USD, spent: ZERO_USD };
  return {
    budget,
    window,
    spent,
    reserved: maxUsd(nanoUsd(committed - spent), ZERO_USD),
    remaining: nanoUsd(budget.limit - committed),
    resetsAtMs: windowEndsAtMs(budget.window, nowMs),
  };
}

/** What may still be spent: never below zero. */
export const leftOf = ({ remaining }: BudgetState): NanoUsd => maxUsd(remaining, ZERO_USD);

/** Share of the limit that is spent, and with what is reserved; above 1 where a budget was overrun. */
export function usedShares(state: BudgetState): { readonly spent: number; readonly committed: number } {
  const limit = Number(state.budget.limit);
  return { spent: Number(state.spent) / limit, committed: Number(state.spent + state.reserved) / limit };
}
