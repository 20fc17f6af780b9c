import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import type { ScopePolicy } from '../../lambda/domain/money/budget.ts';
import { nanoFromUsd, nanoUsd, usdFromNano } from '../../lambda/domain/money/nano.ts';
import type { BudgetNotice } from '../../lambda/ports/ledger.ts';
import { runUpkeep } from '../../lambda/upkeep/upkeep.ts';
import { ask } from '../support/ask.ts';
import { budget, type LocalGateway, startLocalGateway, until } from '../support/local-gateway.ts';
import { mockText } from '../support/mock-answers.ts';
import { expectCounters, openaiCost } from '../support/mock-costs.ts';

let gateway: LocalGateway;

beforeAll(async () => {
  gateway = await startLocalGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const errorOf = async (response: Response) => JSON.parse(await response.text()).error;

describe('a hard budget', () => {
  test('refuses what does not fit, says why, and what would fit does', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(0.01, { window: 'day' })] });
    const body = { max_tokens: 100_000 };
    const first = await ask(gateway, secret, { model: 'openai/mock-c9', body: { max_tokens: 50 } });
    await gateway.record(first);
    const refused = await ask(gateway, secret, {
      model: 'openai/mock-c9',
      body: { ...body, models: ['openai/gpt-4'] },
    });
    expect(refused.status).toBe(402);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    const error = await errorOf(refused);
    const midnight = new Date(new Date().toISOString().slice(0, 10)).getTime() + 86_400_000;
    expect(error).toMatchObject({
      type: 'insufficient_quota',
      code: 'budget_exceeded',
      metadata: {
        retryable: false,
        scope: 'key',
        scope_id: key.id,
        window: 'day',
        limit_usd: 0.01,
        spent_usd: usdFromNano(nanoUsd(openaiCost(9))),
        reserved_usd: 0,
        estimate_usd: expect.any(Number),
        resets_at: new Date(midnight).toISOString(),
        max_affordable_tokens: expect.any(Number),
      },
    });
    const fits: number = error.metadata.max_affordable_tokens;
    expect(fits).toBeGreaterThan(400);
    expect(await gateway.record(refused)).toMatchObject({
      outcome: 'budget_exceeded',
      cost: 0n,
      estimate: 0n,
    });
    await expectCounters(gateway, key, openaiCost(9));

    const same = { ...body, models: ['openai/gpt-4'] };
    const tooMuch = await ask(gateway, secret, {
      model: 'openai/mock-c9',
      body: { ...same, max_tokens: fits + 50 },
    });
    expect(tooMuch.status).toBe(402);
    const fitting = await ask(gateway, secret, {
      model: 'openai/mock-c9',
      body: { ...same, max_tokens: fits },
    });
    expect(fitting.status).toBe(200);
  });

  test('says what would fit also to a caller who gave no limit, counting the field that says it', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(0.0007)] });
    const refused = await ask(gateway, secret, { model: 'openai/mock' });
    expect(refused.status).toBe(402);
    const { max_affordable_tokens: fits } = (await errorOf(refused)).metadata;
    expect(fits).toBeGreaterThan(0);
    expect((await ask(gateway, secret, { model: 'openai/mock', body: { max_tokens: fits } })).status).toBe(
      200,
    );
  });

  test('is enforced window by window, the tightest one first', async () => {
    const budgets = [budget(5, { window: 'month' }), budget(0.0001, { window: 'hour' })];
    const { secret } = await gateway.createKey({ budgets });
    const refused = await ask(gateway, secret, { as: 'anthropic', model: 'openai/mock' });
    expect(refused.status).toBe(402);
    expect(await errorOf(refused)).toMatchObject({
      type: 'billing_error',
      code: 'budget_exceeded',
      metadata: { window: 'hour', max_affordable_tokens: 0 },
    });
  });

  test('bounds an answer nobody bounded, upstream too', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1)] });
    await ask(gateway, secret, { model: 'openai/mock' });
    expect(gateway.mock.requests.at(-1)?.body.max_completion_tokens).toBe(4_000);
    await ask(gateway, secret, { model: 'anthropic/mock' });
    expect(gateway.mock.requests.at(-1)?.body.max_tokens).toBe(4_000);
  });

  test('leaves the limit a caller gave as it is', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1)] });
    await ask(gateway, secret, { model: 'openai/mock', body: { max_tokens: 77 } });
    expect(gateway.mock.requests.at(-1)?.body).toMatchObject({ max_tokens: 77 });
    expect(gateway.mock.requests.at(-1)?.body).not.toHaveProperty('max_completion_tokens');
  });

  test('makes an answer nobody bounded shorter where little is left, rather than refusing it', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(0.01)] });
    const response = await ask(gateway, secret, { model: 'openai/mock-c500' });
    expect(response.status).toBe(200);
    const sent = gateway.mock.requests.at(-1)?.body.max_completion_tokens;
    expect(sent).toBeGreaterThanOrEqual(16);
    expect(sent).toBeLessThan(400);
    const { choices } = JSON.parse(await response.text());
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: mockText(sent) } });
    const record = await gateway.record(response);
    expect(record.boundExceeded).toBe(false);
    await expectCounters(gateway, key, record.cost ?? 0n);
  });

  test('sends no bound where there is none to keep', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1, { mode: 'soft' })] });
    await ask(gateway, secret, { model: 'openai/mock' });
    expect(gateway.mock.requests.at(-1)?.body).not.toHaveProperty('max_completion_tokens');
  });

  test('charges in full what cost more than was set aside, and marks it', async () => {
    // The mock's thinking comes on top of the limit it was sent.
    const lying = await startLocalGateway({
      config: {
        prices: { 'openai/mock*': { promptUsdPerMillion: 0.001, completionUsdPerMillion: 1000 } },
      },
    });
    try {
      const { key, secret } = await lying.createKey({ budgets: [budget(0.02)] });
      const body = { max_completion_tokens: 10 };
      const response = await ask(lying, secret, { model: 'openai/mock-c50-xthink', body });
      const record = await lying.record(response);
      expect(record).toMatchObject({ boundExceeded: true });
      expect(record.cost).toBeGreaterThan(record.estimate);
      expect((await lying.counters(key)).windows).toMatchObject({
        total: { committed: record.cost, spent: record.cost },
      });
    } finally {
      await lying.close();
    }
  });

  test('holds under many requests at once', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(0.004)] });
    const responses = await Promise.all(
      Array.from({ length: 40 }, () =>
        ask(gateway, secret, { model: 'openai/mock-c40', body: { max_tokens: 40 } }),
      ),
    );
    const answered = responses.filter(({ status }) => status === 200);
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200, 402]));
    const records = await Promise.all(responses.map((response) => gateway.record(response)));
    const sum = records.reduce((total, { cost = 0n }) => total + cost, 0n);
    expect(sum).toBe(BigInt(answered.length) * openaiCost(40));
    expect(sum).toBeLessThanOrEqual(nanoFromUsd(0.004));
    await expectCounters(gateway, key, sum);
  });

  test.each([
    ['an unknown price', { model: 'openai/nobody-priced-this' }, 402, 'price_unknown'],
    ['a hosted tool', { model: 'openai/mock', body: { web_search_options: {} } }, 400, 'cost_unbounded'],
    [
      "a hosted tool of Anthropic's",
      {
        as: 'anthropic' as const,
        model: 'anthropic/mock',
        body: { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
      },
      400,
      'cost_unbounded',
    ],
    [
      'a file the provider keeps',
      {
        model: 'openai/mock',
        body: { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] },
      },
      400,
      'cost_unbounded',
    ],
  ])('refuses %s, which a key without one may use', async (_, question, status, code) => {
    const bounded = await gateway.createKey({ budgets: [budget(1)] });
    const refused = await ask(gateway, bounded.secret, question);
    expect(refused.status).toBe(status);
    expect(await errorOf(refused)).toMatchObject({ code });
    expect(gateway.mock.requests).toEqual([]);
    expect(await gateway.record(refused)).toMatchObject({ outcome: code, cost: 0n });
    const free = await gateway.createKey();
    expect((await ask(gateway, free.secret, question)).status).toBe(200);
  });

  test.each([
    ['is of unknown price', 'openai/nobody-priced-this'],
    ['is too dear', 'openai/gpt-4'],
  ])('passes a model over that %s for a fallback it holds', async (_, model) => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(0.01)] });
    const body = { models: ['openai/mock'], max_tokens: 300 };
    const response = await ask(gateway, secret, { model, body });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-sluice-deployment')).toBe('openai/mock');
    expect(gateway.mock.requests).toHaveLength(1);
    const record = await gateway.record(response);
    await expectCounters(gateway, key, record.cost ?? 0n);
  });

  test('lowered while a process has the key in memory holds from the next request on', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
    await gateway.record(await ask(gateway, secret, {}));
    await dynamoKeyStore(gateway.store).update({ ...key, budgets: [budget(0.0000001)] });
    expect((await ask(gateway, secret, {})).status).toBe(402);
  });
});

