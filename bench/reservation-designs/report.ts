import type { Cell } from './cell.ts';
import type { Outcome } from './simulate.ts';

/** us-east-1. @see https://aws.amazon.com/dynamodb/pricing/on-demand/ */
const USD_PER_MILLION_WRITE_UNITS = 0.625;
const USD_PER_MILLION_READ_UNITS = 0.125;

interface Row {
  readonly label: string;
  readonly outcome: Outcome;
}

interface Column {
  readonly head: string;
  readonly cell: (row: Row) => string;
}

const figure = (value: number | undefined, digits = 0): string =>
  value === undefined || !Number.isFinite(value)
    ? '-'
    : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share: number | undefined, digits = 1): string =>
  share === undefined ? '-' : `${figure(100 * share, digits)} %`;
const each = ({ outcome }: Row, count: number): number => count / outcome.admitted;

const WHO: readonly Column[] = [
  { head: 'design', cell: ({ outcome }) => outcome.design },
  { head: 'scenario', cell: ({ outcome }) => outcome.scenario },
  { head: 'environments', cell: ({ outcome }) => figure(outcome.environments) },
];

const UNITS: readonly Column[] = [
  { head: 'write units', cell: (row) => figure(each(row, row.outcome.counts.writeUnits), 2) },
  { head: 'read units', cell: (row) => figure(each(row, row.outcome.counts.readUnits), 2) },
  { head: '$ per million', cell: (row) => figure(usdPerMillion(row), 2) },
];

const CONTENTION: readonly Column[] = [
  {
    head: 'hottest item, units/s',
    cell: ({ outcome }) => `${outcome.hottest.name} ${figure(outcome.hottest.unitsPerSecond)}`,
  },
  { head: 'conflicts', cell: (row) => figure(each(row, row.outcome.counts.conflicts), 3) },
  { head: 'retries', cell: (row) => figure(each(row, row.outcome.counts.retries), 3) },
  {
    head: 'wait p50/p99 ms',
    cell: ({ outcome }) => `${figure(outcome.waitMs.p50, 1)} / ${figure(outcome.waitMs.p99, 1)}`,
  },
];

const ENDS: readonly Column[] = [
  { head: 'served/s', cell: ({ outcome }) => figure(outcome.admitted / outcome.seconds, 1) },
  { head: '503', cell: ({ outcome }) => percent(outcome.unavailable / outcome.asked, 2) },
];

const MONEY: readonly Column[] = [
  { head: '402', cell: ({ outcome }) => figure(outcome.refused) },
  { head: 'of them in vain', cell: ({ outcome }) => figure(outcome.refusedInVain) },
  { head: 'idle meanwhile', cell: ({ outcome }) => percent(outcome.idleShare.whenInVain, 2) },
  { head: 'idle at first 402', cell: ({ outcome }) => percent(outcome.idleShare.atFirstRefusal, 2) },
  { head: 'idle at the end', cell: ({ outcome }) => percent(outcome.idleShare.atEnd, 2) },
];

const BOOKS: readonly Column[] = [
  { head: 'overspent', cell: ({ outcome }) => usd(outcome.overspent) },
  { head: 'counters − records', cell: ({ outcome }) => usd(outcome.drift) },
];

const DEAD: readonly Column[] = [
  { head: 'most held by the dead', cell: ({ outcome }) => percent(outcome.dead.mostShare, 2) },
  { head: 'until s after', cell: ({ outcome }) => figure(outcome.dead.goneAfterSeconds) },
];

const HOLDERS: Column = { head: 'holders at the end', cell: ({ outcome }) => figure(outcome.holders) };
const LABEL: Column = { head: 'variant', cell: ({ label }) => label };

const TABLES: Readonly<
  Record<Cell['table'], { readonly title: string; readonly columns: readonly Column[] }>
> = {
  steady: { title: 'Steady state', columns: [...WHO, ...UNITS, ...CONTENTION, HOLDERS, ...ENDS, ...BOOKS] },
  closing: {
    title: 'A budget runs out',
    columns: [...WHO, ...MONEY, ...UNITS, ...CONTENTION.slice(3), ...ENDS, ...BOOKS],
  },
  deaths: { title: 'A tenth of the environments dies', columns: [...WHO, ...DEAD, ...BOOKS] },
  edges: {
    title: 'All windows end at once: the 30 s after',
    columns: [...WHO, ...UNITS, ...CONTENTION, ...ENDS],
  },
  ramp: {
    title: 'Shared purses while 10,000 environments come: one hot key',
    columns: [LABEL, ...UNITS, ...CONTENTION, HOLDERS, ...ENDS],
  },
  'as-built': {
    title: 'Shared purses as built, while 10,000 environments come',
    columns: [...WHO, ...UNITS, ...CONTENTION, HOLDERS, ...ENDS],
  },
  variants: {
    title:
      'Shared purses, one parameter at a time: 20 teams × 10 keys, 1,000 environments, a budget for 200 s',
    columns: [LABEL, ...UNITS, ...CONTENTION, ...ENDS, ...MONEY],
  },
};

function usdPerMillion(row: Row): number {
  const { writeUnits, readUnits } = row.outcome.counts;
  return each(row, writeUnits * USD_PER_MILLION_WRITE_UNITS + readUnits * USD_PER_MILLION_READ_UNITS);
}

const usd = (micro: number): string => `$${(micro / 1e6).toFixed(2)}`;

/** All tables in Markdown; figures are per admitted request unless the head says otherwise. */
export function tablesOf(rows: readonly (Row & { readonly table: Cell['table'] })[]): string {
  return Object.entries(TABLES)
    .map(([table, { title, columns }]) => {
      const own = rows.filter((row) => row.table === table);
      const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
      return [
        `### ${title}`,
        '',
        line(columns.map(({ head }) => head)),
        line(columns.map(() => '---')),
        ...own.map((row) => line(columns.map(({ cell }) => cell(row)))),
      ].join('\n');
    })
    .join('\n\n');
}
