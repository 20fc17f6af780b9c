import { type ScopeCounters, type ScopePolicy, scopeName } from '../domain/money/budget.ts';
import { type BudgetState, budgetState } from '../domain/money/budget-state.ts';

/** How full one budget of a scope is. */
export interface ScopeBudgetState extends BudgetState {
  readonly policy: ScopePolicy;
}

/** The counters of scopes as this process last saw them: for headers and for sizing an answer, never for admitting one. */
export interface RemainderCache {
  remember(counters: readonly ScopeCounters[]): void;
  /** A scope's counters as last seen. */
  counters(policy: ScopePolicy): ScopeCounters | undefined;
  /** The states of a scope's budgets; empty where its counters were never seen. */
  states(policy: ScopePolicy, nowMs: number): readonly ScopeBudgetState[];
  /** Whether this process knows that a crossed threshold's notice is queued. */
  isNoticed(notice: string): boolean;
  setNoticed(notice: string): void;
}

const MOST_SCOPES = 10_000;
const MOST_NOTICES = 10_000;

export function remainderCache(): RemainderCache {
  const known = new Map<string, ScopeCounters>();
  const noticed = new Set<string>();
  return {
    remember(counters) {
      for (const scope of counters) {
        const name = scopeName(scope.scope);
        known.delete(name);
        const oldest = known.keys().next();
        if (known.size >= MOST_SCOPES && oldest.done !== true) known.delete(oldest.value);
        known.set(name, scope);
      }
    },
    counters: ({ scope }) => known.get(scopeName(scope)),
    states(policy, nowMs) {
      const counters = known.get(scopeName(policy.scope));
      return counters === undefined ? [] : budgetStates(policy, counters, nowMs);
    },
    isNoticed: (notice) => noticed.has(notice),
    setNoticed(notice) {
      if (noticed.size >= MOST_NOTICES) noticed.clear();
      noticed.add(notice);
    },
  };
}

/** How full each budget of a scope is at a moment. */
export const budgetStates = (
  policy: ScopePolicy,
  counters: ScopeCounters | undefined,
  nowMs: number,
): readonly ScopeBudgetState[] =>
  policy.budgets.map((budget) => ({ policy, ...budgetState(budget, counters, nowMs) }));

/** The state with the least left. */
export function tightest(states: readonly ScopeBudgetState[]): ScopeBudgetState | undefined {
  return states.reduce<ScopeBudgetState | undefined>(
    (least, state) => (least === undefined || state.remaining < least.remaining ? state : least),
    undefined,
  );
}
