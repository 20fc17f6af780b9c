import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { type Scope, scopeName } from '../../domain/money/budget.ts';
import { BUDGET_WINDOWS, windowIdAt } from '../../domain/money/window.ts';
import type { LedgerUpkeep } from '../../ports/ledger.ts';
import { sendNotices } from './notices.ts';
import { scopeKey, windowOfAttribute } from './scope-item.ts';
import { readItem, type Store, withRetries } from './store.ts';
import { sweep } from './sweep.ts';

/** Counters are kept so long after their window's end, as requests that began in it may still be settled. */
const PRUNE_AFTER_MS = 2 * 3_600_000;
/** Keeps the expression well within the service's 4 KB. */
const PRUNED_AT_ONCE = 100;

/** What upkeep does with table `spend`. */
export const dynamoLedgerUpkeep = (store: Store): LedgerUpkeep => ({
  sweep: (nowMs, deadlineMs) => sweep(store, nowMs, deadlineMs),
  sendNotices: (send) => sendNotices(store, send),
  pruneWindows: (scope, nowMs) => pruneWindows(store, scope, nowMs),
});

async function pruneWindows(store: Store, scope: Scope, nowMs: number): Promise<void> {
  const key = scopeKey(scopeName(scope));
  const item = await readItem(store, 'spend', key);
  const lapsed = Object.keys(item ?? {}).filter((name) => hasLapsed(name, nowMs - PRUNE_AFTER_MS));
  if (lapsed.length === 0) return;
  const names = lapsed.slice(0, PRUNED_AT_ONCE).map((name, index) => [`#n${index}`, name] as const);
  await withRetries(store, () =>
    store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.spend,
        Key: key,
        UpdateExpression: `REMOVE ${names.map(([placeholder]) => placeholder).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(names),
      }),
    ),
  );
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
