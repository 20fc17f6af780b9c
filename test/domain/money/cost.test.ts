import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  affordableCompletionTokens,
  bucketCosts,
  costOf,
  estimateCost,
  NO_COST,
  rateOf,
} from '../../../lambda/domain/money/cost.ts';
import {
  femtoUsdPerToken,
  femtoUsdPerUnit,
  nanoFromFemto,
  nanoUsd,
} from '../../../lambda/domain/money/nano.ts';
import type { Price, Rates } from '../../../lambda/domain/money/price.ts';
import type { TokenBuckets, Usage } from '../../../lambda/domain/money/usage.ts';
import {
  besideTokensArbitrary,
  bucketsArbitrary,
  price,
  priceArbitrary,
  ratesArbitrary,
  usageOf,
} from './arbitraries.ts';

const BUCKETS = [
  'prompt',
  'cacheRead',
  'cacheWrite',
  'cacheWriteOneHour',
  'promptAudio',
  'promptImage',
  'completion',
  'reasoning',
  'completionAudio',
  'completionImage',
] as const;
const AUDIO: readonly string[] = ['promptAudio', 'completionAudio'];
const tierArbitrary = fc.option(fc.constantFrom('flex', 'priority', 'default', 'constructor'), {
  nil: undefined,
});
const withTier = (serviceTier: string | undefined): { serviceTier?: string } =>
  serviceTier === undefined ? {} : { serviceTier };

const plain: Rates = { prompt: femtoUsdPerToken(1_500_000n), completion: femtoUsdPerToken(2_300_000n) };

