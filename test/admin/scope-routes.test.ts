import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { startAdmin, startStore, type TestAdmin, type TestStore } from './start-admin.ts';

let store: TestStore;
let admin: TestAdmin;

beforeAll(async () => {
  store = await startStore();
  admin = await startAdmin(store);
});
afterAll(async () => {
  await admin.close();
  await store.stop();
});

const KINDS = [
  ['organizations', 'organization', 'acme'],
  ['teams', 'team', 'search'],
  ['projects', 'project', 'p-1'],
  ['members', 'member', 'ada@example.com'],
  ['tags', 'tag', 'customer=Acme & Söhne/Wien 100%'],
] as const;

let serial = 0;
const newId = (): string => `team-${++serial}`;

test.each(KINDS)('%s are made, shown, listed, changed and taken away', async (collection, kind, id) => {
  const path = `/admin/${collection}/${encodeURIComponent(id)}`;
  expect((await admin.call('GET', path)).status).toBe(404);
  const created = await admin.call('POST', `/admin/${collection}`, {
    id,
    budgets: [{ limit_usd: 500, window: 'month' }],
    rate_limits: { requests_per_minute: 60 },
    models: ['openai/*'],
    providers: ['openai'],
    metadata: { cost_center: '42' },
  });
  expect(created.status).toBe(201);
  expect(created.json).toMatchObject({
    id,
    kind,
    name: id,
    budgets: [
      { limit_usd: 500, window: 'month', mode: 'hard', spent_usd: 0, remaining_usd: 500, increase_usd: 0 },
    ],
    rate_limits: { requests_per_minute: 60 },
    models: ['openai/*'],
    providers: ['openai'],
    increases: [],
    metadata: { cost_center: '42' },
    created_at: expect.any(String),
  });
  expect((await admin.call('GET', path)).json).toEqual(created.json);
  expect((await admin.call('GET', `/admin/${collection}`)).json).toEqual({
    data: [created.json],
    next_cursor: null,
  });
  const changed = await admin.call('PATCH', path, { name: 'Renamed', budgets: null });
  expect(changed.json).toEqual({ ...created.json, name: 'Renamed', budgets: [] });
  const cleared = await admin.call('DELETE', path);
  expect(cleared.status).toBe(200);
  expect(cleared.json).toMatchObject({ id, budgets: [], rate_limits: null, models: [], metadata: {} });
  expect((await admin.call('GET', path)).status).toBe(404);
  expect((await admin.call('DELETE', path)).status).toBe(404);
  expect((await admin.call('GET', `/admin/${collection}`)).json.data).toEqual([]);
});

describe('POST', () => {
  test('does not replace what stands', async () => {
    const id = newId();
    await admin.call('POST', '/admin/teams', { id, models: ['demo'] });
    const again = await admin.call('POST', '/admin/teams', { id });
    expect([again.status, again.json.error.code, again.json.error.param]).toEqual([
      400,
      'invalid_request',
      'id',
    ]);
    expect((await admin.call('GET', `/admin/teams/${id}`)).json.models).toEqual(['demo']);
  });

  test('of the same scope by many at once makes it once', async () => {
    const id = newId();
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => admin.call('POST', '/admin/teams', { id, name: `n${index}` })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect((await store.scopes.find({ kind: 'team', id }))?.policyVersion).toBe(1);
  });

  test('after a DELETE begins anew, under a version that goes on', async () => {
    const id = newId();
    await admin.call('POST', '/admin/teams', { id, models: ['demo'] });
    await admin.call('DELETE', `/admin/teams/${id}`);
    const again = await admin.call('POST', '/admin/teams', { id });
    expect([again.status, again.json.models]).toEqual([201, []]);
    expect((await store.scopes.find({ kind: 'team', id }))?.policyVersion).toBe(3);
  });

  test.each([
    ['teams', 'id', {}],
    ['teams', 'id', { id: '' }],
    ['teams', 'id', { id: 'a#b' }],
    ['teams', 'id', { id: 'a|b' }],
    ['teams', 'id', { id: 'x'.repeat(129) }],
    ['teams', 'id', { id: 5 }],
    ['tags', 'id', { id: 'customer' }],
    ['tags', 'id', { id: '=acme' }],
    ['tags', 'id', { id: 'customer=' }],
    ['tags', 'id', { id: 'customer=a|b' }],
    ['tags', 'id', { id: 'customer=a\u0000' }],
    ['teams', 'colour', { id: 'x', colour: 'red' }],
    ['teams', 'team', { id: 'x', team: 'y' }],
    ['teams', 'cache', { id: 'x', cache: 'exact' }],
    ['teams', 'budgets.0.window', { id: 'x', budgets: [{ limit_usd: 1 }] }],
    ['teams', 'log', { id: 'x', log: 'none' }],
  ])('of %s with a wrong %s is refused', async (collection, param, body) => {
    const { status, json } = await admin.call('POST', `/admin/${collection}`, body);
    expect([status, json.error.param]).toEqual([400, param]);
  });
});

