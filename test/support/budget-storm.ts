import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AttributeValue, ScanCommand } from '@aws-sdk/client-dynamodb';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import type { Scope } from '../../lambda/domain/money/budget.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { windowIdAt } from '../../lambda/domain/money/window.ts';
import { PROJECT_ROOT, startTestEngine, type TestEngine } from './engine.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';
import stormConfig from './storm.config.ts';

/** Many requests at once on one hard budget, over several processes on one store. */
export interface StormOptions {
  readonly requests: number;
  readonly processes: number;
  readonly limitUsd: number;
  /** Whose budget it is: the key's, or that of the team it belongs to. */
  readonly scope: 'key' | 'team';
  /** Each process asks on and on until it is refused, for one to five hundredths of the limit at a time. */
  readonly untilRefused: boolean;
  /** Ends all processes by SIGKILL while requests are under way, and starts them again. */
  readonly kill: boolean;
  /** `wait`: for the processes' own upkeep, once the reservations have expired. `now`: sweeps with a clock that is ahead. */
  readonly sweep: 'wait' | 'now';
}

/** Money in nano-dollars. */
export interface StormReport {
  readonly limit: bigint;
  readonly spent: bigint;
  readonly reserved: bigint;
  /** Of all records of the key. */
  readonly sumOfRecords: bigint;
  readonly records: number;
  /** How requests ended, by status; `lost`: with their process. */
  readonly answers: Readonly<Record<string, number>>;
  /** Reservations that stood when the processes were killed. */
  readonly openAfterKill: number;
  readonly swept: number;
  readonly oneAtATime: number;
  readonly durationMs: number;
  readonly stormMs: number;
}

const KEY = 'sk-slu-storm-00000000000000000000';
const ADMIN_KEY = 'storm-admin';
/** Of the limit: what all requests would cost together, so that the last of them are refused. */
const PRESSURE = 1.25;
const TEAM: Scope = { kind: 'team', id: 'storm' };
/** Short where the sweep is waited for after a kill; long where a busy machine shall not look like a refusal. */
const timeoutMs = ({ untilRefused }: StormOptions): number => (untilRefused ? 60_000 : 5_000);
const STARTS_WITHIN_MS = 30_000;
const SWEPT_WITHIN_MS = 150_000;

interface Storm {
  readonly options: StormOptions;
  readonly engine: TestEngine;
  readonly store: Store;
  readonly mock: MockUpstream;
  readonly folder: string;
  servers: readonly Server[];
}

interface Server {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Runs it all, and cleans up. */
export async function runBudgetStorm(options: StormOptions): Promise<StormReport> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-storm-'));
  const [engine, mock] = await Promise.all([startTestEngine(join(folder, 'store.db')), startMockUpstream()]);
  const storm: Storm = { options, engine, store: engine.store(), mock, folder, servers: [] };
  try {
    return await run(storm);
  } finally {
    await Promise.all(storm.servers.map(({ child }) => end(child, 'SIGKILL')));
    await mock.close();
    await engine.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 20 });
  }
}

async function run(storm: Storm): Promise<StormReport> {
  const { options } = storm;
  const startedMs = performance.now();
  await startServers(storm);
  const { id, key } = await createKey(storm);
  const answers: Record<string, number> = {};
  const count = (answer: string): void => {
    answers[answer] = (answers[answer] ?? 0) + 1;
  };
  const stormStartedMs = performance.now();
  const asking = options.untilRefused
    ? storm.servers.map((_, process) => askOnAndOn(storm, process, key, count))
    : Array.from({ length: options.requests }, (_, index) => ask(storm, index, key).then(count));
  let openAfterKill = 0;
  let swept = 0;
  if (options.kill) {
    await waitForShare(answers, options.requests / 4);
    await Promise.all(storm.servers.map(({ child }) => end(child, 'SIGKILL')));
    await Promise.all(asking);
    openAfterKill = (await totals(storm, id)).open;
    await startServers(storm);
    swept = await sweepAll(storm, id);
  } else await Promise.all(asking);
  const stormMs = performance.now() - stormStartedMs;
  const oneAtATime = options.untilRefused ? 0 : await askUntilRefused(storm, key);
  await settled(storm, id);
  const { sum, records } = await totals(storm, id);
  const { spent, committed } = await counters(storm, options.scope === 'team' ? TEAM : { kind: 'key', id });
  return {
    limit: nanoFromUsd(options.limitUsd),
    spent,
    reserved: committed - spent,
    sumOfRecords: sum,
    records,
    answers,
    openAfterKill,
    swept,
    oneAtATime,
    stormMs,
    durationMs: performance.now() - startedMs,
  };
}

