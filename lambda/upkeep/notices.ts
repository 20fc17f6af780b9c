import { virtualKeyId } from '../domain/ids.ts';
import type { Scope } from '../domain/money/budget.ts';
import { crossings } from '../domain/money/crossings.ts';
import { noticeOf } from '../pipeline/notices.ts';
import { everyPolicy, type RuledScope, UNSET_RULES } from '../pipeline/scopes.ts';
import type { Upkeep } from './context.ts';

/** Queues a notice for each soft limit that was crossed by money which upkeep itself has just brought into its scope. */
export async function queueNoticesOf(upkeep: Upkeep, scopes: readonly Scope[]): Promise<void> {
  for (const scope of scopes) {
    const known = await rulesOf(upkeep, scope);
    const policy = everyPolicy(known, upkeep.clock.now()).find((each) => each.scope.facet === scope.facet);
    if (policy === undefined || policy.budgets.every(({ softLimits }) => softLimits.length === 0)) continue;
    const counters = await upkeep.ledger.counters(scope);
    if (counters === undefined) continue;
    const nowMs = upkeep.clock.now();
    for (const crossing of crossings(policy, counters, { nowMs, counted: 'spent' }))
      await upkeep.ledger.queueNotice(noticeOf(scope, known.name, crossing, nowMs));
  }
}

async function rulesOf(upkeep: Upkeep, { kind, id }: Scope): Promise<RuledScope & { readonly name: string }> {
  const scope = { kind, id };
  const settings =
    kind === 'key' ? await upkeep.keys.find(virtualKeyId(id)) : await upkeep.scopes.find(scope);
  return { scope, name: settings?.name ?? id, rules: settings ?? UNSET_RULES };
}
