import {
  type FemtoUsdPerToken,
  femtoFromNano,
  type NanoUsd,
  nanoFromFemto,
  nanoUsd,
  ZERO_USD,
} from './nano.ts';
import type { Price, Rates, TierRates } from './price.ts';
import { scalePrice } from './scale-price.ts';
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

/** What each token bucket of an answer costs, and what was charged beside its tokens: in femto-dollars, before any rounding. */
export type BucketCosts = Readonly<Record<keyof TokenBuckets | 'webSearches' | 'request', bigint>>;

/** What an answer with this usage costs, by what it is paid for. The sum is the answer's cost, unrounded. */
export function bucketCosts(price: Price, usage: Usage): BucketCosts {
  const buckets = tokenBuckets(usage);
  const promptTokens = PROMPT_BUCKETS.reduce((sum, name) => sum + buckets[name], 0);
  const rates = ratesFor(tierOf(inRegion(price, usage.region), usage.serviceTier), promptTokens);
  const cost = (name: keyof TokenBuckets): bigint => BigInt(buckets[name]) * rateOf(rates, name);
  return {
    prompt: cost('prompt'),
    cacheRead: cost('cacheRead'),
    cacheWrite: cost('cacheWrite'),
    cacheWriteOneHour: cost('cacheWriteOneHour'),
    promptAudio: cost('promptAudio'),
    completion: cost('completion'),
    reasoning: cost('reasoning'),
    completionAudio: cost('completionAudio'),
    webSearches: femtoFromNano(price.webSearchRequest ?? ZERO_USD) * BigInt(searchesOf(usage)),
    request: femtoFromNano(requestChargeOf(price, usage)),
  };
}

/** The cost of an answer with this usage: each bucket at its rate, summed in femto-dollars, rounded up once. */
export function costOf(price: Price, usage: Usage): Cost {
  const costs = bucketCosts(price, usage);
  const total = nanoFromFemto(Object.values(costs).reduce((sum, cost) => sum + cost, 0n));
  const prompt = nanoFromFemto(PROMPT_BUCKETS.reduce((sum, name) => sum + costs[name], 0n));
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

/**
 * An upper bound of what a call can cost: every token at the dearest rate a token of its side can have, and the dearest
 * charge for the request itself.
 */
export function estimateCost(price: Price, bound: CallBound): NanoUsd {
  const { prompt, completion } = worstRates(price, bound);
  const tokens = prompt * BigInt(bound.promptTokens) + completion * BigInt(bound.completionTokens);
  return nanoUsd(nanoFromFemto(tokens) + (price.request?.most ?? ZERO_USD));
}

/** How many completion tokens still fit into an amount, beside the prompt: 0 where not even the prompt fits. */
export function affordableCompletionTokens(
  price: Price,
  bound: Omit<CallBound, 'completionTokens'>,
  amount: NanoUsd,
): number {
  const { prompt, completion } = worstRates(price, bound);
  const forTokens = nanoUsd(amount - (price.request?.most ?? ZERO_USD));
  const leftFemto = femtoFromNano(forTokens) - prompt * BigInt(bound.promptTokens);
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

/** The price of an answer that says where it was made. The name comes from a provider: `constructor` is no region. */
function inRegion(price: Price, region: string | undefined): Price {
  const uplifts = price.regionUplifts ?? {};
  const thousandths = region !== undefined && Object.hasOwn(uplifts, region) ? uplifts[region] : undefined;
  if (thousandths === undefined) return price;
  return scalePrice(price, { numerator: BigInt(thousandths), denominator: 1_000n });
}

/** A request is charged for as soon as anything was counted: what reports nothing has cost nothing. */
function requestChargeOf({ request }: Price, usage: Usage): NanoUsd {
  if (request === undefined || Object.keys(usage).length === 0) return ZERO_USD;
  const size = usage.searchContextSize;
  return (size === undefined ? undefined : request.bySearchSize[size]) ?? request.most;
}

const searchesOf = ({ webSearchRequests = 0 }: Usage): number =>
  Number.isSafeInteger(webSearchRequests) && webSearchRequests > 0 ? webSearchRequests : 0;

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
