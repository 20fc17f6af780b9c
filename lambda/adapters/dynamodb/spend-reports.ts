import type { SpendReports, SpendRollup } from '../../ports/ledger.ts';
import { ROLLUP_SHARDS } from '../../schema/tables.ts';
import { queryPartition } from './query.ts';
import { rollupOfItem, rollupPartition } from './rollup-item.ts';
import { forEachConcurrently, type Store } from './store.ts';

const CONCURRENCY = 16;
const DAY_MS = 86_400_000;

/** Reports from the daily roll-ups in table `spend`. */
export const dynamoSpendReports = (store: Store): SpendReports => ({
  rollups: async (fromDay, toDay) => {
    const partitions = daysBetween(fromDay, toDay).flatMap((day) =>
      Array.from({ length: ROLLUP_SHARDS }, (_, shard) => ({ day, shard })),
    );
    const found: SpendRollup[] = [];
    await forEachConcurrently(partitions, CONCURRENCY, async ({ day, shard }) => {
      const partition = rollupPartition(day, shard);
      const items = queryPartition(store, { table: 'spend', attribute: 'pk', partition, consistent: true });
      for await (const item of items) found.push(rollupOfItem(day, item));
    });
    return found.toSorted((a, b) => a.day.localeCompare(b.day));
  },
});

function daysBetween(fromDay: string, toDay: string): readonly string[] {
  const days: string[] = [];
  for (let timeMs = Date.parse(fromDay); timeMs <= Date.parse(toDay); timeMs += DAY_MS) {
    days.push(new Date(timeMs).toISOString().slice(0, 10));
  }
  return days;
}
