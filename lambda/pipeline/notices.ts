import { type Scope, type ScopeCounters, scopeName } from '../domain/money/budget.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { budgetStates, type ScopeBudgetState } from './remainder-cache.ts';

interface Crossing {
  readonly state: ScopeBudgetState;
  /** Share of the limit, 0..1. */
  readonly threshold: number;
  readonly name: string;
}

/**
 * Queues a notice for each soft limit that the budgets of the request's scopes have crossed. The store lets each be queued once; this
 * process asks it no more once it has answered.
 */
export async function queueNotices(
  gateway: Gateway,
  exchange: Exchange,
  counters: readonly ScopeCounters[],
): Promise<void> {
  const now = gateway.clock.now();
  const states = (exchange.held?.shared ?? []).flatMap((policy) => {
    const found = counters.find(({ scope }) => scopeName(scope) === scopeName(policy.scope));
    return found === undefined ? [] : budgetStates(policy, found, now);
  });
  const news = states.flatMap(crossings).filter(({ name }) => !gateway.remainders.isNoticed(name));
  await Promise.all(
    news.map(async ({ state, threshold, name }) => {
      await gateway.ledger.queueNotice({
        scope: state.policy.scope,
        scopeLabel: labelOf(exchange, state.policy.scope),
        window: state.window,
        threshold,
        limit: state.budget.limit,
        spent: state.spent,
        atMs: now,
      });
      gateway.remainders.setNoticed(name);
    }),
  );
}

/** What an operator calls a scope. */
function labelOf({ caller: { key, scopes } }: Exchange, { kind, id, facet }: Scope): string {
  const settings = scopes.find(({ scope }) => scope.kind === kind && scope.id === id);
  const name = kind === 'key' ? key.name : (settings?.name ?? id);
  return facet === undefined ? name : `${name} (${facet})`;
}

const crossings = (state: ScopeBudgetState): readonly Crossing[] =>
  state.budget.softLimits
    .filter((threshold) => Number(state.spent) >= threshold * Number(state.budget.limit))
    .map((threshold) => ({
      state,
      threshold,
      name: `${scopeName(state.policy.scope)} ${state.window} ${threshold}`,
    }));
