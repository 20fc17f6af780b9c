import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoScopeStore } from '../../lambda/adapters/dynamodb/scope-store.ts';
import { type Budget, type Scope, scopeName } from '../../lambda/domain/money/budget.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { NO_RULES, type ScopeSettings } from '../../lambda/domain/scope-settings.ts';
import { tagScope } from '../../lambda/domain/scopes-of-request.ts';
import { ask } from '../support/ask.ts';
import { budget, folded, type LocalGateway, startLocalGateway, until } from '../support/local-gateway.ts';

let gateway: LocalGateway;
beforeAll(async () => {
  gateway = await startLocalGateway();
});
afterAll(() => gateway.close());

/** Nothing that a request may cost fits into it. */
const NOTHING = 0.000001;
/** One request of the tests costs about a tenth of a thousandth. */
const PLENTY = 1;

let serial = 0;
const unique = (name: string): string => `${name}-${++serial}`;

const put = (
  scope: ScopeSettings['scope'],
  rules: Partial<ScopeSettings>,
  policyVersion = 0,
): Promise<ScopeSettings> =>
  dynamoScopeStore(gateway.store).put({
    ...NO_RULES,
    scope,
    name: scope.id,
    metadata: {},
    createdAtMs: 0,
    policyVersion,
    ...rules,
  });

// biome-ignore lint/suspicious/noExplicitAny: a test looks into an error of any shape
async function errorOf(response: Response): Promise<any> {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const { error } = (await response.json()) as any;
  return error;
}

const BODY = { max_tokens: 20 };

async function spentOf(scope: Scope): Promise<bigint> {
  await folded(gateway.store);
  const counters = await gateway.gateway.ledger.counters(scope);
  return counters?.windows[Object.keys(counters.windows).find((id) => id === 'total') as never]?.spent ?? 0n;
}

describe('a scope above the key', () => {
  test.each(['organization', 'team', 'project', 'member'] as const)(
    'a %s without money refuses its keys, and says that it was it',
    async (kind) => {
      const id = unique(kind);
      await put({ kind, id }, { budgets: [budget(NOTHING)] });
      const { secret } = await gateway.createKey({ [kind]: id, budgets: [budget(PLENTY)] });
      const response = await ask(gateway, secret, { body: BODY });
      expect(response.status).toBe(402);
      expect(response.headers.get('x-sluice-budget-scope')).toBe(kind);
      const error = await errorOf(response);
      expect(error.code).toBe('budget_exceeded');
      expect(error.metadata).toMatchObject({ scope: kind, scope_id: id, limit_usd: NOTHING, spent_usd: 0 });
    },
  );

  test('counts what all of its keys spend, also before it has settings', async () => {
    const team = unique('team');
    const keys = await Promise.all([gateway.createKey({ team }), gateway.createKey({ team })]);
    let sum = 0n;
    for (const { secret } of keys)
      sum += (await gateway.record(await ask(gateway, secret, { body: BODY }))).cost;
    expect(await spentOf({ kind: 'team', id: team })).toBe(sum);
  });

  test('that gets its first settings is noticed by a process that has the key in memory', async () => {
    const team = unique('team');
    const { secret } = await gateway.createKey({ team });
    expect((await ask(gateway, secret, { body: BODY })).status).toBe(200);
    await put({ kind: 'team', id: team }, { budgets: [budget(NOTHING)] });
    await folded(gateway.store);
    await until('the team is asked', async () => (await ask(gateway, secret, { body: BODY })).status === 402);
  });

  test('allows what both it and the key allow', async () => {
    const team = unique('team');
    await put({ kind: 'team', id: team }, { providers: ['openai'] });
    const { secret } = await gateway.createKey({ team, models: ['openai/*', 'anthropic/*'] });
    expect((await ask(gateway, secret, { body: BODY })).status).toBe(200);
    const refused = await ask(gateway, secret, { model: 'anthropic/mock', body: BODY });
    expect(refused.status).toBe(404);
    expect((await errorOf(refused)).code).toBe('no_eligible_deployment');
  });
});

