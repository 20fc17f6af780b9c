import { paginateScan } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { OwnScopePolicy, Reservation } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, ProcessDied, randomFaults } from '../../support/faulty-client.ts';
import {
  costsOf,
  EXPIRED_MS,
  facts,
  hard,
  keyIdOf,
  outcome,
  recordsOf,
  reservation,
  reserved,
  rollupsOf,
  scopeWith,
  sessionWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
} from './fixtures.ts';

let engine: TestEngine;
let ledger: Ledger;
const clock = standingClock();
const store = (client?: Parameters<TestEngine['store']>[0]) => ({ ...engine.store(client), clock });
beforeAll(async () => {
  engine = await startTestEngine();
  ledger = dynamoLedger(store());
});
// What an earlier test left open is no part of the next one's figures.
beforeEach(() => sweepAt(store(), EXPIRED_MS));
afterAll(() => engine.stop());

const counters = (policy: Pick<ScopePolicy, 'scope'>) => totalsOf(ledger, policy);
const crashingAt = (command: string, fault: Fault = 'crash') =>
  faultyClient(engine.endpoint, (call) => (call.command === command ? fault : undefined));

async function openRequest(changes: Partial<Reservation> = {}) {
  const policy = await scopeWith(store(), [hard(10_000n)]);
  const request = facts(policy);
  const held = reserved(await ledger.reserve(request, reservation([policy], 1000n, changes)));
  return { policy, request, held };
}

