/**
 * Fuzzes every dialect: mutated recordings through its decoder and through all encoders, mutated requests through its
 * reader and to all formats. Prints what became of them; fails where a rule was broken, something was thrown, or nothing
 * happened for too long. The same seed gives the same cases.
 *
 *     node scripts/fuzz-dialects.ts [--streams 100000] [--bodies 20000] [--seed 1]
 */
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { fuzzBodies } from './fuzz/fuzz-bodies.ts';
import { fuzzStreams } from './fuzz/fuzz-streams.ts';

/** No case takes nearly as long, unless it never ends. */
const HANG_MS = 30_000;

interface Task {
  readonly streams: number;
  readonly bodies: number;
  readonly seed: number;
  /** The number of the case that is at work, for the thread that watches. */
  readonly progress: SharedArrayBuffer;
}

/** A case that never ends keeps its thread, so another one watches. */
function watch(): void {
  const { values } = parseArgs({
    options: {
      streams: { type: 'string', default: '100000' },
      bodies: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
    },
  });
  const progress = new SharedArrayBuffer(4);
  const task: Task = {
    streams: Number(values.streams),
    bodies: Number(values.bodies),
    seed: Number(values.seed),
    progress,
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: task });
  const counter = new Int32Array(progress);
  let last = -1;
  const timer = setInterval(() => {
    const now = Atomics.load(counter, 0);
    if (now === last) {
      console.error(`Case ${now} has not ended for ${HANG_MS} ms (seed ${task.seed}).`);
      process.exit(1);
    }
    last = now;
  }, HANG_MS);
  worker.on('error', (error) => {
    throw error;
  });
  worker.on('exit', (code) => {
    clearInterval(timer);
    process.exitCode = code;
  });
}

async function work({ streams, bodies, seed, progress }: Task): Promise<void> {
  const counter = new Int32Array(progress);
  const onCase = (number: number): void => void Atomics.store(counter, 0, number);
  const streamCounts = await fuzzStreams({ streams, seed, onCase });
  console.log('streams: dialect, all, ended well, ended in an error, broke a rule');
  for (const [id, { streams: all, endedWell, endedInError, failures }] of streamCounts)
    console.log([id, all, endedWell, endedInError, failures.length].join('\t'));
  const bodyCounts = fuzzBodies({ bodies, seed, onCase });
  console.log('bodies: dialect, all, understood, refused, broke a rule');
  for (const [id, { bodies: all, understood, refused, failures }] of bodyCounts)
    console.log([id, all, understood, refused, failures.length].join('\t'));
  const failures = [...streamCounts.values(), ...bodyCounts.values()].flatMap((count) => count.failures);
  for (const failure of failures.slice(0, 20)) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

if (isMainThread) watch();
// The thread that watches gives exactly this.
else await work(workerData as Task);