describe('tags', () => {
  test('a caller names count where they have settings', async () => {
    const scope = tagScope('customer', unique('acme'));
    await put(scope, { budgets: [budget(NOTHING)] });
    await gateway.gateway.tags.refresh();
    const { secret } = await gateway.createKey();
    const [name = '', value = ''] = scope.id.split('=');
    const fresh = await startLocalGateway({ beside: gateway });
    try {
      const refused = await ask(fresh, secret, { body: { ...BODY, metadata: { [name]: value } } });
      expect(refused.status).toBe(402);
      expect((await errorOf(refused)).metadata).toMatchObject({ scope: 'tag', scope_id: scope.id });
      expect((await ask(fresh, secret, { body: { ...BODY, metadata: { [name]: 'other' } } })).status).toBe(
        200,
      );
    } finally {
      await fresh.close();
    }
  });

  test('pinned on a key hold whatever the caller says', async () => {
    const scope = tagScope('env', unique('prod'));
    await put(scope, { budgets: [budget(NOTHING)] });
    const [name = '', value = ''] = scope.id.split('=');
    const { secret } = await gateway.createKey({ tags: { [name]: value } });
    const response = await ask(gateway, secret, { body: { ...BODY, metadata: { [name]: 'dev' } } });
    expect(response.status).toBe(402);
  });
});

describe('tags that are changed', () => {
  test('are read again by whoever has them in memory', async () => {
    const scope = tagScope('customer', unique('acme'));
    const [name = '', value = ''] = scope.id.split('=');
    await put(scope, { budgets: [budget(PLENTY)] });
    const { secret } = await gateway.createKey();
    const fresh = await startLocalGateway({ beside: gateway });
    const send = async () =>
      (await ask(fresh, secret, { body: { ...BODY, metadata: { [name]: value } } })).status;
    try {
      expect(await send()).toBe(200);
      await put(scope, { budgets: [budget(2)] }, 1);
      expect(await send()).toBe(200);
      await put(scope, { budgets: [budget(NOTHING)] }, 2);
      expect(await send()).toBe(402);
    } finally {
      await fresh.close();
    }
  });
});

describe('a budget on one model or provider', () => {
  const ofOpenai: Partial<Budget> = { provider: 'openai' };

  test('refuses that one alone, names it, and lets a fallback be tried', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(NOTHING, ofOpenai), budget(PLENTY)] });
    const refused = await ask(gateway, secret, { body: BODY });
    expect(refused.status).toBe(402);
    expect((await errorOf(refused)).metadata).toMatchObject({ scope: 'key', facet: 'provider:openai' });
    const fallback = await ask(gateway, secret, { body: { ...BODY, models: ['anthropic/mock'] } });
    expect(fallback.status).toBe(200);
    expect(fallback.headers.get('x-sluice-provider')).toBe('anthropic');
    const { cost } = await gateway.record(fallback);
    expect(await spentOf({ kind: 'key', id: key.id })).toBe(cost);
    expect(await spentOf({ kind: 'key', id: key.id, facet: 'provider:openai' })).toBe(0n);
  });

  test('is charged for its own part of a request that fails over', async () => {
    const { key, secret } = await gateway.createKey({
      budgets: [budget(PLENTY, ofOpenai), budget(PLENTY, { provider: 'anthropic' }), budget(PLENTY)],
    });
    const response = await ask(gateway, secret, {
      model: 'openai/mock-e500',
      body: { ...BODY, models: ['anthropic/mock'] },
    });
    expect(response.status).toBe(200);
    const record = await gateway.record(response);
    await until('the last leg is recorded', async () => (await gateway.record(response)).outcome === 'ok');
    const { cost } = await gateway.record(response);
    expect(record.id).toBe(response.headers.get('x-request-id'));
    expect(await spentOf({ kind: 'key', id: key.id, facet: 'provider:openai' })).toBe(0n);
    expect(await spentOf({ kind: 'key', id: key.id, facet: 'provider:anthropic' })).toBe(cost);
    expect(await spentOf({ kind: 'key', id: key.id })).toBe(cost);
  });
});

describe('an increase', () => {
  test('counts until it ends', async () => {
    const team = unique('team');
    const increase = { amount: nanoFromUsd(PLENTY), reason: 'launch' };
    await put(
      { kind: 'team', id: team },
      { budgets: [budget(NOTHING)], increases: [{ ...increase, expiresAtMs: Date.now() + 60_000 }] },
    );
    const { secret } = await gateway.createKey({ team });
    expect((await ask(gateway, secret, { body: BODY })).status).toBe(200);
    const over = unique('team');
    await put(
      { kind: 'team', id: over },
      { budgets: [budget(NOTHING)], increases: [{ ...increase, expiresAtMs: Date.now() - 1 }] },
    );
    const late = await gateway.createKey({ team: over });
    expect((await ask(gateway, late.secret, { body: BODY })).status).toBe(402);
  });
});

