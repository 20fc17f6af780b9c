import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { priceBook } from '../../lambda/config/price-book.ts';
import { costOf, estimateCost } from '../../lambda/domain/money/cost.ts';
import { femtoFromUsdPerToken } from '../../lambda/domain/money/nano.ts';
import type { Price, Rates, TierRates } from '../../lambda/domain/money/price.ts';

const file = new URL('../../lambda/config/price-catalogue.json', import.meta.url);
const text = readFileSync(file, 'utf8');
// The shape is what these tests are about; each looks at what it reads.
const catalogue = JSON.parse(text) as {
  readonly header: Readonly<Record<string, unknown>>;
  readonly models: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};
const book = priceBook(catalogue, {});

const NOW_MS = Date.parse('2026-11-20');
const bookPrice = (provider: string, model: string): Price | undefined =>
  book.find({ provider, model }, NOW_MS);

function find(provider: string, model: string): Price {
  const price = bookPrice(provider, model);
  if (price === undefined) throw new Error(`${provider}/${model} has no price.`);
  return price;
}

const all = Object.entries(catalogue.models).flatMap(([provider, models]) =>
  Object.keys(models).map((model) => ({ name: `${provider}/${model}`, price: find(provider, model) })),
);
const rates = (usdPerToken: Readonly<Record<string, string>>): Record<string, bigint> =>
  Object.fromEntries(Object.entries(usdPerToken).map(([name, usd]) => [name, femtoFromUsdPerToken(usd)]));

describe('the header', () => {
  test('names date, source, licence and the number of models', () => {
    expect(catalogue.header).toEqual({
      date: '2026-08-01',
      since: '2026-08-01',
      source: expect.stringContaining('github.com/BerriAI/litellm'),
      licence: expect.stringContaining('MIT, Copyright (c) 2023 Berri AI'),
      unit: expect.any(String),
      models: all.length,
    });
  });

  test('points to the licence, which stands beside the file', () => {
    const notice = readFileSync(new URL('price-catalogue.LICENSE.md', file), 'utf8');
    expect(notice).toContain('Copyright (c) 2023 Berri AI');
    expect(catalogue.header['licence']).toContain('price-catalogue.LICENSE.md');
  });
});

