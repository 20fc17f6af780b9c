import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, randomFaults, scriptedFaults } from '../../support/faulty-client.ts';
import {
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
beforeAll(async () => {
  engine = await startTestEngine();
  ledger = dynamoLedger(engine.store());
});
afterAll(() => engine.stop());

const counters = (policy: ScopePolicy) => ledger.counters(policy.scope);
const isTransaction = (call: { readonly command: string }) => call.command === 'TransactWriteItemsCommand';
const ledgerWith = (faults: readonly Fault[]): Ledger =>
  dynamoLedger(engine.store(faultyClient(engine.endpoint, scriptedFaults(faults, isTransaction))));

describe('reserve', () => {
  test('sets the estimate aside in all five windows and opens the record', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n, 'day')]);
    const request = facts(policy);
    expect(await ledger.reserve(request, reservation([policy], 400n))).toEqual({ type: 'reserved' });
    expect((await counters(policy))?.windows).toEqual(
      Object.fromEntries(windowIdsAt(START_MS).map((id) => [id, { committed: 400n, spent: 0n }])),
    );
    expect(await ledger.find(request.id)).toEqual({ ...request, state: 'open', estimate: 400n });
  });

  test('fills a budget to the last nano-dollar and refuses the next one with the counters', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n, 'month')]);
    await ledger.reserve(facts(policy), reservation([policy], 400n));
    expect(await ledger.reserve(facts(policy), reservation([policy], 600n))).toEqual({ type: 'reserved' });
    const refused = facts(policy);
    expect(await ledger.reserve(refused, reservation([policy], 1n))).toEqual({
      type: 'refused',
      scope: policy,
      window: 'month:2026-11',
      committed: 1000n,
      spent: 0n,
      limit: 1000n,
    });
    expect(await ledger.find(refused.id)).toBeUndefined();
  });

  test('refuses an estimate above the limit without a write, and says what the counters are', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    await ledger.reserve(facts(policy), reservation([policy], 300n));
    const writes: string[] = [];
    const watched = dynamoLedger(
      engine.store(
        faultyClient(engine.endpoint, (call) => {
          if (call.isWrite) writes.push(call.command);
          return undefined;
        }),
      ),
    );
    const refused = await watched.reserve(facts(policy), reservation([policy], 1001n));
    expect(refused).toMatchObject({ type: 'refused', window: 'total', committed: 300n, limit: 1000n });
    expect(writes).toEqual([]);
  });

  test('ignores the limit of a soft budget', async () => {
    const policy = await scopeWith(engine.store(), [{ ...hard(10n), mode: 'soft' }]);
    expect(await ledger.reserve(facts(policy), reservation([policy], 1000n))).toEqual({ type: 'reserved' });
  });

  test('lets exactly 40 of 200 concurrent requests of four processes through where 40 fit', async () => {
    const [loose, tight] = await Promise.all([
      scopeWith(engine.store(), [hard(100_000n, 'day')]),
      scopeWith(engine.store(), [hard(40_500n, 'hour'), hard(90_000n, 'month')]),
    ]);
    const ledgers = Array.from({ length: 4 }, () => dynamoLedger(engine.store()));
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        ledgers[index % 4]?.reserve(facts(tight), reservation([loose, tight], 1000n)),
      ),
    );
    expect(outcomes.filter((each) => each?.type === 'reserved')).toHaveLength(40);
    expect(outcomes.filter((each) => each?.type === 'refused')).toHaveLength(160);
    for (const policy of [loose, tight]) {
      expect(totalOf(await counters(policy))).toEqual({ committed: 40_000n, spent: 0n });
    }
    expect(await recordsOf(engine.store(), keyIdOf(tight))).toHaveLength(40);
  });

  test('takes four scopes all or nothing, and names the one that is full', async () => {
    const store = engine.store();
    const scopes = await Promise.all(
      [500n, 400n, 300n, 200n].map((limit) => scopeWith(store, [hard(limit)])),
    );
    const [first, , , last] = scopes;
    if (first === undefined || last === undefined) throw new Error('Four scopes were made.');
    expect(await ledger.reserve(facts(first), reservation(scopes, 150n))).toEqual({ type: 'reserved' });
    expect(await ledger.reserve(facts(first), reservation(scopes, 150n))).toMatchObject({
      type: 'refused',
      scope: last,
      committed: 150n,
      limit: 200n,
    });
    for (const policy of scopes) expect(totalOf(await counters(policy))).toMatchObject({ committed: 150n });
  });

  test('refuses nothing under a stale policy but says that it is stale, full or not', async () => {
    const store = engine.store();
    const policy = await scopeWith(store, [hard(100n)]);
    const keys = dynamoKeyStore(store);
    const key = await keys.find(keyIdOf(policy));
    if (key === undefined) throw new Error('The key was just made.');
    await keys.update({ ...key, budgets: [hard(1000n)] });
    expect(await ledger.reserve(facts(policy), reservation([policy], 50n))).toEqual({
      type: 'stale-policy',
      scope: policy,
    });
    const current: ScopePolicy = { ...policy, policyVersion: 2, budgets: [hard(1000n)] };
    await ledger.reserve(facts(policy), reservation([current], 900n));
    expect(await ledger.reserve(facts(policy), reservation([policy], 50n))).toMatchObject({
      type: 'stale-policy',
    });
    expect(await ledger.reserve(facts(policy), reservation([policy], 500n))).toMatchObject({
      type: 'stale-policy',
    });
  });

  test('takes a scope that does not exist for a stale policy', async () => {
    const policy = await scopeWith(engine.store(), []);
    const gone: ScopePolicy = { scope: { kind: 'team', id: 'nobody' }, policyVersion: 1, budgets: [] };
    expect(await ledger.reserve(facts(policy), reservation([policy, gone], 1n))).toEqual({
      type: 'stale-policy',
      scope: gone,
    });
  });

  test('knows its own reservation after a lost answer, though the budget is full now', async () => {
    const policy = await scopeWith(engine.store(), [hard(100n)]);
    expect(await ledgerWith(['lost-answer']).reserve(facts(policy), reservation([policy], 100n))).toEqual({
      type: 'reserved',
    });
    expect(totalOf(await counters(policy))).toEqual({ committed: 100n, spent: 0n });
  });

  test('reads its own record before it concludes from a scope, once an answer was lost', async () => {
    const policy = await scopeWith(engine.store(), [hard(100n)]);
    let transactions = 0;
    const reads: string[] = [];
    // The first attempt never arrives, the second finds the budget filled by somebody else.
    const client = faultyClient(engine.endpoint, (call) => {
      if (call.command === 'GetItemCommand') reads.push(JSON.stringify(call.input));
      return isTransaction(call) && ++transactions === 1 ? 'refused' : undefined;
    });
    await ledger.reserve(facts(policy), reservation([policy], 100n));
    const request = facts(policy);
    expect(
      await dynamoLedger(engine.store(client)).reserve(request, reservation([policy], 1n)),
    ).toMatchObject({
      type: 'refused',
    });
    expect(reads.some((read) => read.includes(request.id))).toBe(true);
  });

  test('gets through conflicts and throttling', async () => {
    const policy = await scopeWith(engine.store(), [hard(100n)]);
    const faulty = ledgerWith(['conflict', 'throttled', 'conflict', 'throttled', 'conflict']);
    expect(await faulty.reserve(facts(policy), reservation([policy], 60n))).toEqual({ type: 'reserved' });
    expect(totalOf(await counters(policy))).toEqual({ committed: 60n, spent: 0n });
  });

  test('is never over and never unequal with 30 % conflicts and 20 % lost answers on four scopes', async () => {
    const store = engine.store();
    const scopes = await Promise.all(Array.from({ length: 4 }, () => scopeWith(store, [hard(20_000n)])));
    const [first] = scopes;
    if (first === undefined) throw new Error('Four scopes were made.');
    const ledgers = Array.from({ length: 4 }, (_, seed) =>
      dynamoLedger(
        engine.store(
          faultyClient(engine.endpoint, randomFaults(seed, { conflict: 0.3, 'lost-answer': 0.2 })),
        ),
      ),
    );
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        ledgers[index % 4]?.reserve(facts(first), reservation(scopes, 1000n)),
      ),
    );
    const reserved = outcomes.filter((each) => each?.type === 'reserved').length;
    expect(reserved).toBe(20);
    expect(await recordsOf(store, keyIdOf(first))).toHaveLength(20);
    for (const policy of scopes) {
      expect(totalOf(await counters(policy))).toMatchObject({ committed: 20_000n });
    }
  });

  test('does not take another reservation of the same request for its own', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const request = facts(policy);
    await ledger.reserve(request, reservation([policy], 100n));
    await expect(ledger.reserve(request, reservation([policy], 900n))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(totalOf(await counters(policy))).toMatchObject({ committed: 100n });
  });
});

