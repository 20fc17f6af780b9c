import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import type { AnswerEnvelope, Dialect, DialectId, ReasoningField } from '../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent, FinishReason } from '../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';
import { at } from './events.ts';

/** Conversations that one provider began and another goes on with, as their callers hold them. */

const envelope = (upstreamDialect: DialectId): AnswerEnvelope => ({
  id: 'gen-1',
  model: 'p/m',
  createdAtSeconds: 1,
  includeUsage: true,
  upstreamDialect,
});

const answer = (events: readonly ChatEvent[], reason: FinishReason = 'tool-calls'): readonly ChatEvent[] => [
  { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
  ...events,
  { type: 'finish', choice: 0, reason, upstreamReason: undefined },
  { type: 'end' },
];
const thought = (block: number, signature: string | undefined): readonly ChatEvent[] => [
  { type: 'reasoning-start', kind: 'raw', ...at(block) },
  { type: 'reasoning-delta', text: 'Hm.', ...at(block) },
  ...(signature === undefined ? [] : [{ type: 'block-signature', signature, ...at(block) } as const]),
  { type: 'block-end', ...at(block) },
];
const call = (block: number, id: string, signature?: string): readonly ChatEvent[] => [
  { type: 'tool-call-start', kind: 'function', id, name: 'look', ...at(block) },
  { type: 'tool-call-delta', arguments: '{"x":1}', ...at(block) },
  ...(signature === undefined ? [] : [{ type: 'block-signature', signature, ...at(block) } as const]),
  { type: 'block-end', ...at(block) },
];

/** The next request of a caller of Anthropic's format: its last answer, and what its tool gave. */
function anthropicNext(events: readonly ChatEvent[], from: DialectId): JsonObject {
  const { content } = JSON.parse(anthropicMessages.encodeAnswer(events, envelope(from)));
  const calls = content.filter(({ type }: JsonObject) => type === 'tool_use');
  return {
    model: 'm',
    max_tokens: 2000,
    messages: [
      { role: 'user', content: 'Go.' },
      { role: 'assistant', content },
      {
        role: 'user',
        content: calls.map(({ id }: JsonObject) => ({
          type: 'tool_result',
          tool_use_id: id,
          content: [
            { type: 'text', text: 'seen' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          ],
        })),
      },
    ],
  };
}

/** The same of a caller of OpenAI's format, who keeps the fields it does not know. */
function openaiNext(events: readonly ChatEvent[], from: DialectId): JsonObject {
  const { message } = JSON.parse(openaiChat.encodeAnswer(events, envelope(from))).choices[0];
  return {
    model: 'm',
    messages: [
      { role: 'user', content: 'Go.' },
      message,
      ...message.tool_calls.map(({ id }: JsonObject) => ({
        role: 'tool',
        tool_call_id: id,
        content: [
          { type: 'text', text: 'seen' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
        ],
      })),
    ],
  };
}

const TARGET = { model: 'claude-opus-5', maxOutputTokens: 2000 };

function sent(from: Dialect, body: JsonObject, to: Dialect, reasoningField?: ReasoningField) {
  const target = { ...TARGET, ...(reasoningField !== undefined && { reasoningField }) };
  const { body: wire, unsupported, omitted } = to.encodeRequest(from.decodeRequest(body), target);
  return { messages: JSON.parse(JSON.stringify(wire['messages'])), unsupported, omitted };
}

const patched = (dialect: Dialect, body: JsonObject) =>
  JSON.parse(dialect.patchRequest(JSON.stringify(body), dialect.decodeRequest(body), TARGET)).messages;

describe('a caller of Anthropic’s format', () => {
  test('goes from Anthropic to OpenAI without Anthropic’s thinking, and is told', () => {
    const body = anthropicNext(answer([...thought(0, 'c2ln'), ...call(1, 'toolu_1')]), 'anthropic-messages');
    expect(sent(anthropicMessages, body, openaiChat)).toEqual({
      messages: [
        { role: 'user', content: 'Go.' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'toolu_1', type: 'function', function: { name: 'look', arguments: '{"x":1}' } }],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: 'seen' },
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] },
      ],
      unsupported: [],
      omitted: [{ feature: 'reasoning_content' }],
    });
  });

  test('gives reasoning back to the OpenAI-compatible provider that takes it, as it takes it', () => {
    const body = anthropicNext(answer([...thought(0, undefined), ...call(1, 'call_1')]), 'openai-chat');
    for (const field of ['reasoning_content', 'reasoning'] as const) {
      const { messages, omitted } = sent(anthropicMessages, body, openaiChat, field);
      expect(messages[1]).toMatchObject({ role: 'assistant', [field]: 'Hm.' });
      expect(omitted).toEqual([]);
    }
  });

  test('gives no reasoning back to an OpenAI-compatible provider that may refuse it, and is told', () => {
    const body = anthropicNext(answer([...thought(0, undefined), ...call(1, 'call_1')]), 'openai-chat');
    const { messages, omitted } = sent(anthropicMessages, body, openaiChat);
    expect(JSON.stringify(messages)).not.toContain('Hm.');
    expect(omitted).toEqual([{ feature: 'reasoning_content' }]);
  });

  test('gives signed reasoning back to the provider of OpenRouter’s form as it came', () => {
    const chunk = {
      choices: [
        {
          index: 0,
          message: {
            content: 'Yes.',
            reasoning: 'Hm.',
            reasoning_details: [
              {
                type: 'reasoning.text',
                text: 'Hm.',
                signature: 'c2ln',
                format: 'anthropic-claude-v1',
                index: 0,
              },
            ],
          },
          finish_reason: 'stop',
        },
      ],
    };
    const { events } = openaiChat.decodeAnswer(JSON.stringify(chunk));
    const body = anthropicNext(events, 'openai-chat');
    const { messages } = sent(anthropicMessages, body, openaiChat, 'reasoning_details');
    expect(messages[1]).toEqual({
      role: 'assistant',
      content: 'Yes.',
      reasoning_details: [
        { type: 'reasoning.text', text: 'Hm.', signature: 'c2ln', format: 'anthropic-claude-v1', index: 0 },
      ],
    });
  });

  test('goes from another provider to Anthropic without what Anthropic would refuse', () => {
    const closed: readonly ChatEvent[] = [
      { type: 'reasoning-start', kind: 'encrypted', ...at(1) },
      { type: 'reasoning-delta', text: 'b3BhcXVl', ...at(1) },
      { type: 'block-end', ...at(1) },
    ];
    const events = answer([...thought(0, 'Z2Vt'), ...closed, ...call(2, 'functions.look:0')]);
    const body = anthropicNext(events, 'gemini');
    const [, assistant, user] = patched(anthropicMessages, body);
    expect(assistant.content).toEqual([
      { type: 'tool_use', id: expect.stringMatching(/^[a-zA-Z0-9_-]+$/), name: 'look', input: { x: 1 } },
    ]);
    expect(user.content[0].tool_use_id).toBe(assistant.content[0].id);
  });

  test('thinks without a budget at Anthropic inside a tool loop that another provider began', () => {
    const begun = anthropicNext(answer([...thought(0, undefined), ...call(1, 'a')]), 'openai-chat');
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const bodyOf = (messages: JsonObject) =>
      JSON.parse(
        anthropicMessages.patchRequest(
          JSON.stringify({ ...messages, thinking }),
          anthropicMessages.decodeRequest({ ...messages, thinking }),
          TARGET,
        ),
      );
    expect(bodyOf(begun)).not.toHaveProperty('thinking');
    const own = anthropicNext(answer([...thought(0, 'c2ln'), ...call(1, 'a:1')]), 'anthropic-messages');
    expect(bodyOf(own)).toMatchObject({ thinking });
  });

  test('keeps for another provider the proofs that are its own', () => {
    const body = anthropicNext(answer([...thought(0, 'Z2Vt'), ...call(1, 'a')]), 'gemini');
    const [, assistant] = anthropicMessages.decodeRequest(body).messages;
    expect(assistant?.content[0]).toEqual({
      type: 'reasoning',
      text: 'Hm.',
      signature: 'Z2Vt',
      dialect: 'gemini',
    });
  });

  test('keeps every byte of what Anthropic takes, in a conversation that was elsewhere', () => {
    const own = '{ "role":"user" , "content":[{"type":"text","text":"\\u00e9"}],"x":9007199254740993}';
    const call = '{"type":"tool_use","id":"a:1","name":"f","input":{ "exact" : 12345678901234567890.10 }}';
    const foreign = '{"type":"thinking","thinking":"Hm.","signature":"sluice:gemini:signature:Z2Vt"}';
    const raw = `{"model":"m","max_tokens":2000,"messages":[${own}, {"role":"assistant","content":[${foreign}, ${call}]}]}`;
    const patchedRaw = anthropicMessages.patchRequest(
      raw,
      anthropicMessages.decodeRequest(JSON.parse(raw)),
      TARGET,
    );
    expect(patchedRaw).toContain(own);
    expect(patchedRaw).toContain('"input":{ "exact" : 12345678901234567890.10 }');
    expect(patchedRaw).not.toContain('Z2Vt');
    expect(patchedRaw).not.toContain('a:1');
  });

  test('keeps every byte of a conversation that never left Anthropic', () => {
    const body = anthropicNext(answer([...thought(0, 'c2ln'), ...call(1, 'toolu_1')]), 'anthropic-messages');
    const raw = JSON.stringify(body);
    expect(anthropicMessages.patchRequest(raw, anthropicMessages.decodeRequest(body), TARGET)).toBe(
      raw.replace('"model":"m"', '"model":"claude-opus-5"'),
    );
  });
});

