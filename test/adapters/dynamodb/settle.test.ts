import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { dynamoSpendReports } from '../../../lambda/adapters/dynamodb/spend-reports.ts';
import { forEachConcurrently } from '../../../lambda/adapters/dynamodb/store.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type { RequestOutcome } from '../../../lambda/domain/request-record.ts';
import type { Ledger, LedgerUpkeep } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import {
  type Fault,
  faultyClient,
  ProcessDied,
  randomFaults,
  scriptedFaults,
} from '../../support/faulty-client.ts';
import {
  costsOf,
  facts,
  hard,
  keyIdOf,
  outcome,
  recordsOf,
  reservation,
  START_MS,
  scopeWith,
  totalOf,
} from './fixtures.ts';

let engine: TestEngine;
let ledger: Ledger;
let upkeep: LedgerUpkeep;
beforeAll(async () => {
  engine = await startTestEngine();
  ledger = dynamoLedger(engine.store());
  upkeep = dynamoLedgerUpkeep(engine.store());
});
afterAll(() => engine.stop());

const EXPIRED_MS = START_MS + 3_600_000;
const sweep = (nowMs = EXPIRED_MS) => upkeep.sweep(nowMs, Date.now() + 60_000);
const faultyLedger = (faults: readonly Fault[]): Ledger =>
  dynamoLedger(engine.store(faultyClient(engine.endpoint, scriptedFaults(faults))));
const refusal: Partial<RequestOutcome> = { outcome: 'budget_exceeded', attempts: [], chargeBasis: 'exact' };

async function openRequest(budget = 10_000n, estimate = 1000n) {
  const policy = await scopeWith(engine.store(), [hard(budget)]);
  const request = facts(policy);
  await ledger.reserve(request, reservation([policy], estimate));
  return { policy, request };
}
const countersOf = async (policy: ScopePolicy) => totalOf(await ledger.counters(policy.scope));

