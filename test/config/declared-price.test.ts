import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { declaredPrice, priceFromDeclaration } from '../../lambda/config/declared-price.ts';

const minimal = { promptUsdPerMillion: 1.25, completionUsdPerMillion: '10' };

describe('a declared price', () => {
  test('is two rates in dollars per million tokens', () => {
    expect(priceFromDeclaration(declaredPrice.parse(minimal), 'config')).toEqual({
      mode: 'chat',
      version: 'config',
      standard: { rates: { prompt: 1_250_000_000n, completion: 10_000_000_000n }, longContext: [] },
      tiers: {},
      capabilities: [],
    });
  });

  test('can say everything a price can', () => {
    const declaration = declaredPrice.parse({
      ...minimal,
      cacheReadUsdPerMillion: '0.125',
      cacheWriteUsdPerMillion: 1.5,
      cacheWriteOneHourUsdPerMillion: 2.5,
      reasoningUsdPerMillion: 11,
      promptAudioUsdPerMillion: 40,
      completionAudioUsdPerMillion: 80,
      longContext: [
        { abovePromptTokens: 200_000, promptUsdPerMillion: 5, completionUsdPerMillion: 20 },
        {
          abovePromptTokens: 100_000,
          promptUsdPerMillion: 3,
          completionUsdPerMillion: 15,
          cacheReadUsdPerMillion: 1,
        },
      ],
      tiers: {
        flex: {
          promptUsdPerMillion: '0.5',
          completionUsdPerMillion: 5,
          longContext: [{ abovePromptTokens: 100_000, promptUsdPerMillion: 1, completionUsdPerMillion: 6 }],
        },
      },
      mode: 'embedding',
      contextTokens: 1_000,
      maxOutputTokens: 500,
      capabilities: ['tools'],
      webSearchUsd: '0.01',
      requestUsd: 0.005,
    });
    expect(priceFromDeclaration(declaration, 'config')).toEqual({
      mode: 'embedding',
      version: 'config',
      standard: {
        rates: {
          prompt: 1_250_000_000n,
          completion: 10_000_000_000n,
          cacheRead: 125_000_000n,
          cacheWrite: 1_500_000_000n,
          cacheWriteOneHour: 2_500_000_000n,
          reasoning: 11_000_000_000n,
          promptAudio: 40_000_000_000n,
          completionAudio: 80_000_000_000n,
        },
        longContext: [
          {
            abovePromptTokens: 100_000,
            rates: { prompt: 3_000_000_000n, completion: 15_000_000_000n, cacheRead: 1_000_000_000n },
          },
          { abovePromptTokens: 200_000, rates: { prompt: 5_000_000_000n, completion: 20_000_000_000n } },
        ],
      },
      tiers: {
        flex: {
          rates: { prompt: 500_000_000n, completion: 5_000_000_000n },
          longContext: [
            { abovePromptTokens: 100_000, rates: { prompt: 1_000_000_000n, completion: 6_000_000_000n } },
          ],
        },
      },
      contextTokens: 1_000,
      maxOutputTokens: 500,
      capabilities: ['tools'],
      webSearchRequest: 10_000_000n,
      request: { most: 5_000_000n, bySearchSize: {} },
    });
  });

  test('keeps decimals exactly', async () => {
    await fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 999_999 }), (whole, millionths) => {
        const text = `${whole}.${String(millionths).padStart(6, '0')}`;
        const price = priceFromDeclaration(
          declaredPrice.parse({ ...minimal, promptUsdPerMillion: text }),
          'config',
        );
        expect(price.standard.rates.prompt).toBe(
          BigInt(whole) * 1_000_000_000n + BigInt(millionths) * 1_000n,
        );
      }),
    );
  });

  test('may be nothing', () => {
    const free = { promptUsdPerMillion: 0, completionUsdPerMillion: '0' };
    expect(priceFromDeclaration(declaredPrice.parse(free), 'config').standard.rates).toEqual({
      prompt: 0n,
      completion: 0n,
    });
  });
});

describe('refused are', () => {
  test.each([
    ['a negative number', { ...minimal, promptUsdPerMillion: -1 }],
    ['negative text', { ...minimal, completionUsdPerMillion: '-0.5' }],
    ['no number', { ...minimal, cacheReadUsdPerMillion: 'free' }],
    ['NaN', { ...minimal, cacheReadUsdPerMillion: Number.NaN }],
    ['infinity', { ...minimal, cacheReadUsdPerMillion: Number.POSITIVE_INFINITY }],
    ['a price without completion', { promptUsdPerMillion: 1 }],
    ['a misspelt rate', { ...minimal, cachedUsdPerMillion: 1 }],
    ['a step without a length', { ...minimal, longContext: [minimal] }],
    ['a step at 0', { ...minimal, longContext: [{ ...minimal, abovePromptTokens: 0 }] }],
    ['a negative rate in a tier', { ...minimal, tiers: { flex: { ...minimal, promptUsdPerMillion: -1 } } }],
    ['a negative charge for a request', { ...minimal, requestUsd: -0.005 }],
    ['a charge for searches that is no number', { ...minimal, webSearchUsd: 'little' }],
    ['half a token', { ...minimal, contextTokens: 0.5 }],
    ['another mode', { ...minimal, mode: 'video' }],
    ['a negative price of a picture', { ...minimal, imageUsd: { 'high/1024x1024': -1 } }],
  ])('%s', (_what, declaration) => {
    expect(declaredPrice.safeParse(declaration).success).toBe(false);
  });
});

test('what is paid by other units than tokens is read without losing a digit', () => {
  const declared = declaredPrice.parse({
    promptUsdPerMillion: 0,
    completionUsdPerMillion: 0,
    mode: 'image',
    searchUnitUsd: 0.002,
    characterUsdPerMillion: 15,
    audioMinuteUsd: '0.01',
    imageUsd: { 'high/1024x1024': '0.167', 'low/1024x1024': 0.011 },
  });
  expect(priceFromDeclaration(declared, 'config')).toMatchObject({
    mode: 'image',
    units: {
      searchUnit: 2_000_000_000_000n,
      character: 15_000_000_000n,
      // A sixtieth, rounded up.
      audioSecond: 166_666_666_667n,
      image: { most: 167_000_000n, byKind: { 'high/1024x1024': 167_000_000n, 'low/1024x1024': 11_000_000n } },
    },
  });
  expect(priceFromDeclaration({ ...declared, imageUsd: 0.04 }, 'config').units?.image).toEqual({
    most: 40_000_000n,
    byKind: {},
  });
});
