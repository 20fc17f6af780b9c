import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask } from '../support/ask.ts';
import { budget, type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  gateway = await startLocalGateway({
    config: {
      modelGroups: {
        demo: {
          deployments: [
            { provider: 'openai', model: 'gpt-4o-mini' },
            { provider: 'sim', model: 'small' },
          ],
        },
        'team/chat': { deployments: [{ provider: 'sim', model: 'small' }] },
      },
    },
  });
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());

const get = async (path: string, secret = owner.secret, headers: Record<string, string> = {}) => {
  const response = await fetch(gateway.url + path, {
    headers: { authorization: `Bearer ${secret}`, ...headers },
  });
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
};
const ANTHROPIC = { 'anthropic-version': '2023-06-01' };

describe('GET /health', () => {
  test('answers without a key, and says nothing more', async () => {
    const response = await fetch(`${gateway.url}/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'ok' });
    expect(response.headers.get('x-request-id')).toMatch(/^gen-/);
  });
});

describe('GET /v1/models', () => {
  test('lists groups, then every priced model, in the shape of OpenAI with prices', async () => {
    const { body } = await get('/v1/models');
    expect(body.object).toBe('list');
    expect(body.data.slice(0, 2).map(({ id }: { id: string }) => id)).toEqual(['demo', 'team/chat']);
    const model = body.data.find(({ id }: { id: string }) => id === 'openai/gpt-4o-mini');
    expect(model).toMatchObject({
      object: 'model',
      created: expect.any(Number),
      owned_by: 'openai',
      deployments: ['openai/gpt-4o-mini'],
      context_length: 128_000,
      max_completion_tokens: 16_384,
      pricing: { prompt: '0.00000015', completion: '0.0000006', input_cache_read: '0.000000075' },
    });
    expect(new Set(body.data.map(({ id }: { id: string }) => id)).size).toBe(body.data.length);
  });

  test('lists them in the shape of Anthropic where that is spoken', async () => {
    const { body } = await get('/v1/models', owner.secret, ANTHROPIC);
    expect(body).toMatchObject({ has_more: false, first_id: 'demo', last_id: body.data.at(-1).id });
    expect(body.data[0]).toMatchObject({ type: 'model', id: 'demo', display_name: 'demo' });
  });

  test('lists only what the key may call', async () => {
    const byModel = await gateway.createKey({ models: ['demo', 'sim/*'] });
    const ids = (await get('/v1/models', byModel.secret)).body.data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual(expect.arrayContaining(['demo', 'sim/frontier']));
    expect(ids.every((id: string) => id === 'demo' || id === 'team/chat' || id.startsWith('sim/'))).toBe(
      true,
    );
    const byProvider = await gateway.createKey({ providers: ['sim-anthropic'] });
    const others = (await get('/v1/models', byProvider.secret)).body.data.map(({ id }: { id: string }) => id);
    expect(others.length).toBeGreaterThan(0);
    expect(others.every((id: string) => id.startsWith('sim-anthropic/'))).toBe(true);
  });

  test('wants a key', async () => {
    expect((await get('/v1/models', 'none')).status).toBe(401);
    const { status, body } = await get('/v1/models', 'none', ANTHROPIC);
    expect([status, body.type]).toEqual([401, 'error']);
  });
});

describe('GET /v1/models/{id}', () => {
  test.each(['sim/frontier', 'sim%2Ffrontier', 'sim%2ffrontier', 'demo', 'team%2Fchat', 'gpt-4o-mini'])(
    'finds %s',
    async (name) => {
      const { status, body } = await get(`/v1/models/${name}`);
      expect(status).toBe(200);
      expect(body.id).toBe(decodeURIComponent(name));
    },
  );

  test('shows it in the shape of Anthropic where that is spoken', async () => {
    const { body } = await get('/v1/models/sim/frontier', owner.secret, ANTHROPIC);
    expect(body).toMatchObject({ type: 'model', id: 'sim/frontier' });
  });

  test('knows nothing of models that are none, or that this key may not call', async () => {
    expect(await get('/v1/models/nobody%2Fknows')).toMatchObject({
      status: 404,
      body: { error: { code: 'model_not_found' } },
    });
    const narrow = await gateway.createKey({ models: ['demo'] });
    expect((await get('/v1/models/sim/frontier', narrow.secret)).status).toBe(404);
    expect((await get('/v1/models/demo', narrow.secret)).status).toBe(200);
  });
});

describe('GET /v1/key', () => {
  test('shows what the key is, and the tightest of its hard budgets', async () => {
    const { key, secret } = await gateway.createKey({
      name: 'mine',
      models: ['demo', 'openai/mock*'],
      expiresAtMs: Date.parse('2099-01-01'),
      budgets: [
        budget(0.5, { window: 'day', mode: 'soft', softLimits: [0.8] }),
        budget(3, { window: 'month' }),
        budget(2, { window: 'week' }),
      ],
    });
    await gateway.record(await ask(gateway, secret, {}));
    // What was spent is added up soon after it was recorded.
    await gateway.counters(key);
    const { status, body, headers } = await get('/v1/key', secret);
    expect(status).toBe(200);
    expect(headers.get('x-request-id')).toMatch(/^gen-/);
    expect(body.data).toMatchObject({
      id: key.id,
      name: 'mine',
      label: 'sk-slu-…test',
      limit: 2,
      limit_reset: 'weekly',
      models: ['demo', 'openai/mock*'],
      providers: [],
      expires_at: '2099-01-01T00:00:00.000Z',
      budgets: [
        {
          window: 'day',
          mode: 'soft',
          limit_usd: 0.5,
          soft_limits: [0.8],
          resets_at: expect.stringMatching(/T00:00:00/),
        },
        { window: 'month', mode: 'hard', limit_usd: 3 },
        { window: 'week', mode: 'hard', limit_usd: 2 },
      ],
    });
    expect(body.data.limit_remaining).toBeCloseTo(2 - body.data.usage, 9);
    expect(JSON.stringify(body)).not.toContain(secret);
  });

  test('works under both base paths', async () => {
    expect((await get('/api/v1/key')).status).toBe(200);
  });
});
