import { type BudgetState, budgetState, usedShares } from '../domain/money/budget-state.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { DeploymentHealth } from '../domain/routing/health.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import { isUsable } from '../domain/virtual-key.ts';
import type { Clock } from '../ports/clock.ts';
import type { KeyStore } from '../ports/key-store.ts';
import type { Ledger, SpendReports } from '../ports/ledger.ts';
import type { RoutingStore } from '../ports/routing-store.ts';
import { inBatches } from './in-batches.ts';
import { spendTotal } from './spend-report.ts';

/** `auto` follows the reader's system. */
export type WidgetTheme = 'light' | 'dark' | 'auto';

/** What the widget shows, gathered at one moment. */
export interface WidgetView {
  readonly nowMs: number;
  readonly spentToday: NanoUsd;
  readonly requestsToday: number;
  /** Keys with budgets, the most used share first. */
  readonly keys: readonly KeyBudgets[];
  /** Not every key with a budget was looked at. */
  readonly isPartial: boolean;
  readonly deployments: readonly DeploymentHealth[];
}

/** The budgets of one key. */
export interface KeyBudgets {
  readonly key: VirtualKey;
  readonly budgets: readonly BudgetState[];
}

export interface WidgetDependencies {
  readonly keys: Pick<KeyStore, 'list'>;
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly reports: SpendReports;
  readonly routing: Pick<RoutingStore, 'health'>;
  readonly clock: Clock;
}

/** The most keys the widget shows, and pages of keys it looks through for them: what bounds its reads. */
const MAX_KEYS = 100;
const MAX_PAGES = 5;

/** Gathers what the widget shows: the newest hundred usable keys that have budgets, health, and today's spend. */
export async function widgetView(dependencies: WidgetDependencies): Promise<WidgetView> {
  const { ledger, reports, routing, clock } = dependencies;
  const nowMs = clock.now();
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const [found, rollups, health] = await Promise.all([
    keysWithBudgets(dependencies.keys, nowMs),
    reports.rollups(today, today),
    routing.health(),
  ]);
  const keys = await inBatches(found.keys, async (key) => {
    const counters = await ledger.counters({ kind: 'key', id: key.id });
    return { key, budgets: key.budgets.map((budget) => budgetState(budget, counters, nowMs)) };
  });
  const total = spendTotal(rollups);
  return {
    nowMs,
    spentToday: total.cost,
    requestsToday: total.requests,
    keys: keys.toSorted((a, b) => largestShare(b) - largestShare(a)),
    isPartial: found.isPartial,
    deployments: [...health.values()].sort((a, b) => (a.deployment < b.deployment ? -1 : 1)),
  };
}

const largestShare = ({ budgets }: KeyBudgets): number =>
  Math.max(...budgets.map((state) => usedShares(state).committed));

async function keysWithBudgets(
  store: Pick<KeyStore, 'list'>,
  nowMs: number,
): Promise<{ readonly keys: readonly VirtualKey[]; readonly isPartial: boolean }> {
  const keys: VirtualKey[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor } = await store.list({
      limit: MAX_KEYS,
      ...(cursor === undefined ? {} : { cursor }),
    });
    keys.push(...items.filter((key) => key.budgets.length > 0 && isUsable(key, nowMs)));
    cursor = nextCursor;
    if (cursor === undefined || keys.length >= MAX_KEYS) break;
  }
  return {
    keys: keys.slice(0, MAX_KEYS),
    isPartial: cursor !== undefined || keys.length > MAX_KEYS,
  };
}