describe('a caller of OpenAI’s format', () => {
  test('goes on with Anthropic, its thinking signed as it was', () => {
    const body = openaiNext(answer([...thought(0, 'c2ln'), ...call(1, 'toolu_1')]), 'anthropic-messages');
    expect(sent(openaiChat, body, anthropicMessages)).toEqual({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Go.' }] },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
            { type: 'tool_use', id: 'toolu_1', name: 'look', input: { x: 1 } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: [
                { type: 'text', text: 'seen' },
                { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
              ],
            },
          ],
        },
      ],
      unsupported: [],
      omitted: [],
    });
  });

  test('keeps Gemini’s signature of a tool call, in Google’s spelling', () => {
    const body = openaiNext(answer(call(0, 'a', 'Z2Vt')), 'gemini');
    expect(body['messages']).toMatchObject([
      {},
      { tool_calls: [{ id: 'a', extra_content: { google: { thought_signature: 'Z2Vt' } } }] },
      {},
    ]);
    const [, assistant] = openaiChat.decodeRequest(body).messages;
    expect(assistant?.content).toEqual([
      { type: 'tool-call', kind: 'function', id: 'a', name: 'look', arguments: '{"x":1}', signature: 'Z2Vt' },
    ]);
    expect(sent(openaiChat, body, anthropicMessages).omitted).toEqual([{ feature: 'reasoning_content' }]);
  });

  test('keeps Gemini’s signature of a tool call, in OpenRouter’s spelling', () => {
    const toolCall = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } };
    const detail = {
      type: 'reasoning.encrypted',
      id: 'a',
      data: 'Z2Vt',
      format: 'google-gemini-v1',
      index: 0,
    };
    const { messages } = openaiChat.decodeRequest({
      model: 'm',
      messages: [{ role: 'assistant', content: null, tool_calls: [toolCall], reasoning_details: [detail] }],
    });
    expect(messages[0]?.content).toMatchObject([{ type: 'tool-call', signature: 'Z2Vt' }]);
  });

  test('reads Gemini’s signature from a stream, before or after the call has its name', async () => {
    const signed = { extra_content: { google: { thought_signature: 'Z2Vt' } } };
    const named = { function: { name: 'look', arguments: '{}' } };
    for (const pieces of [
      [{ id: 'a', ...signed, ...named }],
      [{ id: 'a', ...signed }, named],
      [{ id: 'a', ...named }, signed],
    ]) {
      const chunks = pieces.map((piece) => ({
        choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...piece }] } }],
      }));
      const stream = [...chunks, { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] }]
        .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
        .join('');
      const bytes = (async function* () {
        yield new TextEncoder().encode(`${stream}data: [DONE]\n\n`);
      })();
      const frames = await Array.fromAsync(openaiChat.decodeStream(bytes));
      expect(frames.flatMap(({ events }) => events)).toContainEqual({
        type: 'block-signature',
        signature: 'Z2Vt',
        dialect: 'gemini',
        ...at(0),
      });
    }
  });

  test('has ids that OpenAI takes, the same in call and result, and no two alike', () => {
    const long = (end: string): string => `toolu_${'x'.repeat(60)}${end}`;
    const body = anthropicNext(answer([...call(0, long('a')), ...call(1, long('b'))]), 'anthropic-messages');
    const { messages } = sent(anthropicMessages, body, openaiChat);
    const ids = messages[1].tool_calls.map(({ id }: JsonObject) => id);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id.length).toBeLessThanOrEqual(40);
    expect([messages[2].tool_call_id, messages[3].tool_call_id]).toEqual(ids);
  });
});

