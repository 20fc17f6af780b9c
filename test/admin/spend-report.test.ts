import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SPEND_GROUPS } from '../../lambda/admin/spend-query.ts';
import { spendRows, spendTotal } from '../../lambda/admin/spend-report.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { SpendRollup } from '../../lambda/ports/ledger.ts';
import { spend, startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

describe('GET /admin/spend', () => {
  let store: TestStore;
  let admin: TestAdmin;
  let first: string;
  let second: string;
  const today = new Date().toISOString().slice(0, 10);

  beforeAll(async () => {
    store = await startStore();
    admin = await startAdmin(store);
    const create = async (name: string) => (await admin.call('POST', '/admin/keys', { name })).json.id;
    first = await create('first');
    second = await create('second');
    await spend(store, virtualKeyId(first), { usd: 0.5, provider: 'openai', model: 'gpt-5' });
    await spend(store, virtualKeyId(first), { usd: 0.25, provider: 'sim', model: 'small' });
    await spend(store, virtualKeyId(second), { usd: 1.1, provider: 'sim', model: 'small' });
    await spend(store, virtualKeyId(second), { usd: 0.000_000_001, provider: 'sim', model: 'small' });
  });
  afterAll(async () => {
    await admin.close();
    await store.stop();
  });

  test('sums this month by key, dearest first', async () => {
    const { status, json } = await admin.call('GET', '/admin/spend');
    expect(status).toBe(200);
    expect(json).toEqual({
      from: `${today.slice(0, 7)}-01`,
      to: today,
      group_by: ['key'],
      data: [
        {
          key: second,
          key_name: 'second',
          requests: 2,
          cost_usd: 1.100_000_001,
          prompt_tokens: 200,
          completion_tokens: 40,
        },
        {
          key: first,
          key_name: 'first',
          requests: 2,
          cost_usd: 0.75,
          prompt_tokens: 200,
          completion_tokens: 40,
        },
      ],
      total: { requests: 4, cost_usd: 1.850_000_001, prompt_tokens: 400, completion_tokens: 80 },
    });
  });

  test('groups by two, in the order asked for', async () => {
    const { json } = await admin.call('GET', '/admin/spend?group_by=provider,model');
    expect(json.group_by).toEqual(['provider', 'model']);
    expect(
      json.data.map((row: Record<string, unknown>) => [row['provider'], row['model'], row['cost_usd']]),
    ).toEqual([
      ['sim', 'small', 1.350_000_001],
      ['openai', 'gpt-5', 0.5],
    ]);
    const repeated = await admin.call('GET', '/admin/spend?group_by=provider&group_by=model');
    expect(repeated.json.data).toEqual(json.data);
  });

  test('leaves out the days that were not asked for', async () => {
    const { json } = await admin.call('GET', '/admin/spend?from=2026-01-01&to=2026-01-31&group_by=day');
    expect([json.data, json.total.requests]).toEqual([[], 0]);
  });

  test.each([
    ['from', 'from=yesterday'],
    ['from', 'from=2026-02-30'],
    ['to', 'to=2026-1-1'],
    ['from', 'from=2026-03-02&to=2026-03-01'],
    ['from', 'from=2025-01-01&to=2026-01-02'],
    ['group_by', 'group_by='],
    ['group_by', 'group_by=team'],
    ['group_by', 'group_by=tag:env'],
    ['group_by', 'group_by=key,key'],
    ['group_by', 'group_by=key,model,day'],
    ['team', 'team=search'],
  ])('refuses a wrong %s (%s)', async (param, query) => {
    const { status, json } = await admin.call('GET', `/admin/spend?${query}`);
    expect([status, json.error.code, json.error.param]).toEqual([400, 'invalid_request', param]);
    if (param === 'group_by') expect(json.error.message).toContain('key, model, provider, day');
  });

  test('takes a range of 366 days', async () => {
    expect((await admin.call('GET', '/admin/spend?from=2025-01-02&to=2026-01-02')).status).toBe(200);
  });
});

describe('a report', () => {
  const rollup: fc.Arbitrary<SpendRollup> = fc.record({
    day: fc.constantFrom('2026-11-19', '2026-11-20'),
    keyId: fc.constantFrom('key_a', 'key_b').map(virtualKeyId),
    provider: fc.constantFrom('openai', 'sim'),
    model: fc.constantFrom('a', 'b"],["', 'c'),
    requests: fc.nat(),
    cost: fc.bigInt({ min: 0n, max: 10n ** 20n }).map(nanoUsd),
    promptTokens: fc.nat(),
    completionTokens: fc.nat(),
  });
  const groups = fc.uniqueArray(fc.constantFrom(...SPEND_GROUPS), { minLength: 1, maxLength: 2 });

  test('has rows that sum up to the total, one for each group, dearest first', () => {
    fc.assert(
      fc.property(fc.array(rollup), groups, (rollups, groupBy) => {
        const rows = spendRows(rollups, groupBy);
        const sum = rows.reduce((total, row) => total + row.cost, 0n);
        expect(sum).toBe(spendTotal(rollups).cost);
        expect(sum).toBe(rollups.reduce((total, each) => total + each.cost, 0n));
        const names = rows.map((row) => JSON.stringify(row.group));
        expect(new Set(names).size).toBe(names.length);
        for (const [index, row] of rows.entries())
          expect(row.cost <= (rows[index - 1]?.cost ?? row.cost)).toBe(true);
      }),
    );
  });
});
