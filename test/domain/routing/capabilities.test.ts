import { describe, expect, test } from '@jest/globals';
import type { ChatRequest, ContentPart } from '../../../lambda/domain/chat/request.ts';
import { missingCapabilities, neededCapabilities } from '../../../lambda/domain/routing/capabilities.ts';

type Asked = Parameters<typeof neededCapabilities>[0];

const asking = (asked: Partial<ChatRequest>): Asked => ({ messages: [], ...asked });
const saying = (...content: readonly ContentPart[]): Asked =>
  asking({ messages: [{ role: 'user', content }] });
const URL_SOURCE = { type: 'url', url: 'https://example.com/a' } as const;
const PDF = { type: 'base64', mediaType: 'application/pdf', data: '' } as const;
const IMAGE: ContentPart = { type: 'image', source: URL_SOURCE };

describe('a request needs', () => {
  test.each<[string, Asked, readonly string[]]>([
    ['nothing, of plain text', saying({ type: 'text', text: 'Hi' }), []],
    ['tools', asking({ tools: [{ type: 'function', name: 'f' }] }), ['tools']],
    [
      'no tools, for one that its provider runs',
      asking({ tools: [{ type: 'hosted', dialect: 'gemini', name: 'search', definition: {} }] }),
      [],
    ],
    [
      'structured output',
      asking({ responseFormat: { type: 'json-schema', name: 'n', schema: {} } }),
      ['structured-output'],
    ],
    ['nothing, of JSON of any shape', asking({ responseFormat: { type: 'json' } }), []],
    ['reasoning', asking({ reasoning: { effort: 'high' } }), ['reasoning']],
    ['no reasoning that is turned off', asking({ reasoning: { enabled: false } }), []],
    ['no reasoning of no effort', asking({ reasoning: { effort: 'none' } }), []],
    ['eyes', saying(IMAGE), ['vision']],
    [
      'eyes for a tool’s picture',
      saying({ type: 'tool-result', callId: 'c', content: [IMAGE], isError: false }),
      ['vision'],
    ],
    ['ears', saying({ type: 'audio', source: URL_SOURCE }), ['audio-input']],
    ['to read PDF', saying({ type: 'file', source: PDF }), ['pdf']],
    ['nothing that is known, of a file by its address', saying({ type: 'file', source: URL_SOURCE }), []],
  ])('%s', (_what, asked, needed) => {
    expect(neededCapabilities(asked)).toEqual(needed);
  });
});

test('a model of which nothing is listed lacks nothing', () => {
  expect(missingCapabilities(['vision', 'tools'], [])).toEqual([]);
  expect(missingCapabilities(['vision', 'tools'], ['tools'])).toEqual(['vision']);
});
