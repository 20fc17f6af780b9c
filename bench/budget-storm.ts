import { parseArgs } from 'node:util';
import { runBudgetStorm, type StormReport } from '../test/support/budget-storm.ts';

/**
 * Four processes on one store, many concurrent requests on a key with a $0.05 hard budget, then one at a time until
 * refused; then the same with `kill -9` of all processes in the middle. Prints figures, and fails where the books do not
 * agree: `node bench/budget-storm.ts --requests 500`. With `--until-refused` each process asks on and on, all on one team's
 * budget: `node bench/budget-storm.ts --until-refused --processes 64 --limit-usd 1`
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '500' },
    processes: { type: 'string', default: '4' },
    'limit-usd': { type: 'string', default: '0.05' },
    'until-refused': { type: 'boolean', default: false },
  },
});

const usd = (nano: bigint): string => `$${(Number(nano) / 1e9).toFixed(9)}`;

/** What is not as it must be. */
function faultsOf(report: StormReport): readonly string[] {
  return [
    ...(report.spent === report.sumOfRecords ? [] : ['the records do not sum up to what is spent']),
    ...(report.spent <= report.limit ? [] : ['more was spent than the limit']),
    ...(report.spent * 100n >= report.limit * 95n ? [] : ['less than 95 % of the limit could be used']),
    ...(report.reserved === 0n ? [] : ['money is still reserved']),
  ];
}

function print(title: string, report: StormReport): void {
  const share = (Number(report.spent * 10_000n) / Number(report.limit) / 100).toFixed(2);
  console.log(`
${title}
  limit            ${usd(report.limit)}
  spent counter    ${usd(report.spent)}  (${share} % of the limit)
  sum of records   ${usd(report.sumOfRecords)}
  reserved         ${usd(report.reserved)}
  records          ${report.records}
  answers          ${JSON.stringify(report.answers)}, then ${report.oneAtATime} one at a time until refused
  killed           ${report.openAfterKill} reservations left, ${report.swept} charged by the sweep
  time             storm ${Math.round(report.stormMs)} ms, in all ${Math.round(report.durationMs)} ms`);
  for (const fault of faultsOf(report)) console.log(`  FAULT: ${fault}`);
}

const processes = Number(values.processes);
const limitUsd = Number(values['limit-usd']);

/** Each process asks for one to five hundredths of a team's budget at a time, until it is refused. */
async function untilAllAreRefused(): Promise<readonly string[]> {
  const report = await runBudgetStorm({
    requests: 0,
    processes,
    limitUsd,
    scope: 'team',
    untilRefused: true,
    sweep: 'now',
    kill: false,
  });
  print(`${processes} processes, one team's budget, until each is refused`, report);
  return faultsOf(report);
}

/** Many requests at once, then one at a time until refused; then the same with `kill -9` in the middle. */
async function atOnce(): Promise<readonly string[]> {
  const requests = Number(values.requests);
  const storm = { requests, processes, limitUsd, scope: 'key', untilRefused: false, sweep: 'wait' } as const;
  const calm = await runBudgetStorm({ ...storm, kill: false });
  print(`${requests} requests at once, ${processes} processes`, calm);
  const killed = await runBudgetStorm({ ...storm, kill: true });
  print('the same, with kill -9 of all processes in the middle and a restart', killed);
  return [...faultsOf(calm), ...faultsOf(killed)];
}

const faults = await (values['until-refused'] ? untilAllAreRefused() : atOnce());
process.exitCode = faults.length > 0 ? 1 : 0;
