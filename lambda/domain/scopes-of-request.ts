import type { Budget, BudgetIncrease, LimitedTo, Scope, ScopePolicy } from './money/budget.ts';
import { type NanoUsd, nanoUsd } from './money/nano.ts';
import type { Deployment } from './routing/deployment.ts';
import type { ScopeRules, ScopeSettings, SettableKind } from './scope-settings.ts';
import type { VirtualKey } from './virtual-key.ts';

type SettableScope = ScopeSettings['scope'];

/** `customer=acme`: how a tag is named as a scope. */
export const tagScope = (name: string, value: string): SettableScope => ({
  kind: 'tag',
  id: `${name}=${value}`,
});

const LABELS = ['organization', 'team', 'project', 'member'] as const satisfies readonly SettableKind[];

/** The scopes a key names, whether they have settings or not: organization, team, project, member, then its pinned tags. */
export function scopesAbove(key: VirtualKey): readonly SettableScope[] {
  const labelled = LABELS.flatMap((kind): SettableScope[] => {
    const id = key[kind];
    return id === undefined ? [] : [{ kind, id }];
  });
  return [...labelled, ...Object.entries(key.tags).map(([name, value]) => tagScope(name, value))];
}

/** Whether a limit counts what a deployment answers. */
export function countsFor(limit: LimitedTo, deployment: Pick<Deployment, 'id' | 'provider'>): boolean {
  if (limit.provider !== undefined && limit.provider !== deployment.provider) return false;
  if (limit.model === undefined) return true;
  return limit.model.endsWith('*')
    ? deployment.id.startsWith(limit.model.slice(0, -1))
    : deployment.id === limit.model;
}

/** The name under which what a limit counts is counted; `undefined` where it counts everything. */
export function facetOf({ model, provider }: LimitedTo): string | undefined {
  const parts = [
    ...(model === undefined ? [] : [`model:${model}`]),
    ...(provider === undefined ? [] : [`provider:${provider}`]),
  ];
  return parts.length === 0 ? undefined : parts.join(',');
}

/** Whether a budget is one of those that an increase is for. */
export const isIncreasedBy = (budget: Budget, increase: BudgetIncrease): boolean =>
  (increase.window === undefined || increase.window === budget.window) &&
  facetOf(increase) === facetOf(budget);

/** A budget's limit at a moment: what was set, and the increases that stand. */
function limitAt(budget: Budget, rules: ScopeRules, nowMs: number): NanoUsd {
  const standing = rules.increases.filter(
    (increase) => nowMs < increase.expiresAtMs && isIncreasedBy(budget, increase),
  );
  return nanoUsd(standing.reduce((sum, { amount }) => sum + amount, BigInt(budget.limit)));
}

/** A scope's budgets with the limits they have at a moment. */
export const budgetsAt = (rules: ScopeRules, nowMs: number): readonly Budget[] =>
  rules.budgets.map((budget) => ({ ...budget, limit: limitAt(budget, rules, nowMs) }));

/**
 * What bounds a scope's requests that a deployment answers: its budgets on everything, and one policy more for each facet
 * (model, provider) that counts this deployment. Facets are not fenced by a version: they change only with their scope.
 */
export function policiesOf(
  scope: Scope,
  rules: ScopeRules & { readonly policyVersion: number },
  at: { readonly deployment: Pick<Deployment, 'id' | 'provider'>; readonly nowMs: number },
): readonly ScopePolicy[] {
  const budgets = budgetsAt(rules, at.nowMs).filter((budget) => countsFor(budget, at.deployment));
  const facets = new Set(budgets.flatMap((budget) => facetOf(budget) ?? []));
  return [
    {
      scope,
      policyVersion: rules.policyVersion,
      budgets: budgets.filter((budget) => facetOf(budget) === undefined),
    },
    ...[...facets].map((facet) => ({
      scope: { ...scope, facet },
      policyVersion: undefined,
      budgets: budgets.filter((budget) => facetOf(budget) === facet),
    })),
  ];
}
