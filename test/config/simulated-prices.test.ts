import { expect, test } from '@jest/globals';
import { simulatedPrices } from '../../lambda/config/simulated-prices.ts';
import { costOf } from '../../lambda/domain/money/cost.ts';

const million = { promptTokens: 1_000_000, completionTokens: 1_000_000 };

test.each([
  ['echo', 100_000_000n, 400_000_000n],
  ['frontier', 15_000_000_000n, 75_000_000_000n],
  ['small', 100_000_000n, 500_000_000n],
  ['tools', 2_000_000_000n, 8_000_000_000n],
  ['slow', 2_000_000_000n, 8_000_000_000n],
  ['flaky', 2_000_000_000n, 8_000_000_000n],
])('a million tokens of %s cost %d in and %d out', (model, prompt, completion) => {
  for (const provider of ['sim', 'sim-anthropic']) {
    const price = simulatedPrices(provider).get(model);
    expect(price).toMatchObject({ version: 'simulated', contextTokens: 200_000, maxOutputTokens: 16_384 });
    expect(price === undefined ? undefined : costOf(price, million)).toMatchObject({ prompt, completion });
  }
});

test('no other provider is simulated', () => {
  expect(simulatedPrices('openai').size).toBe(0);
});
