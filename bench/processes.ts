import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NS_PER_MS } from './clock.ts';
import { sum } from './statistics.ts';

export interface Program {
  readonly pid: number;
  readonly port: number;
  /** Asks it to end, and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ProgramStart {
  /** Relative to the project. */
  readonly script: string;
  readonly port: number;
  readonly arguments?: readonly string[];
  readonly nodeOptions?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const PROJECT_ROOT = join(import.meta.dirname, '..');
const START_TIMEOUT_MS = 20_000;

/** Starts a Node program and waits until it answers on its port. @throws Error with what it said where it does not */
export async function startProgram(start: ProgramStart): Promise<Program> {
  const command = [...(start.nodeOptions ?? []), start.script, ...(start.arguments ?? [])];
  const child = spawn(process.execPath, command, {
    cwd: PROJECT_ROOT,
    env: { ...process.env, ...start.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  // However this process ends, its children do not outlive it.
  process.once('exit', () => child.kill());
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2_000);
  });
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(start.port))) {
    if (hasEnded(child) || child.pid === undefined || performance.now() > deadlineMs) {
      await stopChild(child);
      throw new Error(`${start.script} did not start. ${said}`);
    }
    await sleep(20);
  }
  // A child that answers has a process id.
  return { pid: child.pid ?? 0, port: start.port, stop: () => stopChild(child) };
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || hasEnded(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await gone;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/health', agent: false }, (response) => {
      response.resume();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/**
 * Binds processes with all their threads to one core each, so that the load does not take from what is measured.
 * @returns whether it could: there are two cores, and `taskset`
 */
export function pinToCores(cores: ReadonlyMap<number, number>): boolean {
  if (availableParallelism() < 2) return false;
  return [...cores].every(
    ([pid, core]) => spawnSync('taskset', ['-a', '-c', '-p', String(core), String(pid)]).status === 0,
  );
}

/** CPU time each thread of some processes has used so far, in nanoseconds. */
export type CpuSample = ReadonlyMap<string, number>;

/** Empty where the system does not tell (it is not Linux). @see https://docs.kernel.org/scheduler/sched-stats.html */
export function sampleCpu(pids: readonly number[]): CpuSample {
  const sample = new Map<string, number>();
  for (const pid of pids)
    for (const thread of entries(`/proc/${pid}/task`)) {
      const [onCpuNs] = readFields(`/proc/${pid}/task/${thread}/schedstat`);
      if (onCpuNs !== undefined) sample.set(`${pid}/${thread}`, Number(onCpuNs));
    }
  return sample;
}

/** CPU time used between two samples, in milliseconds; `undefined` where the system does not tell. */
export function cpuBetween(before: CpuSample, after: CpuSample): number | undefined {
  if (after.size === 0) return undefined;
  let usedNs = 0;
  for (const [thread, ns] of after) usedNs += ns - (before.get(thread) ?? 0);
  return usedNs / NS_PER_MS;
}

/** CPU time of the whole machine, in milliseconds; `undefined` where the system does not tell. */
export function machineCpuMs(): number | undefined {
  const [name, user, nice, system, , , interrupt, softInterrupt] = readFields('/proc/stat');
  if (name !== 'cpu') return undefined;
  const ticks = [user, nice, system, interrupt, softInterrupt].map(Number);
  return sum(ticks) * MS_PER_TICK;
}

/** USER_HZ, 100 on every Linux. */
const MS_PER_TICK = 10;

/** The processes a process has started, and those have. */
export function descendants(pid: number): readonly number[] {
  const children = entries('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((entry) => parentOf(entry) === pid)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function parentOf(pid: string): number {
  // The second field is the program's name in brackets, which may hold anything.
  const [, , parent] = readText(`/proc/${pid}/stat`).replace(/^.*\)/s, ')').split(' ');
  return Number(parent);
}

const readFields = (path: string): readonly string[] =>
  readText(path)
    .split(/\s+/)
    .filter((field) => field !== '');

/** Processes and threads come and go while they are looked at. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
