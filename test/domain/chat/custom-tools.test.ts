import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  CustomCallReader,
  customToolNames,
  grammarTools,
  withoutCustomTools,
} from '../../../lambda/domain/chat/custom-tools.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';

const REQUEST: ChatRequest = {
  model: 'm',
  messages: [
    {
      role: 'assistant',
      content: [
        { type: 'tool-call', kind: 'custom', id: 'a', name: 'patch', arguments: 'say "hi"' },
        { type: 'tool-call', kind: 'function', id: 'b', name: 'add', arguments: '{}' },
      ],
    },
  ],
  tools: [
    {
      type: 'custom',
      name: 'patch',
      description: 'Patches.',
      format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
    },
    { type: 'custom', name: 'note', format: { type: 'text' } },
    { type: 'function', name: 'add' },
  ],
  toolChoice: { type: 'tool', name: 'patch' },
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
};

/** What the reader makes of a call whose arguments come in these pieces. */
function read(pieces: readonly string[], name: string = 'patch'): readonly ChatEvent[] {
  const reader = new CustomCallReader(new Set(['patch']));
  const at = { choice: 0, block: 0 };
  const events: ChatEvent[] = [
    { type: 'tool-call-start', kind: 'function', id: 'a', name, ...at },
    ...pieces.map((piece): ChatEvent => ({ type: 'tool-call-delta', arguments: piece, ...at })),
    { type: 'block-end', ...at },
  ];
  return events.flatMap((event) => reader.read(event));
}

const textOf = (events: readonly ChatEvent[]): string =>
  events.flatMap((event) => (event.type === 'tool-call-delta' ? [event.arguments] : [])).join('');

/** A text in pieces that end at these places. */
function cut(text: string, places: readonly number[]): readonly string[] {
  const ends = [...places.map((place) => place % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

describe('a request with custom tools', () => {
  test('has functions in their place, and in the place of their calls', () => {
    const { tools, messages, toolChoice } = withoutCustomTools(REQUEST);
    expect(tools?.map(({ type, name }) => [type, name])).toEqual([
      ['function', 'patch'],
      ['function', 'note'],
      ['function', 'add'],
    ]);
    expect(tools?.[0]).toMatchObject({
      description: 'Patches.\n\nThe input must follow this grammar (lark):\nstart: "x"',
      parameters: { required: ['input'] },
    });
    expect(messages[0]?.content).toMatchObject([
      { kind: 'function', arguments: '{"input":"say \\"hi\\""}' },
      { kind: 'function', arguments: '{}' },
    ]);
    expect(toolChoice).toEqual(REQUEST.toolChoice);
  });

  test('names those that are to be text again, and those whose grammar is only told', () => {
    expect([...customToolNames(REQUEST)]).toEqual(['patch', 'note']);
    expect(grammarTools(REQUEST)).toEqual(['patch']);
  });
});

describe('a call of a custom tool', () => {
  test('is its text again, wherever its arguments were cut', () => {
    const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }));
    const property = fc.property(texts, fc.array(fc.nat()), fc.nat(2), (text, places, indent) => {
      const events = read(cut(JSON.stringify({ input: text }, null, indent), places));
      expect(events[0]).toMatchObject({ type: 'tool-call-start', kind: 'custom' });
      expect(events.at(-1)?.type).toBe('block-end');
      expect(textOf(events)).toBe(text);
      for (const event of events)
        if (event.type === 'tool-call-delta')
          expect(event.arguments.isWellFormed()).toBe(text.isWellFormed());
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('comes as its arguments come', () => {
    const deltas = read(['{"inp', 'ut": "a', 'b\\', 'n\\ud83d', '\\ude00"', '}']);
    const texts = deltas.flatMap((event) => (event.type === 'tool-call-delta' ? [event.arguments] : []));
    expect(texts).toEqual(['a', 'b', '\n', '😀']);
  });

  test.each([
    ['other members', '{"why":"because","input":"x"}', 'x'],
    ['input that is no text', '{"input":{"a":1}}', '{"a":1}'],
    ['no input', '{"text":"x"}', '{"text":"x"}'],
    ['plain text', 'just text', 'just text'],
    ['nothing', '', ''],
    ['a cut text', '{"input":"abc\\', 'abc'],
    ['a long beginning', `${' '.repeat(300)}{"input":"x"}`, 'x'],
  ])('with %s is read all the same', (_name, given, text) => {
    expect(textOf(read(cut(given, [3, 7])))).toBe(text);
  });

  test('of a function stays as it is', () => {
    expect(read(['{"input":"x"}'], 'add')).toMatchObject([
      { kind: 'function' },
      { arguments: '{"input":"x"}' },
      { type: 'block-end' },
    ]);
  });
});