describe('sweep', () => {
  test('charges an expired reservation as estimated, and says so', async () => {
    const team = await teamWith(store(), []);
    const key = await scopeWith(store(), [hard(10_000n)]);
    const request = facts(key, { team: team.scope.id });
    const wanted = reservation([key, team], 1000n);
    reserved(await ledger.reserve(request, wanted));
    expect(await sweepAt(store(), wanted.expiresAtMs)).toMatchObject({ swept: 0, open: 1 });
    expect(await ledger.find(request.id)).toBeUndefined();
    expect(await sweepAt(store(), wanted.expiresAtMs + 1)).toMatchObject({ swept: 1, open: 0 });
    expect(await ledger.find(request.id)).toMatchObject({
      id: request.id,
      keyId: request.keyId,
      team: team.scope.id,
      startedAtMs: request.startedAtMs,
      estimate: 1000n,
      outcome: 'internal',
      chargeBasis: 'swept',
      cost: 1000n,
      boundExceeded: false,
    });
    for (const policy of [key, team])
      expect(await counters(policy)).toEqual({ committed: 1000n, spent: 1000n });
    expect(await rollupsOf(store(), keyIdOf(key))).toEqual([
      expect.objectContaining({ provider: 'openai', model: 'gpt-5-mini', cost: 1000n, requests: 1 }),
    ]);
  });

  test('finishes at the actual cost what died between its record and its purse', async () => {
    const { policy, request, held } = await openRequest();
    const dying = dynamoLedger(store(crashingAt('UpdateItemCommand')));
    await expect(dying.settle(request, held, outcome(250n))).rejects.toThrow(ProcessDied);
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n });
    expect(await counters(policy)).toEqual({ committed: 1000n, spent: 0n });
    expect(await sweepAt(store(), EXPIRED_MS)).toMatchObject({ swept: 0, folded: 1, open: 0 });
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n, chargeBasis: 'exact' });
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
  });

  test('is corrected by an entry of its own when the owner comes late', async () => {
    const { policy, request, held } = await openRequest();
    await sweepAt(store(), EXPIRED_MS);
    for (const cost of [250n, 999n]) await ledger.settle(request, held, outcome(cost));
    expect(await ledger.find(request.id)).toMatchObject({
      outcome: 'ok',
      cost: 250n,
      chargeBasis: 'exact',
      estimate: 1000n,
    });
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
    expect(costsOf(await rollupsOf(store(), keyIdOf(policy)))).toBe(250n);
  });

  test('is corrected also where nobody answered the late one', async () => {
    const { policy, request, held } = await openRequest();
    await sweepAt(store(), EXPIRED_MS);
    const { provider, model, usage, ...failed } = outcome(0n, { outcome: 'upstream_timeout' });
    await ledger.settle(request, held, failed);
    expect(await ledger.find(request.id)).toMatchObject({ outcome: 'upstream_timeout', cost: 0n });
    expect(await counters(policy)).toEqual({ committed: 0n, spent: 0n });
    expect(costsOf(await rollupsOf(store(), keyIdOf(policy)))).toBe(0n);
  });

  test('is corrected upwards where the answer cost more than was reserved', async () => {
    const { policy, request, held } = await openRequest();
    await sweepAt(store(), EXPIRED_MS);
    await ledger.settle(request, held, outcome(1700n, { boundExceeded: true }));
    expect(await counters(policy)).toEqual({ committed: 1700n, spent: 1700n });
    expect(costsOf(await rollupsOf(store(), keyIdOf(policy)))).toBe(1700n);
  });

  test('that died after its record is corrected all the same', async () => {
    const { policy, request, held } = await openRequest();
    const dying = dynamoLedgerUpkeep(store(crashingAt('PutItemCommand', 'crash-after')));
    await expect(dying.sweep(EXPIRED_MS, Number.POSITIVE_INFINITY)).rejects.toThrow(ProcessDied);
    await ledger.settle(request, held, outcome(250n));
    await sweepAt(store(), EXPIRED_MS);
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n });
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
  });

  test('charges a raised reservation as raised', async () => {
    const { policy, request, held } = await openRequest();
    reserved(await ledger.raise(request, held, nanoUsd(1500n)));
    await sweepAt(store(), EXPIRED_MS);
    expect(await ledger.find(request.id)).toMatchObject({ cost: 1500n });
    expect(await counters(policy)).toEqual({ committed: 1500n, spent: 1500n });
  });

  test('leaves what it has no time for', async () => {
    const { request } = await openRequest();
    const late = await dynamoLedgerUpkeep(store()).sweep(EXPIRED_MS, clock.now() - 1);
    expect(late).toMatchObject({ swept: 0, folded: 0 });
    expect(await ledger.find(request.id)).toBeUndefined();
    expect(await sweepAt(store(), EXPIRED_MS)).toMatchObject({ swept: 1, folded: 1, open: 0 });
    expect(await sweepAt(store(), EXPIRED_MS)).toMatchObject({ swept: 0, folded: 0, open: 0 });
  });

  test('charges each of 60 requests once when four sweepers race 20 late owners with faults', async () => {
    const key = await scopeWith(store(), [hard(100_000n)]);
    const session = sessionWith([hard(100_000n)]);
    const wanted = reservation([key], 1000n, { own: [session] });
    const lives = [];
    for (let count = 0; count < 60; count += 1) {
      const request = facts(key);
      lives.push({ request, held: reserved(await ledger.reserve(request, wanted)) });
    }
    const faulty = (seed: number) =>
      store(faultyClient(engine.endpoint, randomFaults(seed, { conflict: 0.2, 'lost-answer': 0.1 })));
    const owner = dynamoLedger(faulty(1));
    await Promise.all([
      ...[2, 3, 4, 5].map((seed) => sweepAt(faulty(seed), EXPIRED_MS)),
      ...lives.slice(0, 20).map(({ request, held }) => owner.settle(request, held, outcome(77n))),
    ]);
    await sweepAt(store(), EXPIRED_MS);
    const records = await recordsOf(store(), keyIdOf(key));
    expect(records).toHaveLength(60);
    const sum = costsOf(records);
    expect(sum).toBe(20n * 77n + 40n * 1000n);
    for (const policy of [key, session])
      expect(await counters(policy)).toEqual({ committed: sum, spent: sum });
    const rollups = await rollupsOf(store(), keyIdOf(key));
    expect(costsOf(rollups)).toBe(sum);
    expect(rollups.reduce((total, { requests }) => total + requests, 0)).toBe(60);
  });

  test('looks after the others when one purse cannot be looked after, and says what is wrong', async () => {
    const [{ held }, { request: other }] = [await openRequest(), await openRequest()];
    const client = faultyClient(engine.endpoint, ({ command, input }) =>
      command === 'GetItemCommand' && 'Key' in input && input.Key?.['pk']?.S === `purse#${held.purse}`
        ? 'crash'
        : undefined,
    );
    const breaking = dynamoLedgerUpkeep(store(client));
    await expect(breaking.sweep(EXPIRED_MS, Number.POSITIVE_INFINITY)).rejects.toThrow(ProcessDied);
    expect(await ledger.find(other.id)).toMatchObject({ chargeBasis: 'swept' });
    expect(await sweepAt(store(), EXPIRED_MS)).toMatchObject({ swept: 1, folded: 1, open: 0 });
  });
});

