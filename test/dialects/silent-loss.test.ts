import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { bedrockConverse } from '../../lambda/dialects/bedrock-converse/dialect.ts';
import { cohereChat } from '../../lambda/dialects/cohere-chat/dialect.ts';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { gemini } from '../../lambda/dialects/gemini/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { openaiResponses } from '../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatRequest, ContentPart, Message, Tool } from '../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';

/** Whatever a caller asks for changes what is sent, or is named as left out: nothing goes without a word. */

const ENCODERS: readonly (readonly [string, Dialect, string])[] = [
  ['OpenAI’s chat', openaiChat, 'gpt-5'],
  ['OpenAI’s responses', openaiResponses, 'gpt-5'],
  ['Anthropic, adaptive', anthropicMessages, 'claude-opus-5'],
  ['Anthropic, by a budget', anthropicMessages, 'claude-sonnet-4-20250514'],
  ['Gemini 2.5', gemini, 'gemini-2.5-pro'],
  ['Gemini 3', gemini, 'gemini-3-pro'],
  ['Claude on Bedrock', bedrockConverse, 'us.anthropic.claude-sonnet-4-20250514-v1:0'],
  ['Nova', bedrockConverse, 'amazon.nova-pro-v1:0'],
  ['Cohere', cohereChat, 'command-a-03-2025'],
];

