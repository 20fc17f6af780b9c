import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { OPERATION_OF } from '../../lambda/dialects/dialect.ts';
import type { Provider } from '../../lambda/providers/contract.ts';
import { findProvider, PROVIDERS } from '../../lambda/providers/registry.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SIMULATED = ['sim', 'sim-anthropic'];
const provider = (id: string): Provider => {
  const found = findProvider(id);
  if (found === undefined) throw new Error(`There is no ${id}.`);
  return found;
};

/** The address of a model, after the base. */
const pathAt = (id: string, dialect: string, model: string, stream = false): string | undefined =>
  provider(id)
    .apis.find((api) => api.dialect === dialect && (api.models?.test(model) ?? true))
    ?.path(model, stream);

describe('the providers', () => {
  test('are found by their kind', () => {
    expect(PROVIDERS.map(({ id }) => findProvider(id))).toEqual(PROVIDERS);
    expect(findProvider('nobody')).toBeUndefined();
  });

  test('are at least forty, beside the simulated ones', () => {
    expect(PROVIDERS.filter(({ id }) => !SIMULATED.includes(id)).length).toBeGreaterThanOrEqual(40);
  });

  test.each([
    ['openai', 'https://api.openai.com/v1/chat/completions', { authorization: 'Bearer k' }],
    [
      'anthropic',
      'https://api.anthropic.com/v1/messages',
      { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
    ],
    ['custom', undefined, { authorization: 'Bearer k' }],
    ['azure', undefined, { 'api-key': 'k' }],
    [
      'gemini',
      'https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse',
      { 'x-goog-api-key': 'k' },
    ],
    ['bedrock', undefined, { authorization: 'Bearer k' }],
    ['vertex', undefined, {}],
    ['cohere', 'https://api.cohere.com/v2/chat', { authorization: 'Bearer k' }],
    ['deepseek', 'https://api.deepseek.com/chat/completions', { authorization: 'Bearer k' }],
    ['writer', 'https://api.writer.com/v1/chat', { authorization: 'Bearer k' }],
    ['zai', 'https://api.z.ai/api/paas/v4/chat/completions', { authorization: 'Bearer k' }],
    ['sim', 'simulation://sim/chat/completions', {}],
    ['sim-anthropic', 'simulation://sim-anthropic/v1/messages', {}],
  ])('%s is called at %s', (kind, url, headers) => {
    const { baseUrl, apis, authHeaders } = provider(kind);
    const [first] = apis;
    expect(baseUrl === undefined ? undefined : baseUrl + first.path('m', true)).toBe(url);
    expect(authHeaders('k', first.dialect)).toEqual(headers);
  });

  test('are called without a credential where they can do without one', () => {
    for (const { credentialIsOptional, authHeaders } of PROVIDERS)
      if (credentialIsOptional === true) expect(authHeaders('', 'openai-chat')).toEqual({});
  });

  test('name the model in the path where the format does', () => {
    const claude = 'claude-sonnet-4-5@20250929';
    const published = '/publishers/anthropic/models/claude-sonnet-4-5%4020250929';
    expect(pathAt('vertex', 'anthropic-messages', claude)).toBe(`${published}:rawPredict`);
    expect(pathAt('vertex', 'anthropic-messages', claude, true)).toBe(`${published}:streamRawPredict`);
    expect(pathAt('vertex', 'anthropic-messages', 'gemini-2.5-pro')).toBeUndefined();
    expect(pathAt('vertex', 'gemini', 'gemini-2.5-pro')).toBe(
      '/publishers/google/models/gemini-2.5-pro:generateContent',
    );
    expect(pathAt('vertex', 'openai-chat', 'meta/llama-3.3-70b-instruct-maas')).toBe(
      '/endpoints/openapi/chat/completions',
    );
    for (const model of [claude, 'meta/llama-3.3-70b-instruct-maas']) {
      expect(pathAt('vertex', 'gemini', model)).toBeUndefined();
      expect(pathAt('vertex', 'gemini-count-tokens', model)).toBeUndefined();
    }
    expect(pathAt('bedrock', 'openai-responses', 'us.openai.gpt-5.4')).toBe('/openai/v1/responses');
    expect(pathAt('bedrock', 'openai-responses', 'openai.gpt-oss-120b-1:0')).toBeUndefined();
    expect(pathAt('bedrock', 'bedrock-converse', 'us.anthropic.claude-haiku-4-5-20251001-v1:0', true)).toBe(
      '/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse-stream',
    );
    expect(pathAt('bedrock', 'openai-chat', 'openai.gpt-oss-120b-1:0')).toBe('/openai/v1/chat/completions');
    expect(pathAt('bedrock', 'openai-chat', 'amazon.nova-pro-v1:0')).toBeUndefined();
    expect(pathAt('gemini', 'gemini-count-tokens', 'gemini-2.5-pro')).toBe(
      '/v1beta/models/gemini-2.5-pro:countTokens',
    );
  });

  test('are never handed a caller’s own credential, cookie or billing header', () => {
    const forwarded = PROVIDERS.flatMap(({ forwardedHeaders }) => forwardedHeaders);
    expect(
      forwarded.filter((name) => /authorization|api-key|cookie|organization|project/.test(name)),
    ).toEqual([]);
    expect(forwarded).toEqual(forwarded.map((name) => name.toLowerCase()));
  });
});

/** Recordings are kept under the names their sources gave the providers. */
const NAME_HERE: Readonly<Record<string, string>> = {
  alibaba: 'dashscope',
  'llamacpp-local': 'llama-cpp',
  moonshotai: 'moonshot',
  'vercel-gateway': 'vercel',
  // No providers of Sluice: a plan for coding, and a proxy of somebody's.
  copilot: '',
  'openai-chatgpt': '',
  // Speaks OpenAI's formats, and is no provider of Sluice.
  doubleword: '',
  'openai-compatible': '',
};

test('a provider is called verified exactly if answers that it gave are replayed', () => {
  const recorded = globSync('test/fixtures/*/*/source.json', { cwd: ROOT }).flatMap((file) => {
    const dialect = file.split('/')[2] ?? '';
    const name: string = JSON.parse(readFileSync(join(ROOT, file), 'utf8')).provider;
    const id = NAME_HERE[name] ?? name;
    return id === '' ? [] : [{ id, dialect, file }];
  });
  const unknown = recorded.filter(
    ({ id, dialect }) => !provider(id).apis.some((api) => api.dialect === dialect),
  );
  expect(unknown).toEqual([]);
  const verified = PROVIDERS.filter(({ evidence }) => evidence === 'verified').map(({ id }) => id);
  expect(verified.toSorted()).toEqual([...new Set(recorded.map(({ id }) => id))].toSorted());
});

describe.each(PROVIDERS.map((one) => [one.id, one] as const))('%s', (id, one) => {
  test('says how it treats data, and where that and its API are written', () => {
    expect(one.documentation).toMatch(/^https:\/\//);
    const { trains, retentionDays, documentation } = one.dataPolicy;
    const isOwnServer = one.credentialIsOptional === true && one.signing === undefined;
    const hasClaims = !isOwnServer && (trains !== undefined || retentionDays !== undefined);
    if (documentation === undefined) expect(hasClaims).toBe(false);
    else expect(documentation).toMatch(/^https:\/\//);
  });

  test('stands at an address of its own, or shows what the operator’s looks like', () => {
    const address = one.baseUrl ?? one.exampleBaseUrl;
    expect(URL.canParse(address ?? '')).toBe(true);
    expect(address).not.toMatch(/\/$/);
    expect(one.baseUrl === undefined || one.exampleBaseUrl === undefined).toBe(true);
  });

  test('speaks each format at one path for a model', () => {
    for (const api of one.apis) {
      expect(Object.keys(OPERATION_OF)).toContain(api.dialect);
      expect(api.path('some-model', false)).toMatch(/^\/\S*[^/]$/);
      const same = one.apis.filter(({ dialect, models }) => dialect === api.dialect && models === api.models);
      expect(same).toHaveLength(1);
    }
  });

  test('is named as its folder is', () => {
    expect(globSync(`lambda/providers/${id}/provider.ts`, { cwd: ROOT })).toHaveLength(1);
    expect(id).toMatch(/^[a-z][a-z0-9-]*$/);
    if (!SIMULATED.includes(id)) expect(one.credentialVariable).toMatch(/^[A-Z][A-Z0-9_]*$/);
  });
});
