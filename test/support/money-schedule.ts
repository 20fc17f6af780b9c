import type { DynamoDBClient, ServiceInputTypes, UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { entriesOf } from '../../lambda/adapters/dynamodb/purse-item.ts';
import { scopeKey } from '../../lambda/adapters/dynamodb/scope-item.ts';
import { dynamoScopeStore } from '../../lambda/adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../../lambda/adapters/dynamodb/spend-reports.ts';
import { forEachConcurrently, readItem, type Store } from '../../lambda/adapters/dynamodb/store.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import { deploymentId, requestId, secretHash, virtualKeyId } from '../../lambda/domain/ids.ts';
import { type Budget, type ScopePolicy, scopeName } from '../../lambda/domain/money/budget.ts';
import { leaseTerms } from '../../lambda/domain/money/lease.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';
import { windowIdsAt } from '../../lambda/domain/money/window.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  RequestOutcome,
  Reservation,
} from '../../lambda/domain/request-record.ts';
import { NO_RULES } from '../../lambda/domain/scope-settings.ts';
import { newVirtualKey, type VirtualKey } from '../../lambda/domain/virtual-key.ts';
import type { Clock } from '../../lambda/ports/clock.ts';
import type { Ledger } from '../../lambda/ports/ledger.ts';
import type { TestEngine } from './engine.ts';
import { type Fault, faultyClient, ProcessDied, randomFaults, type StoreCall } from './faulty-client.ts';

/** What happens in one made-up time, in any order: requests of several processes, sweeps, and jumps of the clock. */
export interface Schedule {
  readonly steps: readonly Step[];
  readonly seed: number;
  /** Whether processes find purses worth filling ahead. */
  readonly isShared: boolean;
}

type Step = RequestStep | SweepStep | { readonly type: 'jump'; readonly byMs: number };

interface SweepStep {
  readonly type: 'sweep';
  readonly afterMs: number;
}

interface RequestStep {
  readonly type: 'request';
  readonly process: number;
  readonly key: number;
  readonly session: number | undefined;
  readonly estimate: number;
  readonly raisedBy: number | undefined;
  /** Per cent of what was reserved. */
  readonly costs: number;
  readonly end: 'settled' | 'settled-twice' | 'released' | 'refused' | 'died' | 'late';
  readonly expiresAfterMs: number;
  /** At which of its store calls the process dies; `undefined`: at none. */
  readonly diesAt: number | undefined;
  readonly diesAfter: boolean;
}

const PROCESSES = 3;
const KEYS = 2;
const HOUR_MS = 3_600_000;
/** A minute before a month ends: every window has an edge there. */
const START_MS = Date.UTC(2026, 10, 30, 23, 59);
const TEAM_LIMIT = 2_200n;
const KEY_LIMITS = [1_500n, 1_000n] as const;
const SESSION_LIMIT = 900n;
const SESSION_CALLS = 4;

const FAULTS = { conflict: 0.08, throttled: 0.03, 'lost-answer': 0.12, refused: 0.02 } as const;

const requestStep: fc.Arbitrary<RequestStep> = fc.record({
  type: fc.constant('request' as const),
  process: fc.nat(PROCESSES - 1),
  key: fc.nat(KEYS - 1),
  session: fc.option(fc.nat(1), { nil: undefined, freq: 2 }),
  estimate: fc.integer({ min: 1, max: 500 }),
  raisedBy: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
  costs: fc.integer({ min: 0, max: 100 }),
  end: fc.constantFrom(
    'settled',
    'settled',
    'settled',
    'settled-twice',
    'released',
    'refused',
    'died',
    'late',
  ),
  expiresAfterMs: fc.integer({ min: 30_000, max: 120_000 }),
  diesAt: fc.option(fc.nat(9), { nil: undefined, freq: 3 }),
  diesAfter: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: requestStep },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('sweep' as const),
      afterMs: fc.integer({ min: -20_000, max: 20_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('jump' as const),
      byMs: fc.constantFrom(-30_000, 5_000, 59_999, 60_001, 90_000, HOUR_MS),
    }),
  },
);

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { minLength: 4, maxLength: 30 }),
  seed: fc.integer(),
  isShared: fc.boolean(),
});

