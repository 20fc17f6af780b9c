import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { readPurse } from '../../../lambda/adapters/dynamodb/purse.ts';
import { updateBuilder } from '../../../lambda/adapters/dynamodb/update.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import type { Reservation } from '../../../lambda/domain/request-record.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import {
  ahead,
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  START_MS,
  scopeWith,
  sessionWith,
  standingClock,
  sweepAt,
  teamWith,
  totalsOf,
} from './fixtures.ts';

let engine: TestEngine;
let ledger: Ledger;
let clock: ReturnType<typeof standingClock>;
const store = () => ({ ...engine.store(), clock });
beforeAll(async () => {
  engine = await startTestEngine();
});
beforeEach(() => {
  clock = standingClock();
  ledger = dynamoLedger(store());
});
afterAll(() => engine.stop());

const ofOpenai = (policy: ScopePolicy): ScopePolicy => ({
  scope: { ...policy.scope, facet: 'provider:openai' },
  policyVersion: undefined,
  budgets: [hard(50_000n)],
});

async function spend(wanted: Reservation, policy: ScopePolicy, cost: bigint): Promise<boolean> {
  const request = facts(policy);
  const outcomeOfReserve = await ledger.reserve(request, wanted);
  if (outcomeOfReserve.type !== 'reserved') return false;
  await ledger.settle(request, outcomeOfReserve.held, outcome(cost));
  return true;
}

test('an update that the service would refuse is not built', () => {
  const twice = updateBuilder();
  twice.add('room', 1);
  expect(() => twice.add('room', 2)).toThrow('changes room twice');
  expect(() => updateBuilder().build()).toThrow('changes nothing');
});

test('a budget of a team on one provider is folded beside the team', async () => {
  const [key, team] = [await scopeWith(store(), []), await teamWith(store(), [hard(100_000n)])];
  expect(await spend(reservation([team, ofOpenai(team), key], 1000n), key, 300n)).toBe(true);
  expect(await totalsOf(ledger, team)).toEqual({ committed: 300n, spent: 300n });
});

test('what a dead process held in a purse that is always in use is swept when it has expired', async () => {
  const policy = await scopeWith(store(), [hard(1_000_000n)]);
  const dying = reservation([policy], 500_000n, { terms: ahead(1000n), expiresAtMs: START_MS + 120_000 });
  reserved(await ledger.reserve(facts(policy), dying));
  let swept = 0;
  for (let count = 0; count < 30; count += 1) {
    clock.pass(20_000);
    const wanted = reservation([policy], 100n, { terms: ahead(1000n), expiresAtMs: clock.now() + 600_000 });
    await spend(wanted, policy, 100n);
    if (count % 3 === 0) swept += (await sweepAt(store(), clock.now())).swept;
  }
  expect(swept).toBe(1);
});

test('a limit that was lowered is not exceeded from what was leased under the old one', async () => {
  const [key, team] = [await scopeWith(store(), []), await teamWith(store(), [hard(100_000n)])];
  const under = (policy: ScopePolicy) => reservation([policy, key], 1000n, { terms: ahead(9000n) });
  for (let count = 0; count < 2; count += 1) {
    await spend(under(team), key, 1000n);
    clock.pass(200);
  }
  // An increase that has ended lowers it without a new version.
  const lowered: ScopePolicy = { ...team, budgets: [hard(2500n)] };
  for (let count = 0; count < 5; count += 1) {
    await spend(under(lowered), key, 1000n);
    clock.pass(200);
  }
  clock.pass(100_000);
  await sweepAt(store(), clock.now());
  expect((await totalsOf(ledger, team))?.spent).toBeLessThanOrEqual(2500n);
});

