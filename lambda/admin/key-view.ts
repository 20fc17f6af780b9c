import type { ScopeCounters } from '../domain/money/budget.ts';
import { budgetState } from '../domain/money/budget-state.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import { budgetView, isoTime } from '../http/budget-view.ts';

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
    budgets: key.budgets.map((budget) => budgetView(budgetState(budget, counters, nowMs))),
    metadata: key.metadata,
    key_hint: key.hint,
    created_at: isoTime(key.createdAtMs),
    expires_at: isoTime(key.expiresAtMs),
    revoked_at: isoTime(key.revokedAtMs),
  };
}
