import type { SpendCharge, SpendReports, SpendRollup } from '../../ports/ledger.ts';
import { CHARGE_SHARDS, ROLLUP_SHARDS } from '../../schema/tables.ts';
import { chargeOfItem, chargePartition } from './charge-item.ts';
import { mergedPages } from './merged-pages.ts';
import { queryPages, queryPartition } from './query.ts';
import { rollupOfItem, rollupPartition } from './rollup-item.ts';
import { forEachConcurrently, type Store } from './store.ts';

const CONCURRENCY = 16;
const DAY_MS = 86_400_000;

/** Reports from the daily roll-ups in table `spend`, and from its index `byDay`. */
export const dynamoSpendReports = (store: Store): SpendReports => ({
  rollups: async (fromDay, toDay) => {
    const found: SpendRollup[] = [];
    const partitions = shardsBetween(fromDay, toDay, ROLLUP_SHARDS);
    await forEachConcurrently(partitions, CONCURRENCY, async ({ day, shard }) => {
      const partition = rollupPartition(day, shard);
      const items = queryPartition(store, { table: 'spend', attribute: 'pk', partition, consistent: true });
      for await (const item of items) found.push(rollupOfItem(day, item));
    });
    return found.toSorted((a, b) => a.day.localeCompare(b.day));
  },
  charges: (fromDay, toDay) => charges(store, fromDay, toDay),
});

/** Holds a page of the store for each query that runs, and never more. */
async function* charges(store: Store, fromDay: string, toDay: string): AsyncGenerator<SpendCharge> {
  const queries = shardsBetween(fromDay, toDay, CHARGE_SHARDS).map(({ day, shard }) => {
    const partition = chargePartition(day, shard);
    return () => queryPages(store, { table: 'spend', index: 'byDay', attribute: 'chargeDay', partition });
  });
  for await (const page of mergedPages(queries, CONCURRENCY)) yield* page.map(chargeOfItem);
}

function shardsBetween(
  fromDay: string,
  toDay: string,
  shards: number,
): readonly { readonly day: string; readonly shard: number }[] {
  const found: { day: string; shard: number }[] = [];
  for (let timeMs = Date.parse(fromDay); timeMs <= Date.parse(toDay); timeMs += DAY_MS) {
    const day = new Date(timeMs).toISOString().slice(0, 10);
    for (let shard = 0; shard < shards; shard += 1) found.push({ day, shard });
  }
  return found;
}