describe('settle', () => {
  test('replaces the estimate by the cost in record and counters, and answers them', async () => {
    const { policy, request } = await openRequest();
    const [counters] = await ledger.settle(request.id, outcome(250n));
    expect(counters).toEqual({
      scope: policy.scope,
      policyVersion: 1,
      windows: Object.fromEntries(windowIdsAt(START_MS).map((id) => [id, { committed: 250n, spent: 250n }])),
    });
    expect(await ledger.find(request.id)).toEqual({
      ...request,
      ...outcome(250n),
      state: 'closed',
      estimate: 1000n,
    });
  });

  test('changes nothing when called again, with whatever outcome', async () => {
    const { policy, request } = await openRequest();
    await ledger.settle(request.id, outcome(250n));
    const [counters] = await ledger.settle(request.id, outcome(999n));
    expect(totalOf(counters)).toEqual({ committed: 250n, spent: 250n });
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n });
    expect(await dynamoSpendReports(engine.store()).rollups('2026-11-20', '2026-11-20')).toContainEqual(
      expect.objectContaining({ keyId: keyIdOf(policy), requests: 1, cost: 250n }),
    );
  });

  test('charges an answer that cost more than was reserved in full', async () => {
    const { policy, request } = await openRequest();
    await ledger.settle(request.id, outcome(15_000n, { boundExceeded: true }));
    expect(await countersOf(policy)).toEqual({ committed: 15_000n, spent: 15_000n });
    expect(await ledger.reserve(facts(policy), reservation([policy], 1n))).toMatchObject({ type: 'refused' });
  });

  test('settles into the windows of the reservation when the month has changed since', async () => {
    const policy = await scopeWith(engine.store(), [hard(10_000n, 'month')]);
    const edgeMs = Date.UTC(2026, 11, 1);
    const request = facts(policy, { startedAtMs: edgeMs - 1 });
    await ledger.reserve(request, reservation([policy], 1000n, { windows: windowIdsAt(edgeMs - 1) }));
    const later = facts(policy, { startedAtMs: edgeMs });
    await ledger.reserve(later, reservation([policy], 500n, { windows: windowIdsAt(edgeMs) }));
    await ledger.settle(request.id, outcome(300n));
    const counters = await ledger.counters(policy.scope);
    expect(counters?.windows).toMatchObject({
      'month:2026-11': { committed: 300n, spent: 300n },
      'day:2026-11-30': { committed: 300n, spent: 300n },
      'month:2026-12': { committed: 500n, spent: 0n },
      'day:2026-12-01': { committed: 500n, spent: 0n },
      total: { committed: 800n, spent: 300n },
    });
    await ledger.settle(later.id, outcome(500n));
    const days = await dynamoSpendReports(engine.store()).rollups('2026-11-30', '2026-12-01');
    const own = days.filter((rollup) => rollup.keyId === keyIdOf(policy));
    expect(own.map(({ day, cost }) => [day, cost])).toEqual([
      ['2026-11-30', 300n],
      ['2026-12-01', 500n],
    ]);
  });

  test('rolls requests up by key, day, provider and model', async () => {
    const { policy, request } = await openRequest();
    const [second, third] = [facts(policy), facts(policy)];
    for (const each of [second, third]) await ledger.reserve(each, reservation([policy], 1000n));
    await ledger.settle(request.id, outcome(100n));
    await ledger.settle(second.id, outcome(200n));
    await ledger.settle(third.id, outcome(7n, { provider: 'custom', model: 'org/model#7' }));
    const rollups = await dynamoSpendReports(engine.store()).rollups('2026-11-19', '2026-11-21');
    const own = rollups.filter((rollup) => rollup.keyId === keyIdOf(policy));
    const line = { day: '2026-11-20', keyId: keyIdOf(policy) };
    expect(own.toSorted((a, b) => Number(b.cost - a.cost))).toEqual([
      {
        ...line,
        provider: 'openai',
        model: 'gpt-5-mini-2025-08-07',
        requests: 2,
        cost: 300n,
        promptTokens: 2400,
        completionTokens: 690,
      },
      {
        ...line,
        provider: 'custom',
        model: 'org/model#7',
        requests: 1,
        cost: 7n,
        promptTokens: 1200,
        completionTokens: 345,
      },
    ]);
  });

  test('leaves a request that no provider answered out of the roll-ups', async () => {
    const { policy, request } = await openRequest();
    const { provider, model, ...failed } = outcome(0n, { outcome: 'upstream_overloaded' });
    await ledger.settle(request.id, failed);
    const rollups = await dynamoSpendReports(engine.store()).rollups('2026-11-20', '2026-11-20');
    expect(rollups.filter((rollup) => rollup.keyId === keyIdOf(policy))).toEqual([]);
    expect(await countersOf(policy)).toEqual({ committed: 0n, spent: 0n });
  });

  test('charges each of 100 records once when three settlers race with faults', async () => {
    const policy = await scopeWith(engine.store(), [hard(100_000n)]);
    const requests = Array.from({ length: 100 }, () => facts(policy));
    await Promise.all(requests.map((request) => ledger.reserve(request, reservation([policy], 1000n))));
    const settlers = Array.from({ length: 3 }, (_, seed) =>
      dynamoLedger(
        engine.store(
          faultyClient(
            engine.endpoint,
            randomFaults(seed, { conflict: 0.2, throttled: 0.1, 'lost-answer': 0.2 }),
          ),
        ),
      ),
    );
    await forEachConcurrently([...requests.entries()], 10, async ([index, request]) => {
      await Promise.all(
        settlers.map((settler, each) => settler.settle(request.id, outcome(BigInt(10 * index + each)))),
      );
    });
    const records = await recordsOf(engine.store(), keyIdOf(policy));
    expect(records.filter((record) => record.state === 'closed')).toHaveLength(100);
    const sum = costsOf(records);
    expect(await countersOf(policy)).toEqual({ committed: sum, spent: sum });
    const rollups = await dynamoSpendReports(engine.store()).rollups('2026-11-20', '2026-11-20');
    expect(rollups.find((rollup) => rollup.keyId === keyIdOf(policy))).toMatchObject({
      requests: 100,
      cost: sum,
    });
  });

  test('fails loudly for a record that never was', async () => {
    const policy = await scopeWith(engine.store(), []);
    await expect(ledger.settle(facts(policy).id, outcome(1n))).rejects.toThrow('no record');
  });
});

describe('recordRefusal', () => {
  test('puts a closed record that holds no money, once', async () => {
    const policy = await scopeWith(engine.store(), [hard(10n)]);
    const request = facts(policy);
    const refused = outcome(0n, refusal);
    await faultyLedger(['lost-answer', 'throttled']).recordRefusal(request, refused);
    expect(await ledger.find(request.id)).toEqual({ ...request, ...refused, state: 'closed', estimate: 0n });
    expect(await countersOf(policy)).toBeUndefined();
    expect(await sweep()).toMatchObject({ closed: 0 });
  });

  test('gives back a reservation that was made although its answer was lost', async () => {
    const { policy, request } = await openRequest();
    await ledger.recordRefusal(request, outcome(0n, { ...refusal, outcome: 'store_unavailable' }));
    expect(await countersOf(policy)).toEqual({ committed: 0n, spent: 0n });
    expect(await ledger.find(request.id)).toMatchObject({
      state: 'closed',
      cost: 0n,
      outcome: 'store_unavailable',
    });
  });
});

