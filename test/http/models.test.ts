import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { showFetchAgent } from '../support/fetch-agent.ts';
import { type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';

let gateway: LocalGateway;
let owner: TestKey;

beforeAll(async () => {
  showFetchAgent();
  gateway = await startLocalGateway({
    config: {
      modelGroups: {
        demo: { deployments: [{ provider: 'openai', model: 'gpt-4.1' }] },
        sonnet: { deployments: [{ provider: 'anthropic', model: 'claude-sonnet-4-5' }] },
      },
    },
    environment: {
      AZURE_OPENAI_API_KEY: 'azure',
      SLUICE_AZURE_BASE_URL: 'http://127.0.0.1:9/v1',
      OPENROUTER_API_KEY: 'openrouter',
      VOYAGE_API_KEY: 'voyage',
    },
  });
  owner = await gateway.createKey();
});
afterAll(() => gateway.close());

const get = async (path: string, headers: Record<string, string>) => {
  const response = await fetch(gateway.url + path, { headers });
  return { status: response.status, body: JSON.parse(await response.text()) };
};
const idsOf = async (path: string, headers: Record<string, string>): Promise<readonly string[]> => {
  const { body } = await get(path, headers);
  return (body.data ?? body.models).map(
    ({ id, name }: { readonly id?: string; readonly name: string }) => id ?? name,
  );
};
const bearer = () => ({ authorization: `Bearer ${owner.secret}` });
const google = () => ({ 'x-goog-api-key': owner.secret });
const anthropic = () => ({ 'x-api-key': owner.secret, 'anthropic-version': '2023-06-01' });

describe('the official SDKs read', () => {
  test('OpenAI’s list and model', async () => {
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: owner.secret });
    const found = [];
    for await (const model of client.models.list()) found.push(model);
    expect(found.slice(0, 2).map(({ id }) => id)).toEqual(['demo', 'sonnet']);
    expect(await client.models.retrieve('openai/gpt-4.1')).toMatchObject({
      id: 'openai/gpt-4.1',
      object: 'model',
      capabilities: expect.arrayContaining(['tools', 'vision']),
      equivalents: expect.arrayContaining(['azure/gpt-4.1', 'openrouter/openai/gpt-4.1']),
    });
  });

  test('Anthropic’s list, page by page, and model', async () => {
    const client = new Anthropic({ baseURL: gateway.url, apiKey: owner.secret });
    const found = [];
    for await (const model of client.models.list({ limit: 40 })) found.push(model.id);
    expect(found).toEqual(await idsOf('/v1/models', anthropic()));
    expect(found.length).toBeGreaterThan(80);
    expect(await client.models.retrieve('sonnet')).toMatchObject({ type: 'model', id: 'sonnet' });
  });

  test.each(['v1beta', 'v1'])('Google’s list, page by page, and model, at /%s', async (apiVersion) => {
    const client = new GoogleGenAI({
      apiKey: owner.secret,
      httpOptions: { baseUrl: gateway.url, apiVersion },
    });
    const found = [];
    for await (const model of await client.models.list({ config: { pageSize: 40 } })) found.push(model);
    expect(found.length).toBeGreaterThan(80);
    expect(found[0]).toMatchObject({ name: 'models/demo', displayName: 'demo', inputTokenLimit: 1_047_576 });
    expect(new Set(found.map(({ name }) => name)).size).toBe(found.length);
    expect(await client.models.get({ model: 'openai/gpt-4.1' })).toMatchObject({
      name: 'models/openai/gpt-4.1',
      outputTokenLimit: 32_768,
      supportedActions: expect.arrayContaining(['generateContent']),
    });
  });
});

describe('the shape is the caller’s', () => {
  test('Google’s at its own path, whatever the key’s header, and at the shared one with its header', async () => {
    expect((await get('/v1beta/models', bearer())).body.models[0].name).toBe('models/demo');
    expect((await get('/v1/models', google())).body.models[0].name).toBe('models/demo');
    expect((await get('/v1beta/models/demo', bearer())).body.name).toBe('models/demo');
    expect((await get('/v1/models', bearer())).body.object).toBe('list');
  });

  test('with what no format has a place for beside it', async () => {
    for (const headers of [bearer(), google(), anthropic()]) {
      const { body } = await get('/v1/models/anthropic%2Fclaude-3-7-sonnet-20250219', headers);
      expect(body).toMatchObject({
        pricing: { prompt: '0.000003', completion: '0.000015' },
        context_length: 200_000,
        deprecated_on: '2026-02-19',
      });
    }
  });
});

describe('pages', () => {
  test('in Anthropic’s way go both ways, and end', async () => {
    const all = await idsOf('/v1/models', anthropic());
    const first = (await get('/v1/models?limit=2', anthropic())).body;
    expect(first).toMatchObject({ has_more: true, first_id: all[0], last_id: all[1] });
    expect(await idsOf(`/v1/models?limit=2&after_id=${all[1]}`, anthropic())).toEqual(all.slice(2, 4));
    expect(await idsOf(`/v1/models?limit=1&before_id=${all[1]}`, anthropic())).toEqual(all.slice(0, 1));
    expect((await get(`/v1/models?after_id=${all.at(-1)}`, anthropic())).body).toMatchObject({
      data: [],
      has_more: false,
      last_id: null,
    });
  });

  test('in Google’s way end without a token', async () => {
    const { body } = await get('/v1beta/models?pageSize=1000', google());
    expect(body).not.toHaveProperty('nextPageToken');
  });

  test.each([
    ['/v1/models?limit=0', anthropic],
    ['/v1/models?limit=1001', anthropic],
    ['/v1/models?limit=two', anthropic],
    ['/v1/models?after_id=nobody', anthropic],
    ['/v1beta/models?pageSize=-1', google],
    ['/v1beta/models?pageToken=bm9ib2R5', google],
  ])('%s is refused', async (path, headers) => {
    expect((await get(path, headers())).status).toBe(400);
  });
});

describe('models are listed', () => {
  test('that a provider serves in a format of this gateway, and no others', async () => {
    const ids = await idsOf('/v1/models', bearer());
    const { dialects } = gateway.gateway;
    const isListed = (beginning: string): boolean => ids.some((id) => id.startsWith(beginning));
    expect(isListed('openrouter/')).toBe(true);
    expect(isListed('voyage/')).toBe(dialects.has('openai-embeddings'));
    expect(isListed('openai/text-embedding')).toBe(dialects.has('openai-embeddings'));
  });

  test('to Anthropic’s and Google’s callers only if one can chat with them', async () => {
    for (const headers of [anthropic(), google()])
      expect((await idsOf('/v1/models', headers)).some((id) => id.includes('embedding'))).toBe(false);
  });

  test('without equivalents at providers that are not enabled', async () => {
    const { body } = await get('/v1/models/sonnet', bearer());
    expect(body.equivalents).toContain('openrouter/anthropic/claude-sonnet-4.5');
    expect(JSON.stringify(body.equivalents)).not.toContain('bedrock');
  });
});
