import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ContentPart, Tool } from '../../../lambda/domain/chat/request.ts';
import { isJsonObject, parseJson } from '../../../lambda/domain/json.ts';
import { boundPrompt, countTokensLocally } from '../../../lambda/domain/money/bound.ts';
import { nested, picture, requestOf } from './requests.ts';

describe('the bound of a prompt', () => {
  test('is never below one token a byte of the body, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 5 }), (texts) => {
        const body = JSON.stringify({
          model: 'm',
          messages: texts.map((content) => ({ role: 'user', content })),
        });
        const value = parseJson(body);
        if (!isJsonObject(value)) throw new Error('A body is an object.');
        const bytes = Buffer.byteLength(body);
        const { tokens = 0 } = boundPrompt(openaiChat.decodeRequest(value), bytes, undefined);
        expect(tokens).toBeGreaterThanOrEqual(bytes);
      }),
    );
  });

  test('counts a picture by what its provider may count it for, and not by its bytes', () => {
    const data = 'A'.repeat(1_000_000);
    const { tokens = 0, likelyTokens } = boundPrompt(requestOf([picture(data)]), 1_000_200, 4_784);
    expect(tokens).toBeGreaterThanOrEqual(200 + 4_784);
    expect(tokens).toBeLessThan(6_000);
    expect(likelyTokens).toBeLessThanOrEqual(tokens);
  });

  test('counts pictures in tool results too', () => {
    const two = boundPrompt(requestOf([nested(picture('AA')), nested(nested(picture('AA')))]), 400, 5_000);
    expect(two.tokens).toBeGreaterThanOrEqual(10_000);
  });

  test('is more with tools', () => {
    const tools: Tool[] = [{ type: 'function', name: 'f' }];
    const without = boundPrompt(requestOf([]), 100, 1).tokens ?? 0;
    expect(boundPrompt(requestOf([], { tools }), 100, 1).tokens).toBeGreaterThan(without + 500);
  });

  test.each<[string, ContentPart, number | undefined]>([
    ['a picture of unknown worth', picture('AA'), undefined],
    ['sound', { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'AA' } }, 1_000],
    ['a file', { type: 'file', source: { type: 'url', url: 'https://example.com/a.pdf' } }, 1_000],
    [
      'a file in a tool result',
      nested({ type: 'file', source: { type: 'url', url: 'https://e.org/a' } }),
      1_000,
    ],
  ])('is not known with %s', (_, part, imageBound) => {
    expect(boundPrompt(requestOf([part]), 100, imageBound).hasMediaOfAnySize).toBe(true);
  });

  test('knows of sound in the prompt and in the answer', () => {
    const sound: ContentPart = {
      type: 'audio',
      source: { type: 'base64', mediaType: 'audio/wav', data: 'AA' },
    };
    expect(boundPrompt(requestOf([sound]), 100, 1).hasAudio).toBe(true);
    expect(boundPrompt(requestOf([], { nativeOptions: { audio: { voice: 'a' } } }), 100, 1).hasAudio).toBe(
      true,
    );
    expect(boundPrompt(requestOf([picture('AA')]), 100, 1).hasAudio).toBe(false);
  });
});

test('tokens nobody reported are a third of the bytes, rounded up', () => {
  expect([0, 1, 3, 4].map(countTokensLocally)).toEqual([0, 1, 1, 2]);
});
