import { describe, expect, test } from '@jest/globals';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { comparableTurn } from '../../../lambda/domain/semantic/last-turn.ts';

const requestOf = (...messages: readonly Message[]): ChatRequest => ({
  model: 'm',
  messages,
  stream: false,
  includeUsage: false,
  nativeOptions: {},
  unknownFields: [],
});
const user = (...content: readonly ContentPart[]): Message => ({ role: 'user', content });
const text = (value: string): ContentPart => ({ type: 'text', text: value });
const image: ContentPart = { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } };

test('the last user turn is taken out, and all else stays', () => {
  const system: Message = { role: 'system', content: [text('Be brief.')] };
  const request = requestOf(system, user(text('How are you?')));
  expect(comparableTurn(request, 100)).toEqual({
    text: 'How are you?',
    literals: [],
    rest: { ...request, messages: [system, { role: 'user', content: [] }] },
  });
});

test('several texts are one turn', () => {
  expect(comparableTurn(requestOf(user(text('one'), text('more'))), 100)?.text).toBe('one\nmore');
});

describe('is not compared by its meaning:', () => {
  test.each<[string, ChatRequest]>([
    ['no turn at all', requestOf()],
    ['a turn of the assistant', requestOf(user(text('a')), { role: 'assistant', content: [text('b')] })],
    ['a turn with a picture', requestOf(user(text('What is this?'), image))],
    [
      'a turn with a tool’s result',
      requestOf(
        user({ type: 'tool-result', callId: 'c', content: [text('4')], isError: false }, text('So?')),
      ),
    ],
    ['an empty turn', requestOf(user(text(' \n')))],
    ['a turn without content', requestOf(user())],
    ['a turn that is too long', requestOf(user(text('word '.repeat(21))))],
    ['a turn in a script without capital letters', requestOf(user(text('东京的天气怎么样？')))],
  ])('%s', (_what, request) => {
    expect(comparableTurn(request, 100)).toBeUndefined();
  });
});
