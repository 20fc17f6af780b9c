import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoSpendReports } from '../../../lambda/adapters/dynamodb/spend-reports.ts';
import { forEachConcurrently } from '../../../lambda/adapters/dynamodb/store.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type { RequestOutcome, Reservation } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, randomFaults, scriptedFaults } from '../../support/faulty-client.ts';
import {
  costsOf,
  EXPIRED_MS,
  FOLD_DUE_MS,
  facts,
  hard,
  keyIdOf,
  outcome,
  recordsOf,
  reservation,
  reserved,
  rollupsOf,
  START_MS,
  scopeWith,
  sessionWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
  windowsOf,
} from './fixtures.ts';

let engine: TestEngine;
let ledger: Ledger;
const clock = standingClock();
const store = (client?: Parameters<TestEngine['store']>[0]) => ({ ...engine.store(client), clock });
beforeAll(async () => {
  engine = await startTestEngine();
  ledger = dynamoLedger(store());
});
afterAll(() => engine.stop());

const faultyLedger = (faults: readonly Fault[]): Ledger =>
  dynamoLedger(store(faultyClient(engine.endpoint, scriptedFaults(faults))));
const refusal: Partial<RequestOutcome> = { outcome: 'budget_exceeded', attempts: [], chargeBasis: 'exact' };
const counters = (policy: Pick<ScopePolicy, 'scope'>) => totalsOf(ledger, policy);

async function openRequest(budget = 10_000n, changes: Partial<Reservation> = {}) {
  const policy = await scopeWith(store(), [hard(budget)]);
  const request = facts(policy);
  const held = reserved(await ledger.reserve(request, reservation([policy], 1000n, changes)));
  return { policy, request, held };
}