describe('a session', () => {
  const session = (id: string, more: Record<string, string> = {}) => ({ 'x-session-id': id, ...more });

  test('ends after the calls its key allows it, and another one begins anew', async () => {
    const { secret } = await gateway.createKey({ sessionLimits: { maxCalls: 2 } });
    const statuses: number[] = [];
    for (let call = 0; call < 3; call += 1)
      statuses.push((await ask(gateway, secret, { body: BODY, headers: session('run 1|#') })).status);
    expect(statuses).toEqual([200, 200, 402]);
    const refused = await ask(gateway, secret, { body: BODY, headers: session('run 1|#') });
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(await errorOf(refused)).toMatchObject({
      code: 'session_limit_exceeded',
      metadata: { scope_id: 'run 1|#', max_calls: 2 },
    });
    expect((await ask(gateway, secret, { body: BODY, headers: session('run 2') })).status).toBe(200);
  });

  test('is bounded by what its caller asks for, where that is less', async () => {
    const { secret } = await gateway.createKey({ sessionLimits: { maxCost: nanoFromUsd(PLENTY) } });
    const headers = session('s', { 'x-sluice-session-max-cost-usd': String(NOTHING.toFixed(6)) });
    const refused = await ask(gateway, secret, { body: BODY, headers });
    expect([refused.status, (await errorOf(refused)).code]).toEqual([402, 'session_limit_exceeded']);
  });

  test('has made its call also where it moved to another deployment', async () => {
    const { secret } = await gateway.createKey({
      sessionLimits: { maxCalls: 1 },
      budgets: [{ ...budget(5), provider: 'anthropic' }],
    });
    const question = {
      model: 'anthropic/mock',
      body: { ...BODY, models: ['openai/mock'], logit_bias: { '1': 1 } },
      headers: session('moving', { 'x-sluice-unsupported': 'reject' }),
    };
    const statuses = [(await ask(gateway, secret, question)).status];
    statuses.push((await ask(gateway, secret, question)).status);
    expect(statuses).toEqual([200, 402]);
  });

  test('of the longest name is bounded like any other, and holds no money when it is refused', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(PLENTY)] });
    const headers = { 'x-sluice-session-max-calls': '1' };
    const body = { ...BODY, session_id: '語'.repeat(256) };
    const statuses = [];
    for (let call = 0; call < 3; call += 1) {
      const response = await ask(gateway, secret, { body, headers });
      statuses.push(response.status);
      await gateway.record(response);
    }
    expect(statuses).toEqual([200, 402, 402]);
    const { windows } = await gateway.counters(key);
    for (const { committed, spent } of Object.values(windows)) expect(committed).toBe(spent);
  });

  test('cannot be bounded without being named', async () => {
    const { secret } = await gateway.createKey();
    const headers = { 'x-sluice-session-max-calls': '3' };
    expect((await ask(gateway, secret, { body: BODY, headers })).status).toBe(400);
  });
});

describe('end users', () => {
  test('have a budget each, those without a name one together', async () => {
    const { key, secret } = await gateway.createKey({ endUserBudget: budget(0.003, { window: 'day' }) });
    const as = async (user?: string) =>
      (await ask(gateway, secret, { model: 'openai/mock-c20', body: { ...BODY, ...(user && { user }) } }))
        .status;
    const untilRefused = async (user?: string): Promise<number> => {
      for (let calls = 0; calls < 20; calls += 1) if ((await as(user)) === 402) return calls;
      return 20;
    };
    expect(await untilRefused('ann')).toBeLessThan(20);
    expect(await as('bob')).toBe(200);
    expect(await untilRefused()).toBeLessThan(20);
    expect(await as('bob')).toBe(200);
    const scope: Scope = { kind: 'end-user', id: `${key.id}/ann` };
    const counters = await gateway.gateway.ledger.counters(scope);
    expect(scopeName(scope)).toContain('ann');
    const total = counters?.windows['total' as never] as {
      readonly spent: bigint;
      readonly committed: bigint;
    };
    expect(total.spent).toBeGreaterThan(0n);
    expect(total.spent).toBeLessThanOrEqual(nanoFromUsd(0.003));
  });
});