/** Ways to break the ledger on purpose, which the checks must notice. */
export type Sabotage = 'no-limit' | 'no-fence' | 'no-entry';

interface World {
  readonly engine: Pick<TestEngine, 'endpoint' | 'store'>;
  readonly calm: Store;
  readonly clock: Clock;
  readonly jump: (byMs: number) => void;
  readonly schedule: Schedule;
  readonly keys: readonly VirtualKey[];
  readonly team: ScopePolicy;
  readonly ledgers: readonly Ledger[];
  /** Which process dies at which of its next calls. */
  readonly plans: ((call: StoreCall) => Fault | undefined)[];
  readonly requests: { readonly facts: RequestFacts; readonly own: readonly OwnScopePolicy[] }[];
  readonly wrong: string[];
  /** Calls under way: a request whose process died leaves others that it had begun. */
  readonly pending: { count: number };
}

let worlds = 0;

/** Runs a schedule on the real engine. @returns what was found wrong; empty where all is as it must be */
export async function runSchedule(
  engine: TestEngine,
  schedule: Schedule,
  sabotage?: Sabotage,
): Promise<readonly string[]> {
  let nowMs = START_MS;
  const start = performance.now();
  const clock: Clock = {
    now: () => Math.round(nowMs + (performance.now() - start)),
    monotonicMs: () => performance.now(),
    random: Math.random,
    sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs / 20)),
  };
  const jump = (byMs: number): void => {
    nowMs += byMs;
  };
  const clients: DynamoDBClient[] = [];
  const tracked: Pick<TestEngine, 'endpoint' | 'store'> = {
    endpoint: engine.endpoint,
    store(client) {
      const store = engine.store(client);
      clients.push(store.client);
      return store;
    },
  };
  const world = await newWorld(tracked, { schedule, clock, jump, sabotage });
  await forEachConcurrently(schedule.steps, 6, async (each) => {
    switch (each.type) {
      case 'jump':
        return jump(each.byMs);
      case 'sweep':
        return live(async () => {
          const store = world.engine.store(
            faultyClient(engine.endpoint, randomFaults(schedule.seed, FAULTS)),
          );
          await dynamoLedgerUpkeep({ ...store, clock }).sweep(
            clock.now() + each.afterMs,
            Number.MAX_SAFE_INTEGER,
          );
        });
      case 'request':
        await live(() => runRequest(world, each));
        await checkLimits(world);
    }
  });
  await settleDown(world);
  await checkLimits(world);
  await checkSums(world);
  for (const client of clients) client.destroy();
  return world.wrong;
}

async function newWorld(
  engine: World['engine'],
  {
    schedule,
    clock,
    jump,
    sabotage,
  }: Pick<World, 'schedule' | 'clock' | 'jump'> & { readonly sabotage: Sabotage | undefined },
): Promise<World> {
  worlds += 1;
  const calm: Store = { ...engine.store(), clock };
  const name = `${process.pid}-${worlds}`;
  const budgets = (limit: bigint, window: Budget['window']): readonly Budget[] => [
    { window, limit: nanoUsd(limit), mode: 'hard', softLimits: [] },
  ];
  const settings = await dynamoScopeStore(calm).put({
    ...NO_RULES,
    scope: { kind: 'team', id: name },
    name,
    metadata: {},
    policyVersion: 0,
    createdAtMs: 0,
    budgets: budgets(TEAM_LIMIT, 'month'),
  });
  const keys = KEY_LIMITS.map(
    (limit, index): VirtualKey => ({
      ...newVirtualKey({ id: virtualKeyId(`key_${name}-${index}`), name, createdAtMs: 0, hint: '' }),
      team: name,
      budgets: budgets(limit, index === 0 ? 'total' : 'day'),
    }),
  );
  for (const key of keys) await dynamoKeyStore(calm).create(key, secretHash(`hash-${key.id}`));
  const pending = { count: 0 };
  const plans = Array.from({ length: PROCESSES }, (_, index) => randomFaults(schedule.seed + index, FAULTS));
  const ledgers = plans.map((_, index) => {
    const client = faultyClient(engine.endpoint, (call) => {
      if (sabotage !== undefined) sabotageCall(call, sabotage);
      return plans[index]?.(call);
    });
    countPending(client, pending);
    // Each process has a clock of its own, some seconds off.
    const skewed: Clock = { ...clock, now: () => clock.now() + (index - 1) * 4_000 };
    return dynamoLedger({ ...engine.store(client), clock: skewed });
  });
  const team = {
    scope: settings.scope,
    policyVersion: settings.policyVersion,
    budgets: settings.budgets,
  };
  return {
    engine,
    calm,
    clock,
    jump,
    schedule,
    keys,
    team,
    ledgers,
    plans,
    requests: [],
    wrong: [],
    pending,
  };
}