test('roll-ups carry the labels that the key had', async () => {
  const key = await scopeWith(store(), []);
  const labels = { organization: 'acme', team: 'search', project: 'ranker', member: 'ada' };
  const above = Object.entries(labels).map(
    ([kind, id]): ScopePolicy => ({
      scope: { kind: kind as keyof typeof labels, id },
      policyVersion: 0,
      budgets: [],
    }),
  );
  const request = facts(key, labels);
  const tag: ScopePolicy = { scope: { kind: 'tag', id: 'stage=test' }, policyVersion: 0, budgets: [] };
  const held = reserved(await ledger.reserve(request, reservation([...above, tag, key], 1000n)));
  await ledger.settle(request, held, outcome(250n));
  const items = [];
  for await (const page of paginateScan({ client: store().client }, { TableName: store().tables.spend }))
    items.push(...(page.Items ?? []));
  const [own] = items.filter(({ sk }) => sk?.S?.startsWith(`${key.scope.id}#`));
  expect(own).toMatchObject(
    Object.fromEntries(Object.entries(labels).map(([kind, id]) => [kind, { S: id }])),
  );
  expect(Object.keys(own ?? {})).not.toContain('tag');
  expect(await rollupsOf(store(), keyIdOf(key))).toMatchObject([{ cost: 250n, requests: 1 }]);
});

describe('a process that dies at any write', () => {
  interface Death {
    readonly fault: 'crash' | 'crash-after';
    /** What it sends beside the write at which it dies arrives as well. */
    readonly restArrives: boolean;
  }

  /** A request of a session, raised on the way, whose process dies at its n-th write. */
  async function live(dyingAt: number, { fault, restArrives }: Death) {
    const key = await scopeWith(store(), [hard(10_000n)]);
    const session = sessionWith([hard(10_000n)], { maxCalls: 5 });
    let writes = 0;
    let pending = 0;
    const client = faultyClient(engine.endpoint, ({ isWrite }) => {
      if (!isWrite) return undefined;
      writes += 1;
      if (writes === dyingAt) return fault;
      return writes < dyingAt || restArrives ? undefined : 'crash';
    });
    client.middlewareStack.add(
      (next) => async (args) => {
        pending += 1;
        return next(args).finally(() => {
          pending -= 1;
        });
      },
      { step: 'build', name: 'pending' },
    );
    const request = facts(key);
    const life = async () => {
      const by = dynamoLedger(store(client));
      const wanted = reservation([key], 1000n, { own: [session] });
      const held = reserved(await by.reserve(request, wanted));
      const raised = reserved(await by.raise(request, held, nanoUsd(1500n)));
      await by.settle(request, raised, outcome(250n));
    };
    let hasDied = false;
    try {
      await life();
    } catch (error) {
      if (!(error instanceof ProcessDied)) throw error;
      hasDied = true;
    }
    // What was sent before it died arrives.
    while (pending > 0) await clock.sleep(10);
    return { key, session, request, hasDied };
  }

  /** What is reserved in a session last looks after what a dead process has left there. */
  async function lookAt(session: OwnScopePolicy): Promise<void> {
    const lateClock = standingClock();
    lateClock.pass(26 * 3_600_000);
    const late = dynamoLedger({ ...engine.store(), clock: lateClock });
    const key = await scopeWith(store(), []);
    const request = facts(key);
    const result = await late.reserve(request, reservation([key], 10_000n, { own: [session] }));
    if (result.type === 'reserved') await late.release(request, result.held);
  }

  test.each<Death>([
    { fault: 'crash', restArrives: false },
    { fault: 'crash', restArrives: true },
    { fault: 'crash-after', restArrives: false },
    { fault: 'crash-after', restArrives: true },
  ])(
    'is charged once, its session too: $fault, what is sent beside it arrives: $restArrives',
    async (death) => {
      const unequal: unknown[] = [];
      for (let dyingAt = 1, hasDied = true; hasDied; dyingAt += 1) {
        const each = await live(dyingAt, death);
        hasDied = each.hasDied;
        await sweepAt(store(), EXPIRED_MS);
        await lookAt(each.session);
        const cost = (await ledger.find(each.request.id))?.cost ?? 0n;
        const rolledUp = costsOf(await rollupsOf(store(), keyIdOf(each.key)));
        const [key, session] = [await counters(each.key), await counters(each.session)];
        const isEqual = [key, session].every(({ committed, spent }) => committed === cost && spent === cost);
        if (!isEqual || rolledUp !== cost) unequal.push({ dyingAt, cost, key, session, rolledUp });
      }
      expect(unequal).toEqual([]);
    },
  );
});
