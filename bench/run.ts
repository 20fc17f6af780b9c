/**
 * What the gateway adds: the same load straight to a provider, through the smallest proxy, and through the gateway, in
 * alternating rounds of one run.
 *
 *     npm run bench                               # about four minutes
 *     npm run bench -- --quick                    # about half a minute
 *     npm run bench -- --json figures.json        # everything that was measured, too
 *     npm run bench -- --paths openai→openai --modes whole,burst --concurrency 16 --profile profiles
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Effort, measure, type ScenarioResult } from './measure.ts';
import { type Programs, startPrograms } from './programs.ts';
import { failuresOf, LEGEND, tableOf } from './report.ts';
import { MODES, PATHS, type Scenario, scenariosOf } from './scenarios.ts';

const THOROUGH: Effort = { rounds: 3, durationMs: 1_200 };
const QUICK: Effort = { rounds: 2, durationMs: 150 };
/** The first requests run code that is not compiled yet. */
const COMPILE_MS = { thorough: 1_500, quick: 200 };
const DEFAULT_CONCURRENCIES = '1,16,64';
const MOST_CONCURRENCY = 256;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    profile: { type: 'string' },
    paths: { type: 'string', default: PATHS.join(',') },
    modes: { type: 'string', default: MODES.join(',') },
    concurrency: { type: 'string', default: DEFAULT_CONCURRENCIES },
  },
});

function chosen<Name extends string>(text: string, known: readonly Name[]): readonly Name[] {
  return text.split(',').map((word) => {
    const name = known.find((candidate) => candidate === word);
    if (name === undefined) throw new Error(`There is no "${word}"; there are ${known.join(', ')}.`);
    return name;
  });
}

function concurrenciesOf(text: string): readonly number[] {
  const numbers = text.split(',').map(Number);
  if (numbers.some((number) => !(Number.isInteger(number) && number >= 1 && number <= MOST_CONCURRENCY)))
    throw new Error(`--concurrency takes whole numbers from 1 to ${MOST_CONCURRENCY}.`);
  return numbers;
}

async function measureAll(
  programs: Programs,
  scenarios: readonly Scenario[],
): Promise<readonly ScenarioResult[]> {
  const durationMs = options.quick ? COMPILE_MS.quick : COMPILE_MS.thorough;
  for (const first of firstOfEachKind(scenarios))
    await measure(programs, { ...first, concurrency: 8 }, { rounds: 1, durationMs });
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    showProgress(
      `${results.length + 1}/${scenarios.length} ${scenario.path} ${scenario.mode} ${scenario.concurrency}`,
    );
    results.push(await measure(programs, scenario, options.quick ? QUICK : THOROUGH));
  }
  showProgress('');
  return results;
}

/** On a line of its own that is written over, where a person looks on. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}\r`);
}

const firstOfEachKind = (scenarios: readonly Scenario[]): readonly Scenario[] =>
  scenarios.filter(
    ({ path, mode }, index) =>
      scenarios.findIndex((other) => other.path === path && other.mode === mode) === index,
  );

async function main(): Promise<void> {
  const scenarios = scenariosOf({
    paths: chosen(options.paths, PATHS),
    modes: chosen(options.modes, MODES),
    concurrencies: concurrenciesOf(options.concurrency),
  });
  const profileFolder = options.profile === undefined ? undefined : resolve(options.profile);
  const startedMs = performance.now();
  // Asked before this process is bound to one of them.
  const cores = availableParallelism();
  const programs = await startPrograms(profileFolder);
  try {
    const results = await measureAll(programs, scenarios);
    const budget = await programs.budget();
    const tookSeconds = Math.round((performance.now() - startedMs) / 1_000);
    const worstForeign = Math.max(...results.map(({ foreignCores }) => foreignCores ?? 0));
    const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cores} cores, Node ${process.version}`;
    console.log(tableOf(results));
    console.log(LEGEND);
    console.log(`
${machine}; ${programs.isPinned ? 'gateway and floor on one core, everything else on another' : 'not pinned to cores'}; ${tookSeconds} s.
Other programs took up to ${worstForeign.toFixed(2)} cores in a round.
Budget of the bench key: $${budget.spent_usd} spent, $${budget.reserved_usd} reserved when all was over.`);
    if (options.json !== undefined)
      writeFileSync(options.json, JSON.stringify({ machine, budget, tookSeconds, results }, undefined, 1));
    for (const failure of failuresOf(results)) {
      console.error(`WRONG ANSWERS: ${failure}`);
      process.exitCode = 1;
    }
  } finally {
    await programs.stop();
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
await main();
