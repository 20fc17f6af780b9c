const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 characters of 62 are 256 bits. */
const RANDOM_CHARACTERS = 43;

/** What every virtual key's secret begins with, so that scanners and people know one when they see it. */
const SECRET_PREFIX = 'sk-slu-';

/**
 * A new secret for a virtual key.
 * @param randomBelow a whole number from 0 up to, not including, the bound: uniform and unpredictable (`node:crypto`)
 */
export const newKeySecret = (randomBelow: (bound: number) => number): string =>
  SECRET_PREFIX +
  Array.from({ length: RANDOM_CHARACTERS }, () => ALPHABET.charAt(randomBelow(ALPHABET.length))).join('');
