/**
 * Runs real coding agents through a local gateway, each through one full loop with its shell tool, and prints a table.
 *
 *     node scripts/agents/run.ts [--agent claude,codex] [--dialect own,foreign] [--provider anthropic] [--out .sluice/agents]
 *
 * The agents come from npm into a folder under the system's temporary one; each has a home, a working folder, a gateway, a
 * virtual key and a mock of the providers to itself. Nothing but npm needs the network. Transcripts go to `--out`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Agent } from './agent.ts';
import { AGENTS } from './agents.ts';
import { install } from './install.ts';
import { PROVIDER_NAMES, type ProviderName } from './providers.ts';
import { type NotRun, refusals, table, writeTranscript } from './report.ts';
import { isGood, type RunResult, runAgent } from './run-agent.ts';

/** Who is sent where. */
interface Pairing {
  readonly agent: Agent;
  readonly provider: ProviderName;
}

function pairingsAsked(options: {
  readonly agent: string;
  readonly dialect: string;
  readonly provider: string;
}): readonly Pairing[] {
  const [agents, dialects, providers] = [options.agent, options.dialect, options.provider].map(
    (list) => new Set(list.split(',')),
  );
  // OpenCode stands for all of its formats.
  const isAsked = ({ id }: Agent): boolean =>
    agents?.has(id) === true || agents?.has(id.replace(/-.*/, '')) === true;
  return AGENTS.filter(isAsked).flatMap((agent) =>
    PROVIDER_NAMES.filter(
      (provider) =>
        providers?.has(provider) === true &&
        dialects?.has(provider === agent.ownProvider ? 'own' : 'foreign') === true,
    ).map((provider) => ({ agent, provider })),
  );
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      agent: { type: 'string', default: AGENTS.map(({ id }) => id).join(',') },
      dialect: { type: 'string', default: 'own,foreign' },
      provider: { type: 'string', default: PROVIDER_NAMES.join(',') },
      out: { type: 'string', default: '.sluice/agents' },
    },
  });
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const results: RunResult[] = [];
  const notRun: NotRun[] = [];
  for (const pairing of pairingsAsked(values)) {
    const outcome = await runPairing(pairing);
    if ('reason' in outcome) notRun.push(outcome);
    else {
      results.push(outcome);
      writeTranscript(out, outcome);
    }
    const said = 'reason' in outcome ? `not run: ${outcome.reason}` : isGood(outcome) ? 'good' : 'NOT GOOD';
    console.error(`${pairing.agent.name} at ${pairing.provider}: ${said}`);
  }
  const lines = [
    table(results, notRun),
    '',
    'Refused:',
    '',
    ...refusals(results).map((line) => `- ${line}`),
    '',
  ];
  console.log(lines.join('\n'));
  writeFileSync(join(out, 'summary.md'), lines.join('\n'));
  if (results.length === 0 || notRun.length > 0 || !results.every(isGood)) process.exitCode = 1;
}

/** Runs an errand under the default configuration and, where that refuses what the provider cannot express, dropping it. */
async function runPairing({ agent, provider }: Pairing): Promise<RunResult | NotRun> {
  try {
    const program = await install(agent, join(tmpdir(), 'sluice-agents'));
    const result = await inFolder((folder) =>
      runAgent({ agent, provider, program, folder, unsupported: 'reject' }),
    );
    if (!result.calls.some(({ isUnsupported }) => isUnsupported)) return result;
    return await inFolder((folder) => runAgent({ agent, provider, program, folder, unsupported: 'drop' }));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = message.replaceAll(/\s+/g, ' ').slice(0, 300);
    return { name: agent.name, version: agent.version, provider, reason };
  }
}

/** Does something with a folder that is gone afterwards. */
async function inFolder<Value>(work: (folder: string) => Promise<Value>): Promise<Value> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-errand-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main();
