import { type NanoUsd, nanoUsd, usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import type { SpendRollup } from '../ports/ledger.ts';
import type { SpendGroup } from './spend-query.ts';

/** One line of a report: the groups' values under their names, and the sums. */
export interface SpendRow {
  readonly group: Readonly<Partial<Record<SpendGroup, string>>>;
  readonly requests: number;
  readonly cost: NanoUsd;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const NOTHING = { requests: 0, cost: ZERO_USD, promptTokens: 0, completionTokens: 0 } as const;

/** Sums roll-ups by group, dearest first; rows of the same cost stand in the order of their groups' values. */
export function spendRows(
  rollups: readonly SpendRollup[],
  groupBy: readonly SpendGroup[],
): readonly SpendRow[] {
  const rows = new Map<string, SpendRow>();
  for (const rollup of rollups) {
    const values = groupBy.map((group) => groupValue(rollup, group));
    const name = JSON.stringify(values);
    const row = rows.get(name) ?? { group: groupOf(groupBy, values), ...NOTHING };
    rows.set(name, { ...row, ...sum(row, rollup) });
  }
  return [...rows].sort(dearestFirst).map(([, row]) => row);
}

/** Sums roll-ups over everything. */
export const spendTotal = (rollups: readonly SpendRollup[]): Omit<SpendRow, 'group'> =>
  rollups.reduce<Omit<SpendRow, 'group'>>(sum, NOTHING);

/** Sums as the report shows them. */
export const sumsView = (row: Omit<SpendRow, 'group'>) => ({
  requests: row.requests,
  cost_usd: usdFromNano(row.cost),
  prompt_tokens: row.promptTokens,
  completion_tokens: row.completionTokens,
});

function sum(a: Omit<SpendRow, 'group'>, b: Omit<SpendRow, 'group'>): Omit<SpendRow, 'group'> {
  return {
    requests: a.requests + b.requests,
    cost: nanoUsd(a.cost + b.cost),
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  };
}

function groupValue(rollup: SpendRollup, group: SpendGroup): string {
  switch (group) {
    case 'key':
      return rollup.keyId;
    case 'model':
      return rollup.model;
    case 'provider':
      return rollup.provider;
    case 'day':
      return rollup.day;
  }
}

const groupOf = (groupBy: readonly SpendGroup[], values: readonly string[]): SpendRow['group'] =>
  Object.fromEntries(groupBy.map((group, index) => [group, values[index]]));

function dearestFirst(
  [nameA, a]: readonly [string, SpendRow],
  [nameB, b]: readonly [string, SpendRow],
): number {
  if (a.cost !== b.cost) return a.cost > b.cost ? -1 : 1;
  return nameA < nameB ? -1 : 1;
}
