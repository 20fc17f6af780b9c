import { Agent, type IncomingMessage, request } from 'node:http';
import { monotonicNs, NS_PER_MS } from './clock.ts';
import { sum } from './statistics.ts';

/** One request to send again and again, and how its answer is known to be right. */
export interface Target {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isStream: boolean;
  /** Time stamps in a right answer. */
  readonly marks: number;
  /** Text that ends a right stream. */
  readonly terminator: string;
}

/** One answer, in milliseconds. */
interface Shot {
  /** From sending the request to the end of its answer. */
  readonly latencyMs: number;
  /** From sending the request to the first piece of text. */
  readonly firstContentMs: number;
  /** How long each piece of text after the first was on its way. */
  readonly transitsMs: readonly number[];
}

/** What one round of load saw. */
export interface Round {
  readonly shots: readonly Shot[];
  /** What so many callers get out of it who never pause: their number over the mean latency. */
  readonly requestsPerSecond: number;
  /** Wrong answers, by what was wrong with them. */
  readonly failures: ReadonlyMap<string, number>;
}

interface Mark {
  readonly sentNs: number;
  readonly receivedNs: number;
}

const TIMEOUT_MS = 30_000;
const MOST_FAILURES = 50;
const LONGEST_MARK = 64;

/** Keeps so many requests open for so long: each caller sends its next one when it has its answer. */
export async function sendLoad(
  target: Target,
  load: { readonly concurrency: number; readonly durationMs: number },
): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.concurrency });
  const endNs = monotonicNs() + load.durationMs * NS_PER_MS;
  const tally: Tally = { shots: [], failures: new Map(), failed: 0 };
  await Promise.all(
    Array.from({ length: load.concurrency }, async () => {
      while (monotonicNs() < endNs && tally.failed < MOST_FAILURES) await callOnce(target, agent, tally);
    }),
  );
  agent.destroy();
  const { shots, failures } = tally;
  const meanMs = sum(shots.map(({ latencyMs }) => latencyMs)) / shots.length;
  return { shots, failures, requestsPerSecond: (load.concurrency * 1_000) / meanMs };
}

interface Tally {
  readonly shots: Shot[];
  readonly failures: Map<string, number>;
  failed: number;
}

async function callOnce(target: Target, agent: Agent, tally: Tally): Promise<void> {
  try {
    tally.shots.push(await shoot(target, agent));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    tally.failed += 1;
    tally.failures.set(reason, (tally.failures.get(reason) ?? 0) + 1);
  }
}

/** Sends one request. @throws Error for any answer that is not right */
function shoot(target: Target, agent: Agent): Promise<Shot> {
  return new Promise((resolve, reject) => {
    const startedNs = monotonicNs();
    const call = request({
      host: '127.0.0.1',
      port: target.port,
      path: target.path,
      method: 'POST',
      agent,
      timeout: TIMEOUT_MS,
      headers: { ...target.headers, 'content-type': 'application/json' },
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', reject);
    call.on('response', (response) => {
      readAnswer(response, target).then((marks) => resolve(shotOf(marks, startedNs)), reject);
    });
    call.end(target.body);
  });
}

function readAnswer(response: IncomingMessage, target: Target): Promise<readonly Mark[]> {
  return new Promise((resolve, reject) => {
    const marks: Mark[] = [];
    // The end of what was read, in which a mark or the terminator may have begun.
    let tail = '';
    let isTerminated = false;
    response.setEncoding('latin1');
    response.on('data', (piece: string) => {
      const receivedNs = monotonicNs();
      const text = tail + piece;
      let readTo = Math.max(0, text.length - LONGEST_MARK);
      for (const match of text.matchAll(/@(\d+)@/g)) {
        marks.push({ sentNs: Number(match[1]), receivedNs });
        readTo = Math.max(readTo, match.index + match[0].length);
      }
      isTerminated ||= text.includes(target.terminator);
      tail = text.slice(readTo);
    });
    response.on('error', reject);
    response.on('end', () => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      else if (marks.length !== target.marks) reject(new Error(`${marks.length} pieces of text`));
      else if (target.isStream && !isTerminated) reject(new Error('no terminator'));
      else resolve(marks);
    });
  });
}

function shotOf(marks: readonly Mark[], startedNs: number): Shot {
  const [first, ...rest] = marks;
  return {
    latencyMs: (monotonicNs() - startedNs) / NS_PER_MS,
    firstContentMs: ((first?.receivedNs ?? Number.NaN) - startedNs) / NS_PER_MS,
    transitsMs: rest.map(({ sentNs, receivedNs }) => (receivedNs - sentNs) / NS_PER_MS),
  };
}
