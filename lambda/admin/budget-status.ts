import type { Budget, ScopeCounters } from '../domain/money/budget.ts';
import { maxUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import { windowEndsAtMs, windowIdAt } from '../domain/money/window.ts';

/** A budget and where it stands at one moment. */
export interface BudgetStatus {
  readonly budget: Budget;
  readonly spent: NanoUsd;
  /** Held by requests that are not finished. */
  readonly reserved: NanoUsd;
  /** What the limit leaves after both; never below zero. */
  readonly remaining: NanoUsd;
  /** Unix milliseconds; `undefined`: never. */
  readonly resetsAtMs: number | undefined;
}

/** @param counters of the budget's scope; `undefined` where nothing was ever counted */
export function budgetStatus(
  budget: Budget,
  counters: ScopeCounters | undefined,
  nowMs: number,
): BudgetStatus {
  const { committed, spent } = counters?.windows[windowIdAt(budget.window, nowMs)] ?? {
    committed: ZERO_USD,
    spent: ZERO_USD,
  };
  return {
    budget,
    spent,
    reserved: maxUsd(nanoUsd(committed - spent), ZERO_USD),
    remaining: maxUsd(nanoUsd(budget.limit - committed), ZERO_USD),
    resetsAtMs: windowEndsAtMs(budget.window, nowMs),
  };
}

/** Share of the limit that is spent, and with what is reserved; above 1 where a budget was overrun. */
export function usedShares(status: BudgetStatus): { readonly spent: number; readonly committed: number } {
  const limit = Number(status.budget.limit);
  return { spent: Number(status.spent) / limit, committed: Number(status.spent + status.reserved) / limit };
}
