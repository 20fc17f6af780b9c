import type { AttributeValue, Update } from '@aws-sdk/client-dynamodb';
import { type Scope, type ScopeCounters, type ScopeKind, scopeName } from '../../domain/money/budget.ts';
import type { NanoUsd } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import { type Item, numberAttribute, readNano, readNumber, textAttribute } from './attributes.ts';
import { readItem, type Store } from './store.ts';

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
  // The name was made by `scopeName` from a scope.
  return { kind: name.slice(0, end) as ScopeKind, id: name.slice(end + 1) };
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
  return { scope, policyVersion: readNumber(item, 'policyVersion') ?? 0, windows };
}

/** Reads a scope's counters with strong consistency; `undefined` where the scope does not exist. */
export async function readCounters(store: Store, scope: Scope): Promise<ScopeCounters | undefined> {
  const item = await readItem(store, 'spend', scopeKey(scopeName(scope)));
  return item === undefined ? undefined : countersOfItem(scope, item);
}

interface CounterChange {
  /** The scope's name. */
  readonly name: string;
  readonly windows: readonly WindowId[];
  readonly committed: NanoUsd;
  /** `undefined`: only `committed` changes. */
  readonly spent?: NanoUsd;
}

/** An update that adds to the counters of every window; conditions are the caller's to add. */
export function counterUpdate(store: Store, change: CounterChange): Update & CounterExpressions {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = { ':committed': numberAttribute(change.committed) };
  const additions: string[] = [];
  for (const [index, window] of change.windows.entries()) {
    names[`#committed${index}`] = committedName(window);
    additions.push(`#committed${index} :committed`);
    if (change.spent === undefined) continue;
    names[`#spent${index}`] = spentName(window);
    additions.push(`#spent${index} :spent`);
  }
  if (change.spent !== undefined) values[':spent'] = numberAttribute(change.spent);
  return {
    TableName: store.tables.spend,
    Key: scopeKey(change.name),
    UpdateExpression: `ADD ${additions.join(', ')}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

interface CounterExpressions {
  UpdateExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, AttributeValue>;
}