describe('costOf', () => {
  test('sums every bucket at its own rate and rounds up once', async () => {
    await fc.assert(
      fc.property(ratesArbitrary, bucketsArbitrary, (rates, buckets) => {
        const femto = BUCKETS.reduce((sum, name) => sum + BigInt(buckets[name]) * rateOf(rates, name), 0n);
        const { total } = costOf(price({ rates, longContext: [] }), usageOf(buckets));
        expect(total).toBe((femto + 999_999n) / 1_000_000n);
      }),
    );
  });

  test('is the sum of what each bucket and each charge costs, rounded up once', async () => {
    await fc.assert(
      fc.property(
        priceArbitrary,
        bucketsArbitrary,
        besideTokensArbitrary,
        tierArbitrary,
        (anyPrice, buckets, beside, tier) => {
          const usage = { ...usageOf(buckets), ...beside, ...withTier(tier) };
          const femto = Object.values(bucketCosts(anyPrice, usage)).reduce((sum, cost) => sum + cost, 0n);
          expect(costOf(anyPrice, usage).total).toBe(nanoFromFemto(femto));
        },
      ),
    );
  });

  test('splits the total without a remainder', async () => {
    await fc.assert(
      fc.property(priceArbitrary, bucketsArbitrary, tierArbitrary, (anyPrice, buckets, tier) => {
        const cost = costOf(anyPrice, { ...usageOf(buckets), ...withTier(tier) });
        expect(cost.prompt + cost.completion).toBe(cost.total);
        expect(cost.prompt >= 0n && cost.completion >= 0n).toBe(true);
      }),
    );
  });

  test('never falls when a token is added', async () => {
    const dearer = (rates: Rates, factor: bigint): Rates => ({
      prompt: femtoUsdPerToken(rates.prompt * factor),
      completion: femtoUsdPerToken(rates.completion * factor),
      ...Object.fromEntries(
        Object.entries(rates).map(([name, rate]) => [name, femtoUsdPerToken(rate * factor)]),
      ),
    });
    const steep = fc.tuple(ratesArbitrary, fc.bigInt({ min: 1n, max: 4n })).map(([rates, factor]) =>
      price({
        rates,
        longContext: [
          { abovePromptTokens: 128_000, rates: dearer(rates, factor) },
          { abovePromptTokens: 256_000, rates: dearer(rates, factor * factor) },
        ],
      }),
    );
    await fc.assert(
      fc.property(
        steep,
        bucketsArbitrary,
        fc.constantFrom(...BUCKETS),
        fc.nat(),
        (anyPrice, fewer, name, added) => {
          const more: TokenBuckets = { ...fewer, [name]: fewer[name] + added };
          expect(costOf(anyPrice, usageOf(more)).total >= costOf(anyPrice, usageOf(fewer)).total).toBe(true);
        },
      ),
    );
  });

  test('bills the whole request at the long rates once the prompt is longer than the step', () => {
    const longer = { prompt: femtoUsdPerToken(3_000_000n), completion: femtoUsdPerToken(4_000_000n) };
    const stepped = price({ rates: plain, longContext: [{ abovePromptTokens: 200_000, rates: longer }] });
    expect(costOf(stepped, { promptTokens: 200_000, completionTokens: 10 }).total).toBe(300_023n);
    expect(costOf(stepped, { promptTokens: 200_001, completionTokens: 10 }).total).toBe(600_043n);
  });

  test('counts cached tokens as part of the prompt when it looks for the step', () => {
    const longer = { prompt: femtoUsdPerToken(3_000_000n), completion: femtoUsdPerToken(0n) };
    const stepped = price({ rates: plain, longContext: [{ abovePromptTokens: 100, rates: longer }] });
    expect(costOf(stepped, { promptTokens: 101, cacheReadTokens: 101 }).total).toBe(303n);
  });

  test('bills the service tier that answered, and the standard one for a name without rates', () => {
    const flex = { prompt: femtoUsdPerToken(1_000_000n), completion: femtoUsdPerToken(1_000_000n) };
    const tiered = price({ rates: plain, longContext: [] }, { flex: { rates: flex, longContext: [] } });
    const usage = { promptTokens: 2, completionTokens: 2 };
    expect(costOf(tiered, { ...usage, serviceTier: 'flex' }).total).toBe(4n);
    expect(costOf(tiered, { ...usage, serviceTier: 'default' }).total).toBe(8n);
    expect(costOf(tiered, { ...usage, serviceTier: 'constructor' }).total).toBe(8n);
    expect(costOf(tiered, { ...usage, serviceTier: '__proto__' }).total).toBe(8n);
  });

  test('adds web searches to the part of the completion', () => {
    const searching = { ...price({ rates: plain, longContext: [] }), webSearchRequest: nanoUsd(10_000_000n) };
    expect(costOf(searching, { promptTokens: 2, completionTokens: 1, webSearchRequests: 3 })).toEqual({
      total: 30_000_006n,
      prompt: 3n,
      completion: 30_000_003n,
    });
  });

  test('adds what the request itself costs, by the size of its search where the answer names it', () => {
    const request = { most: nanoUsd(9n), bySearchSize: { low: nanoUsd(5n), high: nanoUsd(9n) } };
    const charged = { ...price({ rates: plain, longContext: [] }), request };
    const usage = { promptTokens: 2, completionTokens: 0 };
    expect(costOf(charged, { ...usage, searchContextSize: 'low' }).total).toBe(8n);
    expect(costOf(charged, { ...usage, searchContextSize: 'medium' }).total).toBe(12n);
    expect(costOf(charged, usage)).toEqual({ total: 12n, prompt: 3n, completion: 9n });
  });

  test('raises token rates in a region that has an uplift, and no charge beside them', () => {
    const uplifted = {
      ...price({ rates: plain, longContext: [] }),
      regionUplifts: { us: 1_100 },
      webSearchRequest: nanoUsd(10n),
    };
    const usage = { promptTokens: 1_000, completionTokens: 0, webSearchRequests: 1 };
    expect(costOf(uplifted, usage).total).toBe(1_510n);
    expect(costOf(uplifted, { ...usage, region: 'us' }).total).toBe(1_660n);
    expect(costOf(uplifted, { ...usage, region: 'eu' }).total).toBe(1_510n);
    expect(costOf(uplifted, { ...usage, region: 'constructor' }).total).toBe(1_510n);
  });

  test('is nothing where nothing was counted', async () => {
    await fc.assert(fc.property(priceArbitrary, (anyPrice) => expect(costOf(anyPrice, {})).toEqual(NO_COST)));
  });
});

