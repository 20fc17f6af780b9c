import type { Ledger } from '../../ports/ledger.ts';
import { queueNotice } from './notices.ts';
import { purseViews } from './purse-views.ts';
import { queryPartition } from './query.ts';
import { recordOfItems, recordPartition } from './record-item.ts';
import { raise, release, reserve } from './reserve.ts';
import { readCounters } from './scope-item.ts';
import { recordRefusal, settle } from './settle.ts';
import type { Store } from './store.ts';

/** The ledger in table `spend`. What it remembers of purses is a cache: it tells where to try first. */
export function dynamoLedger(store: Store): Ledger {
  const views = purseViews();
  return {
    reserve: (facts, reservation) => reserve(store, views, facts, reservation),
    raise: (facts, held, estimate) => raise(store, views, { facts, held, estimate }),
    release: (facts, held) => release(store, views, facts, held),
    settle: (facts, held, outcome) => settle(store, views, { facts, held, outcome }),
    recordRefusal: (facts, outcome) => recordRefusal(store, facts, outcome),
    find: async (id) => {
      const query = {
        table: 'spend',
        attribute: 'pk',
        partition: recordPartition(id),
        consistent: true,
      } as const;
      return recordOfItems(await Array.fromAsync(queryPartition(store, query)));
    },
    counters: (scope) => readCounters(store, scope),
    queueNotice: (notice) => queueNotice(store, notice),
  };
}
