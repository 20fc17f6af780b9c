import type { VirtualKeyId } from '../domain/ids.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { LedgerUpkeep, SweepResult } from '../ports/ledger.ts';
import type { SendBudgetNotice } from '../ports/notifier.ts';
import type { RoutingUpkeep } from '../ports/routing-store.ts';
import { type HealthReport, updateHealth } from './health.ts';

/** What upkeep works with. */
export interface Upkeep
  extends Pick<
    Gateway,
    'id' | 'config' | 'prices' | 'providers' | 'dialects' | 'credentials' | 'send' | 'telemetry' | 'clock'
  > {
  readonly keys: Pick<KeyStore, 'list'>;
  readonly ledger: LedgerUpkeep;
  readonly routing: RoutingUpkeep;
  readonly sendNotice: SendBudgetNotice;
}

export interface UpkeepReport {
  readonly sweep: SweepResult;
  readonly health: HealthReport;
  readonly noticesSent: number;
}

const MINUTE_MS = 60_000;
const MINUTES_AN_HOUR = 60;
const KEYS_A_PAGE = 100;

/**
 * What is done every minute: close what dead requests left open, judge the deployments, send what has to be told, and
 * once an hour take the counters of past windows away. A part that fails does not keep the others from running.
 *
 * @param budgetMs how long it may take; what is left over is for the next run
 */
export async function runUpkeep(upkeep: Upkeep, budgetMs: number): Promise<UpkeepReport> {
  const now = upkeep.clock.now();
  const deadlineMs = now + budgetMs;
  const [sweep, health, noticesSent] = await Promise.all([
    part(upkeep, 'sweep', { closed: 0, left: 0 }, () => upkeep.ledger.sweep(now, deadlineMs)),
    part(upkeep, 'health', { judged: 0, probed: 0 }, () => updateHealth(upkeep, deadlineMs)),
    part(upkeep, 'notices', 0, () => upkeep.ledger.sendNotices(upkeep.sendNotice)),
  ]);
  upkeep.telemetry.measure({ name: 'OpenReservations', value: sweep.left });
  if (Math.floor(now / MINUTE_MS) % MINUTES_AN_HOUR === 0)
    await part(upkeep, 'pruning', undefined, () => pruneWindows(upkeep, now, deadlineMs));
  await upkeep.telemetry.flush();
  return { sweep, health, noticesSent };
}

async function part<Result>(
  upkeep: Upkeep,
  name: string,
  otherwise: Result,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    upkeep.telemetry.problem(`Upkeep: the ${name} failed; the next run tries again.`, error);
    return otherwise;
  }
}

async function pruneWindows(upkeep: Upkeep, nowMs: number, deadlineMs: number): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await upkeep.keys.list({ limit: KEYS_A_PAGE, ...(cursor !== undefined && { cursor }) });
    const ids: readonly VirtualKeyId[] = page.items.map(({ id }) => id);
    for (const id of ids) await upkeep.ledger.pruneWindows(id, nowMs);
    cursor = page.nextCursor;
  } while (cursor !== undefined && upkeep.clock.now() < deadlineMs);
}