describe('settle', () => {
  test('replaces the estimate by the cost in record and counters, and answers them', async () => {
    const { policy, request, held } = await openRequest();
    const [told] = await ledger.settle(request, held, outcome(250n));
    expect(told).toEqual({
      scope: policy.scope,
      purses: 0,
      windows: Object.fromEntries(
        windowIdsAt(START_MS)
          .slice(1)
          .map((id) => [id, { committed: 250n, spent: 250n }]),
      ),
    });
    expect(await ledger.find(request.id)).toEqual({ ...request, ...outcome(250n), estimate: 1000n });
  });

  test('changes nothing when called again, with whatever outcome', async () => {
    const { policy, request, held } = await openRequest();
    await ledger.settle(request, held, outcome(250n));
    expect(await ledger.settle(request, held, outcome(999n))).toEqual([]);
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n });
    expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([
      expect.objectContaining({ requests: 1, cost: 250n }),
    ]);
  });

  test('charges what the record says where an earlier call got no further than it', async () => {
    const { policy, request, held } = await openRequest();
    const dying = dynamoLedger(
      store(
        faultyClient(engine.endpoint, ({ command }) =>
          command === 'UpdateItemCommand' ? 'crash' : undefined,
        ),
      ),
    );
    await expect(dying.settle(request, held, outcome(250n))).rejects.toThrow('died');
    await ledger.settle(request, held, outcome(400n));
    expect(await ledger.find(request.id)).toMatchObject({ cost: 250n });
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
  });

  test('charges an answer that cost more than was reserved in full', async () => {
    const { policy, request, held } = await openRequest();
    await ledger.settle(request, held, outcome(15_000n, { boundExceeded: true }));
    expect(await counters(policy)).toEqual({ committed: 15_000n, spent: 15_000n });
    expect(await ledger.reserve(facts(policy), reservation([policy], 1n))).toMatchObject({ type: 'refused' });
  });

  test('charges it in full also where others stand in the same purse', async () => {
    const { policy, request, held } = await openRequest();
    const other = facts(policy);
    const second = reserved(await ledger.reserve(other, reservation([policy], 500n)));
    await ledger.settle(request, held, outcome(5_000n, { boundExceeded: true }));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 5_500n, spent: 5_000n });
    await ledger.settle(other, second, outcome(100n));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 5_100n, spent: 5_100n });
  });

  test('settles into the windows of the reservation when the month has changed since', async () => {
    const policy = await scopeWith(store(), [hard(10_000n, 'month')]);
    const edgeMs = Date.UTC(2026, 11, 1);
    const [request, later] = [edgeMs - 1, edgeMs].map((startedAtMs) => facts(policy, { startedAtMs }));
    if (request === undefined || later === undefined) throw new Error('Two requests were made.');
    const at = (atMs: number) => ({ windows: windowsOf([policy], atMs), expiresAtMs: atMs + 900_000 });
    const old = reserved(await ledger.reserve(request, reservation([policy], 1000n, at(edgeMs - 1))));
    const young = reserved(await ledger.reserve(later, reservation([policy], 500n, at(edgeMs))));
    await ledger.settle(request, old, outcome(300n));
    expect((await ledger.counters(policy.scope))?.windows).toMatchObject({
      'month:2026-11': { committed: 300n, spent: 300n },
      'day:2026-11-30': { committed: 300n, spent: 300n },
      'month:2026-12': { committed: 500n, spent: 0n },
      'day:2026-12-01': { committed: 500n, spent: 0n },
      total: { committed: 800n, spent: 300n },
    });
    await ledger.settle(later, young, outcome(500n));
    const days = await dynamoSpendReports(store()).rollups('2026-11-30', '2026-12-01');
    const own = days.filter((rollup) => rollup.keyId === keyIdOf(policy));
    expect(own.map(({ day, cost }) => [day, cost])).toEqual([
      ['2026-11-30', 300n],
      ['2026-12-01', 500n],
    ]);
  });

  test('adds up what two legs of a request have cost', async () => {
    const { policy, request, held } = await openRequest();
    const next = reserved(await ledger.reserve(request, reservation([policy], 2000n, { leg: 1 })));
    await ledger.settle(
      request,
      held,
      outcome(100n, { outcome: 'upstream_error', chargeBasis: 'estimated' }),
    );
    await ledger.settle(request, next, outcome(700n));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 800n, spent: 800n });
    expect(await ledger.find(request.id)).toMatchObject({ outcome: 'ok', cost: 800n, estimate: 3000n });
  });

  test('rolls requests up by key, day, provider and model', async () => {
    const policy = await scopeWith(store(), [hard(10_000n)]);
    const ends = [outcome(100n), outcome(200n), outcome(7n, { provider: 'custom', model: 'org/model#7' })];
    for (const end of ends) {
      const request = facts(policy);
      await ledger.settle(
        request,
        reserved(await ledger.reserve(request, reservation([policy], 1000n))),
        end,
      );
    }
    await sweepAt(store(), FOLD_DUE_MS);
    const own = await rollupsOf(store(), keyIdOf(policy));
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
    const { policy, request, held } = await openRequest();
    const { provider, model, ...failed } = outcome(0n, { outcome: 'upstream_overloaded' });
    await ledger.settle(request, held, failed);
    expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([]);
    expect(await counters(policy)).toEqual({ committed: 0n, spent: 0n });
  });

  test('writes no more than a purse can hold, whatever a model is called', async () => {
    const { policy, request, held } = await openRequest();
    await ledger.settle(request, held, outcome(250n, { model: 'ü'.repeat(100_000), provider: 'custom' }));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
    expect(costsOf(await rollupsOf(store(), keyIdOf(policy)))).toBe(250n);
  });

  test.each(['lost-answer', 'conflict', 'throttled', 'refused'] as const)(
    'happens once when every write of it ends first as: %s',
    async (fault) => {
      const { policy, request, held } = await openRequest();
      const seen = new Set<string>();
      const client = faultyClient(engine.endpoint, ({ command, isWrite }) => {
        if (!isWrite || seen.has(command)) return undefined;
        seen.add(command);
        return fault;
      });
      await dynamoLedger(store(client)).settle(request, held, outcome(250n));
      await sweepAt(store(), FOLD_DUE_MS);
      expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
      expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([
        expect.objectContaining({ requests: 1, cost: 250n }),
      ]);
    },
  );

  test('charges each of 100 records once when three settlers race with faults', async () => {
    const [key, team] = [await scopeWith(store(), [hard(200_000n)]), await teamWith(store(), [])];
    const wanted = reservation([key, team], 1000n);
    const requests = Array.from({ length: 100 }, () => facts(key));
    const held = new Map<string, Awaited<ReturnType<typeof openRequest>>['held']>();
    await forEachConcurrently(requests, 4, async (request) => {
      held.set(request.id, reserved(await ledger.reserve(request, wanted)));
    });
    const settlers = Array.from({ length: 3 }, (_, seed) =>
      dynamoLedger(
        store(
          faultyClient(
            engine.endpoint,
            randomFaults(seed, { conflict: 0.2, throttled: 0.1, 'lost-answer': 0.2 }),
          ),
        ),
      ),
    );
    await forEachConcurrently([...requests.entries()], 10, async ([index, request]) => {
      const own = held.get(request.id);
      if (own === undefined) throw new Error('Every request was reserved.');
      await Promise.all(
        settlers.map((settler, each) => settler.settle(request, own, outcome(BigInt(5 * index + each)))),
      );
    });
    await sweepAt(store(), FOLD_DUE_MS);
    const records = await recordsOf(store(), keyIdOf(key));
    expect(records).toHaveLength(100);
    const sum = costsOf(records);
    for (const policy of [key, team]) expect(await counters(policy)).toEqual({ committed: sum, spent: sum });
    expect(await rollupsOf(store(), keyIdOf(key))).toEqual([
      expect.objectContaining({ requests: 100, cost: sum }),
    ]);
  });
});

describe('recordRefusal', () => {
  test('puts a record that holds no money, once', async () => {
    const policy = await scopeWith(store(), [hard(10n)]);
    const request = facts(policy);
    const refused = outcome(0n, refusal);
    await faultyLedger(['lost-answer', 'throttled']).recordRefusal(request, refused);
    expect(await ledger.find(request.id)).toEqual({ ...request, ...refused, estimate: 0n });
    expect(await counters(policy)).toEqual({ committed: 0n, spent: 0n });
  });

  test('gives back a reservation that was made although its answer was lost, when it has expired', async () => {
    const session = sessionWith([hard(1000n)]);
    const { policy, request } = await openRequest(10_000n, { own: [session] });
    const { provider, model, usage, ...unanswered } = outcome(0n, refusal);
    await ledger.recordRefusal(request, { ...unanswered, outcome: 'store_unavailable' });
    await sweepAt(store(), EXPIRED_MS);
    for (const each of [policy, session]) expect(await counters(each)).toEqual({ committed: 0n, spent: 0n });
    expect(await ledger.find(request.id)).toMatchObject({ cost: 0n, outcome: 'store_unavailable' });
    expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([]);
  });
});
