/** Money: integer billionths (1e-9) of a US dollar. */
export type NanoUsd = bigint & { readonly __brand: 'NanoUsd' };
/** A rate: integer 1e-15 US dollars for one token. Many list prices are no whole nano-dollar a token. */
export type FemtoUsdPerToken = bigint & { readonly __brand: 'FemtoUsdPerToken' };

/** A rate: integer 1e-15 US dollars for one unit of another kind: a character, a second, a search. */
export type FemtoUsdPerUnit = bigint & { readonly __brand: 'FemtoUsdPerUnit' };

const NANO_PER_USD = 1_000_000_000n;
const FEMTO_PER_NANO = 1_000_000n;

// The casts give the brand; every amount of money is made by one of these.
export const nanoUsd = (value: bigint): NanoUsd => value as NanoUsd;
export const femtoUsdPerToken = (value: bigint): FemtoUsdPerToken => value as FemtoUsdPerToken;

export const femtoUsdPerUnit = (value: bigint): FemtoUsdPerUnit => value as FemtoUsdPerUnit;

export const ZERO_USD = nanoUsd(0n);

/** Rounds femto-dollars up to whole nano-dollars: the one rounding of an amount, always against the budget. */
export function nanoFromFemto(femto: bigint): NanoUsd {
  const whole = femto / FEMTO_PER_NANO;
  return nanoUsd(femto % FEMTO_PER_NANO > 0n ? whole + 1n : whole);
}

/** An amount in femto-dollars, for sums with what tokens cost. */
export const femtoFromNano = (amount: NanoUsd): bigint => amount * FEMTO_PER_NANO;

/**
 * Reads an amount of dollars (0.05, 12, '0.000001') into nano-dollars, rounding half away from zero at 1e-9.
 * @throws RangeError for what is no finite number
 */
export function nanoFromUsd(usd: number | string): NanoUsd {
  return nanoUsd(scaledInteger(usd, 9));
}

/** Dollars as a number, for showing: exact to 15 significant digits. */
export function usdFromNano(amount: NanoUsd): number {
  return Number(amount) / Number(NANO_PER_USD);
}

/** Dollars as a plain decimal: exact, no exponent, no zeros at the end. */
export function decimalUsd(amount: NanoUsd): string {
  const magnitude = amount < 0n ? -amount : amount;
  const fraction = (magnitude % NANO_PER_USD).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = `${amount < 0n ? '-' : ''}${magnitude / NANO_PER_USD}`;
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Reads dollars per token (1.25e-6) into femto-dollars per token. @throws RangeError for what is no finite number */
export function femtoFromUsdPerToken(usd: number | string): FemtoUsdPerToken {
  return femtoUsdPerToken(scaledInteger(usd, 15));
}

/** Reads dollars per unit (0.0001 a second) into femto-dollars. @throws RangeError for what is no finite number */
export function femtoFromUsdPerUnit(usd: number | string): FemtoUsdPerUnit {
  return femtoUsdPerUnit(scaledInteger(usd, 15));
}

/** Reads dollars per million tokens ('1.25') into femto-dollars per token. @throws RangeError for what is no finite number */
export function femtoFromUsdPerMillion(usd: number | string): FemtoUsdPerToken {
  return femtoUsdPerToken(scaledInteger(usd, 9));
}

/** Decimal text times 10^digits as an integer, without passing through binary fractions. */
function scaledInteger(value: number | string, digits: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(String(value).trim());
  if (match === null)
    throw new RangeError(
      `Expected an amount such as 0.05, got ${typeof value === 'string' ? JSON.stringify(value) : value}.`,
    );
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = digits + Number(exponent) - fraction.length;
  if (Math.abs(shift) > 60) throw new RangeError(`The amount ${value} is out of range.`);
  const unscaled = BigInt(whole + fraction);
  const magnitude =
    shift >= 0 ? unscaled * 10n ** BigInt(shift) : roundedQuotient(unscaled, 10n ** BigInt(-shift));
  return sign === '-' ? -magnitude : magnitude;
}

const roundedQuotient = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor / 2n) / divisor;

/** The smaller of two amounts. */
export const minUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a > b ? b : a);

/** The larger of two amounts. */
export const maxUsd = (a: NanoUsd, b: NanoUsd): NanoUsd => (a > b ? a : b);
