import { setTimeout as sleep } from 'node:timers/promises';
import { makeDynamoClient } from '../lambda/adapters/dynamodb/client.ts';
import { dynamoScopeStore } from '../lambda/adapters/dynamodb/scope-store.ts';
import { NO_RULES } from '../lambda/domain/scope-settings.ts';
import type { VirtualKey } from '../lambda/domain/virtual-key.ts';
import { ask } from '../test/support/ask.ts';
import { unitsOf } from '../test/support/consumed-units.ts';
import {
  budget,
  folded,
  type LocalGateway,
  startLocalGateway,
  type TestKey,
} from '../test/support/local-gateway.ts';

/**
 * Counts, on the wire, what a request asks of DynamoDB: calls and waits before the upstream call, calls after the answer, units, and
 * dollars per million requests. For keys that are used often (one request after another) and seldom (one each 1.2 s), in
 * one process, with all folds: `node bench/store-calls.ts`
 */
const BUSY_REQUESTS = 200;
const SELDOM_REQUESTS = 8;
const SELDOM_GAP_MS = 1_200;
/** us-east-1, on demand. @see https://aws.amazon.com/dynamodb/pricing/on-demand/ */
const USD_PER_MILLION = { write: 0.625, read: 0.125 };

interface StoreCall {
  readonly command: string;
  readonly startMs: number;
  endMs: number;
  writeUnits: number;
  readUnits: number;
}

const calls: StoreCall[] = [];

function countingClient(endpoint: string) {
  const client = makeDynamoClient(endpoint);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const call: StoreCall = {
        command: (context.commandName ?? '').replace('Command', ''),
        startMs: performance.now(),
        endMs: Number.POSITIVE_INFINITY,
        writeUnits: 0,
        readUnits: 0,
      };
      calls.push(call);
      const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'INDEXES' } });
      const units = unitsOf(result.output);
      const isRead = /^(Get|Query|BatchGet)/.test(call.command);
      Object.assign(call, {
        endMs: performance.now(),
        ...(isRead ? { readUnits: units } : { writeUnits: units }),
      });
      return result;
    },
    { step: 'initialize', name: 'counter' },
  );
  return client;
}

/** Waits one after another: calls that overlap are one. */
function waitsIn(some: readonly StoreCall[]): number {
  let waits = 0;
  let endMs = 0;
  for (const call of some.toSorted((a, b) => a.startMs - b.startMs)) {
    if (call.startMs > endMs) waits += 1;
    endMs = Math.max(endMs, call.endMs);
  }
  return waits;
}

interface Kind {
  readonly name: string;
  readonly key: Partial<VirtualKey>;
  readonly headers?: Readonly<Record<string, string>>;
}

const month = [budget(1_000, { window: 'month' })];
const KINDS: readonly Kind[] = [
  { name: 'no budget', key: {} },
  { name: 'key', key: { budgets: month } },
  { name: 'key + team + organization', key: { budgets: month, team: 't', organization: 'o' } },
  {
    name: 'key + team + organization + session',
    key: { budgets: month, team: 't', organization: 'o' },
    headers: { 'x-session-id': 'run', 'x-sluice-session-max-cost-usd': '100' },
  },
];

interface Seen {
  readonly before: readonly StoreCall[];
  readonly waits: number;
}

/** One request, and what it asked before its upstream call. */
async function once(gateway: LocalGateway, { secret }: TestKey, { headers = {} }: Kind): Promise<Seen> {
  const from = calls.length;
  let sentAtMs = Number.POSITIVE_INFINITY;
  onSend = () => {
    sentAtMs = performance.now();
  };
  const response = await ask(gateway, secret, { headers });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`A request got ${response.status}.`);
  await gateway.record(response);
  const before = calls.slice(from).filter(({ startMs }) => startMs < sentAtMs);
  return { before, waits: waitsIn(before) };
}

let onSend = (): void => {};

async function measure(
  gateway: LocalGateway,
  kind: Kind,
  { requests, gapMs }: { readonly requests: number; readonly gapMs: number },
): Promise<string> {
  const key = await gateway.createKey(kind.key);
  // What a process asks once for a key it has not met is not what a request costs.
  for (let warm = 0; warm < 3; warm += 1) await once(gateway, key, kind);
  await sleep(gapMs);
  await folded(gateway.store);
  const from = calls.length;
  const seen: Seen[] = [];
  for (let index = 0; index < requests; index += 1) {
    seen.push(await once(gateway, key, kind));
    await sleep(gapMs);
  }
  await sleep(300);
  await folded(gateway.store);
  const all = calls.slice(from).filter(({ command }) => command !== 'Query');
  const sum = (pick: (call: StoreCall) => number): number =>
    all.reduce((total, call) => total + pick(call), 0) / requests;
  const [writes, reads] = [sum(({ writeUnits }) => writeUnits), sum(({ readUnits }) => readUnits)];
  const before = seen.reduce((total, each) => total + each.before.length, 0) / requests;
  const waits = seen.map((each) => each.waits).sort((a, b) => a - b);
  const dollars = writes * USD_PER_MILLION.write + reads * USD_PER_MILLION.read;
  return `| ${kind.name} | ${gapMs === 0 ? 'often' : 'seldom'} | ${before.toFixed(2)} | ${waits[Math.floor(requests / 2)]} (${waits.at(-1)}) | ${(all.length / requests - before).toFixed(2)} | ${writes.toFixed(2)} | ${reads.toFixed(2)} | $${dollars.toFixed(2)} |`;
}

const gateway = await startLocalGateway({ client: countingClient });
const { send } = gateway.gateway;
Object.assign(gateway.gateway, {
  send: (...request: Parameters<typeof send>) => {
    onSend();
    return send(...request);
  },
});
for (const [kind, id] of [
  ['team', 't'],
  ['organization', 'o'],
] as const)
  await dynamoScopeStore(gateway.store).put({
    ...NO_RULES,
    scope: { kind, id },
    name: id,
    metadata: {},
    policyVersion: 0,
    createdAtMs: 0,
    budgets: month,
  });
console.log(
  '| budgets on | used | calls before | waits before: median (most) | calls after | write units | read units | per million |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const kind of KINDS) {
  console.log(await measure(gateway, kind, { requests: BUSY_REQUESTS, gapMs: 0 }));
  console.log(await measure(gateway, kind, { requests: SELDOM_REQUESTS, gapMs: SELDOM_GAP_MS }));
}
await gateway.close();
