import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { hurriedClock } from '../support/engine.ts';
import { budget, type LocalGateway, startLocalGateway } from '../support/local-gateway.ts';

const EDGE_AHEAD_MS = 60_000;
const before = { promptUsdPerMillion: 1, completionUsdPerMillion: 10 };
const after = { promptUsdPerMillion: 2, completionUsdPerMillion: 20 };
const edge = new Date(Date.now() + EDGE_AHEAD_MS).toISOString();

let aheadMs = 0;
let gateway: LocalGateway;

beforeAll(async () => {
  gateway = await startLocalGateway({
    clock: { ...hurriedClock, now: () => hurriedClock.now() + aheadMs },
    config: {
      modelGroups: {
        european: { deployments: [{ provider: 'openai', model: 'mock', region: 'eu' }] },
      },
      prices: {
        'openai/mock*': [before, { from: edge, ...after }],
        'openai/mock*@eu': { promptUsdPerMillion: 3, completionUsdPerMillion: 30 },
        'openai/mock-k7*': { ...before, requestUsd: 0.005 },
      },
    },
  });
});
afterAll(() => gateway.close());

const codeOf = async (response: Response): Promise<string> => JSON.parse(await response.text()).error.code;

/** Femto-dollars of an answer at these rates, as nano-dollars rounded up. */
const costAt = (
  { promptUsdPerMillion, completionUsdPerMillion }: typeof before,
  usage: { readonly promptTokens?: number; readonly completionTokens?: number } = {},
): bigint =>
  BigInt(
    (usage.promptTokens ?? 0) * promptUsdPerMillion * 1_000 +
      (usage.completionTokens ?? 0) * completionUsdPerMillion * 1_000,
  );

test('a request is reserved for and charged at the price in force when it began, even if that changes under way', async () => {
  const { secret } = await gateway.createKey({ budgets: [budget(1)] });
  const pending = ask(gateway, secret, { model: 'openai/mock-l200-c10' });
  while (gateway.mock.requests.length === 0) await hurriedClock.sleep(1);
  aheadMs = EDGE_AHEAD_MS + 1_000;
  try {
    const record = await gateway.record(await pending);
    expect(record.priceVersion).toBe('config');
    expect(record.cost).toBe(costAt(before, record.usage));
    const next = await gateway.record(await ask(gateway, secret, { model: 'openai/mock-c10' }));
    expect(next.priceVersion).toBe(`config@${edge}`);
    expect(next.cost).toBe(costAt(after, next.usage));
  } finally {
    aheadMs = 0;
  }
});

test('a deployment in a region is charged at that region’s price, and named with it', async () => {
  const { secret } = await gateway.createKey();
  const response = await ask(gateway, secret, { model: 'european' });
  expect(response.headers.get('x-sluice-deployment')).toBe('openai/mock@eu');
  const record = await gateway.record(response);
  expect(record).toMatchObject({ provider: 'openai', model: 'mock', deployment: 'openai/mock@eu' });
  expect(record.cost).toBe(costAt({ promptUsdPerMillion: 3, completionUsdPerMillion: 30 }, record.usage));
});

test('a call that was given up in a region is owed by its model, not by its name with the region', async () => {
  const slow = await startLocalGateway({
    config: {
      modelGroups: { european: { deployments: [{ provider: 'openai', model: 'mock-fhang', region: 'eu' }] } },
    },
  });
  try {
    const { secret } = await slow.createKey();
    const headers = { 'x-sluice-timeout-ms': '150' };
    const response = await ask(slow, secret, { model: 'european', headers });
    expect(await slow.record(response)).toMatchObject({
      deployment: 'openai/mock-fhang@eu',
      provider: 'openai',
      model: 'mock-fhang',
    });
  } finally {
    await slow.close();
  }
});

describe('a charge for each request', () => {
  test('is set aside and charged beside the tokens, searching or not', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1)] });
    for (const body of [{}, { web_search_options: { search_context_size: 'high' } }]) {
      const response = await ask(gateway, secret, { model: 'openai/mock-k7', body });
      expect(response.status).toBe(200);
      const record = await gateway.record(response);
      expect(record.cost).toBe(costAt(before, record.usage) + 5_000_000n);
      expect(record.estimate).toBeGreaterThanOrEqual(record.cost ?? 0n);
      expect(record.boundExceeded).toBe(false);
    }
  });

  test('is refused where it does not fit', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(0.004)] });
    const response = await ask(gateway, secret, { model: 'openai/mock-k7', body: { max_tokens: 1 } });
    expect(response.status).toBe(402);
    expect(await codeOf(response)).toBe('budget_exceeded');
  });

  test('does not cover other kinds of search', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1)] });
    for (const options of [{ search_type: 'pro' }, true]) {
      const body = { web_search_options: options };
      const response = await ask(gateway, secret, { model: 'openai/mock-k7', body });
      expect(await codeOf(response)).toBe('cost_unbounded');
    }
  });
});

describe('a call whose price is unknown', () => {
  const model = 'openai/mystery-mock';

  test('is refused by a hard budget', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1)] });
    const response = await ask(gateway, secret, { model });
    expect(response.status).toBe(402);
    expect(await codeOf(response)).toBe('price_unknown');
  });

  test('is let through by a soft one, and its record says that nothing was charged for want of a price', async () => {
    const { secret } = await gateway.createKey({ budgets: [budget(1, { mode: 'soft' })] });
    const response = await ask(gateway, secret, { model });
    expect(response.status).toBe(200);
    const record = await gateway.record(response);
    expect(record).toMatchObject({ cost: 0n, chargeBasis: 'unpriced' });
    expect(record).not.toHaveProperty('priceVersion');
  });

  test('is let through by a hard one where the operator says so, and just as visible', async () => {
    const lenient = await startLocalGateway({ config: { unknownPrice: 'allow' } });
    try {
      const { secret } = await lenient.createKey({ budgets: [budget(1)] });
      const response = await ask(lenient, secret, { model });
      expect(response.status).toBe(200);
      expect(await lenient.record(response)).toMatchObject({ cost: 0n, chargeBasis: 'unpriced' });
    } finally {
      await lenient.close();
    }
  });
});
