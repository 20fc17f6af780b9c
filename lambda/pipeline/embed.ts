import type { SemanticCacheSettings } from '../domain/gateway-config.ts';
import { costOf, estimateCost } from '../domain/money/cost.ts';
import { type NanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';
import { decodeEmbedding } from '../domain/semantic/embedding.ts';
import { mayHaveArrived } from './attempt.ts';
import type { Gateway } from './gateway.ts';
import { fitBody } from './request-quirks.ts';
import { readBounded, sendWithCredential } from './send.ts';

/** What came of asking for a text's vector. */
export interface Embedding {
  /** `undefined` where there is none: that is no error, but nothing to compare with. */
  readonly vector: readonly number[] | undefined;
  readonly cost: NanoUsd;
  /** The provider did not say what it counted: the cost is its upper bound. */
  readonly isEstimated: boolean;
}

/** A text to be embedded, for a request. */
export interface EmbeddingCall {
  readonly requestId: string;
  readonly settings: SemanticCacheSettings;
  readonly text: string;
  readonly signal: AbortSignal;
  /** The caller's headers, of which the gateways that the request came through go on. */
  readonly callerHeaders: Readonly<Record<string, string>>;
}

/** What a model adds around a text: `[CLS]`, `[SEP]` and the like. */
const FRAMING_TOKENS = 16;
const MOST_ANSWER_BYTES = 1_048_576;

const NOTHING: Embedding = { vector: undefined, cost: ZERO_USD, isEstimated: false };

/** An upper bound of what a text's vector costs; `undefined` where the price is unknown. */
export function embeddingBound(
  gateway: Pick<EmbeddingGateway, 'prices' | 'clock'>,
  settings: SemanticCacheSettings,
  text: string,
): NanoUsd | undefined {
  const price = priceOf(gateway, settings);
  return price && boundOf(price, text);
}

/**
 * Turns a text into a vector, over the provider's own address and credential. Never throws: without a vector the request
 * goes on. A call that may have arrived is presumed to cost its bound.
 */
export async function embed(gateway: EmbeddingGateway, call: EmbeddingCall): Promise<Embedding> {
  const { settings, text } = call;
  const price = priceOf(gateway, settings);
  const presumed =
    price === undefined ? NOTHING : { ...NOTHING, cost: boundOf(price, text), isEstimated: true };
  try {
    const answer = await ask(gateway, call);
    if (answer === undefined) return NOTHING;
    const { vector, promptTokens } = decodeEmbedding(answer, settings.dimensions);
    if (vector === undefined)
      gateway.telemetry.problem(
        `${settings.embedding.id} gave no vector of ${settings.dimensions} numbers.`,
        undefined,
        { id: call.requestId },
      );
    if (price === undefined || promptTokens === undefined) return { ...presumed, vector };
    return { vector, cost: costOf(price, { promptTokens }).total, isEstimated: false };
  } catch (error) {
    gateway.telemetry.problem(`${settings.embedding.id} gave no vector.`, error, { id: call.requestId });
    return mayHaveArrived(error) ? presumed : NOTHING;
  }
}

type EmbeddingGateway = Pick<
  Gateway,
  'id' | 'config' | 'prices' | 'providers' | 'credentials' | 'signers' | 'send' | 'telemetry' | 'clock'
>;

/** The body of an answer; `undefined` where the provider refused, or is not enabled here. */
async function ask(
  gateway: EmbeddingGateway,
  { settings, text, signal, callerHeaders, requestId }: EmbeddingCall,
): Promise<string | undefined> {
  const deployment = settings.embedding;
  const enabled = gateway.providers.get(deployment.provider);
  const api = enabled?.provider.apis.find(
    ({ dialect, models }) => dialect === 'openai-embeddings' && (models?.test(deployment.model) ?? true),
  );
  if (enabled === undefined || api === undefined) {
    gateway.telemetry.problem(`${deployment.id} makes no vectors here: its provider is not enabled.`);
    return undefined;
  }
  const response = await sendWithCredential(
    gateway,
    { deployment, enabled, api, isSameDialect: false },
    {
      path: api.path(deployment.model, false),
      body: fitBody(JSON.stringify({ model: deployment.model, input: text }), api.quirks).text,
      stream: false,
      signal,
      callerHeaders,
    },
  );
  const body = await readBounded(response.body, MOST_ANSWER_BYTES);
  if (response.status >= 200 && response.status <= 299) return body;
  // What a provider says may quote the text.
  gateway.telemetry.problem(`${deployment.id} refused to make a vector.`, undefined, {
    id: requestId,
    status: response.status,
  });
  return undefined;
}

const priceOf = (
  gateway: Pick<EmbeddingGateway, 'prices' | 'clock'>,
  { embedding }: SemanticCacheSettings,
): Price | undefined => gateway.prices.find(embedding, gateway.clock.now());

/** Text has at most one token a byte. */
const boundOf = (price: Price, text: string): NanoUsd =>
  estimateCost(price, {
    promptTokens: new TextEncoder().encode(text).byteLength + FRAMING_TOKENS,
    completionTokens: 0,
    hasAudio: false,
  });
