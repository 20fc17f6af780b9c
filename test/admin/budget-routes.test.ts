import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../lambda/adapters/system-clock/system-clock.ts';
import type { Scope } from '../../lambda/domain/money/budget.ts';
import type { Clock } from '../../lambda/ports/clock.ts';
import { count, startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

const NOON_MS = Date.UTC(2026, 10, 20, 12);
let nowMs = NOON_MS;
const clock: Clock = { ...systemClock, now: () => nowMs };

let store: TestStore;
let admin: TestAdmin;

beforeAll(async () => {
  store = await startStore(clock);
  admin = await startAdmin(store);
});
beforeEach(() => {
  nowMs = NOON_MS;
});
afterAll(async () => {
  await admin.close();
  await store.stop();
});

const make = async (collection: string, body: object) =>
  (await admin.call('POST', `/admin/${collection}`, body)).json;

describe('GET /admin/budgets', () => {
  let alone: TestStore;
  let own: TestAdmin;
  const all = async (limit: number) => {
    const data: Record<string, unknown>[] = [];
    let cursor = '';
    let pages = 0;
    do {
      const { status, json } = await own.call(
        'GET',
        `/admin/budgets?limit=${limit}&cursor=${encodeURIComponent(cursor)}`,
      );
      expect(status).toBe(200);
      data.push(...json.data);
      cursor = json.next_cursor ?? '';
      pages += 1;
    } while (cursor !== '');
    return { data, pages };
  };

  beforeAll(async () => {
    nowMs = Date.UTC(2026, 10, 1);
    alone = await startStore(clock);
    own = await startAdmin(alone);
    const budgets = [
      { limit_usd: 3, window: 'day' },
      { limit_usd: 10, window: 'day', model: 'openai/gpt-5', mode: 'soft' },
    ];
    await own.call('POST', '/admin/organizations', { id: 'acme', budgets });
    await own.call('POST', '/admin/teams', { id: 'idle' });
    await own.call('POST', '/admin/tags', { id: 'env=live', budgets });
    for (let index = 0; index < 5; index += 1) {
      nowMs += 1_000;
      await own.call('POST', '/admin/keys', { name: `without ${index}` });
      await own.call('POST', '/admin/keys', { name: `with ${index}`, budgets: [budgets[0]] });
    }
    const revoked = (await own.call('POST', '/admin/keys', { name: 'revoked', budgets })).json.id;
    await own.call('DELETE', `/admin/keys/${revoked}`);
  });
  afterAll(async () => {
    await own.close();
    await alone.stop();
  });

  test.each([1, 2, 3, 7, 100])('has every budget once, by pages of %d', async (limit) => {
    const { data } = await all(limit);
    expect(data.map((line) => `${line['name']} ${line['window']} ${line['model']}`)).toEqual([
      'acme day null',
      'acme day openai/gpt-5',
      'env=live day null',
      'env=live day openai/gpt-5',
      ...[4, 3, 2, 1, 0].map((index) => `with ${index} day null`),
    ]);
  });

  test('says where each stands, and when it will be spent at this pace', async () => {
    const body = {
      id: 'pace',
      budgets: [
        { limit_usd: 3, window: 'day' },
        { limit_usd: 8, window: 'day', provider: 'sim' },
      ],
    };
    nowMs = Date.UTC(2026, 10, 1);
    await make('teams', body);
    nowMs = NOON_MS;
    const scope: Scope = { kind: 'team', id: 'pace' };
    await count(store, scope, { spentUsd: 2, committedUsd: 2.5 });
    await count(store, { ...scope, facet: 'provider:sim' }, { spentUsd: 1 });
    const { json } = await admin.call('GET', '/admin/budgets');
    expect(json.data).toEqual([
      {
        scope: 'team:pace',
        kind: 'team',
        id: 'pace',
        name: 'pace',
        limit_usd: 3,
        increase_usd: 0,
        window: 'day',
        model: null,
        provider: null,
        mode: 'hard',
        soft_limits: [0.8],
        spent_usd: 2,
        reserved_usd: 0.5,
        remaining_usd: 0.5,
        resets_at: '2026-11-21T00:00:00.000Z',
        forecast_exhausted_at: '2026-11-20T18:00:00.000Z',
      },
      expect.objectContaining({
        provider: 'sim',
        spent_usd: 1,
        remaining_usd: 7,
        forecast_exhausted_at: null,
      }),
    ]);
  });

  test.each(['limit=0', 'limit=1000', 'cursor=x', 'cursor=nobody.', 'cursor=team.nonsense'])(
    'refuses %s',
    async (query) => {
      const { status, json } = await own.call('GET', `/admin/budgets?${query}`);
      expect([status, json.error.code, json.error.param]).toEqual([
        400,
        'invalid_request',
        query.split('=')[0],
      ]);
    },
  );
});

describe('POST /admin/budgets/{scope}/increase', () => {
  const increase = { amount_usd: 100, expires_at: '2026-11-21T00:00:00Z', reason: 'launch week' };
  const path = (scope: string) => `/admin/budgets/${encodeURIComponent(scope)}/increase`;

  test.each([
    ['teams', 'team:launch', 'launch'],
    ['tags', 'tag:customer=Acme/1', 'customer=Acme/1'],
  ])('raises the limits of %s until it expires', async (collection, scope, id) => {
    const budgets = [
      { limit_usd: 500, window: 'month' },
      { limit_usd: 50, window: 'day' },
    ];
    await make(collection, { id, budgets });
    const answer = await admin.call('POST', path(scope), { ...increase, window: 'month' });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id,
      budgets: [
        { limit_usd: 600, increase_usd: 100, remaining_usd: 600 },
        { limit_usd: 50, increase_usd: 0 },
      ],
      increases: [{ ...increase, expires_at: '2026-11-21T00:00:00.000Z', window: 'month' }],
    });
    nowMs = Date.UTC(2026, 10, 21);
    const later = await admin.call('GET', `/admin/${collection}/${encodeURIComponent(id)}`);
    expect(later.json).toMatchObject({ budgets: [{ limit_usd: 500, increase_usd: 0 }, {}], increases: [] });
  });

  test('without a window raises every budget of a key', async () => {
    const budgets = ['day', 'total'].map((window) => ({ limit_usd: 1, window }));
    const { id } = await make('keys', { name: 'x', budgets });
    const { json } = await admin.call('POST', path(`key:${id}`), increase);
    expect(json).toMatchObject({
      id,
      budgets: [{ limit_usd: 101 }, { limit_usd: 101 }],
      increases: [{ window: null }],
    });
    expect(json.key).toBeUndefined();
  });

  test('raises only budgets on the same model and provider', async () => {
    const budgets = [{}, { model: 'openai/gpt-5' }, { provider: 'openai' }].map((facet) => ({
      limit_usd: 5,
      window: 'day',
      ...facet,
    }));
    await make('teams', { id: 'facets', budgets });
    const limits = async (facet: object) => {
      const { json } = await admin.call('POST', path('team:facets'), { ...increase, ...facet });
      return json.budgets.map(({ limit_usd }: { limit_usd: number }) => limit_usd);
    };
    expect(await limits({})).toEqual([105, 5, 5]);
    expect(await limits({ model: 'openai/gpt-5' })).toEqual([105, 105, 5]);
    const { status, json } = await admin.call('POST', path('team:facets'), { ...increase, provider: 'sim' });
    expect([status, json.error.message]).toEqual([
      400,
      'There is no budget on provider:sim here that could be increased.',
    ]);
  });

  test('sent again is not added again, and another one is', async () => {
    await make('teams', { id: 'again', budgets: [{ limit_usd: 1, window: 'day' }] });
    await admin.call('POST', path('team:again'), increase);
    const again = await admin.call('POST', path('team:again'), increase);
    expect(again.json.budgets[0].limit_usd).toBe(101);
    expect((await store.scopes.find({ kind: 'team', id: 'again' }))?.policyVersion).toBe(2);
    const other = await admin.call('POST', path('team:again'), { ...increase, reason: 'more' });
    expect(other.json.budgets[0].limit_usd).toBe(201);
  });

  test('that is over is dropped with the next change, and all are taken back with null', async () => {
    await make('teams', { id: 'over', budgets: [{ limit_usd: 1, window: 'day' }] });
    await admin.call('POST', path('team:over'), increase);
    nowMs = Date.UTC(2026, 10, 21);
    await admin.call('PATCH', '/admin/teams/over', { name: 'n' });
    expect((await store.scopes.find({ kind: 'team', id: 'over' }))?.increases).toEqual([]);
    await admin.call('POST', path('team:over'), { ...increase, expires_at: '2026-12-01T00:00:00Z' });
    const back = await admin.call('PATCH', '/admin/teams/over', { increases: null });
    expect(back.json).toMatchObject({ increases: [], budgets: [{ limit_usd: 1 }] });
  });

  test.each([
    ['amount_usd', { ...increase, amount_usd: 0 }],
    ['expires_at', { ...increase, expires_at: '2026-11-20T11:00:00Z' }],
    ['expires_at', { ...increase, expires_at: 'tomorrow' }],
    ['reason', { amount_usd: 1, expires_at: increase.expires_at }],
    ['window', { ...increase, window: 'week' }],
    ['window', { ...increase, window: 'year' }],
    ['colour', { ...increase, colour: 'red' }],
  ])('with a wrong %s is refused', async (param, body) => {
    await admin.call('PUT', '/admin/teams/wrong', { budgets: [{ limit_usd: 1, window: 'day' }] });
    const { status, json } = await admin.call('POST', path('team:wrong'), body);
    expect([status, json.error.code, json.error.param]).toEqual([400, 'invalid_request', param]);
  });

  test('is refused where there is no budget, and above fifty', async () => {
    await make('teams', { id: 'none' });
    expect((await admin.call('POST', path('team:none'), increase)).json.error.param).toBe('scope');
    await make('teams', { id: 'many', budgets: [{ limit_usd: 1, window: 'day' }] });
    const statuses: number[] = [];
    for (let index = 0; index < 51; index += 1)
      statuses.push(
        (await admin.call('POST', path('team:many'), { ...increase, reason: `${index}` })).status,
      );
    expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).toEqual([50, 400]);
  });

  test.each(['team:nobody', 'team', 'session:x', 'key:key_nobody', 'key:', ':', 'team:a#b', '%'])(
    'of %s is not found',
    async (scope) => {
      const { status, json } = await admin.call('POST', path(scope), increase);
      expect([status, json.error.code]).toEqual([404, 'not_found']);
    },
  );
});
