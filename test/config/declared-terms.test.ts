import { describe, expect, test } from '@jest/globals';
import { defineGateway, type GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import type { DeclaredTerms } from '../../lambda/domain/money/price.ts';

const rates = { promptUsdPerMillion: 1, completionUsdPerMillion: 2 };

function declare(prices: GatewayDefinition['prices']): Readonly<Record<string, readonly DeclaredTerms[]>> {
  return defineGateway({ providers: { openai: {} }, prices }).declaredPrices;
}

describe('prices in gateway.config.ts', () => {
  test('hold from the beginning where they name no day', () => {
    expect(declare({ 'openai/gpt-5': rates })['openai/gpt-5']).toEqual([
      { fromMs: undefined, terms: { type: 'rates', price: expect.objectContaining({ version: 'config' }) } },
    ]);
  });

  test('are put into the order in which they begin to hold, each under a version that names its day', () => {
    const list = declare({
      'openai/gpt-5': [
        { from: '2027-06-01T08:00:00+02:00', ...rates },
        rates,
        { from: '2027-01-01', discount: 0.15 },
      ],
    })['openai/gpt-5'];
    expect(list?.map(({ fromMs }) => fromMs)).toEqual([
      undefined,
      Date.parse('2027-01-01T00:00:00Z'),
      Date.parse('2027-06-01T06:00:00Z'),
    ]);
    expect(list?.[1]?.terms).toEqual({
      type: 'discount',
      billionthsOff: 150_000_000n,
      version: 'less 0.15 (config@2027-01-01)',
    });
    expect(list?.[2]?.terms).toMatchObject({ price: { version: 'config@2027-06-01T08:00:00+02:00' } });
  });

  test('may be for a region, and for all models in one', () => {
    expect(Object.keys(declare({ 'openai/gpt-5@eu': rates, 'openai/*@eu': rates }))).toHaveLength(2);
  });

  test.each<[string, unknown, string]>([
    ['an empty list', [], 'openai/gpt-5'],
    [
      'two prices from one moment',
      [
        { from: '2027-01-01', ...rates },
        { from: '2027-01-01T00:00:00Z', ...rates },
      ],
      'one price for each moment',
    ],
    ['two prices from the beginning', [rates, rates], 'one price for each moment'],
    ['a day that is none', { from: '2027-02-30', ...rates }, 'must be a day such as'],
    ['a moment without a zone', { from: '2027-01-01T08:00:00', ...rates }, 'must be a day such as'],
    ['all off', { discount: 1 }, 'must be a share between 0 and 1'],
    ['percent', { discount: 15 }, 'must be a share between 0 and 1'],
    ['a discount beside rates', { discount: 0.1, ...rates }, 'does not know discount'],
    ['a misspelt rate', { ...rates, cachedUsdPerMillion: 1 }, 'does not know cachedUsdPerMillion'],
    ['a negative rate', { ...rates, promptUsdPerMillion: -1 }, 'promptUsdPerMillion: must be dollars'],
    ['nothing', {}, 'openai/gpt-5'],
    [
      'a fault within a list',
      [rates, { from: '2027-01-01', discount: 2 }],
      'openai/gpt-5.1.discount: must be a share',
    ],
  ])('refuse %s and say where', (_what, price, message) => {
    // What is refused is what the type refuses too.
    const prices = { 'openai/gpt-5': price } as GatewayDefinition['prices'];
    expect(() => declare(prices)).toThrow(message);
    expect(() => declare(prices)).toThrow('prices.openai/gpt-5');
  });

  test.each(['gpt-5', 'openai/', 'openai/gp*t', '*/gpt-5', 'openai/*-mini', 'openai/*@EU'])(
    'refuse the name %p',
    (name) => {
      expect(() => declare({ [name]: rates })).toThrow('must be named provider/model');
    },
  );
});

describe('a deployment’s region', () => {
  const group = (region: string): GatewayDefinition => ({
    providers: { openai: {} },
    modelGroups: { smart: { deployments: [{ provider: 'openai', model: 'gpt-5', region }] } },
  });

  test('stands in its id, and beside its model', () => {
    expect(defineGateway(group('eu')).modelGroups[0]?.deployments).toEqual([
      { id: 'openai/gpt-5@eu', provider: 'openai', model: 'gpt-5', region: 'eu', weight: 1 },
    ]);
  });

  test.each(['', 'EU', '1', 'e u', 'e@u'])('is no %p', (region) => {
    expect(() => defineGateway(group(region))).toThrow('must be a region');
  });
});
