import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Json, parseJson } from '../../lambda/domain/json.ts';
import type { Agent } from './agent.ts';
import { isSameAmount, type RunningGateway, startGateway } from './gateway.ts';
import { errandOf, FINAL_TEXT } from './mock/script.ts';
import { type AgentUpstream, startAgentUpstream, type UpstreamCall } from './mock/upstream.ts';
import {
  CALL_COST_USD,
  definitionFor,
  PROVIDER_ENVIRONMENT,
  type ProviderName,
  type Unsupported,
} from './providers.ts';
import { startTap, type Tap, type TappedCall } from './tap.ts';

const RUN_WITHIN_MS = 120_000;
const BUDGET_USD = 50;

/** One errand of one agent at one provider. */
export interface RunPlan {
  readonly agent: Agent;
  readonly provider: ProviderName;
  /** The gateway's setting. */
  readonly unsupported: Unsupported;
  /** The agent's program. */
  readonly program: string;
  /** Throw-away: the agent's home and working folder and the gateway's data go into it. */
  readonly folder: string;
}

/** A call, and what the gateway recorded that it cost. */
export type PricedCall = TappedCall & { readonly costUsd: number | undefined };

/** What became of an errand. */
export interface RunResult {
  readonly agent: Agent;
  readonly provider: ProviderName;
  readonly unsupported: Unsupported;
  readonly calls: readonly PricedCall[];
  readonly upstreamCalls: readonly UpstreamCall[];
  /** The shell's output reached the provider. */
  readonly toolRan: boolean;
  /** The agent showed the provider's last text as its answer. */
  readonly finalTextSeen: boolean;
  /** Whether signed reasoning came back with the next turn; `undefined`: there was none. */
  readonly proofReturned: boolean | undefined;
  /** What the provider's answers are worth at the declared price. */
  readonly expectedUsd: number;
  /** The sum of the records. (The key's own counter follows within minutes, as upkeep folds it.) */
  readonly recordedUsd: number;
  /** `undefined`: it was ended, as its time was up. */
  readonly exitCode: number | undefined;
  readonly durationMs: number;
  /** The agent's own JSON output, line by line, without the key. */
  readonly output: readonly string[];
  readonly problems: string;
}

/** Whether all went as it should. */
export const isGood = (result: RunResult): boolean =>
  result.toolRan &&
  result.finalTextSeen &&
  result.exitCode === 0 &&
  // Another format may have no place for it: then the provider's own rules say whether it can do without.
  (result.proofReturned !== false || result.provider !== result.agent.ownProvider) &&
  result.upstreamCalls.every(({ brokenRules }) => brokenRules.length === 0) &&
  result.expectedUsd > 0 &&
  isSameAmount(result.recordedUsd, result.expectedUsd);

/** Runs a full tool loop of an agent through a gateway of its own. @throws Error where the gateway does not start */
export async function runAgent(plan: RunPlan): Promise<RunResult> {
  const errand = errandOf(crypto.randomUUID().slice(0, 8));
  const upstream = await startAgentUpstream(errand);
  const gatewayFolder = join(plan.folder, 'gateway');
  mkdirSync(gatewayFolder, { recursive: true });
  let gateway: RunningGateway | undefined;
  let tap: Tap | undefined;
  try {
    gateway = await startGateway({
      folder: gatewayFolder,
      definition: definitionFor(plan.provider, plan.agent.models, plan.unsupported),
      environment: PROVIDER_ENVIRONMENT[plan.provider](upstream.url),
    });
    tap = await startTap(gateway.url);
    const key = await gateway.createKey(`${plan.agent.id} at ${plan.provider}`, BUDGET_USD);
    const prompt = `Run this command in the shell and tell me what it prints: ${errand.command}`;
    const ended = await launch(plan, { url: tap.url, key, prompt });
    return {
      ...(await pricedCalls(gateway, key, tap)),
      ...seenBy(upstream),
      agent: plan.agent,
      provider: plan.provider,
      unsupported: plan.unsupported,
      finalTextSeen: finalText(plan.agent, ended.output).includes(FINAL_TEXT + errand.mark),
      exitCode: ended.exitCode,
      durationMs: ended.durationMs,
      output: ended.output.map((line) => line.replaceAll(key, 'sk-slu-…')),
      problems: ended.problems.replaceAll(key, 'sk-slu-…').replaceAll(tmpdir(), '…'),
    };
  } finally {
    await tap?.close();
    await gateway?.stop();
    await upstream.close();
  }
}

interface Ended {
  readonly exitCode: number | undefined;
  readonly durationMs: number;
  readonly output: readonly string[];
  readonly problems: string;
}

function launch(
  { agent, program, folder }: RunPlan,
  access: { readonly url: string; readonly key: string; readonly prompt: string },
): Promise<Ended> {
  const home = join(folder, 'home');
  const work = join(folder, 'work');
  const temporary = join(folder, 'tmp');
  for (const one of [home, work, temporary]) mkdirSync(one, { recursive: true });
  const started = agent.launch({ ...access, home, model: agent.models[0] });
  for (const [path, text] of Object.entries(started.files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  const startedMs = performance.now();
  const child = spawn(program, started.arguments, {
    cwd: work,
    // Nothing of this shell's environment but where programs are.
    env: { PATH: process.env['PATH'], HOME: home, TMPDIR: temporary, ...started.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let problems = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => endGroup(child.pid), RUN_WITHIN_MS);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      // What it left running in the background goes with it.
      endGroup(child.pid);
      resolve({
        exitCode: code ?? undefined,
        durationMs: performance.now() - startedMs,
        output: output.split('\n').filter((line) => line.trim() !== ''),
        problems,
      });
    });
  });
}

/** Ends a process that leads a group, and all it started. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** All an agent said, from its lines. */
function finalText(agent: Agent, output: readonly string[]): string {
  const lines: readonly (Json | undefined)[] = output.map(parseJson);
  return lines.map((line) => (line === undefined ? '' : agent.answerIn(line))).join('');
}

function seenBy({
  calls,
}: AgentUpstream): Pick<RunResult, 'upstreamCalls' | 'toolRan' | 'proofReturned' | 'expectedUsd'> {
  const wasProofSent = calls.some(({ sentProof }) => sentProof);
  return {
    upstreamCalls: [...calls],
    toolRan: calls.some(({ hasMark }) => hasMark),
    proofReturned: wasProofSent ? calls.some(({ hasMark, hasProof }) => hasMark && hasProof) : undefined,
    expectedUsd: calls.length * CALL_COST_USD,
  };
}

async function pricedCalls(
  gateway: RunningGateway,
  key: string,
  tap: Tap,
): Promise<Pick<RunResult, 'calls' | 'recordedUsd'>> {
  // Only what a provider served has a record.
  const served = tap.calls.flatMap(({ requestId, provider }) =>
    requestId === undefined || provider === undefined ? [] : [requestId],
  );
  const costs = await gateway.costs(key, served);
  const calls = tap.calls.map((call) => ({
    ...call,
    costUsd: call.requestId === undefined ? undefined : costs[served.indexOf(call.requestId)],
  }));
  return { calls, recordedUsd: costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0) };
}
