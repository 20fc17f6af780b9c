import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { fitBody } from '../../lambda/pipeline/request-quirks.ts';
import { MISTRAL } from '../../lambda/providers/mistral/provider.ts';
import { VERTEX } from '../../lambda/providers/vertex/provider.ts';

const mistral = MISTRAL.apis.find(({ dialect }) => dialect === 'openai-chat')?.quirks;
const vertex = VERTEX.apis.find(({ dialect }) => dialect === 'gemini')?.quirks;

const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
const ids = (body: string): { readonly calls: readonly string[]; readonly results: readonly string[] } => {
  const messages: readonly Record<string, unknown>[] = JSON.parse(body).messages;
  return {
    calls: messages.flatMap(({ tool_calls: calls }) =>
      Array.isArray(calls) ? calls.map(({ id }: { readonly id: string }) => id) : [],
    ),
    results: messages.flatMap(({ tool_call_id: id }) => (typeof id === 'string' ? [id] : [])),
  };
};

describe('what a provider refuses inside messages', () => {
  test('is left out where it stands, once named, and every other byte stays', () => {
    const body =
      '{"messages":[{"role":"user","x":1e3},{"role":"assistant","reasoning_content":"a","content" : "b"},{"reasoning_content":"c"}]}';
    expect(fitBody(body, { dropWithin: [['messages', '*', 'reasoning_content']] })).toEqual({
      text: '{"messages":[{"role":"user","x":1e3},{"role":"assistant","content" : "b"},{}]}',
      dropped: ['messages.reasoning_content'],
    });
  });

  test('is missed by nobody where it says nothing of its own: ids of functions on Vertex AI', () => {
    const contents = [
      {
        role: 'model',
        parts: [{ functionCall: { id: 'a', name: 'f', args: { id: 1 } }, thoughtSignature: 's' }],
      },
      {
        role: 'user',
        parts: [{ function_response: { id: 'a', name: 'f', response: { id: 2 } } }, { text: 'x' }],
      },
    ];
    const { text, dropped } = fitBody(JSON.stringify({ contents }), vertex);
    expect(JSON.parse(text).contents).toEqual([
      { role: 'model', parts: [{ functionCall: { name: 'f', args: { id: 1 } }, thoughtSignature: 's' }] },
      { role: 'user', parts: [{ function_response: { name: 'f', response: { id: 2 } } }, { text: 'x' }] },
    ]);
    expect(dropped).toEqual([]);
  });
});

describe('ids of tool calls of one length', () => {
  test('are kept where they fit, and else made, the same in call and result', () => {
    const body = JSON.stringify({
      messages: [
        { role: 'assistant', content: null, tool_calls: [call('toolu_1'), call('AbCdEf123'), call('')] },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'x' },
        { role: 'tool', tool_call_id: 'AbCdEf123', content: 'y' },
        { role: 'tool', tool_call_id: '', content: 'z' },
      ],
    });
    const { calls, results } = ids(fitBody(body, mistral).text);
    expect(calls).toEqual(results);
    expect(calls[1]).toBe('AbCdEf123');
    for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/);
  });

  test('never become one', () => {
    const property = fc.property(fc.uniqueArray(fc.string(), { maxLength: 30 }), (given) => {
      const messages = [
        { role: 'assistant', tool_calls: given.map(call) },
        ...given.map((id) => ({ role: 'tool', tool_call_id: id })),
      ];
      const { calls, results } = ids(fitBody(JSON.stringify({ messages }), mistral).text);
      expect(calls).toEqual(results);
      expect(new Set(calls).size).toBe(given.length);
    });
    fc.assert(property);
  });
});

describe('a provider whose model must speak between a tool’s result and the user', () => {
  const tool = { role: 'tool', tool_call_id: 'AbCdEf123', content: 'x' };
  const user = { role: 'user', content: 'Go on, "quickly".' };
  const fitted = (messages: readonly object[]) =>
    JSON.parse(fitBody(JSON.stringify({ messages }), mistral).text).messages;

  test('has a word said for it', () => {
    expect(fitted([tool, user, user])).toEqual([
      tool,
      { role: 'assistant', content: expect.any(String) },
      user,
      user,
    ]);
  });

  test('and none where it has spoken', () => {
    const messages = [tool, { role: 'assistant', content: 'Done.' }, user, tool, tool];
    expect(fitted(messages)).toEqual(messages);
  });
});

test('long conversations take time that grows as they do', () => {
  const messages = Array.from({ length: 5_000 }, (_, index) => [
    { role: 'assistant', content: null, reasoning_content: 'r', tool_calls: [call(`toolu_${index}`)] },
    { role: 'tool', tool_call_id: `toolu_${index}`, content: 'x' },
    { role: 'user', content: 'y' },
  ]).flat();
  const startedMs = performance.now();
  fitBody(JSON.stringify({ messages }), mistral);
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test('whatever the messages hold', () => {
  const property = fc.property(fc.array(fc.jsonValue()), (messages) => {
    const { text } = fitBody(JSON.stringify({ messages }), mistral);
    expect(Array.isArray(JSON.parse(text).messages)).toBe(true);
  });
  fc.assert(property);
});
