import { type FemtoUsdPerToken, type NanoUsd, nanoFromFemto, nanoUsd, ZERO_USD } from './nano.ts';
import type { Price, Rates, TierRates } from './price.ts';
import { type TokenBuckets, tokenBuckets, type Usage } from './usage.ts';

/** What an answer cost, whole and in the two parts callers know from OpenRouter's `cost_details`. */
export interface Cost {
  readonly total: NanoUsd;
  readonly prompt: NanoUsd;
  readonly completion: NanoUsd;
  /** What was not spent, as the answer was there already. */
  readonly saved?: NanoUsd;
}

export const NO_COST: Cost = { total: ZERO_USD, prompt: ZERO_USD, completion: ZERO_USD };

const PROMPT_BUCKETS = ['prompt', 'cacheRead', 'cacheWrite', 'cacheWriteOneHour', 'promptAudio'] as const;
const COMPLETION_BUCKETS = ['completion', 'reasoning', 'completionAudio'] as const;
const AUDIO_BUCKETS: ReadonlySet<string> = new Set(['promptAudio', 'completionAudio']);

/** The cost of an answer with this usage: each bucket at its rate, summed in femto-dollars, rounded up once. */
export function costOf(price: Price, usage: Usage): Cost {
  const buckets = tokenBuckets(usage);
  const rates = ratesFor(
    tierOf(price, usage.serviceTier),
    PROMPT_BUCKETS.reduce((sum, name) => sum + buckets[name], 0),
  );
  const searches = (price.webSearchRequest ?? ZERO_USD) * BigInt(usage.webSearchRequests ?? 0);
  const promptFemto = sumBuckets(PROMPT_BUCKETS, buckets, rates);
  const completionFemto = sumBuckets(COMPLETION_BUCKETS, buckets, rates);
  const total = nanoUsd(nanoFromFemto(promptFemto + completionFemto) + searches);
  const prompt = nanoFromFemto(promptFemto);
  return { total, prompt, completion: nanoUsd(total - prompt) };
}

/** How large a call can get, as far as it is known before it is made. */
export interface CallBound {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** The service tier the caller asked for; a tier nobody asked for is not reserved for. */
  readonly serviceTier?: string;
  /** Whether prompt or answer can hold sound, whose tokens cost a multiple. */
  readonly hasAudio: boolean;
}

/** An upper bound of what a call can cost: every token at the dearest rate a token of its side can have. */
export function estimateCost(price: Price, bound: CallBound): NanoUsd {
  const { prompt, completion } = worstRates(price, bound);
  return nanoFromFemto(prompt * BigInt(bound.promptTokens) + completion * BigInt(bound.completionTokens));
}

/** How many completion tokens still fit into an amount, beside the prompt: 0 where not even the prompt fits. */
export function affordableCompletionTokens(
  price: Price,
  bound: Omit<CallBound, 'completionTokens'>,
  amount: NanoUsd,
): number {
  const { prompt, completion } = worstRates(price, bound);
  const leftFemto = amount * 1_000_000n - prompt * BigInt(bound.promptTokens);
  if (leftFemto < 0n) return 0;
  if (completion === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = leftFemto / completion;
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/** The rate of a bucket that has none of its own: the rate of the kind of token it is part of. */
export function rateOf(rates: Rates, bucket: keyof TokenBuckets): FemtoUsdPerToken {
  const own = rates[bucket];
  if (own !== undefined) return own;
  const isCompletion = COMPLETION_BUCKETS.some((name) => name === bucket);
  if (bucket === 'cacheWriteOneHour' && rates.cacheWrite !== undefined) return rates.cacheWrite;
  return isCompletion ? rates.completion : rates.prompt;
}

function sumBuckets(names: readonly (keyof TokenBuckets)[], buckets: TokenBuckets, rates: Rates): bigint {
  return names.reduce((sum, name) => sum + BigInt(buckets[name]) * rateOf(rates, name), 0n);
}

const tierOf = (price: Price, serviceTier: string | undefined): TierRates =>
  // The name comes from a caller or a provider: `constructor` is no tier.
  (serviceTier !== undefined && Object.hasOwn(price.tiers, serviceTier)
    ? price.tiers[serviceTier]
    : undefined) ?? price.standard;

function ratesFor(tier: TierRates, promptTokens: number): Rates {
  return tier.longContext.findLast((step) => promptTokens > step.abovePromptTokens)?.rates ?? tier.rates;
}

function worstRates(
  price: Price,
  bound: Omit<CallBound, 'completionTokens'>,
): { readonly prompt: bigint; readonly completion: bigint } {
  const tiers = [price.standard, tierOf(price, bound.serviceTier)];
  const reachable = tiers.flatMap((tier) => [
    tier.rates,
    ...tier.longContext
      .filter((step) => bound.promptTokens > step.abovePromptTokens)
      .map((step) => step.rates),
  ]);
  const worst = (names: readonly (keyof TokenBuckets)[]): bigint =>
    reachable
      .flatMap((rates) =>
        names.filter((name) => bound.hasAudio || !AUDIO_BUCKETS.has(name)).map((name) => rateOf(rates, name)),
      )
      .reduce((a: bigint, b) => (a > b ? a : b), 0n);
  return { prompt: worst(PROMPT_BUCKETS), completion: worst(COMPLETION_BUCKETS) };
}
