import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chargeDayAttribute } from '../../../lambda/adapters/dynamodb/charge-item.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { mergedPages } from '../../../lambda/adapters/dynamodb/merged-pages.ts';
import { dynamoSpendReports } from '../../../lambda/adapters/dynamodb/spend-reports.ts';
import type { RequestFacts } from '../../../lambda/domain/request-record.ts';
import type { SpendCharge } from '../../../lambda/ports/ledger.ts';
import { CHARGE_SHARDS } from '../../../lambda/schema/tables.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { facts, keyIdOf, outcome, reservation, reserved, START_MS, scopeWith } from './fixtures.ts';

const DAY_MS = 86_400_000;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const charged = async (changes: Partial<RequestFacts>, cost: bigint): Promise<RequestFacts> => {
  const store = engine.store();
  const scope = await scopeWith(store, []);
  const request = facts(scope, changes);
  const ledger = dynamoLedger(store);
  const held = reserved(await ledger.reserve(request, reservation([scope], cost)));
  await ledger.settle(request, held, outcome(cost));
  return request;
};
const chargesOf = async (fromDay: string, toDay: string): Promise<readonly SpendCharge[]> => {
  const found: SpendCharge[] = [];
  for await (const charge of dynamoSpendReports(engine.store()).charges(fromDay, toDay)) found.push(charge);
  return found;
};

describe('charges', () => {
  test('are the closed requests of these days that name an end user, a session or tags', async () => {
    const labels = { organization: 'acme', team: 'search', project: 'p-1', member: 'ada' };
    const whole = await charged({ ...labels, endUser: 'u-1', session: 's-1', tags: { env: 'live' } }, 5n);
    await charged({ tags: {} }, 7n);
    const user = await charged({ endUser: 'u-2', tags: {}, startedAtMs: START_MS + DAY_MS }, 11n);
    await charged({ endUser: 'u-3', tags: {}, startedAtMs: START_MS + 3 * DAY_MS }, 13n);
    const known = {
      provider: 'openai',
      model: 'gpt-5-mini-2025-08-07',
      promptTokens: 1200,
      completionTokens: 345,
    };
    const found = await chargesOf('2026-11-20', '2026-11-21');
    expect(found.toSorted((a, b) => Number(a.cost - b.cost))).toEqual([
      {
        day: '2026-11-20',
        keyId: whole.keyId,
        ...labels,
        endUser: 'u-1',
        session: 's-1',
        tags: { env: 'live' },
        cost: 5n,
        ...known,
      },
      { day: '2026-11-21', keyId: user.keyId, endUser: 'u-2', tags: {}, cost: 11n, ...known },
    ]);
  });

  test('are found in every shard', async () => {
    const day = START_MS + 30 * DAY_MS;
    const requests = await Promise.all(
      Array.from({ length: 60 }, () => charged({ session: 's', startedAtMs: day }, 1n)),
    );
    const shards = requests.map((request) => chargeDayAttribute(request, outcome(1n))['chargeDay']?.S);
    expect(new Set(shards).size).toBeGreaterThan(CHARGE_SHARDS / 2);
    const found = await chargesOf('2026-12-20', '2026-12-20');
    expect(found.map(({ keyId }) => keyId).toSorted()).toEqual(requests.map(({ keyId }) => keyId).toSorted());
  });

  test('leave out a request that is not charged yet', async () => {
    const store = engine.store();
    const scope = await scopeWith(store, []);
    const open = facts(scope, { session: 'open', startedAtMs: START_MS + 60 * DAY_MS });
    await dynamoLedger(store).reserve(open, reservation([scope], 1n));
    expect(keyIdOf(scope)).toBe(open.keyId);
    expect(await chargesOf('2027-01-19', '2027-01-19')).toEqual([]);
  });
});

describe('pages of many sources', () => {
  const source = (name: string, pages: number, log: string[]) =>
    async function* () {
      log.push(`start ${name}`);
      for (let page = 0; page < pages; page += 1) yield `${name}${page}`;
      log.push(`end ${name}`);
    };
  const all = async (pages: AsyncIterable<string>): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const page of pages) found.push(page);
    return found;
  };

  test('come once each, with no more sources open than allowed', async () => {
    const log: string[] = [];
    const sources = ['a', 'b', 'c', 'd', 'e'].map((name, index) => source(name, index, log));
    const found = await all(mergedPages(sources, 2));
    expect(found.toSorted()).toEqual(['b0', 'c0', 'c1', 'd0', 'd1', 'd2', 'e0', 'e1', 'e2', 'e3']);
    let open = 0;
    for (const line of log) {
      open += line.startsWith('start') ? 1 : -1;
      expect(open).toBeLessThanOrEqual(2);
    }
  });

  test('end with the first failure, and leave none behind unheard', async () => {
    const broken = async function* (): AsyncGenerator<string> {
      yield 'x';
      throw new Error('broken');
    };
    await expect(all(mergedPages([broken, broken, broken], 3))).rejects.toThrow('broken');
    expect(await all(mergedPages([], 3))).toEqual([]);
  });
});
