import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { geminiCountTokens } from '../../../lambda/dialects/gemini-count-tokens/dialect.ts';
import { showFetchAgent } from '../../support/fetch-agent.ts';
import { budget, type TestKey } from '../../support/local-gateway.ts';
import { type OperationGateway, startOperationGateway } from '../../support/operation-gateway.ts';

showFetchAgent();

let gateway: OperationGateway;
let owner: TestKey;
let client: Anthropic;

beforeAll(async () => {
  gateway = await startOperationGateway();
  // A hard budget of nearly nothing: counting is free.
  owner = await gateway.createKey({ budgets: [budget(0.000_000_001)] });
  client = new Anthropic({ apiKey: owner.secret, baseURL: gateway.url, maxRetries: 0 });
});
afterAll(() => gateway.close());
beforeEach(() => {
  gateway.upstream.requests.length = 0;
  gateway.upstream.answer = () => ({ body: '{"input_tokens":14,"unknown":true}' });
});

const TOOLS: Anthropic.Tool[] = [
  { name: 'get_weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } },
];
const QUESTION = {
  system: 'Answer briefly.',
  messages: [{ role: 'user' as const, content: 'How many tokens is this?' }],
  tools: TOOLS,
};

describe('the Anthropic SDK', () => {
  test('is told the count of the model’s own provider', async () => {
    const { data, response } = await client.messages
      .countTokens({ model: 'anthropic/mock-claude', ...QUESTION })
      .withResponse();
    expect(data).toEqual({ input_tokens: 14, unknown: true });
    expect(response.headers.get('x-sluice-token-count')).toBeNull();
    expect(response.headers.get('x-sluice-cost-usd')).toBe('0');
    expect(gateway.upstream.requests[0]).toMatchObject({
      path: '/v1/messages/count_tokens',
      body: { model: 'mock-claude', ...QUESTION },
    });
    expect(await gateway.record(response)).toMatchObject({
      dialect: 'anthropic-count-tokens',
      outcome: 'ok',
      cost: 0n,
      chargeBasis: 'exact',
      usage: { promptTokens: 0, completionTokens: 0 },
    });
  });

  test('is told an estimate for a model of another provider, as Claude Code asks for it', async () => {
    const { data, response } = await client.beta.messages
      .countTokens({ model: 'openai/mock', ...QUESTION, betas: ['unheard-of-2026-01-01'] })
      .withResponse();
    expect(data.input_tokens).toBeGreaterThan(10);
    expect(data.input_tokens).toBeLessThan(100);
    expect(response.headers.get('x-sluice-token-count')).toBe('estimated');
    expect(gateway.upstream.requests).toHaveLength(0);
    expect(await gateway.record(response)).toMatchObject({ outcome: 'ok', cost: 0n, attempts: [] });
  });

  test('is told an estimate again, under an Idempotency-Key or with a cache that is on', async () => {
    for (const headers of [{ 'idempotency-key': 'a-count' }, { 'x-sluice-cache': 'exact' }]) {
      const count = () => client.messages.countTokens({ model: 'openai/mock', ...QUESTION }, { headers });
      expect((await count()).input_tokens).toBeGreaterThan(10);
      expect(await count()).toEqual(await count());
    }
  });

  test('is told in Anthropic’s envelope what is wrong', async () => {
    gateway.upstream.answer = () => ({
      status: 404,
      body: '{"type":"error","error":{"type":"not_found_error","message":"model: mock-claude"}}',
    });
    const asked = client.messages.countTokens({ model: 'anthropic/mock-claude', ...QUESTION });
    await expect(asked).rejects.toMatchObject({ status: 404, error: { error: { type: 'not_found_error' } } });
    const wrong = await gateway.post('/v1/messages/count_tokens', owner.secret, { model: 'openai/mock' });
    expect(await wrong.json()).toMatchObject({ type: 'error', error: { code: 'invalid_request' } });
  });

  test('counts more where there is more', async () => {
    const count = async (content: Anthropic.MessageParam['content']) =>
      (await client.messages.countTokens({ model: 'openai/mock', messages: [{ role: 'user', content }] }))
        .input_tokens;
    const short = await count('Hello');
    const picture = {
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: 'AAAA' },
    } as const;
    expect(await count('Hello '.repeat(100))).toBeGreaterThan(short + 100);
    expect(await count([{ type: 'text', text: 'Hello' }, picture])).toBeGreaterThan(short + 1_000);
  });
});

describe('Google’s SDK', () => {
  test.each(['v1beta', 'v1'])('is told a count under /%s', async (apiVersion) => {
    const ai = new GoogleGenAI({
      apiKey: owner.secret,
      httpOptions: { baseUrl: gateway.url, apiVersion },
    });
    const { totalTokens } = await ai.models.countTokens({
      model: 'openai/mock',
      contents: [{ role: 'user', parts: [{ text: 'How many tokens is this?' }] }],
    });
    expect(totalTokens).toBeGreaterThan(5);
    expect(totalTokens).toBeLessThan(50);
  });

  test('is told the count of the model’s own provider', async () => {
    gateway.upstream.answer = () => ({ body: '{"totalTokens":7,"promptTokensDetails":[]}' });
    const ai = new GoogleGenAI({ apiKey: owner.secret, httpOptions: { baseUrl: gateway.url } });
    const answer = await ai.models.countTokens({ model: 'gemini/gemini-3-pro', contents: 'Hello' });
    expect(answer.totalTokens).toBe(7);
    expect(gateway.upstream.requests[0]?.path).toBe('/v1beta/models/gemini-3-pro:countTokens');
  });

  test('reads contents, systems, tools and whole requests', () => {
    const request = geminiCountTokens.decodeRequest(
      {
        generateContentRequest: {
          model: 'models/x',
          systemInstruction: { parts: [{ text: 'Be brief.' }] },
          contents: [
            {
              role: 'user',
              parts: [{ text: 'Hi' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
            },
            { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
          ],
          tools: [{ functionDeclarations: [{ name: 'f' }] }],
        },
      },
      { model: 'gemini/x' },
    );
    expect(request.messages.map(({ role, content }) => [role, content.map(({ type }) => type)])).toEqual([
      ['system', ['text']],
      ['user', ['text', 'image']],
      ['assistant', ['tool-call']],
    ]);
    expect(request.tools).toHaveLength(1);
    const raw = '{"generateContentRequest": {"model": "gemini/x", "contents": []}}';
    const target = { model: 'gemini-3', maxOutputTokens: undefined };
    expect(geminiCountTokens.patchRequest(raw, request, target)).toBe(
      '{"generateContentRequest": {"model": "models/gemini-3", "contents": []}}',
    );
  });

  test('is told in Google’s envelope what is wrong', async () => {
    const answer = await gateway.post('/v1beta/models/openai%2Fmock:countTokens', owner.secret, {
      contents: 7,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      error: { code: 400, status: 'INVALID_ARGUMENT', details: [{ reason: 'INVALID_REQUEST' }] },
    });
  });
});
