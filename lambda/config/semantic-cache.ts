import * as z from 'zod/mini';
import type { SemanticCacheSettings } from '../domain/gateway-config.ts';
import { deploymentId, providerId } from '../domain/ids.ts';
import { SIMULATED } from './simulated-prices.ts';

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html */
const MOST_DIMENSIONS = 4_096;
const LONGEST_WAIT_MS = 10_000;
const LONGEST_TURN_CHARACTERS = 8_000;

/** How an operator turns the semantic cache on. */
export const semanticCache = z.strictObject({
  embedding: z.strictObject({
    provider: z.string(),
    model: z.string().check(z.minLength(1)),
    dimensions: z.int().check(z.positive(), z.maximum(MOST_DIMENSIONS)),
  }),
  threshold: z._default(z.number().check(z.positive(), z.maximum(1)), 0.95),
  timeoutMs: z._default(z.int().check(z.positive(), z.maximum(LONGEST_WAIT_MS)), 1_000),
  maxTurnCharacters: z._default(z.int().check(z.positive(), z.maximum(LONGEST_TURN_CHARACTERS)), 2_000),
});

type Providers = Readonly<Record<string, { readonly kind?: string | undefined }>>;

/** The settings of a declaration. @throws Error where its provider is not declared, or makes no embeddings */
export function semanticCacheOf(
  { embedding, ...rest }: z.output<typeof semanticCache>,
  providers: Providers,
): SemanticCacheSettings {
  const { provider, model, dimensions } = embedding;
  checkEmbeds(provider, providers);
  return {
    ...rest,
    dimensions,
    embedding: {
      id: deploymentId(`${provider}/${model}`),
      provider: providerId(provider),
      model,
      weight: 1,
    },
  };
}

/** Kinds of provider that make vectors of texts, in OpenAI's form. */
const EMBEDDING_KINDS: ReadonlySet<string> = new Set([
  'openai',
  'azure',
  'azure-ai',
  'gemini',
  'cloudflare',
  'dashscope',
  'databricks',
  'deepinfra',
  'fireworks',
  'github-models',
  'jina',
  'llama-cpp',
  'lmstudio',
  'localai',
  'mistral',
  'nebius',
  'novita',
  'nvidia',
  'ollama',
  'openrouter',
  'sambanova',
  'together',
  'venice',
  'vercel',
  'vllm',
  'voyage',
  'custom',
  'sim',
]);

function checkEmbeds(provider: string, providers: Providers): void {
  const declared = providers[provider];
  if (declared === undefined && !SIMULATED.has(provider))
    throw new Error(
      `semanticCache.embedding names the provider "${provider}", which "providers" does not declare.`,
    );
  const kind = declared?.kind ?? provider;
  if (!EMBEDDING_KINDS.has(kind))
    throw new Error(
      `semanticCache.embedding names the provider "${provider}" of the kind "${kind}", which makes no embeddings. Those that do: ${[...EMBEDDING_KINDS].join(', ')}.`,
    );
}
