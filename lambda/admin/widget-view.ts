import { usedShares } from '../domain/money/budget-state.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { DeploymentHealth } from '../domain/routing/health.ts';
import { isUsable } from '../domain/virtual-key.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger, SpendReports } from '../ports/ledger.ts';
import type { RoutingStore } from '../ports/routing-store.ts';
import {
  type BudgetedScope,
  type BudgetedScopesSource,
  budgetedPage,
  LISTED_KINDS,
  type ListedKind,
} from './budgeted-scopes.ts';
import { inBatches } from './in-batches.ts';
import { type StandingBudget, standingBudgets } from './scope-budgets.ts';
import { spendTotal } from './spend-report.ts';

/** `auto` follows the reader's system. */
export type WidgetTheme = 'light' | 'dark' | 'auto';

/** What the widget shows, gathered at one moment. */
export interface WidgetView {
  readonly nowMs: number;
  readonly spentToday: NanoUsd;
  readonly requestsToday: number;
  /** Kinds of which some scope has a budget. */
  readonly kinds: readonly KindBudgets[];
  readonly deployments: readonly DeploymentHealth[];
}

/** The scopes of one kind that have budgets, the most used share first. */
export interface KindBudgets {
  readonly kind: ListedKind;
  readonly scopes: readonly ScopeBudgets[];
  /** Not every scope of this kind that has a budget was looked at. */
  readonly isPartial: boolean;
}

/** A scope and its budgets, the most used share first. */
export interface ScopeBudgets extends BudgetedScope {
  readonly budgets: readonly StandingBudget[];
}

export interface WidgetDependencies extends BudgetedScopesSource {
  readonly ledger: Pick<Ledger, 'counters'>;
  readonly reports: Pick<SpendReports, 'rollups'>;
  readonly routing: Pick<RoutingStore, 'health'>;
  readonly clock: Clock;
}

/** The most scopes of a kind that the widget shows, and pages it looks through for them: what bounds its reads. */
const MAX_SCOPES = 100;
const MAX_PAGES = 5;

/** Gathers what the widget shows: of each kind the newest hundred scopes that have budgets, health, and today's spend. */
export async function widgetView(dependencies: WidgetDependencies): Promise<WidgetView> {
  const nowMs = dependencies.clock.now();
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const [kinds, rollups, health] = await Promise.all([
    Promise.all(LISTED_KINDS.map((kind) => kindBudgets(kind, dependencies, nowMs))),
    dependencies.reports.rollups(today, today),
    dependencies.routing.health(),
  ]);
  const total = spendTotal(rollups);
  return {
    nowMs,
    spentToday: total.cost,
    requestsToday: total.requests,
    kinds: kinds.filter(({ scopes }) => scopes.length > 0),
    deployments: [...health.values()].sort((a, b) => (a.deployment < b.deployment ? -1 : 1)),
  };
}

async function kindBudgets(
  kind: ListedKind,
  dependencies: WidgetDependencies,
  nowMs: number,
): Promise<KindBudgets> {
  const { found, isPartial } = await newestWithBudgets(kind, dependencies, nowMs);
  const { ledger } = dependencies;
  const scopes = await inBatches(found, async (it) => ({
    ...it,
    budgets: (await standingBudgets(it.scope, it.rules, { ledger, nowMs })).toSorted(fullestFirst),
  }));
  return {
    kind,
    isPartial,
    scopes: scopes.toSorted((a, b) => shareOf(b.budgets[0]) - shareOf(a.budgets[0])),
  };
}

const shareOf = (budget: StandingBudget | undefined): number =>
  budget === undefined ? 0 : usedShares(budget.state).committed;

const fullestFirst = (a: StandingBudget, b: StandingBudget): number => shareOf(b) - shareOf(a);

async function newestWithBudgets(
  kind: ListedKind,
  source: BudgetedScopesSource,
  nowMs: number,
): Promise<{ readonly found: readonly BudgetedScope[]; readonly isPartial: boolean }> {
  const found: BudgetedScope[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor } = await budgetedPage(source, kind, {
      limit: MAX_SCOPES,
      isWanted: (key) => isUsable(key, nowMs),
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...items);
    cursor = nextCursor;
    if (cursor === undefined || found.length >= MAX_SCOPES) break;
  }
  return { found: found.slice(0, MAX_SCOPES), isPartial: cursor !== undefined || found.length > MAX_SCOPES };
}
