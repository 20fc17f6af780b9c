import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../../../scripts/agents/mock/rules.ts';
import type { MockFormat } from '../../../scripts/agents/mock/turn.ts';

const call = (id: string): JsonObject => ({
  id,
  type: 'function',
  function: { name: 'bash', arguments: '{}' },
});
const use = (id: string): JsonObject => ({ type: 'tool_use', id, name: 'Bash', input: {} });
const used = (id: string): JsonObject => ({ type: 'tool_result', tool_use_id: id, content: 'done' });
const asked = { role: 'user', parts: [{ text: 'Run it.' }] };
const called = (signed: boolean): JsonObject => ({
  role: 'model',
  parts: [{ functionCall: { name: 'shell', args: {} }, ...(signed && { thoughtSignature: 's' }) }],
});
const answered = { role: 'user', parts: [{ functionResponse: { name: 'shell', response: {} } }] };

type Case = readonly [why: string, dialect: MockFormat['dialect'], body: JsonObject];

const KEPT: readonly Case[] = [
  [
    'two parallel calls, both answered',
    'openai-chat',
    {
      model: 'm',
      messages: [
        { role: 'assistant', tool_calls: [call('a'), call('b')] },
        { role: 'tool', tool_call_id: 'b' },
        { role: 'tool', tool_call_id: 'a' },
      ],
    },
  ],
  [
    'a call and its output',
    'openai-responses',
    {
      input: [
        { type: 'function_call', call_id: 'a', name: 'shell' },
        { type: 'function_call_output', call_id: 'a', output: '' },
      ],
    },
  ],
  [
    'thinking before the call',
    'anthropic-messages',
    {
      thinking: { type: 'enabled' },
      messages: [
        { role: 'user', content: 'Run it.' },
        { role: 'assistant', content: [{ type: 'thinking' }, use('a')] },
        { role: 'user', content: [used('a')] },
      ],
    },
  ],
  ['sampling that is the default anyway', 'openai-chat', { model: 'gpt-5', temperature: 1, top_p: 1 }],
  ['sampling without reasoning', 'openai-chat', { model: 'gpt-5.2', reasoning_effort: 'none', top_p: 0.5 }],
  ['top_p of 0.95 beside thinking', 'anthropic-messages', { thinking: { type: 'adaptive' }, top_p: 0.95 }],
  ['a signed call of this turn', 'gemini', { contents: [asked, called(true), answered] }],
  [
    'an unsigned call of an earlier turn',
    'gemini',
    { contents: [asked, called(false), answered, { role: 'model', parts: [{ text: 'Done.' }] }, asked] },
  ],
];

const BROKEN: readonly Case[] = [
  ['unknown field thinking', 'openai-chat', { thinking: {} }],
  ['top_p for a model that reasons', 'openai-chat', { model: 'gpt-5', top_p: 0.9 }],
  ['temperature for a model that reasons', 'openai-responses', { model: 'gpt-5', temperature: 0 }],
  ['temperature beside thinking', 'anthropic-messages', { thinking: { type: 'adaptive' }, temperature: 0 }],
  ['top_k beside thinking', 'anthropic-messages', { thinking: { type: 'enabled' }, top_k: 1 }],
  ['top_p beside thinking', 'anthropic-messages', { thinking: { type: 'enabled' }, top_p: 0.9 }],
  ['a tool message that answers no call', 'openai-chat', { messages: [{ role: 'tool', tool_call_id: 'a' }] }],
  [
    'a tool call that is not answered by the next messages',
    'openai-chat',
    { messages: [{ role: 'assistant', tool_calls: [call('a')] }, { role: 'user' }] },
  ],
  [
    'a tool call without its answer at the end',
    'openai-chat',
    { messages: [{ role: 'assistant', tool_calls: [call('a')] }] },
  ],
  ['tool name a.b', 'openai-chat', { tools: [{ type: 'function', function: { name: 'a.b' } }] }],
  [
    'two tools of one name',
    'openai-responses',
    { tools: [1, 2].map(() => ({ type: 'function', name: 'shell' })) },
  ],
  [
    'a function call or its output without the other',
    'openai-responses',
    { input: [{ type: 'function_call_output', call_id: 'a' }] },
  ],
  [
    'a tool_use or a tool_result without the other in the message beside',
    'anthropic-messages',
    { messages: [{ role: 'assistant', content: [use('a')] }] },
  ],
  [
    'tool_use id a|b',
    'anthropic-messages',
    {
      messages: [
        { role: 'assistant', content: [use('a|b')] },
        { role: 'user', content: [used('a|b')] },
      ],
    },
  ],
  [
    'a tool loop without the thinking it began with',
    'anthropic-messages',
    {
      thinking: { type: 'enabled' },
      messages: [
        { role: 'assistant', content: [use('a')] },
        { role: 'user', content: [used('a')] },
      ],
    },
  ],
  [
    '5 cache hints',
    'anthropic-messages',
    { system: Array.from({ length: 5 }, () => ({ type: 'text', cache_control: { type: 'ephemeral' } })) },
  ],
  [
    'schema field $schema',
    'gemini',
    {
      tools: [
        {
          functionDeclarations: [
            { name: 'shell', parameters: { type: 'OBJECT', properties: { command: { $schema: 's' } } } },
          ],
        },
      ],
    },
  ],
  [
    'function calls that the next content does not answer one by one',
    'gemini',
    { contents: [asked, called(true), asked] },
  ],
  [
    'a function call of this turn without its signature',
    'gemini',
    { contents: [asked, called(false), answered] },
  ],
];

describe('what the real providers would refuse', () => {
  test.each(KEPT)('is not: %s (%s)', (_why, dialect, body) => {
    expect(brokenRules(dialect, body)).toEqual([]);
  });

  test.each(BROKEN)('is: %s (%s)', (rule, dialect, body) => {
    expect(brokenRules(dialect, body)).toEqual([rule]);
  });
});