describe('tools that a provider ran', () => {
  test('are history for another one: left out and named, not refused', () => {
    const body: JsonObject = {
      model: 'm',
      max_tokens: 10,
      messages: [
        { role: 'user', content: 'Who won?' },
        {
          role: 'assistant',
          content: [
            { type: 'server_tool_use', id: 's', name: 'web_search', input: { query: 'won' } },
            { type: 'web_search_tool_result', tool_use_id: 's', content: [] },
            { type: 'text', text: 'They did.' },
          ],
        },
        { role: 'user', content: 'Sure?' },
      ],
    };
    const { messages, unsupported, omitted } = sent(anthropicMessages, body, openaiChat);
    expect(messages[1]).toEqual({ role: 'assistant', content: 'They did.' });
    expect(unsupported).toEqual([]);
    expect(omitted.map(({ detail }) => detail)).toEqual(['server_tool_use', 'web_search_tool_result']);
  });
});

describe('schemas of tools', () => {
  const LONG = 'x'.repeat(200);
  const tool = (parameters: JsonObject | undefined, name = 'f') =>
    ({ type: 'function', name, ...(parameters === undefined ? {} : { parameters }) }) as const;
  const encodedBy = (dialect: Dialect, parameters: JsonObject | undefined, name?: string) => {
    const { body, unsupported, omitted } = dialect.encodeRequest(
      {
        model: 'm',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }],
        stream: false,
        includeUsage: false,
        tools: [tool(parameters, name)],
        nativeOptions: {},
        unknownFields: [],
      },
      TARGET,
    );
    return { tools: JSON.parse(JSON.stringify(body['tools'] ?? [])), unsupported, omitted };
  };
  const properties = { a: { type: 'string' } };

  test.each<[string, JsonObject | undefined, JsonObject | undefined, JsonObject]>([
    ['none', undefined, undefined, { type: 'object', properties: {} }],
    ['empty ones', {}, { type: 'object', properties: {} }, { type: 'object' }],
    ['those without a type', { properties }, { type: 'object', properties }, { type: 'object', properties }],
    [
      'those of an object with nothing in it',
      { type: 'object' },
      { type: 'object', properties: {} },
      { type: 'object' },
    ],
    [
      'closed ones',
      { type: 'object', properties, additionalProperties: false },
      { type: 'object', properties, additionalProperties: false },
      { type: 'object', properties, additionalProperties: false },
    ],
  ])('become what each format takes: %s', (_name, parameters, openai, anthropic) => {
    const toOpenai = encodedBy(openaiChat, parameters);
    expect(toOpenai.tools[0].function.parameters).toEqual(openai);
    const toAnthropic = encodedBy(anthropicMessages, parameters);
    expect(toAnthropic.tools[0].input_schema).toEqual(anthropic);
    expect([...toOpenai.unsupported, ...toAnthropic.unsupported]).toEqual([]);
  });

  test.each([openaiChat, anthropicMessages])(
    'lose alternatives beside their properties, by name ($id)',
    (dialect) => {
      const { tools, unsupported, omitted } = encodedBy(dialect, {
        type: 'object',
        properties,
        anyOf: [{ required: ['a'] }],
      });
      const schema = tools[0].input_schema ?? tools[0].function.parameters;
      expect(schema).toEqual({ type: 'object', properties });
      expect({ unsupported, omitted }).toEqual({
        unsupported: [],
        omitted: [{ feature: 'tool_schema', detail: 'f' }],
      });
    },
  );

  test.each([openaiChat, anthropicMessages])(
    'of no object are refused, as names are that do not fit ($id)',
    (dialect) => {
      expect(encodedBy(dialect, { anyOf: [{ type: 'object' }] }).unsupported).toEqual([
        { feature: 'tool_schema', detail: 'f' },
      ]);
      expect(encodedBy(dialect, { type: 'string' }).unsupported).toEqual([
        { feature: 'tool_schema', detail: 'f' },
      ]);
      expect(encodedBy(dialect, undefined, LONG).unsupported).toEqual([{ feature: 'tools', detail: LONG }]);
      expect(encodedBy(dialect, undefined, 'a.b').unsupported).toEqual([{ feature: 'tools', detail: 'a.b' }]);
    },
  );
});
