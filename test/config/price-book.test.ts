import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { priceBook } from '../../lambda/config/price-book.ts';
import { femtoUsdPerToken } from '../../lambda/domain/money/nano.ts';
import type { DeclaredTerms, Price, PriceBook, RateTerms } from '../../lambda/domain/money/price.ts';

const catalogue = {
  header: { since: '2026-08-01' },
  models: {
    openai: {
      'gpt-5': {
        mode: 'chat',
        standard: {
          prompt: 10,
          completion: 20,
          cacheRead: 1,
          longContext: [{ abovePromptTokens: 5, prompt: 11, completion: 21 }],
        },
        tiers: { flex: { prompt: 4, completion: 5 } },
        webSearchRequest: 7,
        contextTokens: 100,
        maxOutputTokens: 50,
        capabilities: 'tools vision',
        deprecatedOn: '2027-01-01',
      },
      'gpt-4o-2024-05-13': { mode: 'chat', standard: { prompt: 50, completion: 150 } },
      'gpt-4o': { mode: 'chat', standard: { prompt: 25, completion: 100 } },
    },
    sim: { echo: { mode: 'chat', standard: { prompt: 1, completion: 1 } } },
  },
};

const rates = (prompt: bigint, version = 'config'): RateTerms => ({
  type: 'rates',
  price: {
    mode: 'chat',
    version,
    standard: {
      rates: { prompt: femtoUsdPerToken(prompt), completion: femtoUsdPerToken(0n) },
      longContext: [],
    },
    tiers: {},
    capabilities: [],
  },
});
const declared = (prompt: bigint): readonly DeclaredTerms[] => [{ fromMs: undefined, terms: rates(prompt) }];

const NOW_MS = Date.parse('2026-11-20');
const find = (book: PriceBook, provider: string, model: string, atMs = NOW_MS): Price | undefined =>
  book.find({ provider, model }, atMs);
const promptRate = (price: Price | undefined): bigint | undefined => price?.standard.rates.prompt;

describe('find', () => {
  const book = priceBook(catalogue, {
    'openai/mock': declared(1n),
    'openai/mock*': declared(2n),
    'openai/mock-large*': declared(3n),
    'openai/gpt-4o': declared(4n),
    'sim/slow': declared(5n),
    'local/llama*': declared(6n),
  });

  test('reads a model of the catalogue', () => {
    expect(find(book, 'openai', 'gpt-5')).toEqual({
      mode: 'chat',
      version: 'catalogue@2026-08-01',
      standard: {
        rates: { prompt: 10n, completion: 20n, cacheRead: 1n },
        longContext: [{ abovePromptTokens: 5, rates: { prompt: 11n, completion: 21n } }],
      },
      tiers: { flex: { rates: { prompt: 4n, completion: 5n }, longContext: [] } },
      webSearchRequest: 7n,
      contextTokens: 100,
      maxOutputTokens: 50,
      capabilities: ['tools', 'vision'],
      deprecatedOn: '2027-01-01',
    });
  });

  test('converts a model once', () => {
    expect(find(book, 'openai', 'gpt-5')).toBe(find(book, 'openai', 'gpt-5'));
  });

  test('takes what the operator declares by name before any wildcard, and the longest wildcard before others', () => {
    expect(promptRate(find(book, 'openai', 'mock'))).toBe(1n);
    expect(promptRate(find(book, 'openai', 'mock-small'))).toBe(2n);
    expect(promptRate(find(book, 'openai', 'mock-large-2'))).toBe(3n);
    expect(promptRate(find(book, 'local', 'llama-3/8b'))).toBe(6n);
    expect(find(book, 'local', 'mistral')).toBeUndefined();
  });

  test('takes what the operator declares before the catalogue and the simulated prices', () => {
    expect(promptRate(find(book, 'openai', 'gpt-4o'))).toBe(4n);
    expect(promptRate(find(book, 'sim', 'slow'))).toBe(5n);
  });

  test('takes simulated prices before the catalogue', () => {
    expect(find(book, 'sim', 'echo')?.version).toBe('simulated');
  });

  test('prices a dated snapshot that is not listed as the name it is a snapshot of', () => {
    expect(find(book, 'openai', 'gpt-5-2025-08-07')).toBe(find(book, 'openai', 'gpt-5'));
    expect(find(book, 'openai', 'gpt-5-20250807')).toBe(find(book, 'openai', 'gpt-5'));
    expect(promptRate(find(book, 'openai', 'gpt-4o-2024-05-13'))).toBe(50n);
  });

  test.each([
    'gpt-5-mini',
    'gpt-5-2025-13-07',
    'gpt-5-2025-08-32',
    'gpt-5-1925-08-07',
    'gpt-5-2025-0807',
    'gpt-5-2025-08-07-preview',
    'gpt-52025-08-07',
    'gpt-5-0613',
    'GPT-5',
    'constructor',
    '__proto__',
    '',
  ])('knows no price of %p', (model) => {
    expect(find(book, 'openai', model)).toBeUndefined();
  });

  test.each(['constructor', '__proto__', 'anthropic', ''])('knows no provider %p', (provider) => {
    expect(find(book, provider, 'gpt-5')).toBeUndefined();
    expect(book.models(provider)).toEqual([]);
  });
});

