import { usdFromNano } from '../domain/money/nano.ts';
import type { SessionLimits, VirtualKey } from '../domain/virtual-key.ts';
import { isoTime } from '../http/budget-view.ts';
import { plainBudgetView, rulesView } from './rules-view.ts';
import type { StandingBudget } from './scope-budgets.ts';

/** A virtual key as the control plane shows it: everything but the secret. What is not set is null. */
export function keyView(key: VirtualKey, budgets: readonly StandingBudget[], nowMs: number) {
  return {
    id: key.id,
    name: key.name,
    state: key.state,
    organization: key.organization ?? null,
    team: key.team ?? null,
    project: key.project ?? null,
    member: key.member ?? null,
    tags: key.tags,
    ...rulesView(key, budgets, nowMs),
    session_limits: key.sessionLimits === undefined ? null : sessionLimitsView(key.sessionLimits),
    end_user_budget: key.endUserBudget === undefined ? null : plainBudgetView(key.endUserBudget),
    cache: key.cache ?? null,
    key_hint: key.hint,
    created_at: isoTime(key.createdAtMs),
    expires_at: isoTime(key.expiresAtMs),
    revoked_at: isoTime(key.revokedAtMs),
    earlier_secrets_end_at: isoTime(lastEndMs(key, nowMs)),
  };
}

const sessionLimitsView = ({ maxCost, maxCalls }: SessionLimits) => ({
  max_cost_usd: maxCost === undefined ? null : usdFromNano(maxCost),
  max_calls: maxCalls ?? null,
});

/** When the last of the replaced secrets ends; `undefined` where none works any more. */
function lastEndMs({ earlierSecrets }: VirtualKey, nowMs: number): number | undefined {
  const standing = earlierSecrets.map(({ untilMs }) => untilMs).filter((untilMs) => nowMs < untilMs);
  return standing.length === 0 ? undefined : Math.max(...standing);
}
