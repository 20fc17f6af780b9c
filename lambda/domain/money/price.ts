import type { FemtoUsdPerToken, NanoUsd } from './nano.ts';

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

/** What one provider asks for one model, and how large its requests may be. */
export interface Price {
  readonly mode: 'chat' | 'embedding';
  /** Names the catalogue or configuration this came from, with its date: stored with each record. */
  readonly version: string;
  readonly standard: TierRates;
  /** Other service tiers by the provider's name for them: `flex`, `priority`, `batch`. */
  readonly tiers: Readonly<Record<string, TierRates>>;
  readonly webSearchRequest?: NanoUsd;
  /** Longest prompt in tokens; `undefined` where not listed. */
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  readonly capabilities: readonly string[];
  /** ISO date after which the provider no longer serves the model. */
  readonly deprecatedOn?: string;
}

/** Every price Sluice knows, by provider and by that provider's name for the model. */
export interface PriceBook {
  /** `undefined`: the price is unknown, and no hard budget can hold the call. */
  find(provider: string, model: string): Price | undefined;
  /** All models with a price at this provider. */
  models(provider: string): readonly string[];
}
