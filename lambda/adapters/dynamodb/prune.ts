import { BUDGET_WINDOWS, windowIdAt } from '../../domain/money/window.ts';
import type { Item } from './attributes.ts';
import { scopeKey, windowOfAttribute } from './scope-item.ts';
import { readItem, type Store, updateItem } from './store.ts';
import { updateBuilder } from './update.ts';

/** Counters are kept so long after their window's end, as requests that began in it may still be settled. */
const PRUNE_AFTER_MS = 2 * 3_600_000;
/** Keeps the expression well within the service's 4 KB. */
const PRUNED_AT_ONCE = 100;

/** Takes counters and notices of windows that ended more than two hours ago off a scope. @param name the scope's */
export async function pruneWindows(store: Store, name: string, nowMs: number): Promise<void> {
  const item = await readItem(store, 'spend', scopeKey(name));
  if (item !== undefined) await pruneItem(store, name, item, nowMs);
}

/** The same, for who has the item in hand. */
export async function pruneItem(store: Store, name: string, item: Item, nowMs: number): Promise<void> {
  const lapsed = Object.keys(item).filter((attribute) => hasLapsed(attribute, nowMs - PRUNE_AFTER_MS));
  if (lapsed.length === 0) return;
  const update = updateBuilder();
  for (const attribute of lapsed.slice(0, PRUNED_AT_ONCE)) update.remove(attribute);
  update.require(`attribute_exists(${update.name('pk')})`);
  await updateItem(store, scopeKey(name), update.build());
}

/** Ids of one kind of window sort like their periods: those before the one that holds the moment ended before it. */
function hasLapsed(attributeName: string, endedBeforeMs: number): boolean {
  const window = windowOfAttribute(attributeName);
  const kind = BUDGET_WINDOWS.find((name) => window?.startsWith(`${name}:`));
  if (window === undefined || kind === undefined) return false;
  const standing = windowIdAt(kind, endedBeforeMs);
  // A `noticed` attribute carries a threshold after the window's id.
  return window.slice(0, standing.length) < standing;
}
