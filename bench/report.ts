import type { Quantiles, ScenarioResult } from './measure.ts';
import { SCRIPTS } from './scenarios.ts';
import type { Spread } from './statistics.ts';

/** One column of the table: its head (two lines), and what it says of a scenario. */
interface Column {
  readonly head: readonly [string, string];
  readonly cell: (result: ScenarioResult) => string;
}

const figure = (value: number | undefined, digits = 2): string =>
  value === undefined ? '-' : value.toFixed(digits);
const pair = ({ p50, p99 }: Quantiles): string => `${figure(p50)}/${figure(p99)}`;
const spread = (value: Spread | undefined, digits = 2): string =>
  value === undefined
    ? '-'
    : `${figure(value.median, digits)} [${figure(value.min, digits)}..${figure(value.max, digits)}]`;
const ratio = (a: number | undefined, b: number | undefined, digits = 1): string =>
  a === undefined || b === undefined || b <= 0 ? '-' : `${(a / b).toFixed(digits)}x`;

const COLUMNS: readonly Column[] = [
  { head: ['caller→provider', ''], cell: ({ scenario }) => scenario.path },
  { head: ['answer', ''], cell: ({ scenario }) => scenario.mode },
  { head: ['at', 'once'], cell: ({ scenario }) => String(scenario.concurrency) },
  { head: ['direct', 'p50/p99 ms'], cell: ({ arms }) => pair(arms.direct.latency) },
  { head: ['through', 'p50/p99 ms'], cell: ({ arms }) => pair(arms.gateway.latency) },
  { head: ['added p50 ms', 'median [min..max]'], cell: ({ added }) => spread(added.gateway.p50) },
  { head: ['added p99 ms', 'median [min..max]'], cell: ({ added }) => spread(added.gateway.p99) },
  { head: ['floor adds', 'p50 ms'], cell: ({ added }) => figure(added.floor.p50?.median) },
  { head: ['CPU ms', 'gateway'], cell: ({ arms }) => figure(arms.gateway.cpuMs) },
  { head: ['CPU ms', 'floor'], cell: ({ arms }) => figure(arms.floor.cpuMs) },
  { head: ['CPU', '÷floor'], cell: ({ arms }) => ratio(arms.gateway.cpuMs, arms.floor.cpuMs) },
  { head: ['CPU ms', 'engine'], cell: ({ arms }) => figure(arms.gateway.engineCpuMs) },
  { head: ['CPU µs', 'per piece'], cell: cpuPerPiece },
  {
    head: ['requests/s', 'direct/floor/through'],
    cell: ({ arms }) =>
      [arms.direct, arms.floor, arms.gateway].map((arm) => figure(arm.requestsPerSecond, 0)).join('/'),
  },
  {
    head: ['first text', 'added ms'],
    cell: ({ scenario, added }) => (scenario.mode === 'whole' ? '-' : spread(added.gateway.firstContent)),
  },
  { head: ['each piece', 'added ms'], cell: ({ added }) => spread(added.gateway.transit) },
];

/** Only a burst is so long that what the rest of its request costs does not count. */
function cpuPerPiece({ scenario, arms }: ScenarioResult): string {
  const { cpuMs } = arms.gateway;
  if (scenario.mode !== 'burst' || cpuMs === undefined) return '-';
  return figure((cpuMs * 1_000) / SCRIPTS.burst.pieces, 0);
}

/** The table, one scenario a line. */
export function tableOf(results: readonly ScenarioResult[]): string {
  const rows = [
    COLUMNS.map(({ head }) => head[0]),
    COLUMNS.map(({ head }) => head[1]),
    ...results.map((result) => COLUMNS.map(({ cell }) => cell(result))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return [...lines.slice(0, 2), '-'.repeat(lines[0]?.length ?? 0), ...lines.slice(2)].join('\n');
}

/** Every wrong answer of every arm, a line each. */
export const failuresOf = (results: readonly ScenarioResult[]): readonly string[] =>
  results.flatMap(({ scenario, arms }) =>
    Object.entries(arms).flatMap(([arm, { failures }]) =>
      Object.entries(failures).map(
        ([reason, count]) =>
          `${scenario.path} ${scenario.mode} ${scenario.concurrency} ${arm}: ${count} times ${reason}`,
      ),
    ),
  );

/** How to read the table. */
export const LEGEND = `
direct: straight to the provider. through: through the gateway, on a key with a hard monthly budget, so that each request
reserves money before the call and settles it after the answer. floor: through the smallest proxy there can be in Node.
added: the difference of neighbouring rounds, p50 to p50 and p99 to p99; median of the rounds [least..most]. CPU: of the
gateway's process, and of the embedded engine that stands in for DynamoDB, for each request. Each caller sends its next
request when it has its answer: where a core is full, latency is queueing and requests/s the ceiling. whole: one body;
stream: ${SCRIPTS.stream.pieces} pieces ${SCRIPTS.stream.intervalMs} ms apart; burst: ${SCRIPTS.burst.pieces} pieces without a pause (there the load is the limit of "direct").`;
