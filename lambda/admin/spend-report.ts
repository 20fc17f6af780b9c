import { type NanoUsd, nanoUsd, usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import type { SpendCharge, SpendReports, SpendRollup } from '../ports/ledger.ts';
import { refuse, type SpendGroup, type SpendQuery, tagOf } from './spend-query.ts';

/** Requests, what they cost, and their tokens. */
export interface SpendSums {
  readonly requests: number;
  readonly cost: NanoUsd;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** One line of a report: the groups' values in their order (`undefined`: requests that have none), and the sums. */
export interface SpendRow extends SpendSums {
  readonly values: readonly (string | undefined)[];
}

export interface SpendReport {
  readonly rows: readonly SpendRow[];
  readonly total: SpendSums;
}

const NOTHING: SpendSums = { requests: 0, cost: ZERO_USD, promptTokens: 0, completionTokens: 0 };

/** A function holds so many sums at once; there are more end users and sessions than that. */
const MOST_ROWS = 200_000;

/**
 * Sums spend by group, dearest first; rows of the same cost stand in the order of their groups' values. All spend comes
 * from roll-ups. Where a group is not in these (end user, session, tag), the charges that name one are taken out of the
 * roll-ups' sum as they stream by, and what remains is the row of those that name none.
 * @throws GatewayError `invalid_request` where there are too many rows to hold
 */
export async function spendReport(
  reports: SpendReports,
  { from, to, groupBy }: SpendQuery,
): Promise<SpendReport> {
  const rollups = await reports.rollups(from, to);
  const table = new Map<string, SpendRow>();
  for (const rollup of rollups) add(table, rollupValues(rollup, groupBy), rollup);
  if (groupBy.some(isDetail))
    for await (const charge of reports.charges(from, to)) {
      const values = groupBy.map((group) => chargeValue(charge, group));
      const withoutDetails = groupBy.map((group, index) => (isDetail(group) ? undefined : values[index]));
      if (values.every((value, index) => value === withoutDetails[index])) continue;
      const sums: SpendSums = { ...charge, requests: 1 };
      add(table, values, sums);
      add(table, withoutDetails, negative(sums));
    }
  return {
    rows: [...table]
      .filter(([, row]) => isSomething(row))
      .sort(dearestFirst)
      .map(([, row]) => row),
    total: spendTotal(rollups),
  };
}

/** Sums over everything. */
export const spendTotal = (spent: readonly SpendSums[]): SpendSums => spent.reduce(sum, NOTHING);

/** Sums as the report shows them. */
export const sumsView = (sums: SpendSums) => ({
  requests: sums.requests,
  cost_usd: usdFromNano(sums.cost),
  prompt_tokens: sums.promptTokens,
  completion_tokens: sums.completionTokens,
});

function add(table: Map<string, SpendRow>, values: SpendRow['values'], sums: SpendSums): void {
  const name = JSON.stringify(values);
  table.set(name, { values, ...sum(table.get(name) ?? NOTHING, sums) });
  if (table.size > MOST_ROWS)
    throw refuse('group_by', `gives more than ${MOST_ROWS} rows for these days; ask for fewer days`);
}

const sum = (a: SpendSums, b: SpendSums): SpendSums => ({
  requests: a.requests + b.requests,
  cost: nanoUsd(a.cost + b.cost),
  promptTokens: a.promptTokens + b.promptTokens,
  completionTokens: a.completionTokens + b.completionTokens,
});

const negative = (sums: SpendSums): SpendSums => ({
  requests: -sums.requests,
  cost: nanoUsd(-sums.cost),
  promptTokens: -sums.promptTokens,
  completionTokens: -sums.completionTokens,
});

/** What charges took out of a row may be all of it; an index that is ahead by a moment may have taken more. */
const isSomething = ({ requests, cost }: SpendSums): boolean => requests > 0 || cost > 0n;

/** Whether only charges know a group's values. */
const isDetail = (group: SpendGroup): boolean =>
  group === 'end_user' || group === 'session' || tagOf(group) !== undefined;

const rollupValues = (rollup: SpendRollup, groupBy: readonly SpendGroup[]): SpendRow['values'] =>
  groupBy.map((group) => (isDetail(group) ? undefined : commonValue(rollup, group)));

function chargeValue(charge: SpendCharge, group: SpendGroup): string | undefined {
  const tag = tagOf(group);
  if (tag !== undefined) return Object.hasOwn(charge.tags, tag) ? charge.tags[tag] : undefined;
  if (group === 'end_user') return charge.endUser;
  return group === 'session' ? charge.session : commonValue(charge, group);
}

function commonValue(spent: SpendRollup | SpendCharge, group: SpendGroup): string | undefined {
  switch (group) {
    case 'key':
      return spent.keyId;
    case 'organization':
    case 'team':
    case 'project':
    case 'member':
    case 'provider':
    case 'model':
    case 'day':
      return spent[group];
    default:
      throw new Error(`A roll-up does not know ${group}.`);
  }
}

function dearestFirst(
  [nameA, a]: readonly [string, SpendRow],
  [nameB, b]: readonly [string, SpendRow],
): number {
  if (a.cost !== b.cost) return a.cost > b.cost ? -1 : 1;
  return nameA < nameB ? -1 : 1;
}
