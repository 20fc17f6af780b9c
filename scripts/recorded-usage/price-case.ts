import { declaredPrice, priceFromDeclaration } from '../../lambda/config/declared-price.ts';
import { isJsonObject, type Json, type JsonObject } from '../../lambda/domain/json.ts';
import { type BucketCosts, bucketCosts, costOf } from '../../lambda/domain/money/cost.ts';
import { type NanoUsd, nanoFromUsd, nanoUsd } from '../../lambda/domain/money/nano.ts';
import type { Price, PriceBook } from '../../lambda/domain/money/price.ts';
import { type TokenBuckets, tokenBuckets } from '../../lambda/domain/money/usage.ts';
import type { RecordedUsage } from './read.ts';

/** A recorded answer with what it costs. */
export interface PricedCase {
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly priceVersion: string;
  readonly buckets: TokenBuckets;
  /** Femto-dollars. */
  readonly costs: BucketCosts;
  readonly total: NanoUsd;
  /** `total_tokens`, where the provider gives one. */
  readonly reportedTokens: number | undefined;
  /** What the provider itself says it charged. */
  readonly reportedCost: NanoUsd | undefined;
}

/** Our names of providers that the recordings name otherwise, and whose list holds for what others resell at its rates. */
const LISTED_AT: Readonly<Record<string, string>> = {
  alibaba: 'dashscope',
  moonshotai: 'moonshot',
  huggingface: 'groq',
  copilot: 'openai',
};

const declared = (prompt: string, completion: string, cacheRead: string, version: string): Price =>
  priceFromDeclaration(
    declaredPrice.parse({
      promptUsdPerMillion: prompt,
      completionUsdPerMillion: completion,
      cacheReadUsdPerMillion: cacheRead,
    }),
    version,
  );

/** List prices of models that the catalogue does not have at this provider, where there is a charge to compare with. */
const DECLARED: Readonly<Record<string, Price>> = {
  'openrouter/x-ai/grok-4.1-fast': declared('0.2', '0.5', '0.05', 'declared'),
  'openrouter/openai/gpt-5.4-nano': declared('0.2', '1.25', '0.02', 'declared'),
};

/** Models nobody lists (run locally, renamed, retired) are priced all the same: what is asked is whether the sum is right. */
const STAND_IN: Price = declared('0.3007', '1.1003', '0.0301', 'stand-in');

/** Prices a recorded answer; `undefined`: it reports no usage. @param atMs the moment whose prices are taken */
export function priceCase(book: PriceBook, recorded: RecordedUsage, atMs: number): PricedCase | undefined {
  const { name, provider, model, usage, wire } = recorded;
  if (usage === undefined) return undefined;
  const price = findPrice(book, recorded, atMs) ?? STAND_IN;
  return {
    name,
    provider,
    model,
    priceVersion: price.version,
    buckets: tokenBuckets(usage),
    costs: bucketCosts(price, usage),
    total: costOf(price, usage).total,
    reportedTokens: typeof wire['total_tokens'] === 'number' ? wire['total_tokens'] : undefined,
    reportedCost: reportedCost(wire),
  };
}

function findPrice(book: PriceBook, recorded: RecordedUsage, atMs: number): Price | undefined {
  const { provider, model, answeredModel = model } = recorded;
  const names = [model, answeredModel].map((name) => {
    const [owner = '', ...rest] = name.split('/');
    // Vercel passes on what the owner of the model asks.
    if (provider === 'vercel-gateway')
      return { provider: owner === 'google' ? 'gemini' : owner, model: rest.join('/') };
    return { provider: LISTED_AT[provider] ?? provider, model: name };
  });
  const found = names.map((name) => book.find(name, atMs)).find((price) => price !== undefined);
  return found ?? DECLARED[`${provider}/${model}`];
}

/** xAI counts in ten-billionths of a dollar. @see https://docs.x.ai/docs/api-reference */
const TICKS_PER_NANO = 10n;

/** OpenRouter and Vercel name a number, Perplexity a table, xAI ticks (a tick of 0 says nothing of an answer with tokens). */
function reportedCost(wire: JsonObject): NanoUsd | undefined {
  const { cost, cost_in_usd_ticks: ticks } = wire;
  if (typeof cost === 'number') return nanoFromUsd(cost);
  if (isJsonObject(cost)) return amount(cost['total_cost']);
  return typeof ticks === 'number' && ticks > 0 ? nanoUsd(BigInt(ticks) / TICKS_PER_NANO) : undefined;
}

const amount = (value: Json | undefined): NanoUsd | undefined =>
  typeof value === 'number' ? nanoFromUsd(value) : undefined;