/** Ends like a process that died, or a request that was told to come again: nothing more is done for it. */
async function live(life: () => Promise<void>): Promise<void> {
  try {
    await life();
  } catch (error) {
    if (error instanceof ProcessDied) return;
    if (error instanceof GatewayError && error.code === 'store_unavailable') return;
    throw error;
  }
}

async function runRequest(world: World, each: RequestStep): Promise<void> {
  const reservation = reservationOf(world, each);
  const facts = factsOf(world, each);
  world.requests.push({ facts, own: reservation.own });
  const ledger = dyingLedger(world, each);
  const first = await ledger.reserve(facts, reservation);
  if (first.type !== 'reserved') return ledger.recordRefusal(facts, outcomeOf(0n, 'budget_exceeded'));
  let { held } = first;
  // Who took so long to be admitted is not called any more.
  if (world.clock.now() >= held.expiresAtMs) return;
  if (each.raisedBy !== undefined) {
    const raised = await ledger.raise(facts, held, nanoUsd(held.estimate + BigInt(each.raisedBy)));
    if (raised.type === 'reserved') held = raised.held;
  }
  await endRequest(world, ledger, { each, facts, held });
}

async function endRequest(
  { clock, calm, jump }: World,
  ledger: Ledger,
  {
    each,
    facts,
    held,
  }: { readonly each: RequestStep; readonly facts: RequestFacts; readonly held: HeldReservation },
): Promise<void> {
  const ended = outcomeOf((held.estimate * BigInt(each.costs)) / 100n, 'ok');
  switch (each.end) {
    case 'died':
      return;
    case 'released':
      return ledger.release(facts, held);
    case 'refused':
      return ledger.recordRefusal(facts, outcomeOf(0n, 'store_unavailable'));
    case 'late':
      // Its process stands still until its time is over, and everybody's clock goes on.
      jump(Math.max(0, held.expiresAtMs - clock.now()) + 1);
      await dynamoLedgerUpkeep(calm).sweep(clock.now(), Number.MAX_SAFE_INTEGER);
      break;
    case 'settled':
    case 'settled-twice':
  }
  await ledger.settle(facts, held, ended);
  if (each.end === 'settled-twice') await ledger.settle(facts, held, ended);
}

/** The ledger of a request's process, which dies at one of the request's own calls. */
function dyingLedger(world: World, each: RequestStep): Ledger {
  const { diesAt } = each;
  const ledger = world.ledgers[each.process] ?? dynamoLedger(world.calm);
  if (diesAt === undefined) return ledger;
  let calls = 0;
  const client = faultyClient(world.engine.endpoint, () => {
    const isNow = calls === diesAt;
    calls += 1;
    if (calls > diesAt + 1) return 'crash';
    return isNow ? (each.diesAfter ? 'crash-after' : 'crash') : undefined;
  });
  countPending(client, world.pending);
  return dynamoLedger({ ...world.engine.store(client), clock: world.clock });
}

function factsOf({ clock, keys, requests }: World, { key, session }: RequestStep): RequestFacts {
  const { id, team = '' } = keys[key] ?? never();
  return {
    id: requestId(`gen-${id}-${requests.length}`),
    startedAtMs: clock.now(),
    keyId: id,
    team,
    ...(session !== undefined && { session: `run-${session}` }),
    tags: {},
    dialect: 'openai-chat',
    modelsAsked: ['openai/gpt-5-mini'],
    stream: false,
  };
}

