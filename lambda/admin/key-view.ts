import type { ScopeCounters } from '../domain/money/budget.ts';
import { usdFromNano } from '../domain/money/nano.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import { type BudgetStatus, budgetStatus } from './budget-status.ts';

/** A virtual key as the control plane shows it: everything but the secret. What is not set is null. */
export function keyView(key: VirtualKey, counters: ScopeCounters | undefined, nowMs: number) {
  return {
    id: key.id,
    name: key.name,
    state: key.state,
    organization: key.organization ?? null,
    team: key.team ?? null,
    project: key.project ?? null,
    member: key.member ?? null,
    tags: key.tags,
    models: key.models,
    providers: key.providers,
    budgets: key.budgets.map((budget) => budgetView(budgetStatus(budget, counters, nowMs))),
    metadata: key.metadata,
    key_hint: key.hint,
    created_at: isoTime(key.createdAtMs),
    expires_at: isoTime(key.expiresAtMs),
    revoked_at: isoTime(key.revokedAtMs),
  };
}

const budgetView = ({ budget, spent, reserved, remaining, resetsAtMs }: BudgetStatus) => ({
  limit_usd: usdFromNano(budget.limit),
  window: budget.window,
  mode: budget.mode,
  soft_limits: budget.softLimits,
  spent_usd: usdFromNano(spent),
  reserved_usd: usdFromNano(reserved),
  remaining_usd: usdFromNano(remaining),
  resets_at: isoTime(resetsAtMs),
});

const isoTime = (timeMs: number | undefined): string | null =>
  timeMs === undefined ? null : new Date(timeMs).toISOString();
