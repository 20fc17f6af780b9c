import * as fc from 'fast-check';
import { femtoUsdPerToken, maxUsd, nanoUsd } from '../../../lambda/domain/money/nano.ts';
import type {
  LongContextRates,
  Price,
  Rates,
  RequestCharge,
  TierRates,
} from '../../../lambda/domain/money/price.ts';
import type { TokenBuckets, Usage } from '../../../lambda/domain/money/usage.ts';

const count = fc.oneof(fc.constant(0), fc.nat({ max: 1_000_000 }));

export const bucketsArbitrary: fc.Arbitrary<TokenBuckets> = fc.record({
  prompt: count,
  cacheRead: count,
  cacheWrite: count,
  cacheWriteOneHour: count,
  promptAudio: count,
  promptImage: count,
  completion: count,
  reasoning: count,
  completionAudio: count,
  completionImage: count,
});

/** The report of a provider that counted these tokens. */
export const usageOf = (buckets: TokenBuckets): Usage => ({
  promptTokens:
    buckets.prompt +
    buckets.cacheRead +
    buckets.cacheWrite +
    buckets.cacheWriteOneHour +
    buckets.promptAudio +
    buckets.promptImage,
  completionTokens:
    buckets.completion + buckets.reasoning + buckets.completionAudio + buckets.completionImage,
  cacheReadTokens: buckets.cacheRead,
  cacheWriteTokens: buckets.cacheWrite + buckets.cacheWriteOneHour,
  cacheWriteOneHourTokens: buckets.cacheWriteOneHour,
  promptAudioTokens: buckets.promptAudio,
  reasoningTokens: buckets.reasoning,
  completionAudioTokens: buckets.completionAudio,
  promptImageTokens: buckets.promptImage,
  completionImageTokens: buckets.completionImage,
});

const rate = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 1_000_000_000_000n })).map(femtoUsdPerToken);

export const ratesArbitrary: fc.Arbitrary<Rates> = fc.record(
  {
    prompt: rate,
    completion: rate,
    cacheRead: rate,
    cacheWrite: rate,
    cacheWriteOneHour: rate,
    promptAudio: rate,
    reasoning: rate,
    completionAudio: rate,
    promptImage: rate,
    completionImage: rate,
  },
  { requiredKeys: ['prompt', 'completion'] },
);

const longContextArbitrary: fc.Arbitrary<LongContextRates[]> = fc
  .array(fc.record({ abovePromptTokens: fc.integer({ min: 1, max: 3_000_000 }), rates: ratesArbitrary }), {
    maxLength: 3,
  })
  .map((steps) => steps.toSorted((a, b) => a.abovePromptTokens - b.abovePromptTokens));

const tierArbitrary: fc.Arbitrary<TierRates> = fc.record({
  rates: ratesArbitrary,
  longContext: longContextArbitrary,
});

export const price = (standard: TierRates, tiers: Readonly<Record<string, TierRates>> = {}): Price => ({
  mode: 'chat',
  version: 'test',
  standard,
  tiers,
  capabilities: [],
});

const charge = fc.bigInt({ min: 0n, max: 1_000_000_000n }).map(nanoUsd);

const requestArbitrary: fc.Arbitrary<RequestCharge> = fc
  .record({ low: charge, medium: charge, high: charge }, { requiredKeys: [] })
  .chain((bySearchSize) =>
    charge.map((floor) => ({ bySearchSize, most: Object.values(bySearchSize).reduce(maxUsd, floor) })),
  );

const beside = fc.record(
  { request: requestArbitrary, webSearchRequest: charge, regionUplifts: fc.constant({ us: 1_100 }) },
  { requiredKeys: [] },
);

export const priceArbitrary: fc.Arbitrary<Price> = fc
  .record({ standard: tierArbitrary, flex: tierArbitrary, priority: tierArbitrary, beside })
  .map(({ standard, beside: charges, ...tiers }) => ({ ...price(standard, tiers), ...charges }));

/** What an answer may say beside its tokens. */
export const besideTokensArbitrary: fc.Arbitrary<Usage> = fc.record(
  {
    searchContextSize: fc.constantFrom('low', 'medium', 'high'),
    region: fc.constantFrom('us', 'constructor'),
    webSearchRequests: fc.nat({ max: 20 }),
  },
  { requiredKeys: [] },
);
