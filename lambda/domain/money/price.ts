import type { FemtoUsdPerToken, FemtoUsdPerUnit, NanoUsd } from './nano.ts';
import type { Usage } from './usage.ts';

/**
 * Rates of one model, by what they are paid for. A rate that is absent is not listed: `cost` says which one stands in.
 * Field names are those of the token buckets.
 */
export interface Rates {
  readonly prompt: FemtoUsdPerToken;
  readonly completion: FemtoUsdPerToken;
  readonly cacheRead?: FemtoUsdPerToken;
  readonly cacheWrite?: FemtoUsdPerToken;
  readonly cacheWriteOneHour?: FemtoUsdPerToken;
  readonly promptAudio?: FemtoUsdPerToken;
  readonly reasoning?: FemtoUsdPerToken;
  readonly completionAudio?: FemtoUsdPerToken;
  readonly promptImage?: FemtoUsdPerToken;
  readonly completionImage?: FemtoUsdPerToken;
}

/** Rates that hold for the whole request once its prompt is longer than `abovePromptTokens`. */
export interface LongContextRates {
  readonly abovePromptTokens: number;
  readonly rates: Rates;
}

/** The rates of one service tier, with those for long prompts in ascending order of length. */
export interface TierRates {
  readonly rates: Rates;
  readonly longContext: readonly LongContextRates[];
}

/** What is paid for each request beside its tokens. */
export interface RequestCharge {
  /** The dearest it can be: what is set aside, and what is paid where the answer does not say which it was. */
  readonly most: NanoUsd;
  /** By the size of the search context, where that matters. */
  readonly bySearchSize: { readonly [Size in NonNullable<Usage['searchContextSize']>]?: NanoUsd };
}

/** Pictures that are paid by the piece. */
export interface ImageCharge {
  /** The dearest of all: what is set aside where the request leaves size or quality open. */
  readonly most: NanoUsd;
  /** By quality and size (`high/1024x1024`), or by size alone where its quality makes no difference. */
  readonly byKind: Readonly<Record<string, NanoUsd>>;
}

/** What is paid by other units than tokens: femto-dollars for one, and nano-dollars for a picture. */
export interface UnitCharges {
  /** A query over up to a hundred documents. */
  readonly searchUnit?: FemtoUsdPerUnit;
  readonly character?: FemtoUsdPerUnit;
  readonly audioSecond?: FemtoUsdPerUnit;
  readonly image?: ImageCharge;
}

/** What a model is for, and so which of its charges there are. */
export type PriceMode = 'chat' | 'embedding' | 'rerank' | 'moderation' | 'image' | 'speech' | 'transcription';

/** What one provider asks for one model, and how large its requests may be. */
export interface Price {
  readonly mode: PriceMode;
  /** Names the catalogue or configuration this came from, and since when it holds: stored with each record. */
  readonly version: string;
  readonly standard: TierRates;
  /** Other service tiers by the provider's name for them: `flex`, `priority`, `batch`. */
  readonly tiers: Readonly<Record<string, TierRates>>;
  /** For each search that the answer says it made. */
  readonly webSearchRequest?: NanoUsd;
  /** For each request: models that search the web every time. */
  readonly request?: RequestCharge;
  /** What is paid by other units than tokens, and beside them. */
  readonly units?: UnitCharges;
  /** What all token rates are multiplied by where the answer says that it was made in a region, in thousandths. */
  readonly regionUplifts?: Readonly<Record<string, number>>;
  /** Longest prompt in tokens; `undefined` where not listed. */
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  readonly capabilities: readonly string[];
  /** ISO date after which the provider no longer serves the model. */
  readonly deprecatedOn?: string;
}

/** What an operator declares for a model, from a moment on. */
export interface DeclaredTerms {
  /** Unix milliseconds of the first request it holds for; `undefined`: it holds from the beginning. */
  readonly fromMs: number | undefined;
  readonly terms: RateTerms | DiscountTerms;
}

/** Rates of the operator's own. */
export interface RateTerms {
  readonly type: 'rates';
  readonly price: Price;
}

/** A part off what the catalogue asks for tokens. */
export interface DiscountTerms {
  readonly type: 'discount';
  /** In billionths: 150,000,000 is 15 % off. */
  readonly billionthsOff: bigint;
  /** The word for it that is stored with each record. */
  readonly version: string;
}

/** One model of one provider, by the provider's own name, and where it runs, if that was declared. */
export interface PricedModel {
  readonly provider: string;
  readonly model: string;
  readonly region?: string;
}

/** Every price Sluice knows, by provider and by that provider's name for the model. */
export interface PriceBook {
  /**
   * The price in force at a moment (Unix milliseconds): the request's start, for all that the request does. `undefined`: the
   * price is unknown, and no hard budget can hold the call.
   */
  find(model: PricedModel, atMs: number): Price | undefined;
  /** All models with a price at this provider. */
  models(provider: string): readonly string[];
}
