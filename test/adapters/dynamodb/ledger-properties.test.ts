import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { forEachConcurrently } from '../../../lambda/adapters/dynamodb/store.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { RequestId } from '../../../lambda/domain/ids.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type { Ledger } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { faultyClient, ProcessDied, randomFaults } from '../../support/faulty-client.ts';
import { facts, hard, outcome, reservation, START_MS, scopeWith, totalOf } from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const LIMITS = [1500n, 1000n, 800n];
const FAULTS = {
  conflict: 0.12,
  throttled: 0.04,
  'lost-answer': 0.15,
  refused: 0.04,
  'crash-after': 0.03,
} as const;

/** What one request does, or the sweep, at a moment of a made-up time. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('request' as const),
      scopes: fc.subarray([0, 1, 2], { minLength: 1 }),
      estimate: fc.integer({ min: 1, max: 500 }),
      raisedBy: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
      /** Per cent of what was reserved. */
      costs: fc.integer({ min: 0, max: 100 }),
      end: fc.constantFrom('settled' as const, 'settled-twice' as const, 'refused' as const, 'died' as const),
      expiresAfterMs: fc.integer({ min: 1, max: 1000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('sweep' as const), afterMs: fc.integer({ min: 0, max: 900 }) }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type RequestStep = Extract<Step, { readonly type: 'request' }>;

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

async function runRequest(ledger: Ledger, id: RequestId, scopes: readonly ScopePolicy[], each: RequestStep) {
  const [first] = scopes;
  if (first === undefined) throw new Error('A request has a scope.');
  const request = facts(first, { id });
  const from = reservation(scopes, BigInt(each.estimate), { expiresAtMs: START_MS + each.expiresAfterMs });
  if ((await ledger.reserve(request, from)).type !== 'reserved') {
    return ledger.recordRefusal(request, outcome(0n, { outcome: 'budget_exceeded' }));
  }
  let reserved = each.estimate;
  if (each.raisedBy !== undefined) {
    const raised = await ledger.raise(id, from, nanoUsd(BigInt(reserved + each.raisedBy)));
    if (raised.type === 'reserved') reserved += each.raisedBy;
  }
  if (each.end === 'died') return;
  const ended = outcome(BigInt(Math.floor((reserved * each.costs) / 100)));
  if (each.end === 'refused') return ledger.recordRefusal(request, { ...ended, cost: nanoUsd(0n) });
  await ledger.settle(id, ended);
  if (each.end === 'settled-twice') await ledger.settle(id, ended);
}

test('no schedule of requests, crashes, faults and sweeps overspends or loses count', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), fc.integer(), async (steps, seed) => {
      const policies = await Promise.all(
        LIMITS.map((limit) => scopeWith(engine.store(), [hard(limit, 'day')])),
      );
      const store = engine.store(faultyClient(engine.endpoint, randomFaults(seed, FAULTS)));
      const calm = dynamoLedger(engine.store());
      const requests: { readonly id: RequestId; readonly scopes: readonly ScopePolicy[] }[] = [];
      const committedFits = async () => {
        for (const [index, policy] of policies.entries()) {
          const committed = totalOf(await calm.counters(policy.scope))?.committed ?? 0n;
          expect(committed).toBeLessThanOrEqual(LIMITS[index] ?? 0n);
        }
      };

      await forEachConcurrently(steps, 6, async (each) => {
        if (each.type === 'sweep') {
          const sweep = () => dynamoLedgerUpkeep(store).sweep(START_MS + each.afterMs, Date.now() + 60_000);
          await live(async () => void (await sweep()));
        } else {
          const scopes = policies.filter((_, index) => each.scopes.includes(index));
          const { id } = facts(scopes[0] ?? policies[0] ?? never());
          requests.push({ id, scopes });
          await live(() => runRequest(dynamoLedger(store), id, scopes, each));
        }
        await committedFits();
      });

      await dynamoLedgerUpkeep(engine.store()).sweep(START_MS + 10_000, Date.now() + 60_000);
      const records = await Promise.all(
        requests.map(async ({ id, scopes }) => ({ scopes, record: await calm.find(id) })),
      );
      for (const { record } of records) expect(record?.state ?? 'closed').toBe('closed');
      for (const policy of policies) {
        const sum = records
          .filter(({ scopes }) => scopes.includes(policy))
          .reduce((total, { record }) => total + (record?.cost ?? 0n), 0n);
        const counters = totalOf(await calm.counters(policy.scope)) ?? { committed: 0n, spent: 0n };
        expect(counters).toEqual({ committed: sum, spent: sum });
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);

const never = (): never => {
  throw new Error('There are three policies.');
};