describe('sweep', () => {
  test('charges an expired reservation as estimated, and says so', async () => {
    const { policy, request } = await openRequest();
    expect(await sweep(START_MS + 60_000)).toMatchObject({ closed: 0, left: expect.any(Number) });
    expect(await ledger.find(request.id)).toMatchObject({ state: 'open' });
    expect(await sweep(START_MS + 60_001)).toMatchObject({ closed: 1 });
    expect(await ledger.find(request.id)).toEqual({
      ...request,
      state: 'closed',
      estimate: 1000n,
      outcome: 'internal',
      chargeBasis: 'swept',
      cost: 1000n,
      boundExceeded: false,
    });
    expect(await countersOf(policy)).toEqual({ committed: 1000n, spent: 1000n });
    const rollups = await dynamoSpendReports(engine.store()).rollups('2026-11-20', '2026-11-20');
    expect(rollups.find((rollup) => rollup.keyId === keyIdOf(policy))).toMatchObject({
      provider: '-',
      model: '-',
      cost: 1000n,
    });
  });

  test('finishes with the actual cost what died between costing and closing', async () => {
    const { policy, request } = await openRequest();
    const dying = dynamoLedger(
      engine.store(
        faultyClient(
          engine.endpoint,
          scriptedFaults(['crash'], (call) => call.command === 'TransactWriteItemsCommand'),
        ),
      ),
    );
    await expect(dying.settle(request.id, outcome(250n))).rejects.toThrow(ProcessDied);
    expect(await ledger.find(request.id)).toMatchObject({ state: 'costed', cost: 250n });
    expect(await countersOf(policy)).toEqual({ committed: 1000n, spent: 0n });
    expect(await sweep()).toMatchObject({ closed: 1 });
    expect(await ledger.find(request.id)).toMatchObject({
      state: 'closed',
      cost: 250n,
      chargeBasis: 'exact',
    });
    expect(await countersOf(policy)).toEqual({ committed: 250n, spent: 250n });
  });

  test('stands when its owner comes late', async () => {
    const { policy, request } = await openRequest();
    await sweep();
    const [counters] = await ledger.settle(request.id, outcome(250n));
    expect(totalOf(counters)).toEqual({ committed: 1000n, spent: 1000n });
    expect(await ledger.find(request.id)).toMatchObject({ cost: 1000n, chargeBasis: 'swept' });
    expect(await countersOf(policy)).toEqual({ committed: 1000n, spent: 1000n });
  });

  test('counts what is still open and leaves what it has no time for', async () => {
    const { request } = await openRequest();
    const late = await upkeep.sweep(EXPIRED_MS, Date.now() - 1);
    expect(late).toEqual({ closed: 0, left: 1 });
    expect(await ledger.find(request.id)).toMatchObject({ state: 'open' });
    expect(await sweep()).toEqual({ closed: 1, left: 0 });
    expect(await sweep()).toEqual({ closed: 0, left: 0 });
  });

  test('closes each of 100 expired records once when four sweepers race 20 late owners with faults', async () => {
    const policy = await scopeWith(engine.store(), [hard(100_000n)]);
    const requests = Array.from({ length: 100 }, () => facts(policy));
    await Promise.all(requests.map((request) => ledger.reserve(request, reservation([policy], 1000n))));
    const faulty = (seed: number) =>
      engine.store(faultyClient(engine.endpoint, randomFaults(seed, { conflict: 0.2, 'lost-answer': 0.1 })));
    const owner = dynamoLedger(faulty(1));
    await Promise.all([
      ...[2, 3, 4, 5].map((seed) => dynamoLedgerUpkeep(faulty(seed)).sweep(EXPIRED_MS, Date.now() + 60_000)),
      ...requests.slice(0, 20).map((request) => owner.settle(request.id, outcome(77n))),
    ]);
    const records = await recordsOf(engine.store(), keyIdOf(policy));
    expect(records.filter((record) => record.state === 'closed')).toHaveLength(100);
    const sum = costsOf(records);
    expect(await countersOf(policy)).toEqual({ committed: sum, spent: sum });
  });

  test('closes the others when one record cannot be closed, and says what is wrong', async () => {
    const { request } = await openRequest();
    const { request: other } = await openRequest();
    const breaking = dynamoLedgerUpkeep(
      engine.store(
        faultyClient(engine.endpoint, (call) =>
          call.command === 'UpdateItemCommand' &&
          JSON.stringify(call.input).includes(`"record#${request.id}"`)
            ? 'crash'
            : undefined,
        ),
      ),
    );
    await expect(breaking.sweep(EXPIRED_MS, Date.now() + 60_000)).rejects.toThrow(ProcessDied);
    expect(await ledger.find(other.id)).toMatchObject({ state: 'closed' });
    expect(await sweep()).toEqual({ closed: 1, left: 0 });
  });
});
