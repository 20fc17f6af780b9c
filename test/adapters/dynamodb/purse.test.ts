import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { numberAttribute } from '../../../lambda/adapters/dynamodb/attributes.ts';
import { fold } from '../../../lambda/adapters/dynamodb/fold.ts';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { readPurse } from '../../../lambda/adapters/dynamodb/purse.ts';
import { scopeKey } from '../../../lambda/adapters/dynamodb/scope-item.ts';
import { updateItem } from '../../../lambda/adapters/dynamodb/store.ts';
import { updateBuilder } from '../../../lambda/adapters/dynamodb/update.ts';
import { type ScopePolicy, scopeName } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { RequestOutcome, Reservation } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import {
  ahead,
  EXACT,
  EXPIRED_MS,
  FOLD_DUE_MS,
  facts,
  hard,
  keyIdOf,
  outcome,
  reservation,
  reserved,
  rollupsOf,
  scopeWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
  virtualKey,
} from './fixtures.ts';

let engine: TestEngine;
let ledger: Ledger;
let clock: ReturnType<typeof standingClock>;
const store = (client?: Parameters<TestEngine['store']>[0]) => ({ ...engine.store(client), clock });
beforeAll(async () => {
  engine = await startTestEngine();
});
beforeEach(() => {
  clock = standingClock();
  ledger = dynamoLedger(store());
});
afterAll(() => engine.stop());

const counters = (policy: ScopePolicy) => totalsOf(ledger, policy);
const ledgerWith = (faults: readonly Fault[], command: string): Ledger =>
  dynamoLedger(
    store(
      faultyClient(
        engine.endpoint,
        scriptedFaults(faults, (call) => call.command === command),
      ),
    ),
  );
const reserveWith = async (by: Ledger, wanted: Reservation) => {
  const [policy] = wanted.shared;
  if (policy === undefined) throw new Error('A request has a scope.');
  const request = facts(policy);
  return { request, held: reserved(await by.reserve(request, wanted)) };
};
type Life = Awaited<ReturnType<typeof reserveWith>>;
const settleWith = (
  by: Ledger,
  { request, held }: Life,
  cost: bigint,
  changes: Partial<RequestOutcome> = {},
) => by.settle(request, held, outcome(cost, changes));

/** A key's purse of requests that come often: it has `allowance` at hand, and nothing stands in it. */
async function busyPurse(allowance = 1000n, limit = 100_000n) {
  const policy = await scopeWith(store(), [hard(limit)]);
  const wanted = reservation([policy], 100n, { terms: ahead(allowance) });
  await settleWith(ledger, await reserveWith(ledger, wanted), 100n);
  clock.pass(500);
  const { held, request } = await reserveWith(ledger, wanted);
  await ledger.settle(request, held, outcome(100n));
  return { policy, wanted, purse: held.purse };
}

describe('requests that come seldom', () => {
  test('take just what they need, and leave nothing behind', async () => {
    const policy = await scopeWith(store(), [hard(100_000n)]);
    const wanted = reservation([policy], 1000n, { terms: ahead(16_000n) });
    for (const total of [250n, 500n]) {
      const life = await reserveWith(ledger, wanted);
      expect(await counters(policy)).toEqual({ committed: total + 750n, spent: total - 250n });
      const [told] = await settleWith(ledger, life, 250n);
      expect(told?.windows['total' as never]).toEqual({ committed: total, spent: total });
      expect(told?.purses).toBe(0);
      expect(await readPurse(store(), life.held.purse)).toMatchObject({ isOpen: false, room: 0n, spent: 0n });
      clock.pass(60_000);
    }
  });

  test('are also those that are raised', async () => {
    const policy = await scopeWith(store(), [hard(100_000n)]);
    const life = await reserveWith(ledger, reservation([policy], 1000n, { terms: ahead(16_000n) }));
    reserved(await ledger.raise(life.request, life.held, nanoUsd(1500n)));
    expect(await counters(policy)).toMatchObject({ committed: 1500n });
  });
});

