import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countTokens, tokenPieces } from '../../../lambda/providers/simulation/tokens.ts';

test('words and runs of punctuation are tokens', () => {
  expect(countTokens("Hello, world! It's 3.5…")).toBe(11);
  expect(tokenPieces('Hello,  world!\n')).toEqual(['Hello', ',', '  world', '!\n']);
  expect(countTokens('')).toBe(0);
});

test('the pieces of a text are the text, one token each', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const pieces = tokenPieces(text);
      expect(pieces).toHaveLength(countTokens(text));
      if (pieces.length > 0) expect(pieces.join('')).toBe(text);
    }),
  );
});

test('a text never has more tokens than bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(countTokens(text)).toBeLessThanOrEqual(Buffer.byteLength(text));
    }),
  );
});
