import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SPEND_GROUPS, type SpendGroup, tagOf } from '../../lambda/admin/spend-query.ts';
import { spendReport } from '../../lambda/admin/spend-report.ts';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { SpendCharge, SpendReports, SpendRollup } from '../../lambda/ports/ledger.ts';
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
      omitted_rows: 0,
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
    ['group_by', 'group_by=user'],
    ['group_by', 'group_by=tag:'],
    ['group_by', 'group_by=tag:a%23b'],
    ['group_by', 'group_by=tag:a,tag:a'],
    ['group_by', 'group_by=team,tag:a,day'],
    ['group_by', 'group_by=key,key'],
    ['group_by', 'group_by=key,model,day'],
    ['team', 'team=search'],
  ])('refuses a wrong %s (%s)', async (param, query) => {
    const { status, json } = await admin.call('GET', `/admin/spend?${query}`);
    expect([status, json.error.code, json.error.param]).toEqual([400, 'invalid_request', param]);
    if (param === 'group_by') expect(json.error.message).toContain('session, day, tag:<name>');
  });

  test.each(['team', 'organization,member', 'project,day'])('groups by %s', async (groupBy) => {
    const { status, json } = await admin.call('GET', `/admin/spend?group_by=${groupBy}`);
    expect([status, json.data.length, json.data[0].requests]).toEqual([200, 1, 4]);
    expect(json.data[0]).toMatchObject({ [groupBy.split(',')[0] ?? '']: null });
  });

  test('groups by end user, session and tags; requests that name none are one row', async () => {
    const alone = await startStore();
    const own = await startAdmin(alone);
    const { id } = (await own.call('POST', '/admin/keys', { name: 'app', team: 'search' })).json;
    const keyId = virtualKeyId(id);
    await spend(alone, keyId, { usd: 4, model: 'large', endUser: 'ada', tags: { env: 'live', 'a.b': '1' } });
    await spend(alone, keyId, { usd: 2, endUser: 'ada', session: 'run-1', tags: { env: 'test' } });
    await spend(alone, keyId, { usd: 1, endUser: 'grace', session: 'run-2' });
    await spend(alone, keyId, { usd: 0.5 });
    const rows = async (groupBy: string) => {
      const { json } = await own.call('GET', `/admin/spend?group_by=${groupBy}`);
      expect(json.total).toMatchObject({ requests: 4, cost_usd: 7.5 });
      return json.data.map((row: Record<string, unknown>) => [
        ...json.group_by.map((group: string) => row[group]),
        row['requests'],
        row['cost_usd'],
      ]);
    };
    expect(await rows('end_user')).toEqual([
      ['ada', 2, 6],
      ['grace', 1, 1],
      [null, 1, 0.5],
    ]);
    expect(await rows('session,end_user')).toEqual([
      [null, 'ada', 1, 4],
      ['run-1', 'ada', 1, 2],
      ['run-2', 'grace', 1, 1],
      [null, null, 1, 0.5],
    ]);
    expect(await rows('tag:env,model')).toEqual([
      ['live', 'large', 1, 4],
      ['test', 'small', 1, 2],
      [null, 'small', 2, 1.5],
    ]);
    expect(await rows('tag:a.b')).toEqual([
      ['1', 1, 4],
      [null, 3, 3.5],
    ]);
    expect(await rows('tag:toString')).toEqual([[null, 4, 7.5]]);
    await own.close();
    await alone.stop();
  });

  test('takes a range of 366 days', async () => {
    expect((await admin.call('GET', '/admin/spend?from=2025-01-02&to=2026-01-02')).status).toBe(200);
  });
});