test('a reservation that could not be given back costs nothing once another one of the request is settled', async () => {
  const [key, team] = [await scopeWith(store(), [hard(100_000n)]), await teamWith(store(), [hard(100_000n)])];
  const request = facts(key);
  const expiresAtMs = START_MS + 60_000;
  reserved(await ledger.reserve(request, reservation([team, key, ofOpenai(key)], 1000n, { expiresAtMs })));
  const held = reserved(await ledger.reserve(request, reservation([team, key], 1000n, { expiresAtMs })));
  await ledger.settle(request, held, outcome(700n));
  clock.pass(300_000);
  await sweepAt(store(), clock.now());
  expect(await totalsOf(ledger, team)).toEqual({ committed: 700n, spent: 700n });
});

test('a purse that has met two hundred models is closed all the same', async () => {
  const policy = await scopeWith(store(), []);
  const terms = ahead(1_000_000n);
  const longer = reservation([policy], 1n, { terms, expiresAtMs: START_MS + 10_000_000 });
  const first = facts(policy);
  const held = reserved(await ledger.reserve(first, longer));
  for (let count = 0; count < 200; count += 1) {
    const request = facts(policy);
    const own = reserved(await ledger.reserve(request, reservation([policy], 100n, { terms })));
    await ledger.settle(
      request,
      own,
      outcome(100n, { provider: 'custom', model: `a-model-of-some-name-${count}` }),
    );
    clock.pass(1_000);
  }
  await ledger.settle(first, held, outcome(1n));
  clock.pass(200_000);
  await sweepAt(store(), clock.now());
  expect((await readPurse(store(), held.purse))?.isOpen).toBe(false);
  expect(await totalsOf(ledger, policy)).toEqual({ committed: 20_001n, spent: 20_001n });
});

test('a correction that changes no amount is written', async () => {
  const policy = await scopeWith(store(), [hard(100_000n)]);
  const request = facts(policy);
  const wanted = reservation([policy], 1000n, { expiresAtMs: START_MS + 60_000 });
  const held = reserved(await ledger.reserve(request, wanted));
  clock.pass(200_000);
  await sweepAt(store(), clock.now());
  await ledger.settle(request, held, outcome(1000n));
  expect(await ledger.find(request.id)).toMatchObject({ cost: 1000n, outcome: 'ok', chargeBasis: 'exact' });
});

test('an answer that cost more than was set aside is counted at the next lease', async () => {
  const policy = await scopeWith(store(), [hard(10_000n)]);
  const terms = ahead(1n);
  const [first, second] = [facts(policy), facts(policy)];
  const one = reserved(await ledger.reserve(first, reservation([policy], 1000n, { terms })));
  const two = reserved(await ledger.reserve(second, reservation([policy], 1000n, { terms })));
  await ledger.settle(first, one, outcome(7000n, { boundExceeded: true }));
  expect(await spend(reservation([policy], 3000n, { terms }), policy, 1n)).toBe(false);
  await ledger.settle(second, two, outcome(1000n));
});

test('a session that moved to another deployment has made its call', async () => {
  const policy = await scopeWith(store(), [hard(100_000n)]);
  const own = [sessionWith([hard(600_000n)], { maxCalls: 1 })];
  const request = facts(policy);
  const one = reserved(await ledger.reserve(request, reservation([policy], 1000n, { own })));
  const two = reserved(await ledger.reserve(request, reservation([policy], 1000n, { own, leg: 1 })));
  await ledger.settle(request, one, outcome(0n, { attempts: [], outcome: 'no_healthy_deployment' }));
  await ledger.settle(request, two, outcome(500n));
  const again = await ledger.reserve(facts(policy), reservation([policy], 1000n, { own }));
  expect(again.type).toBe('calls-exhausted');
});

test('a reservation of which one part fails holds nothing in the others', async () => {
  const policy = await scopeWith(store(), [hard(100_000n)]);
  const tooLong = { ...sessionWith([]), scope: { kind: 'session', id: 'x'.repeat(3000) } as const };
  await expect(
    ledger.reserve(facts(policy), reservation([policy], 1000n, { own: [tooLong] })),
  ).rejects.toThrow();
  expect(await totalsOf(ledger, policy)).toMatchObject({ committed: 0n });
});
