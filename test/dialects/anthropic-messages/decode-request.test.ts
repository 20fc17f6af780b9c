import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const USER = { role: 'user', content: 'Hello' };
const decode = (fields: JsonObject) =>
  anthropicMessages.decodeRequest({ model: 'claude-opus-5', max_tokens: 100, messages: [USER], ...fields });
const decodeBlock = (block: JsonObject, role = 'user') =>
  decode({ messages: [{ role, content: [block] }] }).messages[0]?.content[0];

function refusalOf(body: JsonObject): GatewayError {
  try {
    anthropicMessages.decodeRequest(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('The request was not refused.');
}

describe('a request in Anthropic’s format', () => {
  test('decodes as Claude Code sends it', () => {
    const request = decode({
      model: 'claude-opus-5-5',
      system: [
        { type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } },
        { type: 'text', text: 'Be brief.' },
      ],
      messages: [
        USER,
        { role: 'system', content: 'The working folder changed.' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { a: 1 } }] },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'done', is_error: false }],
        },
      ],
      tools: [{ name: 'Bash', description: 'Runs', input_schema: { type: 'object' } }],
      metadata: { user_id: 'user_1' },
      max_tokens: 128_000,
      thinking: { type: 'adaptive', display: 'omitted' },
      context_management: { edits: [{ type: 'clear_thinking' }] },
      output_config: { effort: 'medium' },
      stream: true,
    });
    expect(request).toEqual({
      model: 'claude-opus-5-5',
      messages: [
        {
          role: 'system',
          content: [
            { type: 'text', text: 'You are an agent.', cacheHint: { type: 'ephemeral' } },
            { type: 'text', text: 'Be brief.' },
          ],
        },
        { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
        { role: 'system', content: [{ type: 'text', text: 'The working folder changed.' }] },
        {
          role: 'assistant',
          content: [
            { type: 'tool-call', kind: 'function', id: 'toolu_1', name: 'Bash', arguments: '{"a":1}' },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool-result',
              callId: 'toolu_1',
              content: [{ type: 'text', text: 'done' }],
              isError: false,
            },
          ],
        },
      ],
      stream: true,
      includeUsage: true,
      tools: [{ type: 'function', name: 'Bash', description: 'Runs', parameters: { type: 'object' } }],
      maxOutputTokens: 128_000,
      reasoning: { enabled: true, adaptive: true, effort: 'medium', display: 'omitted' },
      endUser: 'user_1',
      nativeOptions: { context_management: { edits: [{ type: 'clear_thinking' }] } },
      unknownFields: [],
    });
  });

  test.each<[string, JsonObject, JsonObject]>([
    [
      'base64',
      { type: 'base64', media_type: 'image/png', data: 'aGk=' },
      { type: 'base64', mediaType: 'image/png', data: 'aGk=' },
    ],
    ['url', { type: 'url', url: 'https://a.example/b.png' }, { type: 'url', url: 'https://a.example/b.png' }],
    ['file', { type: 'file', file_id: 'file_1' }, { type: 'provider-file', id: 'file_1' }],
  ])('may hold images by %s', (_name, source, expected) => {
    expect(decodeBlock({ type: 'image', source })).toEqual({ type: 'image', source: expected });
  });

  test('may hold documents, of which plain text is text', () => {
    const pdf = { type: 'base64', media_type: 'application/pdf', data: 'JVBE' };
    expect(decodeBlock({ type: 'document', source: pdf, title: 'Report' })).toEqual({
      type: 'file',
      source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' },
      name: 'Report',
    });
    expect(
      decodeBlock({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hi' } }),
    ).toEqual({ type: 'text', text: 'Hi' });
  });

  test.each<[string, JsonObject, string]>([
    ['server tool calls', { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }, 'assistant'],
    ['server tool results', { type: 'web_search_tool_result', tool_use_id: 's', content: [] }, 'assistant'],
    [
      'documents with citations',
      { type: 'document', source: { type: 'url', url: 'https://a' }, citations: { enabled: true } },
      'user',
    ],
    ['blocks still to come', { type: 'hologram', beam: 1 }, 'user'],
  ])('keeps %s for its own dialect', (_name, block, role) => {
    expect(decodeBlock(block, role)).toEqual({
      type: 'native',
      dialect: 'anthropic-messages',
      name: block['type'],
      value: block,
    });
  });

  test.each<[string, JsonObject, string]>([
    ['documents of blocks', { type: 'document', source: { type: 'content', content: 'x' } }, 'x'],
    [
      'documents that ask for citations',
      {
        type: 'document',
        title: 'T',
        context: 'C',
        source: { type: 'text', media_type: 'text/plain', data: 'D' },
        citations: { enabled: true },
      },
      'T\n\nC\n\nD',
    ],
    [
      'search results',
      {
        type: 'search_result',
        title: 'T',
        source: 'https://a',
        content: [
          { type: 'text', text: 'one' },
          { type: 'text', text: 'two' },
        ],
      },
      'T\n\nhttps://a\n\none\n\ntwo',
    ],
    [
      'references to tools',
      { type: 'tool_reference', tool_name: 'Edit' },
      'The tool Edit can be called now.',
    ],
  ])('keeps %s for its own dialect, with what they say to any model', (_name, block, text) => {
    expect(decodeBlock(block)).toEqual({
      type: 'native',
      dialect: 'anthropic-messages',
      name: block['type'],
      value: block,
      text,
    });
  });

  test('names what of its tools and options it does not know', () => {
    const { unknownFields } = decode({
      x_new: 1,
      tools: [
        { name: 'a', input_schema: {}, defer_loading: true, input_examples: [] },
        { name: 'b', input_schema: {}, defer_loading: true },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 1 },
      ],
      thinking: { type: 'adaptive', pace: 'slow' },
      output_config: { effort: 'low', task_budget: { total: 1 } },
    });
    expect(unknownFields).toEqual([
      'x_new',
      'thinking.pace',
      'output_config.task_budget',
      'tools.defer_loading',
      'tools.input_examples',
    ]);
  });

  test('keeps thinking with its signature, and knows unsigned thinking', () => {
    expect(decodeBlock({ type: 'thinking', thinking: 'Hm', signature: 'sig' }, 'assistant')).toEqual({
      type: 'reasoning',
      text: 'Hm',
      signature: 'sig',
      dialect: 'anthropic-messages',
    });
    expect(decodeBlock({ type: 'thinking', thinking: 'Hm', signature: '' }, 'assistant')).toEqual({
      type: 'reasoning',
      text: 'Hm',
      dialect: 'anthropic-messages',
    });
    expect(decodeBlock({ type: 'redacted_thinking', data: 'opaque' }, 'assistant')).toEqual({
      type: 'reasoning-encrypted',
      data: 'opaque',
      dialect: 'anthropic-messages',
    });
  });

  test('puts tool results before what else a turn says', () => {
    const request = decode({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'See' },
            {
              type: 'tool_result',
              tool_use_id: 't',
              is_error: true,
              content: [
                { type: 'image', source: { type: 'url', url: 'https://a' } },
                { type: 'tool_reference', tool_name: 'x' },
              ],
            },
          ],
        },
      ],
    });
    expect(request.messages[0]?.content.map((part) => part.type)).toEqual(['tool-result', 'text']);
    expect(request.messages[0]?.content[0]).toMatchObject({
      isError: true,
      content: [{ type: 'image' }, { type: 'native', name: 'tool_reference' }],
    });
  });

  test('tells tools the caller runs from tools Anthropic hosts', () => {
    const { tools } = decode({
      tools: [
        { type: 'bash_20250124', name: 'bash' },
        { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 3 },
        { type: 'custom', name: 'own', input_schema: {}, strict: true, cache_control: { type: 'ephemeral' } },
      ],
      mcp_servers: [{ type: 'url', url: 'https://mcp.example', name: 'm' }],
    });
    expect(tools?.map((tool) => [tool.type, tool.name, 'runBy' in tool ? tool.runBy : undefined])).toEqual([
      ['hosted', 'bash', 'caller'],
      ['hosted', 'str_replace_based_edit_tool', 'caller'],
      ['hosted', 'web_search', undefined],
      ['function', 'own', undefined],
      ['hosted', 'mcp_servers', undefined],
    ]);
  });

  test.each<[JsonObject, JsonObject]>([
    [{ type: 'auto' }, { toolChoice: { type: 'auto' } }],
    [
      { type: 'any', disable_parallel_tool_use: true },
      { toolChoice: { type: 'required' }, parallelToolCalls: false },
    ],
    [{ type: 'tool', name: 'a' }, { toolChoice: { type: 'tool', name: 'a' } }],
    [{ type: 'none' }, { toolChoice: { type: 'none' } }],
  ])('reads the tool choice %j', (tool_choice, expected) => {
    expect(decode({ tool_choice })).toMatchObject(expected);
  });

  test.each<[JsonObject, JsonObject]>([
    [
      { thinking: { type: 'enabled', budget_tokens: 2048 } },
      { reasoning: { enabled: true, budgetTokens: 2048 } },
    ],
    [{ thinking: { type: 'disabled' } }, { reasoning: { enabled: false } }],
    [
      { output_format: { type: 'json_schema', schema: { a: 1 } } },
      { responseFormat: { type: 'json-schema', schema: { a: 1 } } },
    ],
    [
      { output_config: { format: { type: 'json_schema', schema: {} } } },
      { responseFormat: { type: 'json-schema', schema: {} } },
    ],
    [
      { temperature: 0.5, top_p: 0.9, top_k: 5, stop_sequences: ['X'] },
      { temperature: 0.5, topP: 0.9, topK: 5, stop: ['X'] },
    ],
    [{ service_tier: 'standard_only' }, { serviceTier: 'standard_only' }],
    [{ speed: 'fast' }, { serviceTier: 'fast', nativeOptions: { speed: 'fast' } }],
    [{ metadata: { user_id: 'u', team: 'blue' } }, { endUser: 'u', metadata: { team: 'blue' } }],
    [
      { future_option: 1, container: 'c' },
      { unknownFields: ['future_option'], nativeOptions: { container: 'c' } },
    ],
  ])('reads the options %j', (fields, expected) => {
    expect(decode(fields)).toMatchObject(expected);
  });

  test('ignores the options the gateway reads itself', () => {
    const request = anthropicMessages.decodeRequest({
      models: ['a/b', 'c/d'],
      provider: { order: [] },
      session_id: 's',
      usage: { include: true },
      user: 'u',
      max_tokens: 1,
      messages: [USER],
    });
    expect(request.model).toBe('a/b');
    expect(request.unknownFields).toEqual([]);
  });
});

