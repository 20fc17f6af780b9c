import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect, createServer, Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where to look for a DynamoDB-compatible engine. */
export interface EngineSearch {
  /** The process's environment: `DYNAMODB_ENDPOINT`, `DYNOXIDE_BIN` and `PATH` are read. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The project's folder, which holds `node_modules`. */
  readonly root: string;
  readonly platform: string;
  readonly arch: string;
}

/** A server that runs already, or a program that can be started; `source` says where it was found, for people. */
export type Engine =
  | { readonly type: 'endpoint'; readonly endpoint: string; readonly source: string }
  | { readonly type: 'program'; readonly path: string; readonly source: string };

export interface EngineStart extends EngineSearch {
  /** File that keeps the data; `undefined`: in memory. Two engines on one file share it safely. */
  readonly dbPath?: string;
  /** @default a free one, each time anew */
  readonly port?: number;
}

export interface RunningEngine {
  readonly endpoint: string;
  readonly source: string;
  /** Ends a program that was started here, and resolves when it is gone. */
  stop(): Promise<void>;
}

const ENGINE_VERSION = '1.2.1';
const START_TIMEOUT_MS = 10_000;
const START_ATTEMPTS = 3;

/**
 * Finds the engine: `DYNAMODB_ENDPOINT`, then `DYNOXIDE_BIN`, then the installed package of this platform (in the project,
 * or in `.local/dynamo`, which `npm ci` leaves alone), then `PATH`.
 * @throws Error that names the commands which help, where there is none
 */
export function findEngine(search: EngineSearch): Engine {
  const { DYNAMODB_ENDPOINT: endpoint, DYNOXIDE_BIN: program } = search.environment;
  if (endpoint) return { type: 'endpoint', endpoint, source: 'DYNAMODB_ENDPOINT' };
  if (program) return { type: 'program', path: program, source: 'DYNOXIDE_BIN' };
  const found = findInstalled(search) ?? findOnPath(search);
  if (found !== undefined) return found;
  throw new Error(
    `No DynamoDB-compatible engine was found for ${search.platform}-${search.arch}. Either of these helps:\n` +
      `  npm install --prefix .local/dynamo --no-save ${packageName(search)}@${ENGINE_VERSION}\n` +
      '  export DYNAMODB_ENDPOINT=http://127.0.0.1:8000   # any DynamoDB-compatible server that runs there',
  );
}

/**
 * Starts the engine that `findEngine` finds, unless it runs already. It ends when `stop` is called or when this process
 * ends, in whatever way.
 * @throws Error where there is none, or it does not come up
 */
export async function startEngine(start: EngineStart): Promise<RunningEngine> {
  const engine = findEngine(start);
  if (engine.type === 'endpoint') {
    return { endpoint: engine.endpoint, source: engine.source, stop: async () => {} };
  }
  for (let attempt = 1; ; attempt++) {
    // Between finding a free port and taking it somebody else may have taken it: then another one is tried.
    const port = start.port ?? (await freePort());
    const child = spawnEngine({ ...start, path: engine.path, port });
    const failure = await waitUntilUp(child, port);
    if (failure === undefined) {
      return { endpoint: `http://127.0.0.1:${port}`, source: engine.source, stop: () => stopEngine(child) };
    }
    await stopEngine(child);
    if (start.port !== undefined || attempt === START_ATTEMPTS) {
      throw new Error(`The engine ${engine.path} (${engine.source}) did not start: ${failure}`);
    }
  }
}

const packageName = (search: EngineSearch): string => `@dynoxide/${search.platform}-${search.arch}`;
const programName = (search: EngineSearch): string =>
  search.platform === 'win32' ? 'dynoxide.exe' : 'dynoxide';

function findInstalled(search: EngineSearch): Engine | undefined {
  const name = packageName(search);
  for (const folder of [search.root, join(search.root, '.local/dynamo')]) {
    for (const modules of createRequire(join(folder, 'package.json')).resolve.paths(name) ?? []) {
      const path = join(modules, name, programName(search));
      if (existsSync(path)) return { type: 'program', path, source: `${name} in ${modules}` };
    }
  }
  return undefined;
}

function findOnPath(search: EngineSearch): Engine | undefined {
  const folders = (search.environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const path = folders
    .map((folder) => join(folder, programName(search)))
    .find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : { type: 'program', path, source: 'PATH' };
}

/**
 * A shell waits at the far end of a pipe whose near end this process holds: when this process ends, even by SIGKILL, the
 * pipe closes and the shell ends the engine, whose process id is the shell's own (`exec` keeps it).
 */
const END_WITH_PARENT = '(cat <&3 >/dev/null; kill -TERM $$ 2>/dev/null) & exec "$0" "$@" 3<&-';

function spawnEngine(start: EngineStart & { readonly path: string; readonly port: number }): ChildProcess {
  const database = start.dbPath === undefined ? [] : ['--db-path', start.dbPath];
  const command = [start.path, 'serve', '--host', '127.0.0.1', '--port', String(start.port), ...database];
  const hasShell = start.platform !== 'win32';
  const [program = '', ...parameters] = hasShell ? ['/bin/sh', '-c', END_WITH_PARENT, ...command] : command;
  const child = spawn(program, parameters, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    // Its own process group: Ctrl-C in a terminal reaches this process first, which still has requests to settle.
    detached: hasShell,
  });
  if (!hasShell) process.once('exit', () => child.kill());
  return child;
}

/** Resolves when the engine answers on its port, or with what went wrong. */
async function waitUntilUp(child: ChildProcess, port: number): Promise<string | undefined> {
  let said = '';
  let ended: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.once('exit', (code, signal) => {
    ended = `ended with ${code ?? signal}`;
  });
  child.once('error', (error) => {
    ended = error.message;
  });
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    if (ended !== undefined) return `${ended}. ${said.trim().slice(0, 300)}`;
    // Its own word is waited for, as the port alone may answer for a program that took it first.
    if (said.includes(`:${port}`) && said.includes('listening') && (await answers(port))) {
      letProcessEnd(child);
      return undefined;
    }
    await sleep(5);
  }
  return `no answer within ${START_TIMEOUT_MS} ms. ${said.trim().slice(0, 300)}`;
}

/** An engine that runs keeps nobody's process alive. */
function letProcessEnd(child: ChildProcess): void {
  child.stderr?.resume();
  child.unref();
  for (const stream of child.stdio) if (stream instanceof Socket) stream.unref();
}

async function stopEngine(child: ChildProcess): Promise<void> {
  const gone =
    child.pid === undefined || child.exitCode !== null || child.signalCode !== null
      ? undefined
      : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.kill('SIGTERM');
  await gone;
  for (const stream of child.stdio) stream?.destroy();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
