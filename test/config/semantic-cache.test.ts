import { describe, expect, test } from '@jest/globals';
import { defineGateway, type GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { PROVIDERS } from '../../lambda/providers/registry.ts';

type Semantic = NonNullable<GatewayDefinition['semanticCache']>;

const EMBEDDING = { provider: 'openai', model: 'text-embedding-3-small', dimensions: 1_536 };
const define = (
  settings: Partial<Semantic> = {},
  providers: GatewayDefinition['providers'] = { openai: {}, anthropic: {} },
) => defineGateway({ providers, semanticCache: { embedding: EMBEDDING, ...settings } });

test('without a word of it there is no semantic cache', () => {
  expect(defineGateway({ providers: {} }).semanticCache).toBeUndefined();
});

test('an embedding model is enough: the rest has defaults', () => {
  expect(define().semanticCache).toEqual({
    embedding: {
      id: 'openai/text-embedding-3-small',
      provider: 'openai',
      model: 'text-embedding-3-small',
      weight: 1,
    },
    dimensions: 1_536,
    threshold: 0.95,
    timeoutMs: 1_000,
    maxTurnCharacters: 2_000,
  });
});

test('a simulated provider need not be declared', () => {
  const embedding = { provider: 'sim', model: 'embed', dimensions: 256 };
  expect(define({ embedding }).semanticCache?.embedding.id).toBe('sim/embed');
});

test.each<[string, Partial<Semantic>, RegExp]>([
  [
    'a provider nobody declared',
    { embedding: { ...EMBEDDING, provider: 'mine' } },
    /names the provider "mine", which "providers" does not declare/,
  ],
  [
    'a provider without embeddings',
    { embedding: { ...EMBEDDING, provider: 'anthropic' } },
    /"anthropic", which makes no embeddings\. Those that do: openai, .*custom, sim\./,
  ],
  [
    'more dimensions than an index holds',
    { embedding: { ...EMBEDDING, dimensions: 4_097 } },
    /semanticCache\.embedding\.dimensions/,
  ],
  ['a threshold above 1', { threshold: 1.01 }, /semanticCache\.threshold/],
  ['a threshold of 0', { threshold: 0 }, /semanticCache\.threshold/],
  ['an endless wait', { timeoutMs: 60_000 }, /semanticCache\.timeoutMs/],
])('refuses %s, and names the place', (_what, settings, message) => {
  expect(() => define(settings)).toThrow(message);
});

/** Its vectors are lists of bytes, which callers can read and the index cannot compare. */
const OTHER_VECTORS: ReadonlySet<string> = new Set(['perplexity']);

describe('the kinds of provider that may make embeddings', () => {
  test.each(
    PROVIDERS.filter(({ id }) => !OTHER_VECTORS.has(id)).map((provider) => [provider.id, provider] as const),
  )('hold %s exactly if it has an API for them', (kind, provider) => {
    const declare = () =>
      define({ embedding: { ...EMBEDDING, provider: 'p' } }, { p: { kind, baseUrl: 'https://p.example' } });
    const embeds = provider.apis.some(({ dialect }) => dialect === 'openai-embeddings');
    if (!embeds) expect(declare).toThrow('makes no embeddings');
    else expect(declare).not.toThrow();
  });
});