describe('rates are the source’s decimals', () => {
  test('of gpt-5, with its tiers', () => {
    const price = find('openai', 'gpt-5');
    expect(price.standard).toEqual({
      rates: rates({ prompt: '1.25e-06', completion: '1e-05', cacheRead: '1.25e-07' }),
      longContext: [],
    });
    expect(price.tiers).toEqual({
      flex: {
        rates: rates({ prompt: '6.25e-07', completion: '5e-06', cacheRead: '6.25e-08' }),
        longContext: [],
      },
      priority: {
        rates: rates({ prompt: '2.5e-06', completion: '2e-05', cacheRead: '2.5e-07' }),
        longContext: [],
      },
    });
    expect(price).toMatchObject({ mode: 'chat', contextTokens: 272_000, maxOutputTokens: 128_000 });
    expect(price.capabilities).toEqual(
      expect.arrayContaining(['tools', 'vision', 'reasoning', 'structured-output']),
    );
  });

  test('of claude-sonnet-4-5, with both kinds of cache writes and prompts over 200,000 tokens', () => {
    expect(find('anthropic', 'claude-sonnet-4-5').standard).toEqual({
      rates: rates({
        prompt: '3e-06',
        completion: '1.5e-05',
        cacheRead: '3e-07',
        cacheWrite: '3.75e-06',
        cacheWriteOneHour: '6e-06',
      }),
      longContext: [
        {
          abovePromptTokens: 200_000,
          rates: rates({
            prompt: '6e-06',
            completion: '2.25e-05',
            cacheRead: '6e-07',
            cacheWrite: '7.5e-06',
            cacheWriteOneHour: '1.2e-05',
          }),
        },
      ],
    });
  });

  test('of gemini-2.5-pro, with the price of a search', () => {
    const price = find('gemini', 'gemini-2.5-pro');
    expect(price.standard).toEqual({
      rates: rates({ prompt: '1.25e-06', completion: '1e-05', cacheRead: '1.25e-07' }),
      longContext: [
        {
          abovePromptTokens: 200_000,
          rates: rates({ prompt: '2.5e-06', completion: '1.5e-05', cacheRead: '2.5e-07' }),
        },
      ],
    });
    expect(price.webSearchRequest).toBe(35_000_000n);
  });

  test('of qwen3-max, whose price is a list of ranges', () => {
    expect(find('dashscope', 'qwen3-max').standard).toEqual({
      rates: rates({ prompt: '1.2e-06', completion: '6e-06' }),
      longContext: [
        { abovePromptTokens: 32_000, rates: rates({ prompt: '2.4e-06', completion: '1.2e-05' }) },
        { abovePromptTokens: 128_000, rates: rates({ prompt: '3e-06', completion: '1.5e-05' }) },
      ],
    });
  });

  test('of a tier that has long prompts of its own', () => {
    const [step] = find('azure', 'gpt-5.4').tiers['priority']?.longContext ?? [];
    expect(step).toEqual({
      abovePromptTokens: 272_000,
      rates: rates({ prompt: '1e-05', completion: '4.5e-05', cacheRead: '1e-06' }),
    });
  });

  test('of sound, of reasoning apart from the answer, and of embeddings', () => {
    expect(find('openai', 'gpt-4o-audio-preview').standard.rates).toEqual(
      rates({ prompt: '2.5e-06', completion: '1e-05', promptAudio: '4e-05', completionAudio: '8e-05' }),
    );
    expect(find('dashscope', 'qwen-plus-latest').standard.rates.reasoning).toBe(4_000_000_000n);
    const embedding = find('openai', 'text-embedding-3-small');
    expect(embedding.mode).toBe('embedding');
    expect(embedding.standard.rates).toEqual(rates({ prompt: '2e-08', completion: '0' }));
  });

  test('of requests that search every time, by the size of what is searched', () => {
    expect(find('perplexity', 'sonar').request).toEqual({
      most: 12_000_000n,
      bySearchSize: { low: 5_000_000n, medium: 8_000_000n, high: 12_000_000n },
    });
    expect(find('openai', 'gpt-4o-search-preview-2025-03-11').request?.most).toBe(50_000_000n);
  });

  test('of the fast tier and of regions, which the source lists as factors', () => {
    const price = find('anthropic', 'claude-opus-4-6');
    expect(price.tiers['fast']?.rates).toEqual(
      rates({
        prompt: '3e-05',
        completion: '1.5e-04',
        cacheRead: '3e-06',
        cacheWrite: '3.75e-05',
        cacheWriteOneHour: '6e-05',
      }),
    );
    expect(price.regionUplifts).toEqual({ us: 1_100 });
    const inEurope = book.find({ provider: 'openai', model: 'gpt-5.4', region: 'eu' }, NOW_MS);
    expect(inEurope?.standard.rates.prompt).toBe(2_750_000_000n);
  });

  test('of a cache hit as older lists spell it', () => {
    expect(find('deepseek', 'deepseek-r1').standard.rates.cacheRead).toBe(femtoFromUsdPerToken('1.4e-07'));
  });
});

