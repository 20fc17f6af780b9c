import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSafeName, safeName } from '../../lambda/dialects/safe-name.ts';

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.stringMatching(/^[a-z.:_-]{30,80}$/),
  fc.constantFrom('', 'a.b', 'a:b', 'a_b', 'functions.f:0', 'functions.f:1'),
);
const maxLength = fc.constantFrom(40, 64, 128, Number.POSITIVE_INFINITY);

describe('names for formats that take few characters', () => {
  test('are always ones that are taken', () => {
    fc.assert(
      fc.property(name, maxLength, (given, most) => {
        const safe = safeName(given, most);
        expect(isSafeName(safe, most)).toBe(true);
        expect(safeName(safe, most)).toBe(safe);
      }),
    );
  });

  test('stay as they are where they are taken', () => {
    expect(safeName('mcp__server__tool-1', 64)).toBe('mcp__server__tool-1');
  });

  test('are never two alike of two that differ', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2 }), maxLength, (given, most) => {
        expect(new Set(given.map((one) => safeName(one, most))).size).toBe(given.length);
      }),
    );
  });
});
