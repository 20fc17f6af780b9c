import type { Ledger } from '../../ports/ledger.ts';
import { queueNotice } from './notices.ts';
import { recordKey, recordOfItem } from './record-item.ts';
import { raise, reserve } from './reserve.ts';
import { readCounters } from './scope-item.ts';
import { recordRefusal, settle } from './settle.ts';
import { readItem, type Store } from './store.ts';

/** The ledger in table `spend`. */
export const dynamoLedger = (store: Store): Ledger => ({
  reserve: (facts, reservation) => reserve(store, facts, reservation),
  raise: (id, from, estimate) => raise(store, { id, from, estimate }),
  settle: (id, outcome) => settle(store, id, outcome),
  recordRefusal: (facts, outcome) => recordRefusal(store, facts, outcome),
  find: async (id) => {
    const item = await readItem(store, 'spend', recordKey(id));
    return item === undefined ? undefined : recordOfItem(item);
  },
  counters: (scope) => readCounters(store, scope),
  queueNotice: (notice) => queueNotice(store, notice),
});
