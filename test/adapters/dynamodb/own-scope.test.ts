import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { OwnScopePolicy } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { faultyClient, type StoreCall, scriptedFaults } from '../../support/faulty-client.ts';
import {
  EXPIRED_MS,
  FOLD_DUE_MS,
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  scopeWith,
  sessionWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
  unique,
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

const counters = (policy: Pick<ScopePolicy, 'scope'>) => totalsOf(ledger, policy);
const reserveIn = async (key: ScopePolicy, own: readonly OwnScopePolicy[], estimate: bigint) => {
  const request = facts(key);
  const result = await ledger.reserve(request, reservation([key], estimate, { own }));
  return { request, result };
};
/** Writes to the item of a scope, and to no other. */
const touches =
  ({ scope }: Pick<ScopePolicy, 'scope'>) =>
  (call: StoreCall): boolean =>
    call.command === 'UpdateItemCommand' &&
    'Key' in call.input &&
    call.input.Key?.['pk']?.S === `scope#${scope.kind}#${scope.id}`;

describe('a session', () => {
  test('takes its estimate beside the purse, and is charged what the request cost', async () => {
    const [key, session] = [await scopeWith(store(), [hard(10_000n)]), sessionWith([hard(1000n)])];
    const { request, result } = await reserveIn(key, [session], 600n);
    expect(await counters(session)).toEqual({ committed: 600n, spent: 0n });
    await ledger.settle(request, reserved(result), outcome(250n));
    for (const policy of [key, session])
      expect(await counters(policy)).toEqual({ committed: 250n, spent: 250n });
  });

  test('is full to the last nano-dollar, and then refuses with its counters', async () => {
    const [key, session] = [await scopeWith(store(), []), sessionWith([hard(1000n)])];
    reserved((await reserveIn(key, [session], 1000n)).result);
    expect((await reserveIn(key, [session], 1n)).result).toEqual({
      type: 'refused',
      scope: session,
      window: 'total',
      committed: 1000n,
      spent: 0n,
      limit: 1000n,
    });
    expect((await reserveIn(key, [session], 1001n)).result).toMatchObject({
      type: 'refused',
      scope: session,
    });
  });

  test('makes so many calls and no more, and gets one back that was not sent', async () => {
    const [key, session] = [await scopeWith(store(), []), sessionWith([], { maxCalls: 2 })];
    const first = await reserveIn(key, [session], 10n);
    await ledger.settle(first.request, reserved(first.result), outcome(10n));
    const second = await reserveIn(key, [session], 10n);
    const exhausted = { type: 'calls-exhausted', scope: session, maxCalls: 2 };
    expect((await reserveIn(key, [session], 10n)).result).toEqual(exhausted);
    await ledger.release(second.request, reserved(second.result));
    const third = await reserveIn(key, [session], 10n);
    await ledger.settle(third.request, reserved(third.result), outcome(10n));
    expect((await reserveIn(key, [session], 10n)).result).toEqual(exhausted);
    expect(await counters(session)).toEqual({ committed: 20n, spent: 20n });
  });

  test('lets exactly 7 of 30 concurrent calls of three processes through where it may make 7', async () => {
    const [key, session] = [await scopeWith(store(), [hard(100_000n)]), sessionWith([], { maxCalls: 7 })];
    const ledgers = [1, 2, 3].map(() => dynamoLedger(store()));
    const wanted = reservation([key], 100n, { own: [session] });
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ledgers[index % 3]?.reserve(facts(key), wanted)),
    );
    expect(outcomes.filter((each) => each?.type === 'reserved')).toHaveLength(7);
    expect(outcomes.filter((each) => each?.type === 'calls-exhausted')).toHaveLength(23);
    await sweepAt(store(), FOLD_DUE_MS);
    expect(await counters(key)).toEqual({ committed: 700n, spent: 0n });
    expect(await counters(session)).toEqual({ committed: 700n, spent: 0n });
  });
});

