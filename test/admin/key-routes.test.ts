import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { virtualKeyId } from '../../lambda/domain/ids.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { windowEndsAtMs } from '../../lambda/domain/money/window.ts';
import { isUsable } from '../../lambda/domain/virtual-key.ts';
import { reservationOf } from '../support/reservations.ts';
import {
  ADMIN_KEY,
  factsOf,
  hashSecret,
  spend,
  startAdmin,
  startStore,
  type TestAdmin,
  type TestStore,
} from './start-admin.ts';

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

const create = async (body: object = { name: 'a key' }) =>
  (await admin.call('POST', '/admin/keys', body)).json;
const storedKey = async (id: string) => {
  const key = await store.keys.find(virtualKeyId(id));
  if (key === undefined) throw new Error(`no key ${id}`);
  return key;
};

describe('POST /admin/keys', () => {
  test('makes a key and shows its secret', async () => {
    const answer = await admin.call('POST', '/admin/keys', { name: 'billing bot' });
    expect(answer.status).toBe(201);
    expect(answer.json.key).toMatch(/^sk-slu-[0-9A-Za-z]{43}$/);
    expect(answer.json).toMatchObject({
      id: expect.stringMatching(/^key_[0-9a-z]+$/),
      name: 'billing bot',
      state: 'active',
      team: null,
      tags: {},
      models: [],
      providers: [],
      budgets: [],
      metadata: {},
      expires_at: null,
      key_hint: answer.json.key.slice(-4),
    });
    expect(answer.headers.get('x-request-id')).toMatch(/^req-/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('stores the hash of the whole secret, by which the key is found', async () => {
    const { id, key } = await create();
    expect(await store.keys.findBySecret(hashSecret(key))).toMatchObject({ key: { id } });
  });

  test('keeps everything that was asked for', async () => {
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const created = await create({
      name: 'all fields',
      organization: 'acme',
      team: 'search',
      project: 'p-1',
      member: 'ada@example.com',
      tags: { environment: 'staging' },
      models: ['demo', 'openai/*', 'demo'],
      providers: ['openai'],
      metadata: { ticket: 'OPS-1' },
      expires_at: expiresAt,
      budgets: [
        { limit_usd: 5, window: 'month', soft_limits: [0.9, 0.5] },
        { limit_usd: 0.25, window: 'day', mode: 'soft' },
        { limit_usd: 100, window: 'total' },
      ],
    });
    const { json } = await admin.call('GET', `/admin/keys/${created.id}`);
    const resetsAt = (window: 'day' | 'month') =>
      new Date(windowEndsAtMs(window, Date.now()) ?? 0).toISOString();
    const untouched = { spent_usd: 0, reserved_usd: 0 };
    expect(json).toMatchObject({
      organization: 'acme',
      team: 'search',
      project: 'p-1',
      member: 'ada@example.com',
      tags: { environment: 'staging' },
      models: ['demo', 'openai/*'],
      providers: ['openai'],
      metadata: { ticket: 'OPS-1' },
      expires_at: expiresAt,
      budgets: [
        {
          limit_usd: 5,
          window: 'month',
          mode: 'hard',
          soft_limits: [0.5, 0.9],
          remaining_usd: 5,
          resets_at: resetsAt('month'),
          ...untouched,
        },
        {
          limit_usd: 0.25,
          window: 'day',
          mode: 'soft',
          soft_limits: [0.8],
          remaining_usd: 0.25,
          resets_at: resetsAt('day'),
          ...untouched,
        },
        { limit_usd: 100, window: 'total', resets_at: null, ...untouched },
      ],
    });
    expect((await storedKey(created.id)).budgets[0]?.limit).toBe(nanoFromUsd(5));
  });

  test('keeps every limit that was asked for, and shows it', async () => {
    const limits = {
      budgets: [
        { limit_usd: 5, window: 'month' },
        { limit_usd: 1, window: 'month', model: 'openai/gpt-5' },
        { limit_usd: 2, window: 'month', model: 'openai/*', provider: 'openai' },
        { limit_usd: 3, window: 'day', provider: 'anthropic', model: null },
      ],
      rate_limits: { requests_per_minute: 60, tokens_per_minute: 100_000, concurrent_requests: 5 },
      session_limits: { max_cost_usd: 0.5, max_calls: 20 },
      end_user_budget: { limit_usd: 0.25, window: 'day' },
      cache: 'semantic',
    };
    const created = await create({ name: 'limited', ...limits });
    const expected = {
      ...limits,
      end_user_budget: { ...limits.end_user_budget, mode: 'hard', soft_limits: [0.8] },
    };
    expect(created).toMatchObject(expected);
    const { json } = await admin.call('GET', `/admin/keys/${created.id}`);
    expect(json).toMatchObject(expected);
    expect(json.budgets[0]).toMatchObject({ model: null, provider: null, increase_usd: 0 });
    const cleared = await admin.call('PATCH', `/admin/keys/${created.id}`, {
      budgets: null,
      rate_limits: null,
      session_limits: { max_calls: null },
      end_user_budget: null,
      cache: null,
    });
    expect(cleared.json).toMatchObject({
      budgets: [],
      rate_limits: null,
      session_limits: null,
      end_user_budget: null,
      cache: null,
    });
  });

  test('shows several rate limits as a list, with what each counts', async () => {
    const { rate_limits } = await create({
      name: 'x',
      rate_limits: [{ requests_per_minute: 60 }, { tokens_per_minute: 10, model: 'sim/*' }],
    });
    const unset = { requests_per_minute: null, tokens_per_minute: null, concurrent_requests: null };
    expect(rate_limits).toEqual([
      { ...unset, requests_per_minute: 60, model: null, provider: null },
      { ...unset, tokens_per_minute: 10, model: 'sim/*', provider: null },
    ]);
    const one = await create({ name: 'x', rate_limits: [{ requests_per_minute: 60 }] });
    expect(one.rate_limits).toEqual({ ...unset, requests_per_minute: 60 });
    expect((await create({ name: 'x', rate_limits: [] })).rate_limits).toBeNull();
  });

  test('takes a view back as it was shown', async () => {
    const created = await create({
      name: 'x',
      rate_limits: [{ requests_per_minute: 60, provider: 'sim' }],
      session_limits: { max_calls: 3 },
      end_user_budget: { limit_usd: 1, window: 'day', mode: 'soft' },
    });
    const { rate_limits, session_limits, end_user_budget } = created;
    const { json } = await admin.call('PATCH', `/admin/keys/${created.id}`, {
      rate_limits,
      session_limits,
      end_user_budget,
    });
    expect(json).toMatchObject({ rate_limits, session_limits, end_user_budget });
  });

  test.each([
    ['data_policy', { zdr: true }],
    ['guardrails', []],
    ['log', 'none'],
  ])('refuses %s, which nothing would enforce', async (name, value) => {
    const { status, json } = await admin.call('POST', '/admin/keys', { name: 'x', [name]: value });
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 'unsupported_parameter', param: name });
    expect(json.error.message).toContain(name);
  });

  test.each([
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(129) }],
    ['name', { name: 'bell \u0007' }],
    ['name', { name: '\ud800' }],
    ['colour', { name: 'x', colour: 'red' }],
    ['team', { name: 'x', team: 'a#b' }],
    ['tags', { name: 'x', tags: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`t${i}`, 'v'])) }],
    ['tags.size', { name: 'x', tags: { size: 'x'.repeat(257) } }],
    ['tags.a b', { name: 'x', tags: { 'a b': 'v' } }],
    ['tags.n', { name: 'x', tags: { n: 1 } }],
    ['__proto__', '{"name":"x","tags":{"__proto__":"y"}}'],
    ['models', { name: 'x', models: 'demo' }],
    ['providers.0', { name: 'x', providers: ['Open AI'] }],
    ['budgets.0.limit_usd', { name: 'x', budgets: [{ limit_usd: 0, window: 'day' }] }],
    ['budgets.0.limit_usd', { name: 'x', budgets: [{ limit_usd: '5', window: 'day' }] }],
    ['budgets.0.limit_usd', '{"name":"x","budgets":[{"limit_usd":1e999,"window":"day"}]}'],
    ['budgets.0.window', { name: 'x', budgets: [{ limit_usd: 1, window: 'year' }] }],
    ['budgets.0.soft_limits.0', { name: 'x', budgets: [{ limit_usd: 1, window: 'day', soft_limits: [1] }] }],
    ['budgets.0.metric', { name: 'x', budgets: [{ limit_usd: 1, window: 'day', metric: true }] }],
    [
      'budgets',
      {
        name: 'x',
        budgets: [
          { limit_usd: 1, window: 'day' },
          { limit_usd: 2, window: 'day' },
        ],
      },
    ],
    [
      'budgets',
      { name: 'x', budgets: [5, 6].map((limit_usd) => ({ limit_usd, window: 'day', model: 'a/b' })) },
    ],
    ['budgets.0.model', { name: 'x', budgets: [{ limit_usd: 1, window: 'day', model: 'gpt-5' }] }],
    ['budgets.0.model', { name: 'x', budgets: [{ limit_usd: 1, window: 'day', model: 'a/b|provider:c' }] }],
    ['budgets.0.model', { name: 'x', budgets: [{ limit_usd: 1, window: 'day', model: 'a/*b' }] }],
    ['rate_limits', { name: 'x', rate_limits: {} }],
    ['rate_limits', { name: 'x', rate_limits: 60 }],
    ['rate_limits', { name: 'x', rate_limits: { model: 'a/b' } }],
    ['rate_limits.requests_per_minute', { name: 'x', rate_limits: { requests_per_minute: 0 } }],
    ['rate_limits.requests_per_minute', { name: 'x', rate_limits: { requests_per_minute: 1.5 } }],
    ['rate_limits.burst', { name: 'x', rate_limits: { requests_per_minute: 1, burst: 2 } }],
    [
      'rate_limits.1.model',
      {
        name: 'x',
        rate_limits: [1, 'b'].map((model) => ({ tokens_per_minute: 1, model: model === 1 ? 'a/b' : model })),
      },
    ],
    [
      'rate_limits',
      { name: 'x', rate_limits: [1, 2].map((requests_per_minute) => ({ requests_per_minute })) },
    ],
    ['session_limits.max_calls', { name: 'x', session_limits: { max_calls: -1 } }],
    ['session_limits.max_cost_usd', { name: 'x', session_limits: { max_cost_usd: 0 } }],
    ['end_user_budget.window', { name: 'x', end_user_budget: { limit_usd: 1 } }],
    ['end_user_budget.model', { name: 'x', end_user_budget: { limit_usd: 1, window: 'day', model: 'a/b' } }],
    ['cache', { name: 'x', cache: 'on' }],
    ['increases', { name: 'x', increases: [{ amount_usd: 1 }] }],
    ['expires_at', { name: 'x', expires_at: 'tomorrow' }],
    ['expires_at', { name: 'x', expires_at: '2027-02-30T00:00:00Z' }],
    ['expires_at', { name: 'x', expires_at: '2020-01-01T00:00:00Z' }],
  ])('refuses a wrong body naming %s', async (param, body) => {
    const { status, json } = await admin.call('POST', '/admin/keys', body);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'invalid_request',
      param,
      metadata: { retryable: false },
    });
    expect(json.error.message).toContain(param);
  });

  test('names every fault at once', async () => {
    const { json } = await admin.call('POST', '/admin/keys', { name: 1, team: 2, colour: 3 });
    expect(json.error.message).toMatch(/name: .*team: .*colour: unknown field/);
  });
});

