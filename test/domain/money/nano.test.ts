import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  decimalUsd,
  femtoFromUsdPerMillion,
  femtoFromUsdPerToken,
  maxUsd,
  nanoFromFemto,
  nanoFromUsd,
  nanoUsd,
  usdFromNano,
} from '../../../lambda/domain/money/nano.ts';

/** `digits × 10^-scale`, written out: (1234, 3) is `1.234`. */
function written(digits: bigint, scale: number): string {
  const padded = digits.toString().padStart(scale + 1, '0');
  return scale === 0 ? padded : `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

describe('nanoFromUsd', () => {
  test.each([
    ['0.05', 50_000_000n],
    [0.05, 50_000_000n],
    [12, 12_000_000_000n],
    ['1.25e-6', 1_250n],
    [1e-9, 1n],
    ['2E+3', 2_000_000_000_000n],
    ['-0.5', -500_000_000n],
    [' 7 ', 7_000_000_000n],
    [0.1 + 0.2, 300_000_000n],
    ['9007199254740993.000000001', 9_007_199_254_740_993_000_000_001n],
  ])('reads %p', (usd, nano) => {
    expect(nanoFromUsd(usd)).toBe(nano);
  });

  test('is exact on decimals, however they are written', async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), fc.integer({ min: 0, max: 9 }), (nano, scale) => {
        expect(nanoFromUsd(written(nano, 9))).toBe(nano);
        expect(nanoFromUsd(`${nano}e-9`)).toBe(nano);
        expect(nanoFromUsd(`${written(nano, scale)}e-${9 - scale}`)).toBe(nano);
        expect(nanoFromUsd(`-${written(nano, 9)}`)).toBe(-nano);
      }),
    );
  });

  test('gives back what usdFromNano showed, to fifteen digits', async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (nano) => {
        expect(nanoFromUsd(usdFromNano(nanoUsd(nano)))).toBe(nano);
      }),
    );
  });

  test('rounds half a nano-dollar away from zero', () => {
    expect(nanoFromUsd('0.0000000005')).toBe(1n);
    expect(nanoFromUsd('0.00000000049999')).toBe(0n);
    expect(nanoFromUsd('-0.0000000005')).toBe(-1n);
  });

  test.each(['', 'free', '1,5', '$1', '0x10', '1e', 'Infinity', '--1', '1.2.3', '1e99999999'])(
    'refuses %p',
    (text) => {
      expect(() => nanoFromUsd(text)).toThrow(RangeError);
    },
  );

  test('names the number that is none', () => {
    expect(() => nanoFromUsd(Number.NaN)).toThrow('got NaN');
    expect(() => nanoFromUsd(Number.POSITIVE_INFINITY)).toThrow('got Infinity');
  });
});

describe('rates', () => {
  test('read dollars per token without binary fractions', () => {
    expect(femtoFromUsdPerToken('1.25e-06')).toBe(1_250_000_000n);
    expect(femtoFromUsdPerToken(2.8e-8)).toBe(28_000_000n);
    expect(femtoFromUsdPerToken('6.25e-9')).toBe(6_250_000n);
  });

  test('read dollars per million tokens as the same rate', async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), (femto) => {
        expect(femtoFromUsdPerMillion(written(femto, 9))).toBe(femto);
        expect(femtoFromUsdPerToken(written(femto, 15))).toBe(femto);
      }),
    );
  });
});

describe('nanoFromFemto', () => {
  test('rounds up to the next whole nano-dollar, and no further', async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (femto) => {
        const nano = nanoFromFemto(femto);
        expect(nano * 1_000_000n >= femto).toBe(true);
        expect((nano - 1n) * 1_000_000n < femto).toBe(true);
      }),
    );
  });
});

test('maxUsd is the larger amount', () => {
  expect(maxUsd(nanoUsd(2n), nanoUsd(3n))).toBe(3n);
  expect(maxUsd(nanoUsd(3n), nanoUsd(-2n))).toBe(3n);
});

test('writes dollars as plain decimals that read back to the same amount, however small', async () => {
  await fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (amount) => {
      const text = decimalUsd(nanoUsd(amount));
      expect(text).toMatch(/^-?\d+(\.\d*[1-9])?$/);
      expect(nanoFromUsd(text)).toBe(amount);
    }),
  );
});
