/**
 * Designs of hard budgets on DynamoDB, compared in virtual time. The same figures at every run.
 *
 *     npx node bench/reservation-designs/run.ts
 */
import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
import { CELLS } from './cells.ts';
import { tablesOf } from './report.ts';
import { type Outcome, simulate } from './simulate.ts';

const WORKERS = 2;

/** Works off the cells, each worker the next one that nobody has begun. */
async function simulateAll(): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  // Those that take longest come first.
  const order = CELLS.map((_, index) => index).sort((a, b) => sizeOf(b) - sizeOf(a));
  const workOff = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url));
    for (let index = order.shift(); index !== undefined; index = order.shift()) {
      worker.postMessage(index);
      [outcomes[index]] = await once(worker, 'message');
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: WORKERS }, workOff));
  return outcomes;
}

const sizeOf = (index: number): number => CELLS[index]?.setting.environments ?? 0;

if (parentPort === null) {
  const outcomes = await simulateAll();
  const rows = CELLS.flatMap(({ table, label }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ table, label, outcome }];
  });
  console.log(tablesOf(rows));
  // What is wrong with B is in its tables; anywhere else it is a fault.
  const wrong = outcomes.filter(
    ({ design, overspent, drift }) => !design.startsWith('B') && overspent + drift > 0,
  );
  for (const outcome of wrong) console.error(`THE BOOKS DO NOT AGREE: ${JSON.stringify(outcome)}`);
  if (wrong.length > 0) process.exitCode = 1;
} else {
  const port = parentPort;
  port.on('message', (index: number) => {
    const cell = CELLS[index];
    if (cell !== undefined) port.postMessage(simulate(cell.setting));
  });
}
