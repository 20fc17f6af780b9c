import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isGood, type RunResult } from './run-agent.ts';

/** An errand that could not be begun. */
export interface NotRun {
  readonly name: string;
  readonly version: string;
  readonly provider: string;
  readonly reason: string;
}

const COLUMNS = [
  'agent',
  'version',
  'speaks',
  'provider',
  '`unsupportedParameters`',
  'turns',
  'tool ran',
  'final text',
  'signed reasoning',
  'provider would refuse',
  'answers',
  'left out (`x-sluice-dropped`)',
  'cost recorded',
  'exit',
  'seconds',
] as const;

/** The table of all errands, as Markdown. */
export function table(results: readonly RunResult[], notRun: readonly NotRun[]): string {
  const rows = [
    [...COLUMNS],
    COLUMNS.map(() => '---'),
    ...results.map(row),
    ...notRun.map((one) => [
      one.name,
      one.version,
      '',
      one.provider,
      `not run: ${one.reason}`,
      ...COLUMNS.slice(5).map(() => ''),
    ]),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function row(result: RunResult): string[] {
  const { agent } = result;
  const isOwn = agent.ownProvider === result.provider;
  return [
    agent.name,
    agent.version,
    agent.dialect,
    `${result.provider} (${isOwn ? 'own' : 'foreign'}: ${unique(result.upstreamCalls.map(({ dialect }) => dialect))})`,
    result.unsupported,
    String(result.upstreamCalls.length),
    yesNo(result.toolRan),
    yesNo(result.finalTextSeen),
    result.proofReturned === undefined
      ? 'none sent'
      : result.proofReturned
        ? 'came back'
        : 'did not come back',
    unique(result.upstreamCalls.flatMap((call) => call.brokenRules)) || 'nothing',
    answers(result),
    unique(result.calls.flatMap(({ dropped }) => dropped?.split(/, */) ?? [])),
    money(result),
    String(result.exitCode ?? 'time was up'),
    (result.durationMs / 1_000).toFixed(1),
  ];
}

const yesNo = (value: boolean): string => (value ? 'yes' : '**no**');

const unique = (values: readonly string[]): string => [...new Set(values)].join(', ');

/** `200 × 3, 404 × 1`. */
function answers({ calls }: RunResult): string {
  const counted = Map.groupBy(calls, ({ status }) => status);
  return [...counted].map(([status, same]) => `${status} × ${same.length}`).join(', ');
}

function money({ recordedUsd, expectedUsd }: RunResult): string {
  const recorded = `$${recordedUsd.toFixed(6)}`;
  const expected = `$${expectedUsd.toFixed(6)}`;
  return recorded === expected ? recorded : `**${recorded}, not ${expected}**`;
}

/** Every path that an agent was refused, with what it was told. */
export function refusals(results: readonly RunResult[]): readonly string[] {
  const lines = results.flatMap(({ agent, provider, calls }) =>
    calls
      .filter(({ status }) => status >= 400)
      .map(({ method, path, status, error }) =>
        `${agent.name} at ${provider}: ${method} ${path} → ${status} ${error ?? ''}`.trim(),
      ),
  );
  return [...new Set(lines)];
}

/** Keeps the transcript of one errand in a folder that is there: the agent's own output, and its requests without their text. */
export function writeTranscript(folder: string, result: RunResult): void {
  const { agent, provider, output, problems, ...facts } = result;
  const name = join(folder, `${agent.id}-at-${provider}`);
  const shown = { agent: agent.name, version: agent.version, speaks: agent.dialect, provider };
  writeFileSync(`${name}.output.jsonl`, output.map((line) => `${line}\n`).join(''));
  writeFileSync(
    `${name}.requests.json`,
    `${JSON.stringify({ ...shown, good: isGood(result), ...facts, problems: problems.slice(-2_000) }, undefined, 2)}\n`,
  );
}