describe('at a moment', () => {
  const dated = {
    header: { since: '2026-08-01' },
    models: {
      openai: {
        'gpt-5': {
          mode: 'chat',
          standard: { prompt: 30, completion: 0 },
          from: '2027-01-01',
          contextTokens: 100,
          earlier: [
            { standard: { prompt: 10, completion: 0 } },
            { standard: { prompt: 20, completion: 0 }, from: '2026-10-01', request: { any: 5 } },
          ],
        },
        'gpt-6': { mode: 'chat', standard: { prompt: 60, completion: 0 }, from: '2027-01-01' },
      },
    },
  };
  const book = priceBook(dated, {
    'openai/gpt-6': [
      { fromMs: Date.parse('2027-02-01'), terms: rates(1n, 'config@2027-02-01') },
      { fromMs: Date.parse('2027-03-01'), terms: rates(2n, 'config@2027-03-01') },
    ],
    'openai/*': [{ fromMs: Date.parse('2028-01-01'), terms: rates(3n) }],
  });
  const at = (model: string, when: string): [bigint | undefined, string | undefined] => {
    const price = find(book, 'openai', model, Date.parse(when));
    return [promptRate(price), price?.version];
  };

  test.each([
    ['2020-01-01', 10n, 'catalogue@2026-08-01'],
    ['2026-09-30T23:59:59.999Z', 10n, 'catalogue@2026-08-01'],
    ['2026-10-01T00:00:00.000Z', 20n, 'catalogue@2026-10-01'],
    ['2026-12-31T23:59:59.999Z', 20n, 'catalogue@2026-10-01'],
    ['2027-01-01T00:00:00.000Z', 30n, 'catalogue@2027-01-01'],
  ])('the catalogue asks at %s what was in force then', (when, prompt, version) => {
    expect(at('gpt-5', when)).toEqual([prompt, version]);
  });

  test('an earlier price keeps its charges and takes the limits of the model', () => {
    expect(find(book, 'openai', 'gpt-5', Date.parse('2026-11-01'))).toMatchObject({
      request: { most: 5n },
      contextTokens: 100,
    });
    expect(find(book, 'openai', 'gpt-5', Date.parse('2027-11-01'))).not.toHaveProperty('request');
  });

  test('the first price of a model is the best that is known of the time before it', () => {
    expect(at('gpt-6', '2026-11-20')).toEqual([60n, 'catalogue@2027-01-01']);
  });

  test('what the operator declares holds from its day on, and the catalogue before it', () => {
    expect(at('gpt-6', '2027-01-31T23:59:59.999Z')).toEqual([60n, 'catalogue@2027-01-01']);
    expect(at('gpt-6', '2027-02-01')).toEqual([1n, 'config@2027-02-01']);
    expect(at('gpt-6', '2027-03-01')).toEqual([2n, 'config@2027-03-01']);
    expect(at('gpt-5', '2027-12-31')).toEqual([30n, 'catalogue@2027-01-01']);
    expect(at('gpt-5', '2028-01-01')).toEqual([3n, 'config']);
  });

  test('a list that does not hold yet leaves the word to a wildcard that does', () => {
    const both = priceBook(dated, {
      'openai/gpt-6': [{ fromMs: Date.parse('2027-02-01'), terms: rates(1n) }],
      'openai/*': declared(3n),
    });
    expect(promptRate(find(both, 'openai', 'gpt-6', Date.parse('2027-01-31')))).toBe(3n);
    expect(promptRate(find(both, 'openai', 'gpt-6', Date.parse('2027-02-01')))).toBe(1n);
  });

  test('exactly one price is in force: the latest that has begun', async () => {
    const days = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.property(days, fc.integer({ min: 0, max: 1_001 }), (unsorted, atMs) => {
        const list = unsorted.toSorted((a, b) => a - b);
        const any = priceBook(
          { header: { since: '2026-08-01' }, models: {} },
          { 'a/b': list.map((fromMs) => ({ fromMs, terms: rates(BigInt(fromMs)) })) },
        );
        const begun = list.filter((fromMs) => fromMs <= atMs);
        const expected = begun.length === 0 ? undefined : BigInt(Math.max(...begun));
        expect(promptRate(find(any, 'a', 'b', atMs))).toBe(expected);
      }),
    );
  });
});