describe('requests that come often', () => {
  test('lease ahead once, and then touch no scope', async () => {
    const { policy, wanted, purse } = await busyPurse();
    const before = await counters(policy);
    expect(before).toEqual({ committed: 1200n, spent: 100n });
    for (let count = 0; count < 5; count += 1) {
      const life = await reserveWith(ledger, wanted);
      expect(await settleWith(ledger, life, 60n)).toEqual([]);
      clock.pass(100);
    }
    expect(await counters(policy)).toEqual(before);
    expect(await readPurse(store(), purse)).toMatchObject({ isOpen: true, open: 0, room: 700n, spent: 400n });
  });

  test('bring what they have spent to the scopes when it is time, while others stand in the purse', async () => {
    const { policy, wanted } = await busyPurse();
    const [first, second] = [await reserveWith(ledger, wanted), await reserveWith(ledger, wanted)];
    clock.pass(60_000);
    const [told] = await settleWith(ledger, first, 30n);
    expect(told?.windows['total' as never]).toEqual({ committed: 330n, spent: 230n });
    expect(told?.purses).toBe(1);
    clock.pass(60_000);
    const [later] = await settleWith(ledger, second, 40n);
    expect(later?.windows['total' as never]).toEqual({ committed: 270n, spent: 270n });
    expect(later?.purses).toBe(0);
    expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([
      expect.objectContaining({ requests: 4, cost: 270n, promptTokens: 4800, completionTokens: 1380 }),
    ]);
  });

  test('are folded by upkeep when they stop coming, and not before', async () => {
    await sweepAt(store(), EXPIRED_MS);
    const { policy } = await busyPurse();
    expect(await sweepAt(store(), clock.now() + 60_000)).toMatchObject({ folded: 0 });
    expect(await counters(policy)).toEqual({ committed: 1200n, spent: 100n });
    expect(await sweepAt(store(), FOLD_DUE_MS)).toMatchObject({ folded: 1 });
    expect(await counters(policy)).toEqual({ committed: 200n, spent: 200n });
    expect(await ledger.counters(policy.scope)).toMatchObject({ purses: 0 });
    expect(await sweepAt(store(), FOLD_DUE_MS)).toMatchObject({ folded: 0 });
  });

  test('take less than they wanted where the limit has less', async () => {
    const { policy, wanted } = await busyPurse(1000n, 1250n);
    for (let count = 0; count < 10; count += 1) await reserveWith(ledger, wanted);
    expect(await counters(policy)).toMatchObject({ committed: 1200n });
    const { room } =
      (await readPurse(
        store(),
        (
          await reserveWith(ledger, { ...wanted, estimate: nanoUsd(50n) })
        ).held.purse,
      )) ?? {};
    expect(room).toBe(0n);
    expect(await ledger.reserve(facts(policy), wanted)).toMatchObject({ type: 'refused', committed: 1250n });
  });

  test('never lease more than a limit, even where nothing was counted yet', async () => {
    const policy = await scopeWith(store(), [hard(1000n, 'day')]);
    const wanted = reservation([policy], 100n, { terms: ahead(50_000n) });
    await reserveWith(ledger, wanted);
    // Tomorrow no counter exists: only what is asked for bounds it.
    const tomorrow = {
      ...wanted,
      windows: wanted.windows.map((id) => id.replace('11-20', '11-21') as typeof id),
    };
    clock.pass(500);
    await reserveWith(ledger, tomorrow);
    await reserveWith(ledger, tomorrow);
    const day = (await ledger.counters(policy.scope))?.windows['day:2026-11-21' as never];
    expect(day?.['committed']).toBeLessThanOrEqual(1000n);
  });

  test('use what another process has left in the purse', async () => {
    const { policy, wanted } = await busyPurse(1000n, 1200n);
    const other = dynamoLedger(store());
    for (const by of [other, ledger, other, ledger, other, ledger]) await reserveWith(by, wanted);
    expect(await counters(policy)).toEqual({ committed: 1200n, spent: 100n });
  });

  test('are not refused for money that another process has just given back', async () => {
    const policy = await scopeWith(store(), [hard(1000n)]);
    const other = dynamoLedger(store());
    const life = await reserveWith(other, reservation([policy], 600n));
    await reserveWith(ledger, reservation([policy], 300n));
    await settleWith(other, life, 0n);
    await reserveWith(ledger, reservation([policy], 600n));
    expect((await counters(policy)).committed).toBeLessThanOrEqual(1000n);
  });
});

