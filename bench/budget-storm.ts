import { parseArgs } from 'node:util';
import { runBudgetStorm, type StormReport } from '../test/support/budget-storm.ts';

/**
 * Four processes on one store, many concurrent requests on a key with a $0.05 hard budget, then one at a time until
 * refused; then the same with `kill -9` of all processes in the middle. Prints figures, and fails where the books do not
 * agree: `node bench/budget-storm.ts --requests 500`
 */
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '500' },
    processes: { type: 'string', default: '4' },
    'limit-usd': { type: 'string', default: '0.05' },
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

const storm = {
  requests: Number(values.requests),
  processes: Number(values.processes),
  limitUsd: Number(values['limit-usd']),
  sweep: 'wait',
} as const;
const calm = await runBudgetStorm({ ...storm, kill: false });
print(`${storm.requests} requests at once, ${storm.processes} processes`, calm);
const killed = await runBudgetStorm({ ...storm, kill: true });
print('the same, with kill -9 of all processes in the middle and a restart', killed);
process.exitCode = faultsOf(calm).length + faultsOf(killed).length > 0 ? 1 : 0;