describe('scopes of a request of its own', () => {
  test('are all or nothing with each other and the purse', async () => {
    const key = await scopeWith(store(), [hard(1000n)]);
    const endUser: OwnScopePolicy = {
      scope: { kind: 'end-user', id: unique('user') },
      policyVersion: undefined,
      budgets: [hard(500n, 'month')],
    };
    const session = sessionWith([hard(2000n)]);
    const { request, result } = await reserveIn(key, [session, endUser], 400n);
    expect((await reserveIn(key, [session, endUser], 200n)).result).toMatchObject({
      type: 'refused',
      scope: endUser,
      window: 'month:2026-11',
      committed: 400n,
    });
    expect(await counters(session)).toMatchObject({ committed: 400n });
    // The key refuses: the others are taken back.
    const other = sessionWith([hard(2000n)], { maxCalls: 1 });
    expect((await reserveIn(key, [other], 601n)).result).toMatchObject({ type: 'refused', scope: key });
    expect(await counters(other)).toEqual({ committed: 0n, spent: 0n });
    await ledger.settle(request, reserved(result), outcome(300n));
    for (const policy of [session, endUser])
      expect(await counters(policy)).toEqual({ committed: 300n, spent: 300n });
    reserved((await reserveIn(key, [other], 500n)).result);
  });

  test('that refuse again and again take nothing from other keys of the team', async () => {
    const team = await teamWith(store(), [hard(1000n)]);
    const [key, other] = [await scopeWith(store(), []), await scopeWith(store(), [])];
    const session = sessionWith([hard(100n)]);
    const wanted = reservation([key, team], 100n, { own: [session] });
    reserved(await ledger.reserve(facts(key), wanted));
    for (let count = 0; count < 12; count += 1)
      expect(await ledger.reserve(facts(key), wanted)).toMatchObject({ type: 'refused', scope: session });
    reserved(await ledger.reserve(facts(other), reservation([other, team], 800n)));
  });

  test('are raised with the purse, or the reservation can still be raised by less', async () => {
    const [key, session] = [await scopeWith(store(), [hard(10_000n)]), sessionWith([hard(1000n)])];
    const { request, result } = await reserveIn(key, [session], 300n);
    const held = reserved(result);
    expect(await ledger.raise(request, held, nanoUsd(900n))).toMatchObject({ type: 'reserved' });
    const other = await reserveIn(key, [session], 100n);
    expect(await ledger.raise(other.request, reserved(other.result), nanoUsd(101n))).toMatchObject({
      type: 'refused',
      scope: session,
    });
    await ledger.settle(request, { ...held, estimate: nanoUsd(900n) }, outcome(0n));
    reserved(await ledger.raise(other.request, reserved(other.result), nanoUsd(150n)));
    await ledger.settle(other.request, reserved(other.result), outcome(80n));
    await sweepAt(store(), FOLD_DUE_MS);
    for (const policy of [key, session])
      expect(await counters(policy)).toEqual({ committed: 80n, spent: 80n });
  });

  test('are charged once by the sweep, with the call', async () => {
    await sweepAt(store(), EXPIRED_MS);
    const [key, session] = [
      await scopeWith(store(), [hard(10_000n)]),
      sessionWith([hard(1000n)], { maxCalls: 1 }),
    ];
    reserved((await reserveIn(key, [session], 300n)).result);
    expect(await sweepAt(store(), EXPIRED_MS)).toMatchObject({ swept: 1 });
    for (const policy of [key, session])
      expect(await counters(policy)).toEqual({ committed: 300n, spent: 300n });
    expect((await reserveIn(key, [session], 10n)).result).toMatchObject({ type: 'calls-exhausted' });
  });

  test('are corrected when the owner of a swept reservation comes late', async () => {
    const [key, session] = [await scopeWith(store(), [hard(10_000n)]), sessionWith([hard(1000n)])];
    const { request, result } = await reserveIn(key, [session], 300n);
    await sweepAt(store(), EXPIRED_MS);
    await ledger.settle(request, reserved(result), outcome(120n));
    for (const policy of [key, session])
      expect(await counters(policy)).toEqual({ committed: 120n, spent: 120n });
  });

  test.each(['lost-answer', 'conflict', 'throttled', 'refused'] as const)(
    'take a reservation once, and let it go once, with: %s',
    async (fault) => {
      const [key, session] = [
        await scopeWith(store(), [hard(10_000n)]),
        sessionWith([hard(1000n)], { maxCalls: 1 }),
      ];
      const faults = () => scriptedFaults([fault, fault], touches(session));
      const faulty = () => dynamoLedger(store(faultyClient(engine.endpoint, faults())));
      const request = facts(key);
      const held = reserved(await faulty().reserve(request, reservation([key], 300n, { own: [session] })));
      const raised = reserved(await faulty().raise(request, held, nanoUsd(500n)));
      expect(await counters(session)).toEqual({ committed: 500n, spent: 0n });
      await faulty().settle(request, raised, outcome(120n));
      await sweepAt(store(), FOLD_DUE_MS);
      for (const policy of [key, session])
        expect(await counters(policy)).toEqual({ committed: 120n, spent: 120n });
    },
  );

  test('are free again once a reservation has expired that no purse took', async () => {
    const [key, session] = [
      await scopeWith(store(), [hard(10_000n)]),
      sessionWith([hard(1000n)], { maxCalls: 1 }),
    ];
    const client = faultyClient(engine.endpoint, (call) =>
      call.command === 'TransactWriteItemsCommand' ? 'throttled' : undefined,
    );
    const request = facts(key);
    const wanted = reservation([key], 1000n, { own: [session] });
    await expect(dynamoLedger(store(client)).reserve(request, wanted)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    await ledger.recordRefusal(request, outcome(0n, { outcome: 'store_unavailable', attempts: [] }));
    await sweepAt(store(), EXPIRED_MS);
    clock.pass(2 * 3_600_000);
    const later = { ...wanted, expiresAtMs: clock.now() + 60_000 };
    reserved(await ledger.reserve(facts(key), later));
    expect(await counters(session)).toEqual({ committed: 1000n, spent: 0n });
  });
});
