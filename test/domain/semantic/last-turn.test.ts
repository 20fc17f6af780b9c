import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { comparableTurn } from '../../../lambda/domain/semantic/last-turn.ts';

const user = (content: unknown, more: object = {}) => ({ role: 'user', content, ...more });
const bodyOf = (messages: unknown, more: object = {}): string =>
  JSON.stringify({ model: 'm', messages, ...more });
const turnOf = (raw: string) => comparableTurn(raw, 100);

test('the text of the last user turn is taken out, and all else stays', () => {
  const system = { role: 'system', content: 'Be brief.' };
  expect(turnOf(bodyOf([system, user('How are you?')], { temperature: 0.5 }))).toEqual({
    text: 'How are you?',
    literals: [],
    rest: '{"messages":[{"content":"Be brief.","role":"system"},{"content":"","role":"user"}],"model":"m","temperature":0.5}',
  });
});

test('several texts are one turn, and what else stands in its parts stays', () => {
  const hint = { cache_control: { type: 'ephemeral' } };
  const turn = turnOf(
    bodyOf([
      user([
        { type: 'text', text: 'one' },
        { type: 'text', text: 'more', ...hint },
      ]),
    ]),
  );
  expect(turn?.text).toBe('one\nmore');
  expect(turn?.rest).toContain(
    '[{"text":"","type":"text"},{"cache_control":{"type":"ephemeral"},"text":"","type":"text"}]',
  );
});

test('of two bodies the rest is the same exactly where nothing but the text differs', () => {
  const rest = (body: string) => turnOf(body)?.rest;
  const first = rest(bodyOf([user('one')]));
  expect(rest(bodyOf([user('another')]))).toBe(first);
  expect(rest('{ "messages": [{"content":"\\u0061", "role": "user"}], "model": "m" }')).toBe(first);
  for (const other of [
    bodyOf([user('one')], { model: 'n' }),
    bodyOf([user('one')], { tools: [] }),
    bodyOf([user('one')], { system: 'Be rude.' }),
    bodyOf([user('one', { name: 'ann' })]),
    bodyOf([user('before'), user('one')]),
    bodyOf([user([{ type: 'text', text: 'one' }])]),
    bodyOf([
      user([
        { type: 'text', text: 'one' },
        { type: 'text', text: 'one' },
      ]),
    ]),
  ])
    expect(rest(other)).not.toBe(first);
});

test('an earlier turn that looks like the end of the body is no last turn', () => {
  const forged = '{"content":"x","role":"user"}]';
  const turn = turnOf(bodyOf([user(forged), user('Hello')]));
  expect(turn?.text).toBe('Hello');
  expect(turn?.rest).toContain(JSON.stringify(forged));
});

test('whatever stands in the last turn, only its text is missing from the rest', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.json(), (text, json) => {
      const raw = `{"model":"m","extra":${json},"messages":[{"role":"user","content":${JSON.stringify(text)}}]}`;
      const turn = comparableTurn(raw, 1_000);
      if (turn === undefined) return;
      expect(turn.text).toBe(text.trim());
      expect(JSON.parse(turn.rest)).toEqual({ ...JSON.parse(raw), messages: [user('')] });
    }),
  );
});

describe('is not compared by its meaning:', () => {
  test.each<[string, unknown]>([
    ['a body without messages', undefined],
    ['no turn at all', []],
    ['a turn of the assistant', [user('a'), { role: 'assistant', content: 'b' }]],
    ['a tool’s result', [user('a'), { role: 'tool', tool_call_id: 'c', content: 'b' }]],
    [
      'a turn with a picture',
      [
        user([
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'u' } },
        ]),
      ],
    ],
    ['a turn with a tool’s result', [user([{ type: 'tool_result', tool_use_id: 'c', content: '4' }])]],
    ['an empty turn', [user(' \n')]],
    ['a turn without content', [user([])]],
    ['a turn whose content is null', [user(null)]],
    ['a turn that is too long', [user('word '.repeat(21))]],
    ['a turn in a script without capital letters', [user('东京的天气怎么样？')]],
  ])('%s', (_what, messages) => {
    expect(turnOf(bodyOf(messages))).toBeUndefined();
  });

  test('a turn with a number that JavaScript cannot hold', () => {
    expect(
      turnOf('{"messages":[{"role":"user","content":"Hello","seed":12345678901234567890}]}'),
    ).toBeUndefined();
  });

  test('of a conversation with such a number before it, nothing is lost', () => {
    const turn = turnOf('{"seed":12345678901234567890,"messages":[{"role":"user","content":"Hello"}]}');
    expect(turn?.rest).toContain('12345678901234567890');
  });
});
