import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { isJsonObject, type JsonObject } from '../../lambda/domain/json.ts';
import { textAt, valueAt } from './mock/turn.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const READY_WITHIN_MS = 60_000;
const SETTLED_WITHIN_MS = 10_000;

/** A local gateway in a process of its own, as `npm start` runs it. */
export interface RunningGateway {
  readonly url: string;
  /** Makes a virtual key with a hard budget over the admin API. @returns its secret */
  createKey(name: string, limitUsd: number): Promise<string>;
  /** What each of these requests cost, in dollars, once all are settled; `undefined` where nothing was recorded. */
  costs(key: string, requestIds: readonly string[]): Promise<readonly (number | undefined)[]>;
  stop(): Promise<void>;
}

export interface GatewayPlace {
  /** A folder of its own, for its data and its configuration. */
  readonly folder: string;
  readonly definition: GatewayDefinition;
  /** Credentials and addresses of providers. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Starts the gateway on a free port. @throws Error with what it printed, where it does not get ready */
export async function startGateway({
  folder,
  definition,
  environment,
}: GatewayPlace): Promise<RunningGateway> {
  const config = join(folder, 'gateway.config.ts');
  const adminKey = `admin-${crypto.randomUUID()}`;
  writeFileSync(config, configText(definition));
  const child = spawn(process.execPath, [join(ROOT, 'bin', 'local.ts')], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      SLUICE_CONFIG: config,
      SLUICE_DATA_DIR: join(folder, 'data'),
      SLUICE_ADMIN_KEY: adminKey,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = await readyUrl(child);
  const ask = (path: string, key: string): Promise<JsonObject> => getJson(url + path, key);
  return {
    url,
    createKey: (name, limitUsd) => createKey(url, adminKey, { name, limitUsd }),
    costs: (key, ids) =>
      Promise.all(
        ids.map((id) =>
          within(
            () => costOf(ask, key, id),
            (cost) => cost !== undefined,
          ),
        ),
      ),
    stop: () => stopProcess(child),
  };
}

/** Whether two amounts are equal to the nano-dollar. */
export const isSameAmount = (left: number, right: number): boolean =>
  Math.round(left * 1e9) === Math.round(right * 1e9);

const configText = (definition: GatewayDefinition): string => `
import { defineGateway } from ${JSON.stringify(join(ROOT, 'lambda/config/define-gateway.ts'))};
export default defineGateway(${JSON.stringify(definition, undefined, 2)});
`;

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const fail = (): void => {
      child.kill();
      reject(new Error(`The gateway did not get ready:\n${printed.trim()}`));
    };
    const timer = setTimeout(fail, READY_WITHIN_MS);
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const url = /Sluice is ready at (http:\S+)/.exec(printed)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      child.off('exit', fail);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', fail);
  });
}

async function createKey(
  url: string,
  adminKey: string,
  { name, limitUsd }: { readonly name: string; readonly limitUsd: number },
): Promise<string> {
  const answer = await fetch(`${url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name, budgets: [{ limit_usd: limitUsd, window: 'total', mode: 'hard' }] }),
  });
  const body: unknown = await answer.json();
  if (answer.status === 201 && isJsonObject(body)) return textAt(body, 'key');
  throw new Error(`No key was made: ${answer.status} ${JSON.stringify(body)}`);
}

async function costOf(
  ask: (path: string, key: string) => Promise<JsonObject>,
  key: string,
  id: string,
): Promise<number | undefined> {
  const record = await ask(`/v1/generation?id=${id}`, key);
  // Without an outcome it is still open: what is charged is not known yet.
  if (typeof valueAt(record, 'data', 'outcome') !== 'string') return undefined;
  return Number(valueAt(record, 'data', 'total_cost'));
}

async function getJson(url: string, key: string): Promise<JsonObject> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  const body: unknown = await answer.json();
  return isJsonObject(body) ? body : {};
}

/** Asks until the answer will do or time is up. @returns the last answer */
async function within<Value>(ask: () => Promise<Value>, willDo: (value: Value) => boolean): Promise<Value> {
  const deadlineMs = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const value = await ask();
    if (willDo(value) || performance.now() > deadlineMs) return value;
    await sleep(200);
  }
}

async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await gone;
  clearTimeout(timer);
}