const ask = (parts: readonly ContentPart[]): Message => ({ role: 'user', content: parts });
const BASE: ChatRequest = {
  model: 'm',
  stream: false,
  includeUsage: true,
  maxOutputTokens: 5_000,
  messages: [ask([{ type: 'text', text: 'Hi' }])],
  tools: [
    { type: 'function', name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  ],
  nativeOptions: {},
  unknownFields: [],
};

const OPTIONS: readonly Partial<ChatRequest>[] = [
  { toolChoice: { type: 'none' } },
  { toolChoice: { type: 'required' } },
  { toolChoice: { type: 'tool', name: 'f' } },
  { parallelToolCalls: false },
  { temperature: 0.5 },
  { temperature: 1.5 },
  { topP: 0.5 },
  { topK: 5 },
  { frequencyPenalty: 0.5 },
  { presencePenalty: 0.5 },
  { stop: ['x'] },
  { stop: ['1', '2', '3', '4', '5', '6'] },
  { seed: 5 },
  { choices: 2 },
  { logprobs: true },
  { topLogprobs: 3 },
  { logitBias: { a: 1 } },
  { responseFormat: { type: 'json' } },
  { responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' }, strict: true } },
  { reasoning: { enabled: true, effort: 'low' } },
  { reasoning: { enabled: true, effort: 'unheard-of' } },
  { reasoning: { enabled: true, budgetTokens: 2_000 } },
  { verbosity: 'low' },
  { serviceTier: 'flex' },
  { serviceTier: 'fast' },
  { endUser: 'u' },
];

const PIXEL = { type: 'base64', mediaType: 'image/png', data: 'aGk=' } as const;
const PDF = { type: 'base64', mediaType: 'application/pdf', data: 'aGk=' } as const;
const WAV = { type: 'base64', mediaType: 'audio/wav', data: 'aGk=' } as const;
const HINT = { cacheHint: { type: 'ephemeral' } };
const CALL = { type: 'tool-call', kind: 'function', id: 'a', name: 'f', arguments: '{}' } as const;

/** A part of a turn, and the same turn without what it asks for. */
const PARTS: readonly (readonly [Message['role'], ContentPart, ContentPart | undefined])[] = [
  ['user', { type: 'image', source: PIXEL }, undefined],
  ['user', { type: 'image', source: PIXEL, detail: 'low' }, { type: 'image', source: PIXEL }],
  ['user', { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } }, undefined],
  ['user', { type: 'audio', source: WAV }, undefined],
  ['user', { type: 'file', source: PDF }, undefined],
  ['user', { type: 'file', source: { type: 'url', url: 'https://a.example/b.pdf' } }, undefined],
  ['user', { type: 'text', text: 'x', ...HINT }, { type: 'text', text: 'x' }],
  ['user', { type: 'native', dialect: 'other', name: 'n', value: {} }, undefined],
  ['user', { type: 'native', dialect: 'other', name: 'n', value: {}, text: 'words' }, undefined],
  ['system', { type: 'text', text: 'x', ...HINT }, { type: 'text', text: 'x' }],
  ['system', { type: 'image', source: PIXEL }, undefined],
  ['system', { type: 'native', dialect: 'other', name: 'n', value: {}, text: 'words' }, undefined],
  ['developer', { type: 'text', text: 'Be brief.' }, undefined],
  ['assistant', { type: 'refusal', text: 'No.' }, undefined],
  ['assistant', { type: 'reasoning', text: 'Hm.' }, undefined],
  ['assistant', { type: 'reasoning', text: 'Hm.', signature: 's', dialect: 'other' }, undefined],
  ['assistant', { type: 'reasoning-encrypted', data: 'x', dialect: 'other' }, undefined],
  ['assistant', { type: 'image', source: PIXEL }, undefined],
  ['assistant', { type: 'native', dialect: 'other', name: 'n', value: {} }, undefined],
  ['assistant', { ...CALL, signature: 's' }, CALL],
  ['assistant', { ...CALL, ...HINT }, CALL],
  ['assistant', { ...CALL, arguments: '[1]' }, CALL],
];

const RESULTS: readonly ContentPart[] = [
  { type: 'image', source: PIXEL },
  { type: 'file', source: PDF },
  { type: 'audio', source: WAV },
  { type: 'native', dialect: 'other', name: 'n', value: {}, text: 'words' },
  { type: 'native', dialect: 'other', name: 'n', value: {} },
];

const TOOLS: readonly (readonly [Tool, Tool])[] = [
  [
    { type: 'function', name: 'f', description: 'd' },
    { type: 'function', name: 'f' },
  ],
  [
    { type: 'function', name: 'f', ...HINT },
    { type: 'function', name: 'f' },
  ],
  ...(['minLength', 'const', 'pattern', 'not'] as const).map((keyword): readonly [Tool, Tool] => [
    { type: 'function', name: 'f', parameters: schemaOf({ a: { type: 'string', [keyword]: 3 } }) },
    { type: 'function', name: 'f', parameters: schemaOf({ a: { type: 'string' } }) },
  ]),
];

function schemaOf(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}

/** What is sent and what is said to be left out, as text. */
function seen(dialect: Dialect, model: string, request: ChatRequest): string {
  try {
    return JSON.stringify(dialect.encodeRequest(request, { model, maxOutputTokens: 5_000 }));
  } catch (error) {
    if (error instanceof GatewayError) return error.message;
    throw error;
  }
}

const conversation = (role: Message['role'], part: ContentPart | undefined): ChatRequest => ({
  ...BASE,
  messages: [
    ...BASE.messages,
    { role, content: [{ type: 'text', text: 'So.' }, ...(part === undefined ? [] : [part])] },
    ask([
      ...(part?.type === 'tool-call'
        ? [{ type: 'tool-result', callId: 'a', content: [], isError: false } as const]
        : []),
      { type: 'text', text: 'Go on.' },
    ]),
  ],
});

const withResult = (content: readonly ContentPart[], isError = false): ChatRequest => ({
  ...BASE,
  messages: [
    ...BASE.messages,
    { role: 'assistant', content: [CALL] },
    ask([{ type: 'tool-result', callId: 'a', content, isError }]),
  ],
});

describe.each(ENCODERS)('%s', (_name, dialect, model) => {
  const silent = <Asked>(
    asked: readonly Asked[],
    pair: (one: Asked) => readonly [ChatRequest, ChatRequest],
  ): readonly Asked[] =>
    asked.filter((one) => {
      const [request, without] = pair(one);
      return seen(dialect, model, request) === seen(dialect, model, without);
    });

  test('loses no option of a request', () => {
    expect(silent(OPTIONS, (option) => [{ ...BASE, ...option }, BASE])).toEqual([]);
  });

  test('loses nothing that a turn holds', () => {
    expect(
      silent(PARTS, ([role, part, without]) => [conversation(role, part), conversation(role, without)]),
    ).toEqual([]);
  });

  test('loses nothing of what a tool gave, nor that it failed', () => {
    expect(silent(RESULTS, (part) => [withResult([part]), withResult([])])).toEqual([]);
    expect(silent([true], (isError) => [withResult([], isError), withResult([])])).toEqual([]);
  });

  test('loses nothing of a tool', () => {
    expect(
      silent(TOOLS, ([tool, without]) => [
        { ...BASE, tools: [tool] },
        { ...BASE, tools: [without] },
      ]),
    ).toEqual([]);
  });
});

test('a caller who wants no thinking is told where a model is not known to obey', () => {
  const request = { ...BASE, reasoning: { enabled: false } };
  for (const dialect of [openaiChat, openaiResponses])
    expect(dialect.encodeRequest(request, { model: 'gpt-5', maxOutputTokens: 9 }).omitted).toEqual([
      { feature: 'reasoning' },
    ]);
});

test('a caller who wants no thinking shown is shown none by OpenAI', () => {
  const reasoning = { enabled: true, effort: 'low', display: 'omitted' };
  const { body } = openaiResponses.encodeRequest(
    { ...BASE, reasoning },
    { model: 'gpt-5', maxOutputTokens: 9 },
  );
  expect(body['reasoning']).toEqual({ effort: 'low' });
});

describe.each([
  ['OpenAI’s responses', openaiResponses, 'gpt-5'],
  ['Bedrock', bedrockConverse, 'us.anthropic.claude-sonnet-4-20250514-v1:0'],
])('the tools of %s', (_name, dialect, model) => {
  const encode = (tool: Tool) => {
    const { body, unsupported, omitted } = dialect.encodeRequest(
      { ...BASE, tools: [tool] },
      { model, maxOutputTokens: 9 },
    );
    return { text: JSON.stringify(body['tools'] ?? body['toolConfig']), unsupported, omitted };
  };
  const properties = { a: { type: 'string' } };
  const tool = (parameters: JsonObject | undefined, name = 'f'): Tool => ({
    type: 'function',
    name,
    ...(parameters !== undefined && { parameters }),
  });

  test('have a schema of an object, whatever the caller gave', () => {
    for (const given of [undefined, {}, { type: 'object' }])
      expect(encode(tool(given)).text).toContain('"type":"object"');
    expect(encode(tool(undefined)).text).toContain('"properties":{}');
    expect(encode(tool({ properties }))).toEqual(encode(tool(schemaOf(properties))));
  });

  test('lose alternatives beside their properties, by name', () => {
    const { text, unsupported, omitted } = encode(
      tool({ ...schemaOf(properties), anyOf: [{ required: ['a'] }] }),
    );
    expect(text).toBe(encode(tool(schemaOf(properties))).text);
    expect({ unsupported, omitted }).toEqual({
      unsupported: [],
      omitted: [{ feature: 'tool_schema', detail: 'f' }],
    });
  });

  test('are refused where they take no object, or have a name that does not fit', () => {
    expect(encode(tool({ type: 'string' })).unsupported).toEqual([{ feature: 'tool_schema', detail: 'f' }]);
    expect(encode(tool(undefined, 'a.b')).unsupported).toEqual([{ feature: 'tools', detail: 'a.b' }]);
  });
});
