import { SETTABLE_KINDS } from '../domain/scope-settings.ts';
import { everyPolicy } from '../pipeline/scopes.ts';
import type { SweepResult } from '../ports/ledger.ts';
import type { Upkeep } from './context.ts';
import { type HealthReport, updateHealth } from './health.ts';
import { queueNoticesOf } from './notices.ts';

export interface UpkeepReport {
  readonly sweep: SweepResult;
  readonly health: HealthReport;
  readonly noticesSent: number;
}

const MINUTE_MS = 60_000;
const MINUTES_AN_HOUR = 60;
const ITEMS_A_PAGE = 100;

/**
 * What is done every minute: close what dead requests left open, judge the deployments, send what has to be told, and
 * once an hour take the counters of past windows and expired vectors away. A part that fails does not keep the others from running.
 *
 * @param budgetMs how long it may take; what is left over is for the next run
 * @throws the first failure of a part, when all others are done: so that whoever watches the schedule sees it
 */
export async function runUpkeep(upkeep: Upkeep, budgetMs: number): Promise<UpkeepReport> {
  const now = upkeep.clock.now();
  const deadlineMs = now + budgetMs;
  const isPruningDue = Math.floor(now / MINUTE_MS) % MINUTES_AN_HOUR === 0;
  const [sweep, health, notices, pruning, vectors] = await Promise.allSettled([
    sweepReservations(upkeep, now, deadlineMs),
    updateHealth(upkeep, deadlineMs),
    upkeep.ledger.sendNotices(upkeep.sendNotice),
    isPruningDue ? pruneWindows(upkeep, now, deadlineMs) : undefined,
    isPruningDue ? upkeep.vectors?.removeExpired(now, deadlineMs) : undefined,
  ]);
  await upkeep.telemetry.flush();
  const report = { sweep: resultOf(sweep), health: resultOf(health), noticesSent: resultOf(notices) };
  resultOf(pruning);
  resultOf(vectors);
  return report;
}

async function sweepReservations(upkeep: Upkeep, now: number, deadlineMs: number): Promise<SweepResult> {
  const result = await upkeep.ledger.sweep(now, deadlineMs);
  await queueNoticesOf(upkeep, result.scopes);
  upkeep.telemetry.measure({ name: 'OpenReservations', value: result.open });
  return result;
}

function resultOf<Value>(settled: PromiseSettledResult<Value>): Value {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}

/** Keys and settable scopes, page by page. A facet's counters stand beside its scope's, and are pruned with them. */
async function pruneWindows(upkeep: Upkeep, nowMs: number, deadlineMs: number): Promise<void> {
  const lists = [
    (page: PageQuery) =>
      upkeep.keys.list(page).then(({ items, nextCursor }) => ({
        items: items.map((key) => ({ scope: { kind: 'key', id: key.id } as const, rules: key })),
        nextCursor,
      })),
    ...SETTABLE_KINDS.map(
      (kind) => (page: PageQuery) =>
        upkeep.scopes.list(kind, page).then(({ items, nextCursor }) => ({
          items: items.map((settings) => ({ scope: settings.scope, rules: settings })),
          nextCursor,
        })),
    ),
  ];
  for (const list of lists) {
    let cursor: string | undefined;
    do {
      const page = await list({ limit: ITEMS_A_PAGE, ...(cursor !== undefined && { cursor }) });
      for (const ruled of page.items)
        for (const { scope } of everyPolicy(ruled, nowMs)) await upkeep.ledger.pruneWindows(scope, nowMs);
      cursor = page.nextCursor;
    } while (cursor !== undefined && upkeep.clock.now() < deadlineMs);
  }
}

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string;
}
