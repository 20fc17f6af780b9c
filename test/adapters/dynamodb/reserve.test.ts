import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoScopeStore } from '../../../lambda/adapters/dynamodb/scope-store.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { windowIdsAt } from '../../../lambda/domain/money/window.ts';
import { NO_RULES } from '../../../lambda/domain/scope-settings.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, randomFaults, scriptedFaults } from '../../support/faulty-client.ts';
import {
  ahead,
  FOLD_DUE_MS,
  facts,
  hard,
  keyIdOf,
  outcome,
  recordsOf,
  reservation,
  reserved,
  START_MS,
  scopeWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
  unique,
  virtualKey,
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

const counters = (policy: ScopePolicy) => totalsOf(ledger, policy);
const isTransaction = (call: { readonly command: string }) => call.command === 'TransactWriteItemsCommand';
const ledgerWith = (faults: readonly Fault[], matches = isTransaction): Ledger =>
  dynamoLedger(store(faultyClient(engine.endpoint, scriptedFaults(faults, matches))));

describe('reserve', () => {
  test('sets the estimate aside in all five windows where something is limited by the hour', async () => {
    const policy = await scopeWith(store(), [hard(1000n, 'hour')]);
    const request = facts(policy);
    const wanted = reservation([policy], 400n);
    const held = reserved(await ledger.reserve(request, wanted));
    expect(held).toEqual({ ...wanted, purse: expect.stringContaining('#hour:2026-11-20T09#') });
    expect((await ledger.counters(policy.scope))?.windows).toEqual(
      Object.fromEntries(windowIdsAt(START_MS).map((id) => [id, { committed: 400n, spent: 0n }])),
    );
    expect(await ledger.find(request.id)).toBeUndefined();
  });

  test('counts no hours where nothing is limited by the hour', async () => {
    const policy = await scopeWith(store(), [hard(1000n, 'day')]);
    await ledger.reserve(facts(policy), reservation([policy], 400n));
    const windows = Object.keys((await ledger.counters(policy.scope))?.windows ?? {}).sort();
    expect(windows).toEqual(windowIdsAt(START_MS).slice(1).toSorted());
  });

  test('fills a budget to the last nano-dollar and refuses the next one with the counters', async () => {
    const policy = await scopeWith(store(), [hard(1000n, 'month')]);
    reserved(await ledger.reserve(facts(policy), reservation([policy], 400n)));
    reserved(await ledger.reserve(facts(policy), reservation([policy], 600n)));
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
    const policy = await scopeWith(store(), [hard(1000n)]);
    await ledger.reserve(facts(policy), reservation([policy], 300n));
    const writes: string[] = [];
    const watched = dynamoLedger(
      store(
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
    const policy = await scopeWith(store(), [{ ...hard(10n), mode: 'soft' }]);
    reserved(await ledger.reserve(facts(policy), reservation([policy], 1000n)));
    expect(await counters(policy)).toMatchObject({ committed: 1000n });
  });

  test('takes four scopes all or nothing, and names the one that is full', async () => {
    const key = await scopeWith(store(), [hard(500n)]);
    const teams = await Promise.all([400n, 300n, 200n].map((limit) => teamWith(store(), [hard(limit)])));
    const scopes = [key, ...teams];
    reserved(await ledger.reserve(facts(key), reservation(scopes, 150n)));
    expect(await ledger.reserve(facts(key), reservation(scopes, 150n))).toMatchObject({
      type: 'refused',
      scope: teams[2],
      committed: 150n,
      limit: 200n,
    });
    for (const policy of scopes) expect(await counters(policy)).toMatchObject({ committed: 150n });
  });

  test.each([
    { allowance: 0n, name: 'where each takes just what it needs' },
    { allowance: 4000n, name: 'where each takes money ahead' },
  ])(
    'lets exactly 40 of 200 concurrent requests of four processes through where 40 fit, $name',
    async ({ allowance }) => {
      const key = await scopeWith(store(), [hard(100_000n, 'day')]);
      const team = await teamWith(store(), [hard(40_500n, 'hour'), hard(90_000n, 'month')]);
      const scopes = [key, team];
      const ledgers = Array.from({ length: 4 }, () => dynamoLedger(store()));
      const wanted = reservation(scopes, 1000n, { terms: ahead(allowance) });
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, (_, index) => ledgers[index % 4]?.reserve(facts(key), wanted)),
      );
      let fitted = outcomes.filter((each) => each?.type === 'reserved').length;
      expect(fitted).toBeLessThanOrEqual(40);
      if (allowance === 0n) expect(fitted).toBe(40);
      // What was leased ahead and is of no use there comes back to who needs it, once a second.
      const known = await dynamoKeyStore(store()).again(virtualKey({ id: keyIdOf(key) }), []);
      const later = { ...wanted, key: { ...wanted.key, purseShards: known?.purseShards ?? 1 } };
      const fitsMore = async (): Promise<boolean> => {
        clock.pass(1_000);
        const before = fitted;
        while ((await ledgers[0]?.reserve(facts(key), later))?.type === 'reserved') fitted += 1;
        return fitted > before;
      };
      while (await fitsMore()) expect(fitted).toBeLessThanOrEqual(40);
      expect(fitted).toBe(40);
      await sweepAt(store(), FOLD_DUE_MS);
      for (const policy of scopes) expect(await counters(policy)).toEqual({ committed: 40_000n, spent: 0n });
    },
  );

  test('gets through conflicts and throttling', async () => {
    const policy = await scopeWith(store(), [hard(100n)]);
    const faulty = ledgerWith(['conflict', 'throttled', 'conflict', 'throttled', 'conflict']);
    reserved(await faulty.reserve(facts(policy), reservation([policy], 60n)));
    expect(await counters(policy)).toEqual({ committed: 60n, spent: 0n });
  });

  test('knows its own reservation after a lost answer, though the budget is full now', async () => {
    const policy = await scopeWith(store(), [hard(100n)]);
    const faulty = ledgerWith(['lost-answer']);
    reserved(await faulty.reserve(facts(policy), reservation([policy], 100n)));
    expect(await counters(policy)).toEqual({ committed: 100n, spent: 0n });
  });

  test('does not take another reservation of the same request for its own', async () => {
    const policy = await scopeWith(store(), [hard(1000n)]);
    const request = facts(policy);
    await ledger.reserve(request, reservation([policy], 100n));
    await expect(ledger.reserve(request, reservation([policy], 900n))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await counters(policy)).toMatchObject({ committed: 100n });
  });

  test('is never over and never unequal with 30 % conflicts and 20 % lost answers on four scopes', async () => {
    const key = await scopeWith(store(), [hard(20_000n)]);
    const teams = await Promise.all([1, 2, 3].map(() => teamWith(store(), [hard(20_000n)])));
    const scopes = [key, ...teams];
    const ledgers = Array.from({ length: 4 }, (_, seed) =>
      dynamoLedger(
        store(faultyClient(engine.endpoint, randomFaults(seed, { conflict: 0.3, 'lost-answer': 0.2 }))),
      ),
    );
    const requests = Array.from({ length: 100 }, () => facts(key));
    const outcomes = await Promise.all(
      requests.map(async (request, index) => {
        const by = ledgers[index % 4] ?? ledger;
        const made = await by.reserve(request, reservation(scopes, 1000n));
        return made.type === 'reserved' ? { by, request, held: made.held } : undefined;
      }),
    );
    const made = outcomes.filter((each) => each !== undefined);
    expect(made).toHaveLength(20);
    await Promise.all(made.map(({ by, request, held }) => by.settle(request, held, outcome(700n))));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await recordsOf(store(), keyIdOf(key))).toHaveLength(20);
    for (const policy of scopes)
      expect(await counters(policy)).toEqual({ committed: 14_000n, spent: 14_000n });
  });
});

