import {
  type FemtoUsdPerToken,
  femtoFromNano,
  type NanoUsd,
  nanoFromFemto,
  nanoUsd,
  ZERO_USD,
} from './nano.ts';
import type { ImageCharge, Price, Rates, TierRates } from './price.ts';
import { scalePrice } from './scale-price.ts';
import { type TokenBuckets, tokenBuckets, type UnitCounts, type Usage, wholeCount } from './usage.ts';

/** What an answer cost, whole and in the two parts callers know from OpenRouter's `cost_details`. */
export interface Cost {
  readonly total: NanoUsd;
  readonly prompt: NanoUsd;
  readonly completion: NanoUsd;
  /** What was not spent, as the answer was there already. */
  readonly saved?: NanoUsd;
}

export const NO_COST: Cost = { total: ZERO_USD, prompt: ZERO_USD, completion: ZERO_USD };

const PROMPT_BUCKETS = [
  'prompt',
  'cacheRead',
  'cacheWrite',
  'cacheWriteOneHour',
  'promptAudio',
  'promptImage',
] as const;
const COMPLETION_BUCKETS = ['completion', 'reasoning', 'completionAudio', 'completionImage'] as const;
/** What is paid for what was sent; pictures are part of what came back. */
const PROMPT_UNITS = ['searchUnits', 'characters', 'audioSeconds'] as const;
const AUDIO_BUCKETS: ReadonlySet<string> = new Set(['promptAudio', 'completionAudio']);

/** What each token bucket of an answer costs, and what was charged beside its tokens: in femto-dollars, before any rounding. */
export type BucketCosts = Readonly<
  Record<keyof TokenBuckets | keyof UnitCosts | 'webSearches' | 'request', bigint>
>;

type UnitCosts = Readonly<Record<'searchUnits' | 'characters' | 'audioSeconds' | 'images', bigint>>;

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
    promptImage: cost('promptImage'),
    completionImage: cost('completionImage'),
    ...unitCosts(price, usage),
    webSearches: femtoFromNano(price.webSearchRequest ?? ZERO_USD) * BigInt(searchesOf(usage)),
    request: femtoFromNano(requestChargeOf(price, usage)),
  };
}

/** The cost of an answer with this usage: each bucket at its rate, summed in femto-dollars, rounded up once. */
export function costOf(price: Price, usage: Usage): Cost {
  const costs = bucketCosts(price, usage);
  const total = nanoFromFemto(Object.values(costs).reduce((sum, cost) => sum + cost, 0n));
  const prompt = nanoFromFemto(
    [...PROMPT_BUCKETS, ...PROMPT_UNITS].reduce((sum, name) => sum + costs[name], 0n),
  );
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
  /** Of what is paid by other units than tokens: an upper bound of each. */
  readonly units?: UnitCounts;
}

/**
 * An upper bound of what a call can cost: every token at the dearest rate a token of its side can have, and the dearest
 * charge for the request itself.
 */
export function estimateCost(price: Price, bound: CallBound): NanoUsd {
  const { prompt, completion } = worstRates(price, bound);
  const tokens = prompt * BigInt(bound.promptTokens) + completion * BigInt(bound.completionTokens);
  const { images, ...others } = unitCosts(price, bound.units ?? {});
  const units = Object.values(others).reduce((sum, cost) => sum + cost, withImageTokens(price, images));
  return nanoUsd(nanoFromFemto(tokens + units) + (price.request?.most ?? ZERO_USD));
}

/** Where pictures are paid in tokens, what is listed for one is those tokens, rounded: up to a tenth more is set aside. */
const withImageTokens = ({ standard }: Price, images: bigint): bigint =>
  standard.rates.completionImage === undefined ? images : (images * 11n + 9n) / 10n;

/** What is paid beside tokens, by its unit, in femto-dollars. */
function unitCosts({ units = {} }: Price, counts: UnitCounts): UnitCosts {
  const cost = (count: number | undefined, rate: bigint = 0n): bigint => BigInt(wholeCount(count)) * rate;
  return {
    searchUnits: cost(counts.searchUnits, units.searchUnit),
    characters: cost(counts.characters, units.character),
    audioSeconds: cost(counts.audioSeconds, units.audioSecond),
    images: cost(counts.images, units.image && femtoFromNano(imageCharge(units.image, counts.imageKind))),
  };
}

/** What one picture of a kind costs; a kind that was not said, or is not listed, costs what the dearest does. */
const imageCharge = (charge: ImageCharge, kind: string | undefined): NanoUsd =>
  kind === undefined ? charge.most : (listedImageCharge(charge, kind) ?? charge.most);

/**
 * What a kind of picture (`high/1024x1024`, or `1024x1024` where its quality is not said) is listed at: the dearest quality
 * of its size where none is said; `undefined` where it is not listed. A price without kinds holds for all.
 */
export function listedImageCharge({ most, byKind }: ImageCharge, kind: string): NanoUsd | undefined {
  const size = kind.slice(kind.indexOf('/') + 1);
  const listed = Object.entries(byKind);
  if (listed.length === 0) return most;
  const exact = listed.find(([name]) => name === kind) ?? listed.find(([name]) => name === size);
  if (exact !== undefined || size !== kind) return exact?.[1];
  return listed
    .filter(([name]) => name.endsWith(`/${size}`))
    .map(([, amount]) => amount)
    .reduce<NanoUsd | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined);
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