async function startServers(storm: Storm): Promise<void> {
  storm.servers = await Promise.all(
    Array.from({ length: storm.options.processes }, (_, index) => startServer(storm, index)),
  );
}

async function startServer({ engine, mock, folder }: Storm, index: number): Promise<Server> {
  const child = spawn(process.execPath, [join(PROJECT_ROOT, 'bin/local.ts')], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      PORT: '0',
      DYNAMODB_ENDPOINT: engine.endpoint,
      SLUICE_DATA_DIR: join(folder, `process-${index}`),
      SLUICE_CONFIG: join(PROJECT_ROOT, 'test/support/storm.config.ts'),
      SLUICE_KEY: KEY,
      SLUICE_ADMIN_KEY: ADMIN_KEY,
      OPENAI_API_KEY: 'mock',
      SLUICE_OPENAI_BASE_URL: `${mock.url}/v1`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
    });
  const deadlineMs = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const url = /ready at (\S+)/.exec(said)?.[1];
    if (url !== undefined) return { child, url };
    if (child.exitCode !== null || performance.now() > deadlineMs)
      throw new Error(`A local server did not start: ${said}`);
    await sleep(20);
  }
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function createKey({
  servers,
  options,
}: Storm): Promise<{ readonly id: string; readonly key: string }> {
  const make = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${servers[0]?.url}/admin/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 201) throw new Error(`Nothing was made: ${await response.text()}`);
    return response.json();
  };
  const budgets = [{ limit_usd: options.limitUsd, window: 'total' }];
  if (options.scope === 'team') await make('teams', { id: TEAM.id, budgets });
  const of = options.scope === 'team' ? { team: TEAM.id } : { budgets };
  // The shape of the contract.
  return (await make('keys', { name: 'storm', ...of })) as { readonly id: string; readonly key: string };
}

/** One process's callers: one after another until it refuses. */
async function askOnAndOn(
  storm: Storm,
  process: number,
  key: string,
  count: (answer: string) => void,
): Promise<void> {
  const { processes } = storm.options;
  for (let round = 0; ; round += 1) {
    const answer = await ask(storm, process + round * processes, key);
    count(answer);
    if (answer !== '200') return;
  }
}

/** Each request has a limit of its own, between half and one and a half times the mean. */
function limitOf({ options }: Storm, index: number): number {
  const terms = stormConfig.declaredPrices['openai/mock*']?.[0]?.terms;
  const femtoUsdPerToken = terms?.type === 'rates' ? terms.price.standard.rates.completion : 0n;
  const tokens = (usd: number): number => Math.max(1, Math.round(usd / (Number(femtoUsdPerToken) / 1e15)));
  if (options.untilRefused) return tokens((options.limitUsd * (1 + ((index * 37) % 5))) / 100);
  const mean = (options.limitUsd * PRESSURE) / options.requests;
  return tokens(mean * (0.5 + ((index * 37) % 101) / 100));
}

