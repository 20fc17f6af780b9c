import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { nanoFromUsd, nanoUsd, usdFromNano } from '../../lambda/domain/money/nano.ts';
import { ask, type CallerDialect, readStream } from '../support/ask.ts';
import { budget, type LocalGateway, startLocalGateway, until } from '../support/local-gateway.ts';
import { anthropicCost, expectCounters, openaiCost } from '../support/mock-costs.ts';

let gateway: LocalGateway;

beforeAll(async () => {
  gateway = await startLocalGateway();
});
afterAll(() => gateway.close());
beforeEach(() => gateway.mock.reset());

const get = async (path: string, secret: string) => {
  const response = await fetch(gateway.url + path, { headers: { authorization: `Bearer ${secret}` } });
  return { status: response.status, body: JSON.parse(await response.text()) };
};

describe('the cost of an answer', () => {
  test.each<readonly [CallerDialect, string, bigint]>([
    ['openai', 'openai', openaiCost(5)],
    ['openai', 'anthropic', anthropicCost(5)],
    ['anthropic', 'openai', openaiCost(5)],
    ['anthropic', 'anthropic', anthropicCost(5)],
  ])(
    'to %s from %s is the same in usage, header, record, counters, generation and key',
    async (as, provider, cost) => {
      const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
      const response = await ask(gateway, secret, { as, model: `${provider}/mock-c5` });
      const usd = usdFromNano(nanoUsd(cost));
      expect(JSON.parse(await response.text()).usage.cost).toBe(usd);
      expect(Number(response.headers.get('x-sluice-cost-usd'))).toBe(usd);
      const record = await gateway.record(response);
      expect(record).toMatchObject({ cost, chargeBasis: 'exact', boundExceeded: false });
      await expectCounters(gateway, key, cost);
      expect((await get(`/v1/generation?id=${record.id}`, secret)).body.data).toMatchObject({
        id: record.id,
        total_cost: usd,
        usage: usd,
        charge_basis: 'exact',
        model: `${provider}/mock-c5`,
        provider_name: provider,
        finish_reason: 'stop',
        streamed: false,
        cancelled: false,
        tokens_completion: 5,
        native_tokens_cached: 4,
      });
      expect((await get('/v1/key', secret)).body.data).toMatchObject({
        limit: 1,
        limit_remaining: usdFromNano(nanoFromUsd(1)) - usd,
        usage: usd,
        usage_daily: usd,
        usage_weekly: usd,
        usage_monthly: usd,
        budgets: [
          { window: 'total', mode: 'hard', limit_usd: 1, spent_usd: usd, reserved_usd: 0, resets_at: null },
        ],
      });
    },
  );

  test('of a stream is charged in full where it came in full', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
    const response = await ask(gateway, secret, { model: 'openai/mock-c7', body: { stream: true } });
    expect((await readStream(response)).isFinished).toBe(true);
    expect(await gateway.record(response)).toMatchObject({
      cost: openaiCost(7),
      chargeBasis: 'exact',
      stream: true,
    });
    await expectCounters(gateway, key, openaiCost(7));
  });

  test('is counted for a key without any budget too', async () => {
    const { key, secret } = await gateway.createKey();
    for (let index = 0; index < 3; index += 1)
      await gateway.record(await ask(gateway, secret, { model: 'openai/mock-c2' }));
    await expectCounters(gateway, key, 3n * openaiCost(2));
    expect((await get('/v1/key', secret)).body.data).toMatchObject({ limit: null, budgets: [] });
  });

  test('with reasoning counts it as completion', async () => {
    const { secret } = await gateway.createKey();
    const response = await ask(gateway, secret, { model: 'openai/mock-xthink' });
    const record = await gateway.record(response);
    expect(record.usage).toMatchObject({ completionTokens: 6, reasoningTokens: 3 });
    expect(record.cost).toBe(openaiCost(6));
  });

  test.each(['openai', 'anthropic'])('of a stream %s cut is estimated from what came', async (provider) => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
    const response = await ask(gateway, secret, {
      model: `${provider}/mock-c50-k20-b30-fcut`,
      body: { stream: true },
    });
    await readStream(response);
    const record = await gateway.record(response);
    expect(record).toMatchObject({
      chargeBasis: 'estimated',
      usage: { completionTokens: 200, estimated: true },
    });
    expect(record.cost).toBeGreaterThan(200n * 17_000n);
    await expectCounters(gateway, key, record.cost ?? 0n);
  });

  test.each([{ stream: false }, { stream: true }])(
    'without reported usage is estimated ($stream)',
    async (body) => {
      const { secret } = await gateway.createKey({ budgets: [budget(1)] });
      const response = await ask(gateway, secret, { model: 'openai/mock-c20-b30-u0', body });
      const text = await response.text();
      const record = await gateway.record(response);
      expect(record).toMatchObject({
        outcome: 'ok',
        chargeBasis: 'estimated',
        usage: { completionTokens: 200 },
      });
      expect(record.cost).toBeGreaterThan(200n * 17_000n);
      if (!body.stream) {
        expect(text).toContain('w19');
        expect(Number(response.headers.get('x-sluice-cost-usd'))).toBe(
          usdFromNano(record.cost ?? nanoFromUsd(0)),
        );
      }
    },
  );

  test('of a picture nobody reported the tokens of is not that of its bytes', async () => {
    const { secret } = await gateway.createKey();
    const url = `data:image/png;base64,${'A'.repeat(1_000_000)}`;
    const response = await ask(gateway, secret, {
      model: 'openai/mock-u0',
      body: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] },
    });
    const record = await gateway.record(response);
    expect(record.chargeBasis).toBe('estimated');
    expect(record.usage?.promptTokens).toBeLessThan(60_000);
    expect(record.boundExceeded).toBe(false);
  });
});