describe('PUT', () => {
  test('makes settings, then replaces all of them but increases', async () => {
    const path = `/admin/teams/${newId()}`;
    const budgets = [{ limit_usd: 5, window: 'day' }];
    const first = await admin.call('PUT', path, { budgets, models: ['demo'] });
    expect([first.status, first.json.models]).toEqual([201, ['demo']]);
    await admin.call('POST', `/admin/budgets/team:${first.json.id}/increase`, {
      amount_usd: 1,
      reason: 'r',
      expires_at: '2099-01-01T00:00:00Z',
    });
    const second = await admin.call('PUT', path, { budgets, name: 'n' });
    expect(second.status).toBe(200);
    expect(second.json).toMatchObject({
      name: 'n',
      models: [],
      budgets: [{ limit_usd: 6, increase_usd: 1 }],
      created_at: first.json.created_at,
    });
  });

  test('of an impossible id is refused', async () => {
    expect((await admin.call('PUT', '/admin/teams/a%23b', {})).status).toBe(404);
    expect((await admin.call('PUT', '/admin/teams/%ff', {})).status).toBe(404);
  });
});

describe('PATCH', () => {
  test('of what has no settings is refused', async () => {
    const { status, json } = await admin.call('PATCH', '/admin/teams/nobody', { name: 'x' });
    expect([status, json.error.code]).toEqual([404, 'not_found']);
    expect(json.error.message).toContain('Create them first');
  });

  test('loses no change when several are made at once', async () => {
    const id = newId();
    await admin.call('POST', '/admin/teams', { id });
    const answers = await Promise.all(
      [{ name: 'n' }, { models: ['m'] }, { metadata: { a: 'b' } }].map((body) =>
        admin.call('PATCH', `/admin/teams/${id}`, body),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await admin.call('GET', `/admin/teams/${id}`)).json).toMatchObject({
      name: 'n',
      models: ['m'],
      metadata: { a: 'b' },
    });
  });

  test('with an empty body is refused', async () => {
    const id = newId();
    await admin.call('POST', '/admin/teams', { id });
    expect((await admin.call('PATCH', `/admin/teams/${id}`, {})).status).toBe(400);
  });
});

test('an id with a slash is found, encoded or not', async () => {
  await admin.call('POST', '/admin/teams', { id: 'eu/search' });
  expect((await admin.call('GET', '/admin/teams/eu%2Fsearch')).json.id).toBe('eu/search');
  expect((await admin.call('GET', '/admin/teams/eu/search')).json.id).toBe('eu/search');
});

test('a list goes on where the page before ended', async () => {
  for (let index = 0; index < 5; index += 1)
    await admin.call('POST', '/admin/projects', { id: `list-${index}` });
  const seen: string[] = [];
  let cursor = '';
  do {
    const { json } = await admin.call('GET', `/admin/projects?limit=2&cursor=${encodeURIComponent(cursor)}`);
    seen.push(...json.data.map(({ id }: { id: string }) => id));
    cursor = json.next_cursor ?? '';
  } while (cursor !== '');
  expect(seen.toSorted()).toEqual(['list-0', 'list-1', 'list-2', 'list-3', 'list-4']);
});

test.each([
  ['GET', '/admin/groups', 404],
  ['DELETE', '/admin/teams', 405],
  ['POST', '/admin/teams/x', 405],
  ['GET', '/admin/tags/customer', 404],
  ['GET', '/admin/tags/customer=%zz', 404],
])('%s %s is answered with %d', async (method, path, status) => {
  const answer = await admin.call(method, path, method === 'POST' ? {} : undefined);
  expect(answer.status).toBe(status);
  expect(answer.json.error.metadata.retryable).toBe(false);
});

test('any JSON is answered with settings or a refusal', async () => {
  const body = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        id: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('customer=x'), fc.jsonValue()),
        budgets: fc.jsonValue(),
        rate_limits: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
        increases: fc.jsonValue(),
        metadata: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom('teams', 'tags'), async (value, collection) => {
      const answer = await admin.call('POST', `/admin/${collection}`, JSON.stringify(value));
      expect([201, 400]).toContain(answer.status);
    }),
    { numRuns: 150 },
  );
  expect(admin.log.text).not.toContain('!');
});

test('a limit is kept to the last digit', async () => {
  const id = newId();
  await admin.call('POST', '/admin/teams', { id, budgets: [{ limit_usd: 0.000_000_001, window: 'total' }] });
  const settings = await store.scopes.find({ kind: 'team', id });
  expect(settings?.budgets[0]?.limit).toBe(nanoFromUsd('0.000000001'));
});
