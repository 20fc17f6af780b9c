import { GatewayError } from '../../domain/errors.ts';
import type { SweepResult } from '../../ports/ledger.ts';
import { OPEN_SHARDS } from '../../schema/tables.ts';
import { type Item, readNumber, readText } from './attributes.ts';
import { queryOpen } from './query.ts';
import { openShardName, requestIdOfItem } from './record-item.ts';
import { closeRecord, costRecord } from './settle.ts';
import { forEachConcurrently, type Store } from './store.ts';

/** Shards worked on at the same time. */
const CONCURRENCY = 8;

/** A run of the sweep, and what it has come to. */
interface SweepRun {
  readonly nowMs: number;
  readonly deadlineMs: number;
  closed: number;
  left: number;
  /** What failed in a way nobody foresaw: thrown when the other records are done. */
  readonly faults: unknown[];
}

/** Closes every record of index `open` whose reservation has expired, the longest expired first. */
export async function sweep(store: Store, nowMs: number, deadlineMs: number): Promise<SweepResult> {
  const run: SweepRun = { nowMs, deadlineMs, closed: 0, left: 0, faults: [] };
  const shards = Array.from({ length: OPEN_SHARDS }, (_, shard) => openShardName(shard));
  await forEachConcurrently(shards, CONCURRENCY, (shard) => sweepShard(store, run, shard));
  if (run.faults.length > 0) throw run.faults[0];
  return { closed: run.closed, left: run.left };
}

async function sweepShard(store: Store, run: SweepRun, shard: string): Promise<void> {
  for await (const entry of queryOpen(store, shard)) {
    const hasExpired = (readNumber(entry, 'expiresAtMs') ?? 0) < run.nowMs;
    const isLate = store.clock.now() >= run.deadlineMs;
    if (!hasExpired || isLate) run.left += 1;
    else await sweepRecord(store, run, entry);
  }
}

/** One record that cannot be closed does not stop the others: it is left, and a fault is kept for the end. */
async function sweepRecord(store: Store, run: SweepRun, entry: Item): Promise<void> {
  try {
    const record = await costRecord(store, requestIdOfItem(entry), { type: 'swept', nowMs: run.nowMs });
    // An index lags: what it lists may be gone, or closed by now.
    if (record === undefined) return;
    if (readText(record, 'state') === 'open') run.left += 1;
    else if (await closeRecord(store, record)) run.closed += 1;
  } catch (error) {
    run.left += 1;
    if (!(error instanceof GatewayError)) run.faults.push(error);
  }
}