describe('a caller who leaves', () => {
  test.each<readonly [CallerDialect, string]>([
    ['openai', 'openai'],
    ['openai', 'anthropic'],
    ['anthropic', 'anthropic'],
  ])(
    '%s in the middle of a stream from %s ends the upstream call and pays for what was generated',
    async (as, provider) => {
      const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
      const leaving = new AbortController();
      const response = await ask(gateway, secret, {
        as,
        model: `${provider}/mock-c500-i5-b30`,
        body: { stream: true, max_tokens: 500 },
        signal: leaving.signal,
      });
      const reader = response.body?.getReader();
      for (let index = 0; index < 5; index += 1) await reader?.read();
      leaving.abort();
      const record = await gateway.record(response);
      expect(record).toMatchObject({ outcome: 'client-gone', chargeBasis: 'estimated' });
      expect(record.usage?.completionTokens).toBeGreaterThan(0);
      expect(record.usage?.completionTokens).toBeLessThan(400 * 10);
      expect(record.cost).toBeGreaterThan(0n);
      await expectCounters(gateway, key, record.cost ?? 0n);
      await until('the upstream call is ended', () => gateway.mock.disconnects === 1);
      const { body } = await get(`/v1/generation?id=${record.id}`, secret);
      expect(body.data).toMatchObject({ cancelled: true, outcome: 'client-gone' });
    },
  );

  test.each([{ stream: false }, { stream: true }])(
    'before any answer ends the upstream call ($stream)',
    async (body) => {
      const { key, secret } = await gateway.createKey({ budgets: [budget(1)] });
      const leaving = new AbortController();
      const asking = ask(gateway, secret, { model: 'openai/mock-l3000', body, signal: leaving.signal });
      await until('the request reaches the upstream', () => gateway.mock.requests.length === 1);
      leaving.abort();
      await expect(asking).rejects.toThrow();
      await until('the upstream call is ended', () => gateway.mock.disconnects === 1);
      await until('nothing is reserved any more', async () => {
        const { total } = (await gateway.counters(key)).windows as Record<
          string,
          { committed: bigint; spent: bigint }
        >;
        return total !== undefined && total.committed === total.spent;
      });
    },
  );
});

describe('GET /v1/generation', () => {
  test("does not show another key's request, and says no more than if there were none", async () => {
    const [mine, yours] = [await gateway.createKey(), await gateway.createKey()];
    const record = await gateway.record(await ask(gateway, mine.secret, {}));
    expect((await get(`/v1/generation?id=${record.id}`, mine.secret)).status).toBe(200);
    const hidden = await get(`/v1/generation?id=${record.id}`, yours.secret);
    const missing = await get('/v1/generation?id=gen-none', yours.secret);
    expect([hidden.status, missing.status]).toEqual([404, 404]);
    expect(hidden.body.error.message).toBe(missing.body.error.message);
  });

  test('asks for an id, and for a key', async () => {
    const { secret } = await gateway.createKey();
    expect(await get('/v1/generation', secret)).toMatchObject({
      status: 400,
      body: { error: { param: 'id' } },
    });
    expect((await get('/v1/generation?id=gen-1', 'nothing')).status).toBe(401);
  });
});