function reservationOf(world: World, each: RequestStep): Reservation {
  const key = world.keys[each.key] ?? never();
  const nowMs = world.clock.now();
  const estimate = nanoUsd(BigInt(each.estimate));
  const shared: readonly ScopePolicy[] = [
    world.team,
    { scope: { kind: 'key', id: key.id }, policyVersion: 1, budgets: key.budgets },
  ];
  const terms = leaseTerms(shared, () => undefined, { estimate, shards: 1, nowMs });
  return {
    estimate,
    leg: 0,
    deployment: deploymentId('openai/gpt-5-mini'),
    key: { id: key.id, policyVersion: 1, purseShards: world.schedule.isShared ? 2 : 1 },
    shared,
    own: each.session === undefined ? [] : [sessionPolicy(key, each.session)],
    windows: windowIdsAt(nowMs).slice(1),
    expiresAtMs: nowMs + each.expiresAfterMs,
    terms: world.schedule.isShared ? { ...terms, allowance: nanoUsd(estimate * 2n), isShared: true } : terms,
  };
}

const sessionPolicy = (key: VirtualKey, session: number): OwnScopePolicy => ({
  scope: { kind: 'session', id: `${key.id}/run-${session}` },
  policyVersion: undefined,
  budgets: [{ window: 'total', limit: nanoUsd(SESSION_LIMIT), mode: 'hard', softLimits: [] }],
  maxCalls: SESSION_CALLS,
});

const outcomeOf = (cost: bigint, outcome: RequestOutcome['outcome']): RequestOutcome => ({
  outcome,
  attempts: [],
  ...(outcome === 'ok' && { provider: 'openai', model: 'gpt-5-mini' }),
  cost: nanoUsd(cost),
  chargeBasis: 'exact',
  boundExceeded: false,
  durationMs: 1,
});

const limitsOf = (world: World): readonly (readonly [ScopePolicy['scope'], bigint])[] => [
  [world.team.scope, TEAM_LIMIT],
  ...world.keys.map(({ id }, index) => [{ kind: 'key', id } as const, KEY_LIMITS[index] ?? 0n] as const),
  ...world.keys.flatMap((key) =>
    [0, 1].map((session) => [sessionPolicy(key, session).scope, SESSION_LIMIT] as const),
  ),
];

/** No window of a hard budget is ever committed beyond its limit. */
async function checkLimits(world: World): Promise<void> {
  const ledger = dynamoLedger(world.calm);
  for (const [scope, limit] of limitsOf(world)) {
    const budgetWindow = windowOfLimit(world, scope);
    for (const [window, { committed }] of Object.entries((await ledger.counters(scope))?.windows ?? {}))
      if (window.startsWith(budgetWindow) && committed > limit)
        world.wrong.push(`${scopeName(scope)} ${window}: ${committed} committed of ${limit}`);
  }
}

const windowOfLimit = (world: World, { kind, id }: ScopePolicy['scope']): string =>
  kind === 'team' ? 'month' : kind === 'key' && id === world.keys[1]?.id ? 'day' : 'total';

function countPending(client: DynamoDBClient, pending: World['pending']): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      pending.count += 1;
      try {
        return await next(args);
      } finally {
        pending.count -= 1;
      }
    },
    { step: 'initialize', name: 'pending' },
  );
}

/** Until nothing has been under way for longer than any pause between two attempts. */
async function quiet({ pending }: World): Promise<void> {
  for (let calm = 0; calm < 3; calm = pending.count === 0 ? calm + 1 : 0)
    await new Promise((resolve) => setTimeout(resolve, 8));
}

/** Everything expires, and is swept and folded by somebody who meets no faults. */
async function settleDown(world: World): Promise<void> {
  await quiet(world);
  const { calm, clock } = world;
  for (let round = 1; round <= 3; round += 1)
    await dynamoLedgerUpkeep(calm).sweep(clock.now() + round * 10 * HOUR_MS, Number.MAX_SAFE_INTEGER);
}

