import { type Scope, type ScopeCounters, type ScopePolicy, scopeName } from '../domain/money/budget.ts';
import { type Crossing, crossings } from '../domain/money/crossings.ts';
import type { BudgetNotice } from '../ports/ledger.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/**
 * Queues a notice for each soft limit that the budgets of the request's scopes have crossed. The store lets each be queued
 * once; this process asks it no more once it has answered.
 */
export async function queueNotices(
  gateway: Gateway,
  exchange: Exchange,
  counters: readonly ScopeCounters[],
): Promise<void> {
  const nowMs = gateway.clock.now();
  await queueCrossings(
    gateway,
    exchange,
    (exchange.held?.shared ?? []).flatMap((policy) => {
      const found = counters.find(({ scope }) => scopeName(scope) === scopeName(policy.scope));
      return found === undefined
        ? []
        : crossings(policy, found, { nowMs, counted: 'spent' }).map((crossing) => ({ policy, crossing }));
    }),
  );
}

/** Queues the notices of a budget that has just refused the request: nobody shall hear of the cap first. */
export async function queueNoticesOfRefusal(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { refusal } = exchange;
  if (refusal === undefined) return;
  const { scope: policy, window, committed, spent } = refusal;
  const counters = { scope: policy.scope, windows: { [window]: { committed, spent } } };
  const found = crossings(policy, counters, { nowMs: gateway.clock.now(), counted: 'committed' });
  await queueCrossings(
    gateway,
    exchange,
    found.map((crossing) => ({ policy, crossing })),
  );
}

async function queueCrossings(
  gateway: Gateway,
  exchange: Exchange,
  found: readonly { readonly policy: ScopePolicy; readonly crossing: Crossing }[],
): Promise<void> {
  const news = found.filter(({ crossing }) => !gateway.remainders.isNoticed(crossing.name));
  await Promise.all(
    news.map(async ({ policy, crossing }) => {
      const label = labelOf(exchange, policy.scope);
      await gateway.ledger.queueNotice(noticeOf(policy.scope, label, crossing, gateway.clock.now()));
      gateway.remainders.setNoticed(crossing.name);
    }),
  );
}

/** A crossing as it is told. */
export const noticeOf = (scope: Scope, name: string, crossing: Crossing, atMs: number): BudgetNotice => ({
  scope,
  scopeLabel: scope.facet === undefined ? name : `${name} (${scope.facet})`,
  window: crossing.state.window,
  threshold: crossing.threshold,
  limit: crossing.state.budget.limit,
  spent: crossing.state.spent,
  atMs,
});

/** What an operator calls a scope. */
function labelOf({ caller: { key, scopes } }: Exchange, { kind, id }: Scope): string {
  if (kind === 'key') return key.name;
  return scopes.find(({ scope }) => scope.kind === kind && scope.id === id)?.name ?? id;
}