describe('rateOf', () => {
  test('takes the rate of the token a bucket is part of where it has none of its own', () => {
    const rates: Rates = { ...plain, cacheWrite: femtoUsdPerToken(7n) };
    expect(rateOf(rates, 'cacheWriteOneHour')).toBe(7n);
    expect(rateOf(rates, 'cacheRead')).toBe(plain.prompt);
    expect(rateOf(rates, 'promptAudio')).toBe(plain.prompt);
    expect(rateOf(rates, 'reasoning')).toBe(plain.completion);
    expect(rateOf(rates, 'completionAudio')).toBe(plain.completion);
    expect(rateOf(plain, 'cacheWriteOneHour')).toBe(plain.prompt);
  });
});

describe('estimateCost', () => {
  test('is never below the cost of any usage within the bound, in the tier asked for or the standard one', async () => {
    await fc.assert(
      fc.property(
        fc.record({
          anyPrice: priceArbitrary,
          counted: bucketsArbitrary,
          spare: fc.record({ prompt: fc.nat({ max: 1_000_000 }), completion: fc.nat({ max: 1_000_000 }) }),
          tier: tierArbitrary,
          hasAudio: fc.boolean(),
          isDowngraded: fc.boolean(),
          size: fc.constantFrom<Usage>({}, { searchContextSize: 'low' }, { searchContextSize: 'high' }),
        }),
        ({ anyPrice, counted, spare, tier, hasAudio, isDowngraded, size }) => {
          const buckets = hasAudio ? counted : { ...counted, promptAudio: 0, completionAudio: 0 };
          const usage = usageOf(buckets);
          const estimate = estimateCost(anyPrice, {
            promptTokens: (usage.promptTokens ?? 0) + spare.prompt,
            completionTokens: (usage.completionTokens ?? 0) + spare.completion,
            hasAudio,
            ...withTier(tier),
          });
          const billed = costOf(anyPrice, {
            ...usage,
            ...size,
            ...withTier(isDowngraded ? 'default' : tier),
          });
          expect(estimate >= billed.total).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('leaves audio rates out where the call can hold no sound', () => {
    const rates = {
      ...plain,
      promptAudio: femtoUsdPerToken(10n ** 9n),
      completionAudio: femtoUsdPerToken(10n ** 9n),
    };
    const bound = { promptTokens: 2, completionTokens: 2 };
    const withAudio = price({ rates, longContext: [] });
    expect(AUDIO.every((name) => name in rates)).toBe(true);
    expect(estimateCost(withAudio, { ...bound, hasAudio: false })).toBe(8n);
    expect(estimateCost(withAudio, { ...bound, hasAudio: true })).toBe(4_000n);
  });

  test('does not reserve for a tier nobody asked for', () => {
    const priority = { prompt: femtoUsdPerToken(10n ** 9n), completion: femtoUsdPerToken(10n ** 9n) };
    const tiered = price(
      { rates: plain, longContext: [] },
      { priority: { rates: priority, longContext: [] } },
    );
    const bound = { promptTokens: 2, completionTokens: 2, hasAudio: false };
    expect(estimateCost(tiered, bound)).toBe(8n);
    expect(estimateCost(tiered, { ...bound, serviceTier: 'priority' })).toBe(4_000n);
  });
});

describe('affordableCompletionTokens', () => {
  test('is the largest number whose estimate still fits', async () => {
    await fc.assert(
      fc.property(
        fc.record({
          anyPrice: priceArbitrary,
          promptTokens: fc.nat({ max: 1_000_000 }),
          tier: tierArbitrary,
          hasAudio: fc.boolean(),
          amount: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 10n ** 13n })).map(nanoUsd),
        }),
        ({ anyPrice, promptTokens, tier, hasAudio, amount }) => {
          const bound = { promptTokens, hasAudio, ...withTier(tier) };
          const fits = (completionTokens: number): boolean =>
            estimateCost(anyPrice, { ...bound, completionTokens }) <= amount;
          const affordable = affordableCompletionTokens(anyPrice, bound, amount);
          expect(fits(affordable)).toBe(fits(0));
          if (affordable < Number.MAX_SAFE_INTEGER) expect(fits(affordable + 1)).toBe(false);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('is 0 where not even the prompt fits', () => {
    const bound = { promptTokens: 1_000, hasAudio: false };
    expect(affordableCompletionTokens(price({ rates: plain, longContext: [] }), bound, nanoUsd(1_499n))).toBe(
      0,
    );
  });

  test('is without bound where completion costs nothing, even when nothing is left', () => {
    const free = { prompt: femtoUsdPerToken(0n), completion: femtoUsdPerToken(0n) };
    const bound = { promptTokens: 1_000, hasAudio: false };
    const affordable = affordableCompletionTokens(
      price({ rates: free, longContext: [] }),
      bound,
      nanoUsd(0n),
    );
    expect(affordable).toBe(Number.MAX_SAFE_INTEGER);
  });
});

const NO_RATES: Rates = { prompt: femtoUsdPerToken(0n), completion: femtoUsdPerToken(0n) };

describe('units that are no tokens', () => {
  const units: NonNullable<Price['units']> = {
    searchUnit: femtoUsdPerUnit(2_000_000_000_000n),
    character: femtoUsdPerUnit(15_000_000_000n),
    audioSecond: femtoUsdPerUnit(100_000_000_000n),
    image: {
      most: nanoUsd(250_000_000n),
      byKind: {
        'high/1024x1536': nanoUsd(250_000_000n),
        'low/1024x1536': nanoUsd(16_000_000n),
        '512x512': nanoUsd(18_000_000n),
      },
    },
  };
  const unitPrice = { ...price({ rates: NO_RATES, longContext: [] }), units };
  const bound = { promptTokens: 0, completionTokens: 0, hasAudio: false };

  test('are summed and rounded up once', () => {
    const usage = { searchUnits: 1, characters: 3, audioSeconds: 2 };
    expect(costOf(unitPrice, usage)).toEqual({ total: 2_245_000n, prompt: 2_245_000n, completion: 0n });
    expect(costOf(unitPrice, { characters: 1 }).total).toBe(15_000n);
  });

  test.each([
    ['its own kind', 'low/1024x1536', 16_000_000n],
    ['its size, where that is listed alone', 'hd/512x512', 18_000_000n],
    ['the dearest quality of its size, where none is said', '1024x1536', 250_000_000n],
    ['the dearest, where nothing is said', undefined, 250_000_000n],
    ['the dearest, where its kind is not listed', 'low/9x9', 250_000_000n],
    ['the dearest, where its kind is a word of the language', 'constructor', 250_000_000n],
  ])('charge a picture by %s', (_what, imageKind, amount) => {
    const counts = { images: 2, ...(imageKind !== undefined && { imageKind }) };
    expect(costOf(unitPrice, counts)).toMatchObject({ total: 2n * amount, prompt: 0n });
    expect(estimateCost(unitPrice, { ...bound, units: counts })).toBe(2n * amount);
  });

  test('are never bounded by less than they cost', async () => {
    const counts = fc.record({
      searchUnits: fc.nat(),
      characters: fc.nat(),
      audioSeconds: fc.nat(),
      images: fc.nat(),
    });
    await fc.assert(
      fc.property(counts, counts, (most, some) => {
        const used = Object.fromEntries(
          Object.entries(some).map(([name, count]) => [
            name,
            Math.min(count, most[name as keyof typeof most]),
          ]),
        );
        expect(estimateCost(unitPrice, { ...bound, units: most }) >= costOf(unitPrice, used).total).toBe(
          true,
        );
      }),
    );
  });

  test('count as none where what is reported is no count', () => {
    expect(costOf(unitPrice, { searchUnits: -1, characters: Number.NaN, audioSeconds: 1e300 }).total).toBe(
      0n,
    );
  });
});