describe('budget headers', () => {
  test('show the tightest budget as this process last saw it', async () => {
    const { key, secret } = await gateway.createKey({
      budgets: [budget(2, { window: 'month' }), budget(1, { window: 'day' })],
    });
    const policy: ScopePolicy = { scope: { kind: 'key', id: key.id }, policyVersion: 1, budgets: [] };
    const first = await ask(gateway, secret, {});
    expect(first.headers.get('x-sluice-budget-scope')).toBeNull();
    await until(
      'the counters have been read after it',
      () => gateway.gateway.remainders.counters(policy) !== undefined,
    );
    const second = await ask(gateway, secret, {});
    expect(second.headers.get('x-sluice-budget-scope')).toBe('key');
    expect(second.headers.get('x-sluice-budget-limit-usd')).toBe('1');
    expect(Number(second.headers.get('x-sluice-budget-remaining-usd'))).toBe(
      usdFromNano(nanoFromUsd(1)) - usdFromNano(nanoUsd(openaiCost(3))),
    );
    expect(second.headers.get('x-sluice-budget-reset')).toMatch(/T00:00:00.000Z$/);
  });
});

describe('a soft limit', () => {
  test('is told once for each threshold and window', async () => {
    const { key, secret } = await gateway.createKey({
      name: 'alerts',
      budgets: [budget(0.0005, { mode: 'soft', softLimits: [0.5, 0.9], window: 'day' })],
    });
    for (let index = 0; index < 8; index += 1)
      await gateway.record(await ask(gateway, secret, { model: 'openai/mock-c2' }));
    const notices: BudgetNotice[] = [];
    // When upkeep folds what busy purses have kept to themselves.
    const { clock } = gateway.gateway;
    const upkeep = gateway.upkeep({
      clock: { ...clock, now: () => clock.now() + 200_000 },
      sendNotice: async (notice) => {
        notices.push(notice);
      },
    });
    await until('the notices are queued', async () => {
      await runUpkeep(upkeep, 5_000);
      return notices.length >= 2;
    });
    await runUpkeep(upkeep, 5_000);
    expect(
      notices.map(({ threshold, scopeLabel, window, scope }) => ({ threshold, scopeLabel, window, scope })),
    ).toEqual(
      expect.arrayContaining(
        [0.5, 0.9].map((threshold) => ({
          threshold,
          scopeLabel: 'alerts',
          window: expect.stringMatching(/^day:/),
          scope: { kind: 'key', id: key.id },
        })),
      ),
    );
    expect(notices).toHaveLength(2);
  });
});