describe('a crowd', () => {
  const shardsOf = async (policy: ScopePolicy) =>
    (await dynamoKeyStore(store()).again(virtualKey({ id: keyIdOf(policy) }), []))?.purseShards;

  test('moves to other purses, and every process learns of them from the key', async () => {
    const policy = await scopeWith(store(), [hard(100_000n)]);
    const wanted = reservation([policy], 100n);
    const lives = await Promise.all(Array.from({ length: 30 }, () => reserveWith(ledger, wanted)));
    const purses = new Set(lives.map(({ held }) => held.purse));
    expect(purses.size).toBeGreaterThanOrEqual(5);
    for (const name of purses) expect((await readPurse(store(), name))?.open).toBeLessThanOrEqual(6);
    expect(await counters(policy)).toMatchObject({ committed: 3000n });
    expect(await ledger.counters(policy.scope)).toMatchObject({ purses: purses.size });
    const shards = await shardsOf(policy);
    expect(shards).toBeGreaterThanOrEqual(8);
    expect(shards).toBeLessThanOrEqual(64);
    await Promise.all(lives.map((life) => settleWith(ledger, life, 10n)));
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 300n, spent: 300n });
  });

  test('that one process meets late does not take purses away that another one has asked for', async () => {
    const policy = await scopeWith(store(), []);
    const wanted = reservation([policy], 100n);
    const update = updateBuilder();
    update.set('purseShards', update.value(numberAttribute(64)));
    update.set('purseShardsAtMs', update.value(numberAttribute(clock.now())));
    await updateItem(store(), scopeKey(scopeName(policy.scope)), update.build());
    for (let count = 0; count < 7; count += 1) await reserveWith(dynamoLedger(store()), wanted);
    expect(await shardsOf(policy)).toBe(64);
  });

  test('gives what its purses have to no use to the request that would be refused', async () => {
    const policy = await scopeWith(store(), [hard(10_000n)]);
    const wanted = { ...reservation([policy], 1000n, { terms: EXACT }) };
    const crowded = { ...wanted, key: { ...wanted.key, purseShards: 4 } };
    const lives = [];
    for (let count = 0; count < 10; count += 1) lives.push(await reserveWith(ledger, crowded));
    const used = new Set(lives.map(({ held }) => held.purse));
    expect(used.size).toBeGreaterThan(1);
    const last = lives.pop();
    for (const life of lives) await settleWith(ledger, life, 0n);
    // All is in the purses now but for one estimate.
    clock.pass(2_000);
    const whole = await reserveWith(ledger, { ...crowded, estimate: nanoUsd(9000n) });
    expect(whole.held.estimate).toBe(9000n);
    expect(last?.held.estimate).toBe(1000n);
    expect(await counters(policy)).toMatchObject({ committed: 10_000n });
  });
});