describe('a policy that has changed', () => {
  test('refuses nothing but says that it is stale, full or not', async () => {
    const policy = await scopeWith(store(), [hard(100n)]);
    const keys = dynamoKeyStore(store());
    const key = await keys.find(keyIdOf(policy));
    if (key === undefined) throw new Error('The key was just made.');
    await keys.update({ ...key, budgets: [hard(1000n)] });
    expect(await ledger.reserve(facts(policy), reservation([policy], 50n))).toEqual({
      type: 'stale-policy',
      scope: policy,
    });
    const current: ScopePolicy = { ...policy, policyVersion: 2, budgets: [hard(1000n)] };
    reserved(await ledger.reserve(facts(policy), reservation([current], 900n)));
    for (const estimate of [50n, 500n]) {
      expect(await ledger.reserve(facts(policy), reservation([policy], estimate))).toMatchObject({
        type: 'stale-policy',
      });
    }
  });

  test('comes before a budget without room', async () => {
    const key = await scopeWith(store(), [hard(100n)]);
    const gone: ScopePolicy = { scope: { kind: 'team', id: 'nobody' }, policyVersion: 1, budgets: [] };
    reserved(await ledger.reserve(facts(key), reservation([key], 100n)));
    expect(await ledger.reserve(facts(key), reservation([key, gone], 1n))).toEqual({
      type: 'stale-policy',
      scope: gone,
    });
  });

  test('is seen where a scope got its first settings after it had been counted without any', async () => {
    const key = await scopeWith(store(), []);
    const scope = { kind: 'team', id: unique('team') } as const;
    const unset: ScopePolicy = { scope, policyVersion: 0, budgets: [] };
    reserved(await ledger.reserve(facts(key), reservation([key, unset], 400n)));
    expect(await counters(unset)).toMatchObject({ committed: 400n });
    const budgets = [hard(1000n)];
    await dynamoScopeStore(store()).put({
      ...NO_RULES,
      scope,
      name: 'A team',
      budgets,
      metadata: {},
      createdAtMs: START_MS,
      policyVersion: 0,
    });
    expect(await ledger.reserve(facts(key), reservation([key, unset], 1n))).toEqual({
      type: 'stale-policy',
      scope: unset,
    });
    // What was counted before counts in the budget.
    const set: ScopePolicy = { scope, policyVersion: 1, budgets };
    expect(await ledger.reserve(facts(key), reservation([key, set], 601n))).toMatchObject({
      type: 'refused',
      committed: 400n,
    });
    reserved(await ledger.reserve(facts(key), reservation([key, set], 600n)));
  });

  test('does not fence what has no version of its own', async () => {
    const key = await scopeWith(store(), []);
    const facet: ScopePolicy = {
      scope: { ...key.scope, facet: 'provider:openai' },
      policyVersion: undefined,
      budgets: [hard(100n)],
    };
    reserved(await ledger.reserve(facts(key), reservation([key, facet], 100n)));
    expect(await ledger.reserve(facts(key), reservation([key, facet], 1n))).toMatchObject({
      type: 'refused',
      scope: facet,
    });
  });
});

