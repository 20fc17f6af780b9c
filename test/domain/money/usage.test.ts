import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  mergeUsage,
  type TokenBuckets,
  tokenBuckets,
  type Usage,
} from '../../../lambda/domain/money/usage.ts';
import { bucketsArbitrary, usageOf } from './arbitraries.ts';

const sum = (buckets: TokenBuckets): number =>
  Object.values(buckets).reduce((total, count) => total + count, 0);

describe('tokenBuckets', () => {
  test('puts each token into exactly one bucket', async () => {
    await fc.assert(
      fc.property(bucketsArbitrary, (buckets) => {
        const usage = usageOf(buckets);
        expect(tokenBuckets(usage)).toEqual(buckets);
        expect(sum(tokenBuckets(usage))).toBe((usage.promptTokens ?? 0) + (usage.completionTokens ?? 0));
      }),
    );
  });

  test('bills a part that is larger than its whole once, and nothing below zero', () => {
    expect(
      tokenBuckets({ promptTokens: 10, cacheReadTokens: 15, completionTokens: 3, reasoningTokens: 8 }),
    ).toEqual(expect.objectContaining({ prompt: 0, cacheRead: 15, completion: 0, reasoning: 8 }));
    expect(tokenBuckets({ promptTokens: 9, cacheWriteTokens: 2, cacheWriteOneHourTokens: 5 })).toEqual(
      expect.objectContaining({ prompt: 4, cacheWrite: 0, cacheWriteOneHour: 5 }),
    );
  });

  test('makes whole, non-negative counts of whatever was reported', async () => {
    const anything = fc.oneof(fc.double(), fc.integer());
    const reported = fc.record<Required<Pick<Usage, keyof Usage & `${string}Tokens`>>>({
      promptTokens: anything,
      completionTokens: anything,
      cacheReadTokens: anything,
      cacheWriteTokens: anything,
      cacheWriteOneHourTokens: anything,
      reasoningTokens: anything,
      promptAudioTokens: anything,
      completionAudioTokens: anything,
      promptImageTokens: anything,
      completionImageTokens: anything,
    });
    await fc.assert(
      fc.property(reported, (usage) => {
        for (const count of Object.values(tokenBuckets(usage))) {
          expect(Number.isSafeInteger(count)).toBe(true);
          expect(count).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('is empty where nothing was reported', () => {
    expect(sum(tokenBuckets({}))).toBe(0);
  });
});

describe('mergeUsage', () => {
  test('replaces what a later report names and keeps the rest', () => {
    const earlier = { promptTokens: 10, completionTokens: 1, cacheReadTokens: 4 };
    expect(mergeUsage(earlier, { completionTokens: 20 })).toEqual({
      promptTokens: 10,
      completionTokens: 20,
      cacheReadTokens: 4,
    });
    expect(mergeUsage(undefined, { completionTokens: 2 })).toEqual({ completionTokens: 2 });
  });
});