describe('GET /admin/keys', () => {
  test('lists newest first, page by page, without a gap or a double', async () => {
    const created: string[] = [];
    for (let index = 0; index < 7; index += 1) created.push((await create({ name: `page ${index}` })).id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const { json } = await admin.call('GET', `/admin/keys?limit=3&cursor=${encodeURIComponent(cursor)}`);
      expect(json.data.length).toBeLessThanOrEqual(3);
      seen.push(...json.data.map((key: { id: string }) => key.id));
      cursor = json.next_cursor ?? '';
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.filter((id) => created.includes(id)).toSorted()).toEqual(created.toSorted());
    const times = await Promise.all(seen.map(async (id) => (await storedKey(id)).createdAtMs));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  test.each(['limit=0', 'limit=101', 'limit=x', 'limit=-1', 'cursor=nonsense', `cursor=${'x'.repeat(3000)}`])(
    'refuses %.20s',
    async (query) => {
      const { status, json } = await admin.call('GET', `/admin/keys?${query}`);
      expect([status, json.error.code, json.error.param]).toEqual([
        400,
        'invalid_request',
        query.split('=')[0],
      ]);
    },
  );

  test('never shows a secret or its hash again, and writes neither to the log', async () => {
    const { id, key } = await create();
    const texts = [
      (await admin.call('GET', '/admin/keys?limit=100')).text,
      (await admin.call('GET', `/admin/keys/${id}`)).text,
      (await admin.call('PATCH', `/admin/keys/${id}`, { name: 'renamed' })).text,
      (await admin.call('DELETE', `/admin/keys/${id}`)).text,
      (await admin.call('POST', '/admin/keys', { name: 'x', [key]: key })).text.replaceAll(key, ''),
      admin.log.text,
    ];
    for (const text of texts) {
      expect(text).not.toContain(key.slice(0, -4));
      expect(text).not.toContain(hashSecret(key));
    }
  });
});

describe('a budget', () => {
  test('shows what is spent, reserved and left', async () => {
    const { id } = await create({ name: 'spender', budgets: [{ limit_usd: 1, window: 'day' }] });
    await spend(store, virtualKeyId(id), { usd: 0.25 });
    const key = await storedKey(id);
    const nowMs = Date.now();
    await store.ledger.reserve(factsOf(key.id, nowMs), reservationOf(key, 0.5, nowMs));
    const { json } = await admin.call('GET', `/admin/keys/${id}`);
    expect(json.budgets[0]).toMatchObject({ spent_usd: 0.25, reserved_usd: 0.5, remaining_usd: 0.25 });
    const listed = (await admin.call('GET', '/admin/keys?limit=1')).json.data[0];
    expect(listed).toEqual(json);
  });
});

describe('PATCH /admin/keys/{id}', () => {
  test('replaces the fields that are given, clears those that are null, and leaves the rest', async () => {
    const { id } = await create({
      name: 'before',
      team: 'a',
      project: 'p',
      tags: { one: '1' },
      models: ['demo'],
      budgets: [{ limit_usd: 1, window: 'day' }],
      expires_at: new Date(Date.now() + 86_400_000).toISOString(),
    });
    const { status, json } = await admin.call('PATCH', `/admin/keys/${id}`, {
      name: 'after',
      team: null,
      tags: { two: '2' },
      models: null,
      expires_at: null,
    });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      id,
      name: 'after',
      team: null,
      project: 'p',
      tags: { two: '2' },
      models: [],
      expires_at: null,
      budgets: [{ limit_usd: 1, window: 'day' }],
    });
    expect((await admin.call('GET', `/admin/keys/${id}`)).json).toEqual(json);
  });

  test('makes a reservation under the old policy fail', async () => {
    const { id } = await create({ name: 'x', budgets: [{ limit_usd: 10, window: 'day' }] });
    const before = await storedKey(id);
    await admin.call('PATCH', `/admin/keys/${id}`, { budgets: [{ limit_usd: 1, window: 'day' }] });
    const nowMs = Date.now();
    const stale = await store.ledger.reserve(factsOf(before.id, nowMs), reservationOf(before, 5, nowMs));
    expect(stale.type).toBe('stale-policy');
    const after = await storedKey(id);
    const fresh = await store.ledger.reserve(factsOf(after.id, nowMs), reservationOf(after, 0.5, nowMs));
    expect(fresh.type).toBe('reserved');
  });

  test('loses no change when two are made at once', async () => {
    const { id } = await create();
    const answers = await Promise.all([
      admin.call('PATCH', `/admin/keys/${id}`, { team: 'search' }),
      admin.call('PATCH', `/admin/keys/${id}`, { project: 'p-1' }),
      admin.call('PATCH', `/admin/keys/${id}`, { name: 'renamed' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const { json } = await admin.call('GET', `/admin/keys/${id}`);
    expect(json).toMatchObject({ team: 'search', project: 'p-1', name: 'renamed' });
  });

  test('refuses an empty body and a name that is null', async () => {
    const { id } = await create();
    expect((await admin.call('PATCH', `/admin/keys/${id}`, {})).status).toBe(400);
    expect((await admin.call('PATCH', `/admin/keys/${id}`, { name: null })).json.error.param).toBe('name');
  });
});

describe('DELETE /admin/keys/{id}', () => {
  test('revokes the key, and again without a change', async () => {
    const { id } = await create();
    const first = await admin.call('DELETE', `/admin/keys/${id}`);
    expect(first.status).toBe(200);
    expect(first.json).toMatchObject({ id, state: 'revoked', revoked_at: expect.any(String) });
    const version = (await storedKey(id)).policyVersion;
    const second = await admin.call('DELETE', `/admin/keys/${id}`);
    expect(second.json).toEqual(first.json);
    expect((await storedKey(id)).policyVersion).toBe(version);
  });

  test('makes a reservation under the old policy fail', async () => {
    const { id } = await create({ name: 'x', budgets: [{ limit_usd: 10, window: 'day' }] });
    const before = await storedKey(id);
    await admin.call('DELETE', `/admin/keys/${id}`);
    const nowMs = Date.now();
    const outcome = await store.ledger.reserve(factsOf(before.id, nowMs), reservationOf(before, 1, nowMs));
    expect(outcome.type).toBe('stale-policy');
  });

  test('leaves a key that cannot be changed any more', async () => {
    const { id } = await create();
    await admin.call('DELETE', `/admin/keys/${id}`);
    const { status, json } = await admin.call('PATCH', `/admin/keys/${id}`, { name: 'back' });
    expect([status, json.error.code]).toEqual([400, 'invalid_request']);
  });
});

describe('POST /admin/keys/{id}/rotate', () => {
  test('gives a new secret, and lets the old one work for the grace period', async () => {
    const { id, key } = await create();
    const { status, json } = await admin.call('POST', `/admin/keys/${id}/rotate`, { grace_seconds: 3600 });
    expect(status).toBe(200);
    expect(json.key).toMatch(/^sk-slu-[0-9A-Za-z]{43}$/);
    expect(json.key).not.toBe(key);
    expect(json).toMatchObject({ id, key_hint: json.key.slice(-4) });
    const left = Date.parse(json.earlier_secrets_end_at) - Date.now();
    expect(Math.abs(left - 3_600_000)).toBeLessThan(60_000);
    expect((await store.keys.findBySecret(hashSecret(json.key)))?.key.id).toBe(id);
    const throughOld = (await store.keys.findBySecret(hashSecret(key)))?.key;
    expect(throughOld?.expiresAtMs).toBe(Date.parse(json.earlier_secrets_end_at));
    expect((await admin.call('GET', `/admin/keys/${id}`)).json).toMatchObject({ expires_at: null });
  });

  test.each([undefined, {}, { grace_seconds: 0 }])(
    'with the body %j ends the old secret at once',
    async (body) => {
      const { id, key } = await create();
      const { json } = await admin.call('POST', `/admin/keys/${id}/rotate`, body);
      expect(json.earlier_secrets_end_at).toBeNull();
      expect(await store.keys.findBySecret(hashSecret(key))).toBeUndefined();
    },
  );

  test.each([
    ['grace_seconds', { grace_seconds: -1 }],
    ['grace_seconds', { grace_seconds: 2_592_001 }],
    ['grace', { grace: 1 }],
  ])('refuses a wrong %s', async (param, body) => {
    const { id } = await create();
    const { status, json } = await admin.call('POST', `/admin/keys/${id}/rotate`, body);
    expect([status, json.error.param]).toEqual([400, param]);
  });

  test('does not bring a revoked key back', async () => {
    const { id } = await create();
    await admin.call('DELETE', `/admin/keys/${id}`);
    expect((await admin.call('POST', `/admin/keys/${id}/rotate`)).status).toBe(400);
  });
});

describe('POST /admin/keys/{id}/disable and enable', () => {
  test('stop a key and let it go on, and again without a change', async () => {
    const { id } = await create();
    const disabled = await admin.call('POST', `/admin/keys/${id}/disable`);
    expect([disabled.status, disabled.json.state]).toEqual([200, 'disabled']);
    expect(isUsable(await storedKey(id), Date.now())).toBe(false);
    await admin.call('POST', `/admin/keys/${id}/disable`, {});
    expect((await storedKey(id)).policyVersion).toBe(2);
    const enabled = await admin.call('POST', `/admin/keys/${id}/enable`);
    expect(enabled.json.state).toBe('active');
    expect(isUsable(await storedKey(id), Date.now())).toBe(true);
  });

  test('leave a revoked key revoked, and a disabled one can be revoked', async () => {
    const { id } = await create();
    await admin.call('POST', `/admin/keys/${id}/disable`);
    expect((await admin.call('DELETE', `/admin/keys/${id}`)).json.state).toBe('revoked');
    expect((await admin.call('POST', `/admin/keys/${id}/enable`)).status).toBe(400);
    expect((await storedKey(id)).state).toBe('revoked');
  });
});

describe('any other request', () => {
  test.each([
    ['GET', '/admin/keys/key_unknown', 404, 'not_found'],
    ['GET', '/admin/keys/%00', 404, 'not_found'],
    ['GET', `/admin/keys/${'x'.repeat(500)}`, 404, 'not_found'],
    ['PATCH', '/admin/keys/key_unknown', 404, 'not_found'],
    ['DELETE', '/admin/keys/key_unknown', 404, 'not_found'],
    ['GET', '/admin/unknown', 404, 'not_found'],
    ['GET', '/admin/keys/', 404, 'not_found'],
    ['GET', '/dashboard', 404, 'not_found'],
    ['POST', '/admin/keys/key_unknown/enable', 404, 'not_found'],
    ['POST', '/admin/keys/key_unknown/disable', 404, 'not_found'],
    ['GET', '/admin/keys/key_unknown/disable', 405, 'method_not_allowed'],
    ['PUT', '/admin/keys', 405, 'method_not_allowed'],
    ['POST', '/admin/keys/key_unknown', 405, 'method_not_allowed'],
    ['POST', '/admin/spend', 405, 'method_not_allowed'],
  ])('%s %.40s is refused with the envelope', async (method, path, status, code) => {
    const body = method === 'GET' || method === 'DELETE' ? undefined : { name: 'x' };
    const answer = await admin.call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.json.error).toMatchObject({
      code,
      message: expect.any(String),
      metadata: { retryable: false },
    });
    expect(answer.headers.get('x-request-id')).toMatch(/^req-/);
    if (status === 405) expect(answer.headers.get('allow')).toMatch(/GET|POST/);
  });

  test('without the admin key is refused with one message, and logged', async () => {
    const logged = admin.log.text.length;
    const answers = await Promise.all(
      [{}, { authorization: 'Bearer wrong' }, { authorization: ADMIN_KEY }, { authorization: 'Bearer ' }].map(
        (headers) => admin.call('GET', '/admin/keys', undefined, headers as Record<string, string>),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.json.error).toMatchObject({
      type: 'authentication_error',
      code: 'authentication_failed',
    });
    expect(admin.log.text.slice(logged)).toContain('authentication_failed');
    expect(admin.log.text).not.toContain(ADMIN_KEY);
  });
});