describe('raise', () => {
  async function reservedWith(budget = 1000n, estimate = 300n) {
    const policy = await scopeWith(store(), [hard(budget)]);
    const request = facts(policy);
    const held = reserved(await ledger.reserve(request, reservation([policy], estimate)));
    return { policy, request, held };
  }

  test('adds the difference to the reservation and the counters', async () => {
    const { policy, request, held } = await reservedWith();
    expect(await ledger.raise(request, held, nanoUsd(1000n))).toEqual({
      type: 'reserved',
      counters: [],
      held: { ...held, estimate: 1000n },
    });
    expect(await counters(policy)).toMatchObject({ committed: 1000n });
  });

  test('is refused where the difference does not fit, and leaves the reservation as it was', async () => {
    const { policy, request, held } = await reservedWith();
    await ledger.reserve(facts(policy), reservation([policy], 600n));
    for (const estimate of [401n, 2000n]) {
      expect(await ledger.raise(request, held, nanoUsd(estimate))).toMatchObject({
        type: 'refused',
        committed: 900n,
        limit: 1000n,
      });
    }
    expect(await counters(policy)).toMatchObject({ committed: 900n });
    reserved(await ledger.raise(request, held, nanoUsd(400n)));
    expect(await counters(policy)).toMatchObject({ committed: 1000n });
  });

  test('happens once although its answers are lost', async () => {
    const { policy, request, held } = await reservedWith();
    const faulty = ledgerWith(['lost-answer', 'lost-answer', 'conflict']);
    expect(reserved(await faulty.raise(request, held, nanoUsd(1000n))).estimate).toBe(1000n);
    expect(await counters(policy)).toMatchObject({ committed: 1000n });
  });

  test('leaves a reservation that is large enough alone', async () => {
    const { policy, request, held } = await reservedWith();
    expect(await ledger.raise(request, held, nanoUsd(200n))).toEqual({
      type: 'reserved',
      held,
      counters: [],
    });
    expect(await counters(policy)).toMatchObject({ committed: 300n });
  });

  test('fails under a policy that has changed, and on a reservation that is settled', async () => {
    const { policy, request, held } = await reservedWith();
    const stale = { ...held, shared: [{ ...policy, policyVersion: 7 }] };
    expect(await ledger.raise(request, stale, nanoUsd(400n))).toMatchObject({ type: 'stale-policy' });
    await ledger.settle(request, held, outcome(10n));
    await expect(ledger.raise(request, held, nanoUsd(400n))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await counters(policy)).toEqual({ committed: 10n, spent: 10n });
  });

  test('whose answer nobody got is settled as it stands', async () => {
    const { policy, request, held } = await reservedWith();
    reserved(await ledger.raise(request, held, nanoUsd(900n)));
    await ledger.settle(request, held, outcome(250n));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
  });
});

describe('release', () => {
  test('gives the whole estimate back at once, to this and every other key of the team', async () => {
    const team = await teamWith(store(), [hard(1000n)]);
    const [key, other] = await Promise.all([scopeWith(store(), []), scopeWith(store(), [])]);
    for (const policy of [key, key, other]) {
      const request = facts(policy);
      const held = reserved(await ledger.reserve(request, reservation([policy, team], 600n)));
      await ledger.release(request, held);
      expect(await ledger.find(request.id)).toBeUndefined();
    }
    expect(await counters(team)).toEqual({ committed: 0n, spent: 0n });
  });

  test('takes back what was raised, and happens once although its answers are lost', async () => {
    const policy = await scopeWith(store(), [hard(1000n)]);
    const request = facts(policy);
    const held = reserved(await ledger.reserve(request, reservation([policy], 600n)));
    reserved(await ledger.raise(request, held, nanoUsd(900n)));
    const faulty = ledgerWith(['lost-answer', 'conflict'], ({ command }) => command === 'UpdateItemCommand');
    await faulty.release(request, held);
    await faulty.release(request, held);
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 0n, spent: 0n });
  });
});