describe('a wrong request is refused with the place, the expected and the given kind', () => {
  const base: JsonObject = { model: 'm', max_tokens: 1, messages: [USER] };
  const withBlock = (block: unknown, role = 'user'): JsonObject => ({
    ...base,
    // The tests give whatever JSON can hold.
    messages: [{ role, content: [block as JsonObject] }],
  });
  test.each<[string, JsonObject, string]>([
    ['model', { ...base, model: 5 }, 'model: expected a string, got a number.'],
    ['model', { max_tokens: 1, messages: [USER] }, "model: expected a model's name, got nothing."],
    [
      'models[0]',
      { max_tokens: 1, messages: [USER], models: [7] },
      "models[0]: expected a model's name, got a number.",
    ],
    ['max_tokens', { model: 'm', messages: [USER] }, 'max_tokens: expected a number, got nothing.'],
    ['max_tokens', { ...base, max_tokens: 1.5 }, 'max_tokens: expected a whole number, got a number.'],
    ['messages', { ...base, messages: [] }, 'messages: expected at least 1 element, got an empty array.'],
    ['messages', { ...base, messages: 'hi' }, 'messages: expected an array, got a string.'],
    ['messages[0]', { ...base, messages: [null] }, 'messages[0]: expected an object, got null.'],
    [
      'messages[0].role',
      { ...base, messages: [{ role: 'tool', content: '' }] },
      'messages[0].role: expected one of "user", "assistant", "system", got a string.',
    ],
    [
      'messages[0].content',
      { ...base, messages: [{ role: 'user' }] },
      'messages[0].content: expected a string or an array of blocks, got nothing.',
    ],
    [
      'messages[0].content[0].type',
      withBlock({}),
      'messages[0].content[0].type: expected a string, got nothing.',
    ],
    [
      'messages[0].content[0].source.data',
      withBlock({ type: 'image', source: { type: 'base64', media_type: 'a/b', data: 7 } }),
      'messages[0].content[0].source.data: expected a string, got a number.',
    ],
    [
      'messages[0].content[0].input',
      withBlock({ type: 'tool_use', id: 'a', name: 'b', input: 'c' }, 'assistant'),
      'messages[0].content[0].input: expected an object, got a string.',
    ],
    [
      'messages[0].content[0].content[0].text',
      withBlock({ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text' }] }),
      'messages[0].content[0].content[0].text: expected a string, got nothing.',
    ],
    [
      'messages[0].content[0].type',
      withBlock({ type: 'tool_result', tool_use_id: 'a' }, 'assistant'),
      'messages[0].content[0].type: expected a block that stands outside user turns, got a string.',
    ],
    [
      'system[0].text',
      { ...base, system: [{ type: 'text', text: [] }] },
      'system[0].text: expected a string, got an empty array.',
    ],
    [
      'tools[0].input_schema',
      { ...base, tools: [{ name: 'a' }] },
      'tools[0].input_schema: expected an object, got nothing.',
    ],
    [
      'tool_choice.name',
      { ...base, tool_choice: { type: 'tool' } },
      'tool_choice.name: expected a string, got nothing.',
    ],
    ['stream', { ...base, stream: 'yes' }, 'stream: expected true or false, got a string.'],
    [
      'thinking.budget_tokens',
      { ...base, thinking: { type: 'enabled', budget_tokens: '1' } },
      'thinking.budget_tokens: expected a number, got a string.',
    ],
  ])('%s', (param, body, message) => {
    const error = refusalOf(body);
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBe(param);
    expect(error.message).toBe(message);
  });

  test('without repeating what stands there', () => {
    const error = refusalOf({ ...base, messages: [{ role: 'my secret prompt', content: 'x' }] });
    expect(JSON.stringify([error.message, error.metadata])).not.toContain('secret');
  });

  test('when it is nested deeper than any request needs', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    const error = refusalOf({ ...base, tools: [{ name: 'a', input_schema: { deep } }] });
    expect(error.param).toBe('tools');
  });
});
