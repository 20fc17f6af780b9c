import { describe, expect, test } from '@jest/globals';
import { priceBook } from '../../lambda/config/price-book.ts';
import { femtoUsdPerToken } from '../../lambda/domain/money/nano.ts';
import type { Price } from '../../lambda/domain/money/price.ts';

const catalogue = {
  header: { date: '2026-08-01' },
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

const declared = (prompt: bigint): Price => ({
  mode: 'chat',
  version: 'config',
  standard: {
    rates: { prompt: femtoUsdPerToken(prompt), completion: femtoUsdPerToken(0n) },
    longContext: [],
  },
  tiers: {},
  capabilities: [],
});
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
    expect(book.find('openai', 'gpt-5')).toEqual({
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
    expect(book.find('openai', 'gpt-5')).toBe(book.find('openai', 'gpt-5'));
  });

  test('takes what the operator declares by name before any wildcard, and the longest wildcard before others', () => {
    expect(promptRate(book.find('openai', 'mock'))).toBe(1n);
    expect(promptRate(book.find('openai', 'mock-small'))).toBe(2n);
    expect(promptRate(book.find('openai', 'mock-large-2'))).toBe(3n);
    expect(promptRate(book.find('local', 'llama-3/8b'))).toBe(6n);
    expect(book.find('local', 'mistral')).toBeUndefined();
  });

  test('takes what the operator declares before the catalogue and the simulated prices', () => {
    expect(promptRate(book.find('openai', 'gpt-4o'))).toBe(4n);
    expect(promptRate(book.find('sim', 'slow'))).toBe(5n);
  });

  test('takes simulated prices before the catalogue', () => {
    expect(book.find('sim', 'echo')?.version).toBe('simulated');
  });

  test('prices a dated snapshot that is not listed as the name it is a snapshot of', () => {
    expect(book.find('openai', 'gpt-5-2025-08-07')).toBe(book.find('openai', 'gpt-5'));
    expect(book.find('openai', 'gpt-5-20250807')).toBe(book.find('openai', 'gpt-5'));
    expect(promptRate(book.find('openai', 'gpt-4o-2024-05-13'))).toBe(50n);
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
    expect(book.find('openai', model)).toBeUndefined();
  });

  test.each(['constructor', '__proto__', 'anthropic', ''])('knows no provider %p', (provider) => {
    expect(book.find(provider, 'gpt-5')).toBeUndefined();
    expect(book.models(provider)).toEqual([]);
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

test.each([undefined, null, [], {}, { header: {}, models: {} }, { header: { date: '2026-08-01' } }])(
  'refuses %j as a catalogue',
  (value) => {
    expect(() => priceBook(value, {})).toThrow('The price catalogue has no header');
  },
);