describe('a report', () => {
  const requestFacts = fc.record(
    {
      day: fc.constantFrom('2026-11-19', '2026-11-20'),
      keyId: fc.constantFrom('key_a', 'key_b').map(virtualKeyId),
      organization: fc.constant('acme'),
      team: fc.constantFrom('search', 'ads'),
      project: fc.constantFrom('p', 'q'),
      member: fc.constantFrom('ada', 'grace'),
      endUser: fc.constantFrom('u1', 'u2', 'null'),
      session: fc.constantFrom('s1', 's2'),
      tags: fc.dictionary(fc.constantFrom('env', 'customer'), fc.constantFrom('a', 'b', '')),
      provider: fc.constantFrom('openai', 'sim'),
      model: fc.constantFrom('a', 'b"],["', 'c'),
      cost: fc.bigInt({ min: 0n, max: 10n ** 20n }).map(nanoUsd),
      promptTokens: fc.nat(1_000_000),
      completionTokens: fc.nat(1_000_000),
    },
    {
      requiredKeys: ['day', 'keyId', 'tags', 'provider', 'model', 'cost', 'promptTokens', 'completionTokens'],
    },
  );
  const groups = fc.uniqueArray(
    fc.constantFrom<SpendGroup>(...SPEND_GROUPS, 'tag:env', 'tag:customer', 'tag:nobody'),
    { minLength: 1, maxLength: 2 },
  );

  /** The same requests as the store would give them. */
  const reportsOf = (requests: readonly SpendCharge[]): SpendReports => ({
    rollups: async () =>
      requests.map(
        ({ endUser: _, session: __, tags: ___, ...rest }): SpendRollup => ({ ...rest, requests: 1 }),
      ),
    async *charges() {
      for (const request of requests) {
        const { endUser, session, tags } = request;
        if (endUser !== undefined || session !== undefined || Object.keys(tags).length > 0) yield request;
      }
    },
  });

  /** The value that a reader of the requests would put a request under. */
  const valueUnder = (request: SpendCharge, group: SpendGroup): string | undefined => {
    const tag = tagOf(group);
    if (tag !== undefined) return request.tags[tag];
    const properties: Readonly<Record<string, unknown>> = { ...request };
    const value = properties[{ key: 'keyId', end_user: 'endUser' }[group as string] ?? group];
    return value === undefined ? undefined : String(value);
  };

  test('has the rows one would get by reading every request, dearest first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(requestFacts, { maxLength: 30 }), groups, async (requests, groupBy) => {
        const query = { from: '2026-11-19', to: '2026-11-20', groupBy };
        const { rows, total } = await spendReport(reportsOf(requests), query);
        const expected = new Map<string, { requests: number; cost: bigint }>();
        for (const request of requests) {
          const name = JSON.stringify(groupBy.map((group) => valueUnder(request, group)));
          const sums = expected.get(name) ?? { requests: 0, cost: 0n };
          expected.set(name, { requests: sums.requests + 1, cost: sums.cost + request.cost });
        }
        const found = new Map(
          rows.map(({ values, requests: count, cost }) => [
            JSON.stringify(values),
            { requests: count, cost },
          ]),
        );
        expect(found).toEqual(expected);
        expect(rows.reduce((all, row) => all + row.promptTokens, 0)).toBe(total.promptTokens);
        for (const [index, row] of rows.entries())
          expect(row.cost <= (rows[index - 1]?.cost ?? row.cost)).toBe(true);
      }),
    );
  });

  test('is refused where it would have more rows than a function holds', async () => {
    const charge: SpendCharge = {
      day: '2026-11-20',
      keyId: virtualKeyId('key_a'),
      tags: {},
      provider: 'sim',
      model: 'small',
      cost: nanoUsd(1n),
      promptTokens: 1,
      completionTokens: 1,
    };
    const endless: SpendReports = {
      rollups: async () => [],
      async *charges() {
        for (let session = 0; ; session += 1) yield { ...charge, session: `s${session}` };
      },
    };
    const query = { from: '2026-11-20', to: '2026-11-20', groupBy: ['session'] } as const;
    await expect(spendReport(endless, query)).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'group_by',
    });
  });
});
