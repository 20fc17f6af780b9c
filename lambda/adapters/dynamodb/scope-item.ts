import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  type Budget,
  type Scope,
  type ScopeCounters,
  type ScopeKind,
  type ScopePolicy,
  scopeName,
} from '../../domain/money/budget.ts';
import type { NanoUsd } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { type Item, numberAttribute, readNano, readNumber, textAttribute } from './attributes.ts';
import { readItem, type Store } from './store.ts';
import type { UpdateBuilder } from './update.ts';

const COMMITTED = 'committed:';
const SPENT = 'spent:';
const PARTITION = 'scope#';

/** The key of a scope's one item in `spend`, by the scope's name. */
export const scopeKey = (name: string): Record<string, AttributeValue> => ({
  pk: textAttribute(`${PARTITION}${name}`),
  sk: textAttribute('scope'),
});

export const committedName = (window: WindowId): string => `${COMMITTED}${window}`;
export const spentName = (window: WindowId): string => `${SPENT}${window}`;
export const noticedName = (window: WindowId, threshold: number): string => `noticed:${window}:${threshold}`;

/** The window an attribute of a scope item belongs to; `undefined` for those that belong to none. */
export function windowOfAttribute(name: string): string | undefined {
  const match = /^(?:committed|spent|noticed):(.+)$/.exec(name);
  return match?.[1];
}

/** `key#key_01` → kind and id. The inverse of `scopeName`. */
export function scopeOfName(name: string): Scope {
  const end = name.indexOf('#');
  const [kind, facet] = name.slice(0, end).split('|');
  return {
    // The name was made by `scopeName` from a scope.
    kind: kind as ScopeKind,
    id: name.slice(end + 1),
    ...(facet !== undefined && { facet: decodeURIComponent(facet) }),
  };
}

/** A scope's counters as its item holds them. */
export function countersOfItem(scope: Scope, item: Item): ScopeCounters {
  const windows: Record<string, { committed: NanoUsd; spent: NanoUsd }> = {};
  for (const name of Object.keys(item)) {
    if (!name.startsWith(COMMITTED)) continue;
    // Attribute names are made from window ids, by `committedName`.
    const window = name.slice(COMMITTED.length) as WindowId;
    windows[window] = { committed: readNano(item, name), spent: readNano(item, spentName(window)) };
  }
  const purses = readNumber(item, 'purses');
  return { scope, windows, ...(purses !== undefined && { purses }) };
}

/** Reads a scope's counters with strong consistency; `undefined` where the scope does not exist. */
export async function readCounters(store: Store, scope: Scope): Promise<ScopeCounters | undefined> {
  const item = await readItem(store, 'spend', scopeKey(scopeName(scope)));
  return item === undefined ? undefined : countersOfItem(scope, item);
}

/** Adds to the counters of every window. */
export function addToCounters(
  update: UpdateBuilder,
  windows: readonly WindowId[],
  change: { readonly committed: bigint; readonly spent: bigint },
): void {
  for (const window of windows) {
    if (change.committed !== 0n) update.add(committedName(window), change.committed);
    if (change.spent !== 0n) update.add(spentName(window), change.spent);
  }
}

/** Requires what a scope's policy requires of an amount: that the policy is current, and every hard budget has room. */
export function requireRoom(
  update: UpdateBuilder,
  policy: ScopePolicy,
  windows: readonly WindowId[],
  amount: NanoUsd,
): void {
  if (policy.policyVersion === 0) update.require(`attribute_not_exists(${update.name('policyVersion')})`);
  else if (policy.policyVersion !== undefined) {
    const version = update.value(numberAttribute(policy.policyVersion));
    update.require(`${update.name('policyVersion')} = ${version}`);
  }
  for (const budget of hardBudgets(policy)) {
    const committed = update.name(committedName(windowOf(budget, windows)));
    // Conditions have no arithmetic: what may be committed at most, for the amount to fit, is computed here.
    const most = update.value(numberAttribute(budget.limit - amount));
    update.require(`(attribute_not_exists(${committed}) OR ${committed} <= ${most})`);
  }
}

/** Why a scope did not take an amount, read from its item as a failed condition showed it. A stale policy comes first. */
export function refusalBy(
  policy: ScopePolicy,
  windows: readonly WindowId[],
  amount: NanoUsd,
  item: Item | undefined,
): Exclude<ReserveOutcome, { readonly type: 'reserved' | 'calls-exhausted' }> | undefined {
  const { policyVersion } = policy;
  if (policyVersion !== undefined && (readNumber(item ?? {}, 'policyVersion') ?? 0) !== policyVersion)
    return { type: 'stale-policy', scope: policy };
  for (const budget of hardBudgets(policy)) {
    const window = windowOf(budget, windows);
    const committed = readNano(item ?? {}, committedName(window));
    if (committed + amount > budget.limit)
      return {
        type: 'refused',
        scope: policy,
        window,
        committed,
        spent: readNano(item ?? {}, spentName(window)),
        limit: budget.limit,
      };
  }
  return undefined;
}

/** Of several refusals the one to tell: under a policy that is stale, the others may not hold. */
export const foremost = <Refusal extends { readonly type: string }>(
  refusals: readonly Refusal[],
): Refusal | undefined => refusals.find(({ type }) => type === 'stale-policy') ?? refusals[0];

export const hardBudgets = (policy: ScopePolicy): readonly Budget[] =>
  policy.budgets.filter((budget) => budget.mode === 'hard');

function windowOf(budget: Budget, windows: readonly WindowId[]): WindowId {
  const found = windows.find((id) => id === budget.window || id.startsWith(`${budget.window}:`));
  if (found === undefined)
    throw new Error(`A reservation names no window for the budget per ${budget.window}.`);
  return found;
}
