import { leftOf } from '../domain/money/budget-state.ts';
import { usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import { type BudgetWindow, windowIdAt } from '../domain/money/window.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from '../pipeline/authenticate.ts';
import { budgetStates, tightest } from '../pipeline/remainder-cache.ts';
import { everyPolicy, ruledScopes } from '../pipeline/scopes.ts';
import { isoTime, scopedBudgetView } from './budget-view.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import type { RouteContext } from './route.ts';

/** `GET /v1/key`: this key's limits, what is spent and what is left, in OpenRouter's shape with our budgets beside it. */
export async function showKey({ gateway }: RouteContext, request: HttpRequest): Promise<HttpResponse> {
  const caller = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const { key } = caller;
  const now = gateway.clock.now();
  const policies = ruledScopes(caller, []).flatMap((ruled) => everyPolicy(ruled, now));
  const all = await Promise.all(policies.map(({ scope }) => gateway.ledger.counters(scope)));
  const states = policies.flatMap((policy, index) => budgetStates(policy, all[index], now));
  const own = all[policies.findIndex(({ scope }) => scope.kind === 'key' && scope.facet === undefined)];
  const spent = (window: BudgetWindow): number =>
    usdFromNano(own?.windows[windowIdAt(window, now)]?.spent ?? ZERO_USD);
  const least = tightest(states.filter(({ budget }) => budget.mode === 'hard')) ?? tightest(states);
  return jsonResponse(200, {
    data: {
      id: key.id,
      name: key.name,
      label: `sk-slu-…${key.hint}`,
      limit: least === undefined ? null : usdFromNano(least.budget.limit),
      limit_remaining: least === undefined ? null : usdFromNano(leftOf(least)),
      limit_reset: least === undefined ? null : RESETS[least.budget.window],
      usage: spent('total'),
      usage_daily: spent('day'),
      usage_weekly: spent('week'),
      usage_monthly: spent('month'),
      budgets: states.map(scopedBudgetView),
      models: key.models,
      providers: key.providers,
      expires_at: isoTime(key.expiresAtMs),
    },
  });
}

const RESETS: Readonly<Record<BudgetWindow, string | null>> = {
  hour: 'hourly',
  day: 'daily',
  week: 'weekly',
  month: 'monthly',
  total: null,
};