describe('what is not listed', () => {
  test('rises with what is: one-hour writes of a long prompt, where only the others are listed', () => {
    const { rates: standard, longContext } = find('vertex', 'claude-sonnet-4').standard;
    expect(standard.cacheWriteOneHour).toBe(femtoFromUsdPerToken('6e-06'));
    expect(longContext[0]?.rates.cacheWriteOneHour).toBe(femtoFromUsdPerToken('1.2e-05'));
  });

  test('is not assumed to be cheaper: cache reads and long prompts of a batch', () => {
    const { standard, tiers } = find('openai', 'gpt-5.4');
    expect(tiers['batch']?.rates.prompt).toBe(femtoFromUsdPerToken('1.25e-06'));
    expect(tiers['batch']?.rates.cacheRead).toBe(standard.rates.cacheRead);
    expect(tiers['batch']?.longContext).toEqual(standard.longContext);
  });

  test('has no price: models listed for nothing, or also charged by what tokens do not count', () => {
    for (const [provider, model] of [
      ['openrouter', 'openrouter/auto'],
      ['zai', 'glm-4.5-flash'],
      ['perplexity', 'sonar-deep-research'],
      ['openai', 'gpt-5-search-api'],
      ['azure-ai', 'model_router'],
    ] as const)
      expect(bookPrice(provider, model)).toBeUndefined();
  });
});

describe('names', () => {
  test.each([
    ['gemini', 'gemini-2.5-pro'],
    ['vertex', 'gemini-2.5-pro'],
    ['vertex', 'claude-sonnet-4-5@20250929'],
    ['together', 'meta-llama/Llama-3.3-70B-Instruct-Turbo'],
    ['groq', 'openai/gpt-oss-120b'],
    ['openrouter', 'anthropic/claude-sonnet-4.5'],
    ['fireworks', 'accounts/fireworks/models/deepseek-r1'],
    ['cloudflare', '@cf/meta/llama-2-7b-chat-fp16'],
    ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['bedrock', 'amazon.nova-pro-v1:0@us-gov-west-1'],
    ['azure', 'gpt-5.1@eu'],
    ['anthropic', 'claude-haiku-4-5-20251001'],
    ['voyage', 'voyage-3'],
    ['cohere', 'embed-v4.0'],
  ])('%s/%s is how the provider itself calls it', (provider, model) => {
    expect(bookPrice(provider, model)?.version).toBe('catalogue@2026-08-01');
  });

  test('keep nothing of the source’s own prefixes', () => {
    const prefixed = all.filter(({ name }) =>
      /^(gemini\/gemini|together\/together_ai|bedrock\/(bedrock|invoke))\//.test(name),
    );
    expect(prefixed).toEqual([]);
  });
});

