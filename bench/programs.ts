import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, freePort, type Program, pinToCores, startProgram } from './processes.ts';
import type { Addresses } from './scenarios.ts';

/** Everything that runs besides the load itself. */
export interface Programs {
  readonly addresses: Addresses;
  readonly upstream: Program;
  readonly floor: Program;
  readonly gateway: Program;
  /** The gateway's store: processes it has started. Empty where the store runs elsewhere. */
  readonly engine: readonly number[];
  readonly isPinned: boolean;
  /** The bench key's budget, as the gateway sees it now. */
  budget(): Promise<Budget>;
  stop(): Promise<void>;
}

export interface Budget {
  readonly spent_usd: number;
  readonly reserved_usd: number;
}

const ADMIN_KEY = 'sk-slu-admin-of-the-benchmark-0000';
/** Large enough that no request is refused, and hard, so that every request reserves and settles. */
const HARD_BUDGET = { limit_usd: 1_000_000, window: 'month', mode: 'hard' };

/** Starts provider, floor and gateway. @param profileFolder gets a CPU profile of the gateway when it ends */
export async function startPrograms(profileFolder: string | undefined): Promise<Programs> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  process.once('exit', () => rmSync(dataFolder, { recursive: true, force: true }));
  const upstreamPort = await freePort();
  const upstreamUrl = `http://127.0.0.1:${upstreamPort}`;
  const running: Program[] = [];
  async function stop(): Promise<void> {
    await Promise.all(running.map((program) => program.stop()));
  }
  async function start(...[program]: Parameters<typeof startProgram>): Promise<Program> {
    const started = await startProgram(program);
    running.push(started);
    return started;
  }
  try {
    const upstream = await start({
      script: 'bench/upstream.ts',
      port: upstreamPort,
      arguments: ['--port', String(upstreamPort)],
    });
    const floorPort = await freePort();
    const floor = await start({
      script: 'bench/baseline-proxy.ts',
      port: floorPort,
      arguments: ['--port', String(floorPort), '--upstream', upstreamUrl],
    });
    const gateway = await start(await gatewayStart({ upstreamUrl, dataFolder, profileFolder }));
    const engine = descendants(gateway.pid);
    const cores = [upstream.pid, process.pid, ...engine].map((pid) => [pid, 1] as const);
    const created = await createKey(gateway.port);
    return {
      addresses: {
        ports: { direct: upstreamPort, floor: floorPort, gateway: gateway.port },
        key: created.key,
      },
      upstream,
      floor,
      gateway,
      engine,
      isPinned: pinToCores(new Map([...cores, [floor.pid, 0], [gateway.pid, 0]])),
      budget: () => readBudget(gateway.port, created.id),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function gatewayStart(options: {
  readonly upstreamUrl: string;
  readonly dataFolder: string;
  readonly profileFolder: string | undefined;
}): Promise<Parameters<typeof startProgram>[0]> {
  const port = await freePort();
  const { upstreamUrl, dataFolder, profileFolder } = options;
  return {
    script: 'bin/local.ts',
    port,
    nodeOptions: profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    environment: {
      PORT: String(port),
      HOST: '127.0.0.1',
      SLUICE_DATA_DIR: dataFolder,
      SLUICE_CONFIG: join(import.meta.dirname, 'gateway.config.ts'),
      SLUICE_KEY: 'sk-slu-first-key-of-the-benchmark',
      SLUICE_ADMIN_KEY: ADMIN_KEY,
      OPENAI_API_KEY: 'sk-bench',
      SLUICE_OPENAI_BASE_URL: `${upstreamUrl}/v1`,
      ANTHROPIC_API_KEY: 'sk-bench',
      SLUICE_ANTHROPIC_BASE_URL: upstreamUrl,
    },
  };
}

interface CreatedKey {
  readonly id: string;
  readonly key: string;
}

async function createKey(port: number): Promise<CreatedKey> {
  const body = JSON.stringify({ name: 'bench', budgets: [HARD_BUDGET] });
  // The shape of the admin API's answer.
  return (await askAdmin(port, '/admin/keys', { method: 'POST', body })) as CreatedKey;
}

async function readBudget(port: number, id: string): Promise<Budget> {
  // The shape of the admin API's answer.
  const key = (await askAdmin(port, `/admin/keys/${id}`)) as { readonly budgets: readonly Budget[] };
  const [budget] = key.budgets;
  if (budget === undefined) throw new Error('The bench key has lost its budget.');
  return budget;
}

async function askAdmin(port: number, path: string, options: RequestInit = {}): Promise<unknown> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { ...options, headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