/** Every other answer is streamed; all are as long as they may be. @returns the status, or how it was lost */
async function ask(storm: Storm, index: number, key: string): Promise<string> {
  const { servers, options } = storm;
  try {
    const response = await fetch(`${servers[index % servers.length]?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-sluice-timeout-ms': String(timeoutMs(options)),
      },
      body: JSON.stringify({
        model: `openai/mock-c100000-l${options.kill ? 20 + ((index * 53) % 600) : 1}`,
        max_tokens: limitOf(storm, index),
        stream: index % 2 === 0,
        messages: [{ role: 'user', content: `Request ${index}` }],
      }),
    });
    await response.arrayBuffer();
    return String(response.status);
  } catch {
    return 'lost';
  }
}

async function waitForShare(answers: Readonly<Record<string, number>>, share: number): Promise<void> {
  const answered = (): number => Object.values(answers).reduce((sum, count) => sum + count, 0);
  while (answered() < share) await sleep(5);
}

async function askUntilRefused(storm: Storm, key: string): Promise<number> {
  for (let asked = 0; ; asked += 1) {
    const answer = await ask({ ...storm, options: { ...storm.options, kill: false } }, asked, key);
    if (answer === '402') return asked;
    if (answer !== '200') throw new Error(`A request got ${answer} where 200 or 402 were due.`);
  }
}

/** Closes what the dead processes left open. @returns how many records were charged as reserved */
async function sweepAll(storm: Storm, keyId: string): Promise<number> {
  if (storm.options.sweep === 'wait') await settled(storm, keyId);
  else await sweepAhead(storm);
  return (await totals(storm, keyId)).swept;
}

/** Upkeep with a clock that is far enough ahead for every reservation to have expired, and every purse to be due. */
async function sweepAhead({ store, options }: Storm): Promise<void> {
  const now = Date.now();
  await dynamoLedgerUpkeep(store).sweep(now + timeoutMs(options) + 180_000, now + 30_000);
}

/** Until no reservation stands and no purse holds money: by the processes' own upkeep, or by ours. */
async function settled(storm: Storm, keyId: string): Promise<void> {
  const deadlineMs = performance.now() + SWEPT_WITHIN_MS;
  for (;;) {
    const { open, held } = await totals(storm, keyId);
    if (open === 0 && held === 0) return;
    if (performance.now() > deadlineMs) throw new Error(`${open} reservations and ${held} purses were left.`);
    if (open === 0 && storm.options.sweep === 'now') await sweepAhead(storm);
    await sleep(200);
  }
}

interface Totals {
  readonly sum: bigint;
  readonly records: number;
  readonly swept: number;
  /** Reservations that stand in purses. */
  readonly open: number;
  /** Purses that hold money. */
  readonly held: number;
}

/** What the table itself holds of a key's records and purses. */
async function totals(storm: Storm, keyId: string): Promise<Totals> {
  const items = await allItems(storm);
  const records = items.filter(
    (item) => /^(leg|correction)#/.test(item['sk']?.S ?? '') && item['keyId']?.S === keyId,
  );
  const purses = items.filter((item) => item['pk']?.S?.startsWith(`purse#${keyId}#`) === true);
  return {
    sum: records.reduce((sum, item) => sum + BigInt(item['cost']?.N ?? 0), 0n),
    records: records.length,
    swept: records.filter((item) => item['chargeBasis']?.S === 'swept').length,
    open: purses.reduce((sum, item) => sum + Number(item['open']?.N ?? 0), 0),
    held: purses.filter((item) => item['openShard'] !== undefined).length,
  };
}

type StoredItem = Readonly<Record<string, AttributeValue>>;

async function allItems({ store }: Storm): Promise<readonly StoredItem[]> {
  const items: StoredItem[] = [];
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await store.client.send(
      new ScanCommand({ TableName: store.tables.spend, ConsistentRead: true, ExclusiveStartKey: from }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return items;
}

async function counters({ store }: Storm, scope: Scope) {
  const found = await dynamoLedger(store).counters(scope);
  const total = found?.windows[windowIdAt('total', Date.now())];
  if (total === undefined) throw new Error('The scope has no counters.');
  return total;
}
