import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { startTestEngine } from '../test/support/engine.ts';
import { runSchedule, type Sabotage, schedules } from '../test/support/money-schedule.ts';

/**
 * Runs random schedules of requests, crashes, faults, sweeps and clock jumps against the ledger on the real engine, and
 * counts those in which a budget was exceeded or a sum was wrong. `--sabotage no-limit|no-fence|no-entry` breaks the ledger
 * on purpose: then such must be found.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    sabotage: { type: 'string' },
  },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
const engine = await startTestEngine();
const startedMs = performance.now();
let [steps, broken] = [0, 0];
for (const [index, schedule] of fc.sample(schedules, { numRuns: runs, seed }).entries()) {
  // What is not one of them breaks nothing.
  const wrong = await runSchedule(engine, schedule, values.sabotage as Sabotage | undefined);
  steps += schedule.steps.length;
  if (wrong.length === 0) continue;
  broken += 1;
  if (broken <= 3) console.log(`schedule ${index}: ${wrong.join('; ')}`);
}
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
console.log(`${runs} schedules (${steps} steps, seed ${seed}) in ${seconds} s: ${broken} went wrong.`);
await engine.stop();
process.exitCode = broken === 0 || values.sabotage !== undefined ? 0 : 1;
