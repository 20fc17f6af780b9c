import { femtoUsdPerToken } from './nano.ts';
import type { Price, Rates, TierRates } from './price.ts';

/** A share of a rate, `numerator / denominator`: a discount, or what a region costs more. */
export interface RateShare {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/**
 * A price with all its token rates multiplied, each rounded up to a whole femto-dollar. What is charged for searches,
 * requests and other units stays: neither discounts nor regions are known to touch it.
 */
export function scalePrice(price: Price, share: RateShare): Price {
  return {
    ...price,
    standard: scaleTier(price.standard, share),
    tiers: Object.fromEntries(
      Object.entries(price.tiers).map(([name, tier]) => [name, scaleTier(tier, share)]),
    ),
  };
}

function scaleTier(tier: TierRates, share: RateShare): TierRates {
  return {
    rates: scaleRates(tier.rates, share),
    longContext: tier.longContext.map((step) => ({ ...step, rates: scaleRates(step.rates, share) })),
  };
}

function scaleRates(rates: Rates, { numerator, denominator }: RateShare): Rates {
  const scaled = (rate: bigint) => femtoUsdPerToken((rate * numerator + denominator - 1n) / denominator);
  return {
    prompt: scaled(rates.prompt),
    completion: scaled(rates.completion),
    ...Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, scaled(rate)])),
  };
}
