import type { GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { type LocalGateway, startLocalGateway } from './local-gateway.ts';
import { type OperationUpstream, startOperationUpstream } from './operation-upstream.ts';

/** A gateway whose providers of embeddings, rankings and so on stand at an upstream that answers what a test says. */
export interface OperationGateway extends LocalGateway {
  readonly upstream: OperationUpstream;
  /** One request, as JSON, and the answer's text. */
  post(
    path: string,
    secret: string,
    body: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
}

const TOKEN_RATES = { promptUsdPerMillion: 3, completionUsdPerMillion: 0, mode: 'embedding' } as const;
const NO_TOKENS = { promptUsdPerMillion: 0, completionUsdPerMillion: 0 } as const;

/** Odd prices, so that no two sums are equal by chance; what the catalogue lists is asked for by its own name. */
const PRICES: NonNullable<GatewayDefinition['prices']> = {
  'openai/vectors': TOKEN_RATES,
  'openai/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17 },
  'anthropic/mock*': { promptUsdPerMillion: 3, completionUsdPerMillion: 17 },
  'voyage/vectors': TOKEN_RATES,
  'cohere/ranker': { ...NO_TOKENS, mode: 'rerank', searchUnitUsd: 0.003 },
  'voyage/ranker': { ...NO_TOKENS, mode: 'rerank', promptUsdPerMillion: 7 },
  'jina/ranker': { ...NO_TOKENS, mode: 'rerank', promptUsdPerMillion: 11 },
  'openai/moderator': { ...NO_TOKENS, mode: 'moderation' },
  'openai/painter': {
    ...NO_TOKENS,
    mode: 'image',
    imageUsd: { 'low/1024x1024': 0.013, 'high/1024x1024': 0.17, 'high/1536x1024': 0.29 },
  },
  'openai/token-painter': {
    promptUsdPerMillion: 5,
    completionUsdPerMillion: 10,
    completionImageUsdPerMillion: 41,
    promptImageUsdPerMillion: 9,
    mode: 'image',
    imageUsd: 0.5,
  },
  'openai/speaker': { ...NO_TOKENS, mode: 'speech', characterUsdPerMillion: 15 },
  'openai/token-speaker': {
    promptUsdPerMillion: 2.5,
    completionUsdPerMillion: 10,
    completionAudioUsdPerMillion: 12,
    mode: 'speech',
  },
  'openai/listener': { ...NO_TOKENS, mode: 'transcription', audioMinuteUsd: 0.006 },
  'openai/token-listener': {
    promptUsdPerMillion: 2.5,
    promptAudioUsdPerMillion: 6,
    completionUsdPerMillion: 10,
    contextTokens: 16_000,
    maxOutputTokens: 2_000,
    mode: 'transcription',
  },
};

/** @param config replaces members of the configuration */
export async function startOperationGateway(
  config: Partial<GatewayDefinition> = {},
): Promise<OperationGateway> {
  const upstream = await startOperationUpstream();
  const gateway = await startLocalGateway({
    config: {
      providers: {
        openai: {},
        anthropic: {},
        gemini: {},
        cohere: {},
        voyage: {},
        jina: {},
        custom: { baseUrl: upstream.url },
      },
      prices: PRICES,
      ...config,
    },
    environment: {
      CO_API_KEY: 'cohere-credential',
      VOYAGE_API_KEY: 'voyage-credential',
      JINA_API_KEY: 'jina-credential',
      GEMINI_API_KEY: 'gemini-credential',
      ...Object.fromEntries(
        ['OPENAI', 'ANTHROPIC', 'COHERE', 'VOYAGE', 'JINA', 'GEMINI'].map((name) => [
          `SLUICE_${name}_BASE_URL`,
          upstream.url,
        ]),
      ),
    },
  });
  return {
    ...gateway,
    upstream,
    post: (path, secret, body, headers = {}) =>
      fetch(gateway.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}`, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}