/** The records' sum is what every scope has spent and the reports show, and nothing is reserved any more. */
async function checkSums(world: World): Promise<void> {
  const ledger = dynamoLedger(world.calm);
  const records = await Promise.all(
    world.requests.map(async (request) => {
      const record = await ledger.find(request.facts.id);
      return { ...request, cost: record?.cost ?? 0n, isRecorded: record !== undefined };
    }),
  );
  for (const [scope] of limitsOf(world)) {
    const own = records.filter(({ facts, own: scopes }) =>
      scope.kind === 'team'
        ? true
        : scope.kind === 'key'
          ? facts.keyId === scope.id
          : scopes.some((policy) => policy.scope.id === scope.id),
    );
    const sum = own.reduce((total, { cost }) => total + cost, 0n);
    const item = (await readItem(world.calm, 'spend', scopeKey(scopeName(scope)))) ?? {};
    // A process that died while it reserved or gave back can leave its session a reservation without a record.
    const recorded = new Set(records.flatMap(({ facts, isRecorded }) => (isRecorded ? `${facts.id}.0` : [])));
    const orphaned = entriesOf(item)
      .filter(({ id }) => !recorded.has(id))
      .reduce((total, { estimate }) => total + estimate, 0n);
    const total = (await ledger.counters(scope))?.windows[windowIdsAt(0).at(-1) ?? never()];
    const { committed, spent } = total ?? { committed: 0n, spent: 0n };
    if (spent !== sum || committed !== sum + orphaned)
      world.wrong.push(`${scopeName(scope)}: ${spent} spent, ${committed} committed, ${sum} in records`);
  }
  await checkReports(
    world,
    records.reduce((total, { cost }) => total + cost, 0n),
  );
}

async function checkReports(world: World, sum: bigint): Promise<void> {
  const rollups = await dynamoSpendReports(world.calm).rollups('2026-11-29', '2026-12-03');
  const own = rollups.filter(({ keyId }) => world.keys.some(({ id }) => id === keyId));
  const reported = own.reduce((total, { cost }) => total + cost, 0n);
  if (reported !== sum) world.wrong.push(`${reported} in the report, ${sum} in records`);
}

/** Takes the conditions away that keep one promise, and the names and values that only they used. */
function sabotageCall({ input }: StoreCall, sabotage: Sabotage): void {
  for (const each of updatesIn(input)) {
    const names = each.ExpressionAttributeNames ?? {};
    const isOn = (condition: string, attribute: RegExp): boolean =>
      Object.entries(names).some(
        ([short, name]) => attribute.test(name) && new RegExp(`${short}(?!\\d)`).test(condition),
      );
    const isLeft = (condition: string): boolean => {
      switch (sabotage) {
        case 'no-limit':
          return !isOn(condition, /^committed:/);
        case 'no-fence':
          return !isOn(condition, /^(fence|open|room|spent)$/);
        case 'no-entry':
          return !(isOn(condition, /^e:/) && condition.includes(' = '));
      }
    };
    const left = (each.ConditionExpression ?? '')
      .split(' AND ')
      .filter((condition) => condition !== '' && isLeft(condition));
    each.ConditionExpression = left.length === 0 ? undefined : left.join(' AND ');
    const used = `${each.UpdateExpression} ${each.ConditionExpression ?? ''}`;
    each.ExpressionAttributeNames = onlyUsed(names, used);
    const values = each.ExpressionAttributeValues;
    if (values !== undefined) each.ExpressionAttributeValues = onlyUsed(values, used);
  }
}

const onlyUsed = <Value>(given: Readonly<Record<string, Value>>, text: string): Record<string, Value> =>
  Object.fromEntries(Object.entries(given).filter(([short]) => new RegExp(`${short}(?!\\d)`).test(text)));

type SabotagedUpdate = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

function updatesIn(input: ServiceInputTypes): readonly SabotagedUpdate[] {
  if ('TransactItems' in input)
    return (input.TransactItems ?? []).flatMap((item) => ('Update' in item && item.Update) || []);
  return 'UpdateExpression' in input ? [input] : [];
}

const never = (): never => {
  throw new Error('There is always one.');
};