describe('rate limits', () => {
  test('refuse what comes too often, say when to come again, and set nothing aside', async () => {
    const { key, secret } = await gateway.createKey({
      budgets: [budget(PLENTY)],
      rateLimits: [{ requestsPerMinute: 2 }],
    });
    const answers = [];
    for (let call = 0; call < 3; call += 1) answers.push(await ask(gateway, secret, { body: BODY }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[0]?.headers.get('x-ratelimit-limit-requests')).toBe('2');
    const [, , refused] = answers;
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused?.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    const { windows } = await gateway.counters(key);
    for (const { committed, spent } of Object.values(windows)) expect(committed).toBe(spent);
  });

  test('of a team and on one provider hold all its keys, and no other provider', async () => {
    const team = unique('team');
    await put({ kind: 'team', id: team }, { rateLimits: [{ requestsPerMinute: 1, provider: 'openai' }] });
    const [first, second] = [await gateway.createKey({ team }), await gateway.createKey({ team })];
    expect((await ask(gateway, first.secret, { body: BODY })).status).toBe(200);
    const refused = await ask(gateway, second.secret, { body: BODY });
    expect(refused.status).toBe(429);
    expect((await errorOf(refused)).metadata).toMatchObject({ scope: 'team', scope_id: team });
    const fallback = await ask(gateway, second.secret, { body: { ...BODY, models: ['anthropic/mock'] } });
    expect(fallback.status).toBe(200);
  });

  test('free a concurrent request when its answer has ended', async () => {
    const { secret } = await gateway.createKey({ rateLimits: [{ concurrentRequests: 1 }] });
    const calls = gateway.mock.requests.length;
    const slow = ask(gateway, secret, { model: 'openai/mock-l400', body: BODY });
    await until('the first is called', () => gateway.mock.requests.length > calls);
    expect((await ask(gateway, secret, { body: BODY })).status).toBe(429);
    expect((await slow).status).toBe(200);
    await until(
      'there is room again',
      async () => (await ask(gateway, secret, { body: BODY })).status === 200,
    );
  });
});

describe('POST /v1/route', () => {
  const explain = async (secret: string, body: object) => {
    const response = await fetch(`${gateway.url}/v1/route`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], ...body }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test looks into an answer of any shape
    return { status: response.status, json: (await response.json()) as any };
  };

  test('says which deployments would be tried, what each may cost, and where the budgets stand', async () => {
    const team = unique('team');
    await put({ kind: 'team', id: team }, { budgets: [budget(0.0001, { provider: 'openai' })] });
    const { key, secret } = await gateway.createKey({ team, budgets: [budget(PLENTY, { window: 'month' })] });
    const calls = gateway.mock.requests.length;
    const { status, json } = await explain(secret, {
      model: 'openai/mock',
      models: ['anthropic/mock'],
      max_tokens: 500,
    });
    expect(status).toBe(200);
    const [first, second] = json.data.plan;
    expect(first).toMatchObject({
      deployment: 'openai/mock',
      is_possible: false,
      completion_tokens_bound: 500,
    });
    expect(first.refusal.budgets[0]).toMatchObject({ scope: 'team', scope_id: team, provider: 'openai' });
    expect(second).toMatchObject({ deployment: 'anthropic/mock', is_possible: true });
    expect(second.estimate_usd).toBeGreaterThan(0.0085);
    expect(json.data.budgets.map((each: { scope: string }) => each.scope)).toEqual(['team', 'key']);
    expect(gateway.mock.requests.length).toBe(calls);
    expect(Object.keys((await gateway.counters(key)).windows)).toEqual([]);
  });

  test('refuses what a request would be refused for', async () => {
    const { secret } = await gateway.createKey({ models: ['openai/*'] });
    expect((await explain(secret, { model: 'anthropic/mock' })).status).toBe(403);
    expect((await explain(secret, { model: 7 })).status).toBe(400);
    expect((await explain('sk-slu-nobody0000000000000000', { model: 'openai/mock' })).status).toBe(401);
  });
});