describe('every price', () => {
  const tiersOf = (price: Price): TierRates[] => [price.standard, ...Object.values(price.tiers)];
  const ratesOf = (price: Price): Rates[] =>
    tiersOf(price).flatMap((tier) => [tier.rates, ...tier.longContext.map((step) => step.rates)]);

  test('has positive rates below one cent a token, but for the completion of vectors and rankings', () => {
    const faulty = all
      .filter(({ price }) => price.units === undefined && price.mode !== 'moderation')
      .filter(({ price }) =>
        ratesOf(price).some(({ completion, ...others }) => {
          const paid =
            price.mode === 'embedding' || price.mode === 'rerank'
              ? Object.values(others)
              : [completion, ...Object.values(others)];
          return completion < 0n || paid.some((rate) => rate <= 0n || rate > 10n ** 13n);
        }),
      );
    expect(faulty).toEqual([]);
  });

  test('is free only where the provider says that it is', () => {
    const free = all.filter(
      ({ price }) =>
        price.units === undefined && Object.values(price.standard.rates).every((rate: bigint) => rate === 0n),
    );
    expect(free.length).toBeGreaterThan(0);
    expect(
      free.filter(({ name, price }) => price.mode !== 'moderation' || !name.startsWith('openai/')),
    ).toEqual([]);
  });

  test('charges positive amounts for other units, and pictures by kinds of which none is dearer than the dearest', () => {
    const charged = all.flatMap(({ price: { units } }) => (units === undefined ? [] : [units]));
    expect(charged.length).toBeGreaterThan(30);
    for (const { image, ...rates } of charged) {
      expect(Object.values(rates).every((rate: bigint) => rate > 0n)).toBe(true);
      if (image === undefined) continue;
      expect(image.most > 0n && image.most < 10n ** 10n).toBe(true);
      expect(Object.values(image.byKind).every((amount) => amount > 0n && amount <= image.most)).toBe(true);
    }
  });

  test('is what providers list for a search, a character, a second and a picture', () => {
    expect(find('cohere', 'rerank-v3.5').units).toEqual({ searchUnit: 2_000_000_000_000n });
    expect(find('openai', 'tts-1').units).toEqual({ character: 15_000_000_000n });
    expect(find('openai', 'whisper-1').units).toEqual({ audioSecond: 100_000_000_000n });
    expect(find('openai', 'dall-e-3').units?.image).toMatchObject({
      most: 120_000_000n,
      byKind: { 'standard/1024x1024': 40_000_000n, 'hd/1024x1792': 120_000_000n },
    });
    expect(find('openai', 'gpt-image-1').units?.image?.byKind['high/1024x1536']).toBe(250_000_000n);
    expect(find('openai', 'gpt-4o-transcribe').units).toBeUndefined();
  });

  test('lists long prompts in ascending order', () => {
    const faulty = all.filter(({ price }) =>
      tiersOf(price).some(({ longContext }) =>
        longContext.some(
          (step, index) => step.abovePromptTokens <= (longContext[index - 1]?.abovePromptTokens ?? 0),
        ),
      ),
    );
    expect(faulty).toEqual([]);
  });

  test('has limits that are counts, capabilities that are words, and a date of deprecation that is one', () => {
    const isCount = (value: number | undefined): boolean =>
      value === undefined || (Number.isSafeInteger(value) && value > 0);
    const faulty = all.filter(
      ({ price }) =>
        !(isCount(price.contextTokens) && isCount(price.maxOutputTokens)) ||
        !price.capabilities.every((word) => /^[a-z-]+$/.test(word)) ||
        !/^\d{4}-\d{2}-\d{2}$/.test(price.deprecatedOn ?? '2026-01-01') ||
        (price.webSearchRequest ?? 1n) <= 0n,
    );
    expect(faulty).toEqual([]);
  });

  test('has an estimate no answer within the bound can exceed', () => {
    const usage = {
      promptTokens: 600_000,
      completionTokens: 60_000,
      cacheReadTokens: 100_000,
      cacheWriteTokens: 200_000,
      cacheWriteOneHourTokens: 90_000,
      promptAudioTokens: 50_000,
      reasoningTokens: 30_000,
      completionAudioTokens: 20_000,
    };
    const bound = { promptTokens: 600_000, completionTokens: 60_000, hasAudio: true };
    const exceeding = all.flatMap(({ name, price }) =>
      ['standard', ...Object.keys(price.tiers)].flatMap((serviceTier) =>
        costOf(price, { ...usage, serviceTier }).total > estimateCost(price, { ...bound, serviceTier })
          ? [name]
          : [],
      ),
    );
    expect(exceeding).toEqual([]);
  });

  test('stands on a line of its own, in the order of names', () => {
    const lines = text.split('\n').filter((line) => line.includes('"standard":'));
    expect(lines).toHaveLength(all.length);
    for (const models of [catalogue.models, ...Object.values(catalogue.models)])
      expect(Object.keys(models)).toEqual(Object.keys(models).sort());
  });
});

test('a prompt over 200,000 tokens on claude-sonnet-4-5 is billed at the long rates, cached parts included', () => {
  const cost = costOf(find('anthropic', 'claude-sonnet-4-5'), {
    promptTokens: 250_000,
    cacheReadTokens: 100_000,
    cacheWriteTokens: 50_000,
    cacheWriteOneHourTokens: 20_000,
    completionTokens: 1_000,
  });
  // 100,000 × $6 + 100,000 × $0.60 + 30,000 × $7.50 + 20,000 × $12 a million; 1,000 × $22.50 a million
  expect(cost).toEqual({ total: 1_147_500_000n, prompt: 1_125_000_000n, completion: 22_500_000n });
});