describe('a discount', () => {
  const off = (billionthsOff: bigint): readonly DeclaredTerms[] => [
    { fromMs: undefined, terms: { type: 'discount', billionthsOff, version: 'less some (config)' } },
  ];

  test('is taken off every token rate of the catalogue, rounded against the budget', () => {
    const book = priceBook(catalogue, { 'openai/gpt-5': off(150_000_000n) });
    expect(find(book, 'openai', 'gpt-5')).toMatchObject({
      version: 'catalogue@2026-08-01 less some (config)',
      standard: {
        rates: { prompt: 9n, completion: 17n, cacheRead: 1n },
        longContext: [{ abovePromptTokens: 5, rates: { prompt: 10n, completion: 18n } }],
      },
      tiers: { flex: { rates: { prompt: 4n, completion: 5n } } },
      webSearchRequest: 7n,
    });
  });

  test('makes no price where there is none', () => {
    const book = priceBook(catalogue, { 'openai/*': off(150_000_000n) });
    expect(find(book, 'openai', 'gpt-99')).toBeUndefined();
    expect(promptRate(find(book, 'openai', 'gpt-4o'))).toBe(22n);
  });

  test('gives way to rates declared by name', () => {
    const book = priceBook(catalogue, { 'openai/*': off(150_000_000n), 'openai/gpt-5': declared(8n) });
    expect(promptRate(find(book, 'openai', 'gpt-5'))).toBe(8n);
  });
});

describe('in a region', () => {
  const regional = {
    header: { since: '2026-08-01' },
    models: {
      azure: {
        'gpt-5': {
          mode: 'chat',
          standard: { prompt: 1_000, completion: 0 },
          regionUplifts: { us: 1_100 },
        },
        'gpt-5@eu': { mode: 'chat', standard: { prompt: 1_300, completion: 0 } },
      },
    },
  };
  const book = priceBook(regional, {
    'azure/mine': declared(1n),
    'azure/mine@eu': declared(2n),
    'azure/*@se': declared(3n),
  });
  const at = (model: string, region: string): Price | undefined =>
    book.find({ provider: 'azure', model, region }, NOW_MS);

  test('its own price is taken, listed or declared', () => {
    expect(promptRate(at('gpt-5', 'eu'))).toBe(1_300n);
    expect(promptRate(at('mine', 'eu'))).toBe(2n);
    expect(promptRate(at('gpt-5', 'se'))).toBe(3n);
  });

  test('the price of everywhere is raised by the region’s uplift, once', () => {
    expect(promptRate(at('gpt-5', 'us'))).toBe(1_100n);
    expect(at('gpt-5', 'us')).not.toHaveProperty('regionUplifts');
    expect(promptRate(find(book, 'azure', 'gpt-5'))).toBe(1_000n);
  });

  test('a region without a price of its own costs what everywhere does', () => {
    expect(promptRate(at('gpt-5', 'asia'))).toBe(1_000n);
    expect(promptRate(at('mine', 'asia'))).toBe(1n);
    expect(promptRate(at('gpt-5', 'constructor'))).toBe(1_000n);
  });

  test('is no model of its own when models are listed', () => {
    expect(book.models('azure')).not.toContain('mine@eu');
  });
});

describe('models', () => {
  test('lists declared names, simulated and catalogue ones, each once, and no wildcards', () => {
    const book = priceBook(catalogue, {
      'openai/gpt-5': declared(1n),
      'openai/mine': declared(1n),
      'openai/mock*': declared(1n),
      'openai-eu/gpt-5': declared(1n),
    });
    expect(book.models('openai')).toEqual(['gpt-4o', 'gpt-4o-2024-05-13', 'gpt-5', 'mine']);
    expect(book.models('openai-eu')).toEqual(['gpt-5']);
    expect(book.models('sim-anthropic')).toEqual(['echo', 'flaky', 'frontier', 'slow', 'small', 'tools']);
  });
});

test.each([undefined, null, [], {}, { header: {}, models: {} }, { header: { since: '2026-08-01' } }])(
  'refuses %j as a catalogue',
  (value) => {
    expect(() => priceBook(value, {})).toThrow('The price catalogue has no header');
  },
);
