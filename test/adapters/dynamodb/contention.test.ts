import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { readPurse } from '../../../lambda/adapters/dynamodb/purse.ts';
import { purseFamily } from '../../../lambda/adapters/dynamodb/purse-item.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { Reservation } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import {
  ahead,
  EXACT,
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  scopeWith,
  standingClock,
  totalsOf,
} from './fixtures.ts';

const SHARDS = 4;

let engine: TestEngine;
let clock: ReturnType<typeof standingClock>;
const store = (client?: Parameters<TestEngine['store']>[0]) => ({ ...engine.store(client), clock });
beforeAll(async () => {
  engine = await startTestEngine();
});
beforeEach(() => {
  clock = standingClock();
});
afterAll(() => engine.stop());

const isTransaction = ({ command }: { readonly command: string }): boolean =>
  command === 'TransactWriteItemsCommand';
const meeting = (faults: readonly Fault[]): Ledger =>
  dynamoLedger(store(faultyClient(engine.endpoint, scriptedFaults(faults, isTransaction))));
const alwaysContended = (): Ledger =>
  dynamoLedger(
    store(faultyClient(engine.endpoint, (call) => (isTransaction(call) ? 'conflict' : undefined))),
  );

const spread = (wanted: Reservation): Reservation => ({
  ...wanted,
  key: { ...wanted.key, purseShards: SHARDS },
});

/** All that stands in any of the key's purses. */
async function entriesOf(wanted: Reservation) {
  const names = Array.from({ length: SHARDS }, (_, shard) => `${purseFamily(wanted)}#${shard}`);
  const purses = await Promise.all(names.map((name) => readPurse(store(), name)));
  return purses.flatMap((purse) => purse?.entries ?? []);
}

describe('a lease that meets others at a scope', () => {
  test.each<readonly [string, readonly Fault[]]>([
    ['conflicts', ['conflict', 'throttled', 'conflict']],
    ['a lost answer', ['lost-answer']],
    ['a lost answer, then conflicts', ['lost-answer', 'conflict', 'conflict']],
    ['conflicts, then a lost answer, then a conflict', ['conflict', 'lost-answer', 'conflict']],
  ])('is made once: %s', async (_, faults) => {
    const policy = await scopeWith(store(), [hard(10_000n)]);
    const wanted = spread(reservation([policy], 100n, { terms: EXACT }));
    const request = facts(policy);
    const by = meeting(faults);
    const held = reserved(await by.reserve(request, wanted));
    expect(await totalsOf(by, policy)).toEqual({ committed: 100n, spent: 0n });
    expect((await entriesOf(wanted)).map(({ id }) => id)).toEqual([`${request.id}.0`]);
    await dynamoLedger(store()).settle(request, held, outcome(40n));
    expect(await entriesOf(wanted)).toEqual([]);
  });

  test('is refused where the scope has no room, however many others there are', async () => {
    const policy = await scopeWith(store(), [hard(1000n)]);
    const others = dynamoLedger(store());
    reserved(await others.reserve(facts(policy), spread(reservation([policy], 950n, { terms: EXACT }))));
    const wanted = spread(reservation([policy], 100n, { terms: EXACT }));
    expect(await alwaysContended().reserve(facts(policy), wanted)).toMatchObject({
      type: 'refused',
      committed: 950n,
      limit: 1000n,
    });
  });

  test('tells what it has read of the scope', async () => {
    const policy = await scopeWith(store(), [hard(10_000n)]);
    reserved(
      await dynamoLedger(store()).reserve(facts(policy), reservation([policy], 100n, { terms: EXACT })),
    );
    const wanted = spread(reservation([policy], 6000n, { terms: EXACT }));
    expect(await meeting(['conflict']).reserve(facts(policy), wanted)).toMatchObject({
      type: 'reserved',
      counters: [{ scope: policy.scope, purses: expect.any(Number) }],
    });
  });

  test('is given up as unavailable where there is room, and leaves nothing behind', async () => {
    const policy = await scopeWith(store(), [hard(1000n)]);
    const wanted = spread(reservation([policy], 100n, { terms: EXACT }));
    await expect(alwaysContended().reserve(facts(policy), wanted)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(await entriesOf(wanted)).toEqual([]);
    expect(await totalsOf(dynamoLedger(store()), policy)).toEqual({ committed: 0n, spent: 0n });
  });
});

test('a process that never saw a purse uses the room another one has left in it', async () => {
  const policy = await scopeWith(store(), [hard(100_000n)]);
  const wanted = reservation([policy], 100n, { terms: ahead(5_000n) });
  const first = dynamoLedger(store());
  reserved(await first.reserve(facts(policy), wanted));
  clock.pass(100);
  reserved(await first.reserve(facts(policy), wanted));
  const before = await totalsOf(first, policy);
  const held = reserved(await alwaysContended().reserve(facts(policy), wanted));
  expect(held.estimate).toBe(nanoUsd(100n));
  expect(await totalsOf(first, policy)).toEqual(before);
});
