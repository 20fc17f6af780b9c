import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { literalsOf } from '../../../lambda/domain/semantic/literals.ts';

describe('two texts that ask for different things have different literals', () => {
  test.each([
    ['Please transfer 100 to her', 'Please transfer 1000 to her'],
    ['Add 5 degrees', 'Add -5 degrees'],
    ['Give a 10 percent discount', 'Give a 10% discount on top of it'],
    ['transfer one hundred', 'transfer two hundred'],
    ['What is our refund window for EU orders?', 'What is our refund window for US orders?'],
    ['Weather in Paris', 'Weather in London'],
    ['Paris weather', 'London weather'],
    ['From Paris to London', 'From London to Paris'],
    ['Is remote work allowed?', 'Is remote work not allowed?'],
    ['Do delete the file', "Don't delete the file"],
    ['Do delete the file', 'Don’t delete the file'],
    ['Do delete the file', 'dont delete the file'],
    ['Ist das erlaubt?', 'Ist das nicht erlaubt?'],
    ['Turn the light on', 'Turn the light off'],
    ['the most common cause', 'the least common cause'],
    ['is x > y', 'is x < y'],
    ['Translate "good morning"', 'Translate "good evening"'],
    ['Translate ‘good morning’', 'Translate ‘good evening’'],
    ['Explain `map`', 'Explain `filter`'],
    ['read a/b.txt', 'read a/c.txt'],
    ['mail to ann@example.com', 'mail to bob@example.com'],
    ['call getUser', 'call getGroup'],
    ['transfer ١٠٠', 'transfer ١٠٠٠'],
    ['transfer １００', 'transfer 1000'],
    ['transfer 1\u200b00', 'transfer 100 '],
    ['is it a non-issue', 'is it an issue without doubt'],
  ])('%j, %j', (left, right) => {
    expect(literalsOf(left)).not.toEqual(literalsOf(right));
  });
});

describe('two texts that ask for the same have the same literals', () => {
  test.each([
    ['How do I reset my password?', 'how can i reset my password, please'],
    ['What is the refund window for EU orders?', 'Tell me the refund window for EU orders.'],
    ['“Hello” in French?', '“Hello”... in French!'],
    ['Please transfer 100 to Ann.', 'Can you transfer 100 to Ann?'],
    ['transfer １００', 'transfer 100'],
    ['', '…?! …'],
  ])('%j, %j', (left, right) => {
    expect(literalsOf(left)).toEqual(literalsOf(right));
  });
});

test('whatever number is changed, and whatever surrounds it, the literals differ', () => {
  const words = fc.array(
    fc.constantFrom('transfer', 'to', 'the', 'account', 'of', 'Ann', 'please', '"', '('),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(words, words, fc.integer(), fc.integer(), (before, after, one, other) => {
      fc.pre(one !== other);
      const text = (amount: number): string => [...before, amount, ...after].join(' ');
      expect(literalsOf(text(one))).not.toEqual(literalsOf(text(other)));
    }),
  );
});

test('hostile texts of the greatest length are read within moments', () => {
  for (const text of ['"', '“', '‘', "'", '«', '`', ' 1', '-', '\u0301', '😀'].map((part) =>
    part.repeat(8_000),
  ))
    expect(literalsOf(text).length).toBeLessThanOrEqual(8_001);
});