describe('a fold', () => {
  test('does nothing where the purse is no longer as it was seen', async () => {
    const { policy, wanted, purse } = await busyPurse();
    const seen = await readPurse(store(), purse);
    if (seen === undefined) throw new Error('The purse was just used.');
    const life = await reserveWith(ledger, wanted);
    expect(await fold(store(), seen, { foldAfterMs: 60_000, isPatient: true })).toBe(false);
    await settleWith(ledger, life, 100n);
    expect(await fold(store(), seen, { foldAfterMs: 60_000, isPatient: true })).toBe(false);
    const now = await readPurse(store(), purse);
    if (now === undefined) throw new Error('The purse was just used.');
    expect(await fold(store(), now, { foldAfterMs: 60_000, isPatient: true })).toBe(true);
    expect(await fold(store(), now, { foldAfterMs: 60_000, isPatient: true })).toBe(false);
    expect(await counters(policy)).toEqual({ committed: 300n, spent: 300n });
  });

  test('loses no request that cost nothing and came in between', async () => {
    const { policy, wanted, purse } = await busyPurse();
    const seen = await readPurse(store(), purse);
    if (seen === undefined) throw new Error('The purse was just used.');
    await settleWith(ledger, await reserveWith(ledger, wanted), 0n);
    await fold(store(), seen, { foldAfterMs: 60_000, isPatient: true });
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await rollupsOf(store(), keyIdOf(policy))).toEqual([
      expect.objectContaining({ requests: 3, promptTokens: 3600 }),
    ]);
  });

  test('brings what a hundred models have cost to the scopes', async () => {
    const { policy, wanted } = await busyPurse();
    for (let index = 0; index < 120; index += 1) {
      const life = await reserveWith(ledger, wanted);
      await settleWith(ledger, life, 1n, { model: `model-${index}` });
    }
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(policy)).toEqual({ committed: 320n, spent: 320n });
    const rollups = await rollupsOf(store(), keyIdOf(policy));
    expect(rollups.reduce((sum, { requests }) => sum + requests, 0)).toBe(122);
  });

  test.each(['lost-answer', 'conflict', 'throttled', 'refused'] as const)(
    'happens once with: %s',
    async (fault) => {
      const policy = await scopeWith(store(), [hard(10_000n)]);
      const life = await reserveWith(ledger, reservation([policy], 1000n));
      await settleWith(ledgerWith([fault, fault], 'TransactWriteItemsCommand'), life, 250n);
      // Who meets others at the scope leaves it to the sweep.
      await sweepAt(store(), FOLD_DUE_MS);
      expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
      expect(await ledger.counters(policy.scope)).toMatchObject({ purses: 0 });
    },
  );
});

describe('a purse whose answers are lost', () => {
  test.each(['lost-answer', 'conflict', 'throttled', 'refused'] as const)(
    'takes a reservation once, and lets it go once, with: %s',
    async (fault) => {
      const { policy, wanted, purse } = await busyPurse();
      const faulty = ledgerWith([fault, fault, fault], 'UpdateItemCommand');
      // A process that never used the purse learns of it first.
      const first = await reserveWith(faulty, wanted);
      expect(await readPurse(store(), purse)).toMatchObject({ open: 1, room: 900n });
      const life = await reserveWith(faulty, wanted);
      expect(await readPurse(store(), purse)).toMatchObject({ open: 2, room: 800n });
      for (const each of [first, life])
        await settleWith(ledgerWith([fault, fault], 'UpdateItemCommand'), each, 10n);
      expect(await readPurse(store(), purse)).toMatchObject({ open: 0, room: 980n, spent: 120n });
      expect(await counters(policy)).toEqual({ committed: 1200n, spent: 100n });
    },
  );

  test('leases once where the answer of the lease is lost', async () => {
    const team = await teamWith(store(), [hard(100_000n)]);
    const key = await scopeWith(store(), [hard(100_000n)]);
    const wanted = reservation([key, team], 100n, { terms: ahead(1000n) });
    const faulty = ledgerWith(['lost-answer', 'conflict'], 'TransactWriteItemsCommand');
    const { held } = await reserveWith(faulty, wanted);
    expect(await readPurse(store(), held.purse)).toMatchObject({ open: 1, room: 0n });
    for (const policy of [key, team]) expect(await counters(policy)).toMatchObject({ committed: 100n });
    await reserveWith(faulty, wanted);
    expect(await readPurse(store(), held.purse)).toMatchObject({ open: 2, room: 1000n });
    for (const policy of [key, team]) expect(await counters(policy)).toMatchObject({ committed: 1200n });
  });
});
