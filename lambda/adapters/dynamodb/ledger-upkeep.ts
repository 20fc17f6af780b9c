import { scopeName } from '../../domain/money/budget.ts';
import type { LedgerUpkeep } from '../../ports/ledger.ts';
import { sendNotices } from './notices.ts';
import { pruneWindows } from './prune.ts';
import type { Store } from './store.ts';
import { sweep } from './sweep.ts';

/** What upkeep does with table `spend`. */
export const dynamoLedgerUpkeep = (store: Store): LedgerUpkeep => ({
  sweep: (nowMs, deadlineMs) => sweep(store, nowMs, deadlineMs),
  sendNotices: (send) => sendNotices(store, send),
  pruneWindows: (scope, nowMs) => pruneWindows(store, scopeName(scope), nowMs),
});
