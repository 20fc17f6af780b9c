import { type DialectId, OPERATION_OF, type Operation } from '../dialects/dialect.ts';
import { femtoUsdPerToken } from '../domain/money/nano.ts';
import type { Price, PriceBook, PriceMode } from '../domain/money/price.ts';
import type { Deployment } from '../domain/routing/deployment.ts';

/** What no provider charges for: counting tokens. @see https://docs.anthropic.com/en/docs/build-with-claude/token-counting */
export const FREE_PRICE: Price = {
  mode: 'chat',
  version: 'free',
  standard: {
    rates: { prompt: femtoUsdPerToken(0n), completion: femtoUsdPerToken(0n) },
    longContext: [],
  },
  tiers: {},
  capabilities: [],
};

/** What a model of each mode of the catalogue is asked for. */
export const OPERATION_OF_MODE: Readonly<Record<PriceMode, Operation>> = {
  chat: 'chat',
  embedding: 'embeddings',
  rerank: 'rerank',
  moderation: 'moderation',
  image: 'image-generation',
  speech: 'speech',
  transcription: 'transcription',
};

/**
 * What a call of a deployment is charged at, for what the caller wants done; `undefined`: unknown, also where the price is one
 * of pictures and the caller wants to chat.
 */
export function priceFor(
  { prices }: { readonly prices: PriceBook },
  deployment: Deployment,
  request: { readonly dialect: DialectId; readonly startedAtMs: number },
): Price | undefined {
  const operation = OPERATION_OF[request.dialect];
  if (operation === 'token-count') return FREE_PRICE;
  const price = prices.find(deployment, request.startedAtMs);
  // Prices in tokens hold for every operation; those in units for their own.
  if (price === undefined || price.mode === 'chat' || price.mode === 'embedding') return price;
  return OPERATION_OF_MODE[price.mode] === operation ? price : undefined;
}
