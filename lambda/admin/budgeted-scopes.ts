import type { Scope } from '../domain/money/budget.ts';
import { type ScopeRules, SETTABLE_KINDS, type SettableKind } from '../domain/scope-settings.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import type { KeyStore, Page, ScopeStore } from '../ports/key-store.ts';
import type { PageRequest } from './pages.ts';

/** Kinds of scopes that have budgets of their own and can be listed. */
export type ListedKind = SettableKind | 'key';
export const LISTED_KINDS: readonly ListedKind[] = [...SETTABLE_KINDS, 'key'];

/** Something that has budgets, as lists of them show it. */
export interface BudgetedScope {
  readonly scope: Scope;
  readonly name: string;
  /** Whose a key is: organization, team, project, member. Empty for what is not a key. */
  readonly owners: readonly string[];
  readonly rules: ScopeRules;
  readonly createdAtMs: number;
}

export interface BudgetedScopesSource {
  readonly keys: Pick<KeyStore, 'list'>;
  readonly scopes: Pick<ScopeStore, 'list'>;
}

/** Those of one page of a kind that have budgets; of keys only those that `isWanted`. */
export async function budgetedPage(
  { keys, scopes }: BudgetedScopesSource,
  kind: ListedKind,
  page: PageRequest & { readonly isWanted: (key: VirtualKey) => boolean },
): Promise<Page<BudgetedScope>> {
  if (kind === 'key') {
    const { items, nextCursor } = await keys.list(page);
    return { items: items.filter(page.isWanted).filter(hasBudgets).map(budgetedKey), nextCursor };
  }
  const { items, nextCursor } = await scopes.list(kind, page);
  return {
    items: items.filter(hasBudgets).map((settings) => ({ ...settings, owners: [], rules: settings })),
    nextCursor,
  };
}

const hasBudgets = ({ budgets }: ScopeRules): boolean => budgets.length > 0;

const budgetedKey = (key: VirtualKey): BudgetedScope => ({
  scope: { kind: 'key', id: key.id },
  name: key.name,
  owners: [key.organization, key.team, key.project, key.member].filter((owner) => owner !== undefined),
  rules: key,
  createdAtMs: key.createdAtMs,
});