describe('raise', () => {
  test('adds the difference to record and counters', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const request = facts(policy);
    const from = reservation([policy], 300n);
    await ledger.reserve(request, from);
    expect(await ledger.raise(request.id, from, nanoUsd(1000n))).toEqual({ type: 'reserved' });
    expect(await ledger.find(request.id)).toMatchObject({ state: 'open', estimate: 1000n });
    expect(totalOf(await counters(policy))).toMatchObject({ committed: 1000n });
  });

  test('is refused where the difference does not fit, and leaves the reservation as it was', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const request = facts(policy);
    const from = reservation([policy], 300n);
    await ledger.reserve(request, from);
    await ledger.reserve(facts(policy), reservation([policy], 600n));
    expect(await ledger.raise(request.id, from, nanoUsd(401n))).toMatchObject({
      type: 'refused',
      committed: 900n,
    });
    expect(await ledger.raise(request.id, from, nanoUsd(2000n))).toMatchObject({
      type: 'refused',
      limit: 1000n,
    });
    expect(await ledger.find(request.id)).toMatchObject({ estimate: 300n });
    expect(totalOf(await counters(policy))).toMatchObject({ committed: 900n });
  });

  test('happens once although its answers are lost', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const request = facts(policy);
    const from = reservation([policy], 300n);
    await ledger.reserve(request, from);
    expect(
      await ledgerWith(['lost-answer', 'lost-answer', 'conflict']).raise(request.id, from, nanoUsd(1000n)),
    ).toEqual({ type: 'reserved' });
    expect(totalOf(await counters(policy))).toMatchObject({ committed: 1000n });
  });

  test('leaves a reservation that is large enough alone', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const request = facts(policy);
    const from = reservation([policy], 300n);
    await ledger.reserve(request, from);
    expect(await ledger.raise(request.id, from, nanoUsd(200n))).toEqual({ type: 'reserved' });
    expect(await ledger.find(request.id)).toMatchObject({ estimate: 300n });
  });

  test('fails under a policy that has changed, and on a reservation that is closed', async () => {
    const store = engine.store();
    const policy = await scopeWith(store, [hard(1000n)]);
    const request = facts(policy);
    const from = reservation([policy], 300n);
    await ledger.reserve(request, from);
    const stale = { ...from, scopes: [{ ...policy, policyVersion: 7 }] };
    expect(await ledger.raise(request.id, stale, nanoUsd(400n))).toMatchObject({ type: 'stale-policy' });
    await ledger.settle(request.id, outcome(10n));
    await expect(ledger.raise(request.id, from, nanoUsd(400n))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(totalOf(await counters(policy))).toEqual({ committed: 10n, spent: 10n });
  });
});
