import { describe, expect, test } from '@jest/globals';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatRequest } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const USER = { role: 'user', content: 'hi' };
const decode = (body: object): ChatRequest =>
  openaiChat.decodeRequest({ model: 'm', messages: [USER], ...body } as JsonObject);
const messagesOf = (...messages: readonly object[]) => decode({ messages }).messages;
const encode = (request: Partial<ChatRequest>) =>
  openaiChat.encodeRequest({ ...decode({}), ...request }, { model: 'up', maxOutputTokens: undefined });

function refusal(body: object): GatewayError {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('decodeRequest', () => {
  test('keeps what was left out unknown', () => {
    expect(decode({})).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
      stream: false,
      includeUsage: false,
      nativeOptions: {},
      unknownFields: [],
    });
  });

  test('takes the first of models where model is missing', () => {
    expect(decode({ model: undefined, models: ['a', 'b'] }).model).toBe('a');
    expect(refusal({ model: null }).param).toBe('model');
    expect(refusal({ model: null, models: [] }).param).toBe('model');
  });

  test('reads pictures, sounds and files from wherever they are', () => {
    const [message] = messagesOf({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'https://a.example/x.png', detail: 'low' } },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } },
        { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } },
        { type: 'file', file: { file_id: 'file-1' } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,QUJD' } },
        { type: 'video_url', video_url: { url: 'x' } },
      ],
    });
    expect(message?.content).toEqual([
      { type: 'image', source: { type: 'url', url: 'https://a.example/x.png' }, detail: 'low' },
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'QUJD' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'QUJD' } },
      { type: 'file', source: { type: 'provider-file', id: 'file-1' } },
      {
        type: 'file',
        source: { type: 'base64', mediaType: 'application/pdf', data: 'QUJD' },
        name: 'a.pdf',
      },
      {
        type: 'native',
        dialect: 'openai-chat',
        name: 'video_url',
        value: { type: 'video_url', video_url: { url: 'x' } },
      },
    ]);
  });

  test('puts results of tools at the head of the user’s next turn', () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '' } });
    const result = (id: string) => ({ role: 'tool', tool_call_id: id, content: id });
    const turns = messagesOf(
      USER,
      { role: 'assistant', content: null, tool_calls: [call('a'), call('b')] },
      result('a'),
      result('b'),
      USER,
      { role: 'assistant', tool_calls: [call('c')] },
      result('c'),
    );
    expect(turns.map(({ role, content }) => [role, content.map(({ type }) => type)])).toEqual([
      ['user', ['text']],
      ['assistant', ['tool-call', 'tool-call']],
      ['user', ['tool-result', 'tool-result', 'text']],
      ['assistant', ['tool-call']],
      ['user', ['tool-result']],
    ]);
  });

  test('joins legacy function calls with their results', () => {
    const [call, result] = messagesOf(
      { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
      { role: 'function', name: 'f', content: '1' },
    ).map(({ content }) => content[0]);
    expect(call).toMatchObject({ type: 'tool-call', name: 'f' });
    expect(result).toMatchObject({ callId: (call as { id: string }).id });
  });

  test('reads back signed reasoning in the form it was given in', () => {
    const detail = {
      type: 'reasoning.text',
      signature: 'SIG',
      format: 'anthropic-claude-v1',
      index: 0,
    };
    const expected = { type: 'reasoning', text: 'hm', signature: 'SIG', dialect: 'anthropic-messages' };
    const assistant = (fields: object) =>
      messagesOf({ role: 'assistant', content: 'x', ...fields })[0]?.content[0];
    expect(assistant({ reasoning_details: [{ ...detail, text: 'hm' }] })).toEqual(expected);
    expect(assistant({ reasoning_content: 'hm', reasoning_details: [detail] })).toEqual(expected);
    expect(
      assistant({
        reasoning_details: [
          { ...detail, signature: null, text: 'h' },
          { ...detail, text: 'm' },
        ],
      }),
    ).toEqual(expected);
    expect(assistant({ reasoning_content: 'hm' })).toEqual({
      type: 'reasoning',
      text: 'hm',
      dialect: 'openai-chat',
    });
  });

  test('keeps fields of this dialect, names unknown ones, and counts Sluice’s own as neither', () => {
    const request = decode({
      store: true,
      web_search_options: {},
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } },
      models: ['a'],
      provider: {},
      session_id: 's',
      usage: { include: true },
      shiny: 1,
    });
    expect(request.nativeOptions).toEqual({
      store: true,
      web_search_options: {},
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } },
    });
    expect(request.unknownFields).toEqual(['shiny']);
    expect(request.includeUsage).toBe(true);
  });

  test('shows tools of every type', () => {
    const tools = [
      { type: 'function', function: { name: 'f', parameters: { type: 'object' }, strict: true } },
      { type: 'custom', custom: { name: 'c', format: { type: 'text' } } },
      { type: 'web_search', filters: {} },
    ];
    expect(decode({ tools }).tools).toEqual([
      { type: 'function', name: 'f', parameters: { type: 'object' }, strict: true },
      { type: 'custom', name: 'c', format: { type: 'text' } },
      { type: 'hosted', dialect: 'openai-chat', name: 'web_search', definition: tools[2] },
    ]);
  });

  test('bounds by the larger of both limits', () => {
    expect(decode({ max_tokens: 5, max_completion_tokens: 9 }).maxOutputTokens).toBe(9);
    expect(decode({ max_tokens: 5 }).maxOutputTokens).toBe(5);
  });

  test.each([
    [{ messages: 'hi' }, 'messages', 'messages: expected an array, got a string.'],
    [{ messages: [] }, 'messages', 'messages: expected at least one message, got an empty array.'],
    [{ messages: [3] }, 'messages[0]', 'messages[0]: expected an object, got the number 3.'],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content', /expected a string or an array, got nothing/],
    [{ messages: [{ role: 'bot', content: 'x' }] }, 'messages[0].role', /expected system, developer/],
    [
      { messages: [USER, { role: 'user', content: [{ type: 'image_url', image_url: { url: 7 } }] }] },
      'messages[1].content[0].image_url.url',
      'messages[1].content[0].image_url.url: expected a string, got the number 7.',
    ],
    [
      {
        messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: {} } }] }],
      },
      'messages[0].tool_calls[0].function.arguments',
      /expected a string, got an object/,
    ],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id', /expected a string/],
    [{ temperature: 'hot' }, 'temperature', 'temperature: expected a number, got a string.'],
    [{ temperature: Number.POSITIVE_INFINITY }, 'temperature', /expected a number/],
    [{ max_tokens: 0 }, 'max_tokens', 'max_tokens: expected a whole number from 1, got the number 0.'],
    [{ n: 129 }, 'n', 'n: expected a whole number from 1 to 128, got the number 129.'],
    [{ stream: 'yes' }, 'stream', /expected true or false/],
    [{ stop: [1] }, 'stop[0]', /expected a string/],
    [{ tools: [{ type: 'function' }] }, 'tools[0].function', /expected an object, got nothing/],
    [{ tool_choice: 'sometimes' }, 'tool_choice', /expected 'auto'/],
    [{ response_format: 'json' }, 'response_format', /expected an object/],
    [{ metadata: { a: 1 } }, 'metadata.a', /expected a string/],
    [{ stream_options: { include_usage: 1 } }, 'stream_options.include_usage', /expected true or false/],
  ])('refuses %j by name', (body, param, message) => {
    const error = refusal(body);
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBe(param);
    expect(error.message).toMatch(message);
  });

  test('never repeats what was sent', () => {
    for (const body of [
      { messages: 'SECRET' },
      { tool_choice: 'SECRET' },
      { messages: [{ role: 'SECRET' }] },
    ])
      expect(refusal(body).message).not.toContain('SECRET');
  });

  test('refuses what is nested too deeply to be passed on', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
    const parameters = { type: 'function', function: { name: 'f', parameters: deep } };
    for (const body of [{ tools: [parameters] }, { logit_bias: deep }, { prediction: deep }])
      expect(refusal(body).message).toMatch(/nested too deeply/);
  });

  test('is not misled by names from Object.prototype', () => {
    const body = JSON.parse(
      '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"name":"y"}}],"__proto__":{"stream":true},"constructor":1}',
    );
    const request = openaiChat.decodeRequest(body);
    expect(request.stream).toBe(false);
    expect(request.messages[0]?.name).toBeUndefined();
    expect(request.unknownFields).toEqual(['__proto__', 'constructor', 'messages.__proto__']);
  });
});

describe('hints where the prompt may be cached', () => {
  const hint = { type: 'ephemeral' };

  test('stand on parts, on messages, on tools and on their functions', () => {
    const request = openaiChat.decodeRequest({
      model: 'm',
      messages: [
        { role: 'system', content: 'Be brief.', cache_control: hint },
        { role: 'user', content: [{ type: 'text', text: 'a', cache_control: hint }] },
        { role: 'assistant', content: null, tool_calls: [CALL], cache_control: hint },
        { role: 'tool', tool_call_id: 'c', content: 'done', cache_control: hint },
      ],
      tools: [
        { type: 'function', function: { name: 'f' }, cache_control: hint },
        { type: 'function', function: { name: 'g', cache_control: hint } },
      ],
    });
    const hints = request.messages.flatMap(({ content }) =>
      content.map((part) => ('cacheHint' in part ? part.cacheHint : undefined)),
    );
    expect(hints).toEqual([hint, hint, hint, hint]);
    expect(request.tools).toMatchObject([{ cacheHint: hint }, { cacheHint: hint }]);
  });

  test('are left out for OpenAI, and named', () => {
    const part = { type: 'text', text: 'a', cacheHint: hint } as const;
    const { body, omitted } = encode({ messages: [{ role: 'user', content: [part] }] });
    expect(JSON.stringify(body)).not.toContain('ephemeral');
    expect(omitted).toEqual([{ feature: 'cache_hints' }]);
  });

  const CALL = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
});

describe('how much to think', () => {
  test.each<[JsonObject, JsonObject]>([
    [{ reasoning_effort: 'low' }, { effort: 'low', enabled: true }],
    [{ reasoning: { max_tokens: 2000, exclude: true } }, { budgetTokens: 2000, display: 'omitted' }],
    [{ thinking: { type: 'enabled', budget_tokens: 1024 } }, { budgetTokens: 1024, enabled: true }],
    [{ thinking: { type: 'disabled' } }, { enabled: false }],
    [
      { thinking: { type: 'disabled' }, reasoning_effort: 'high' },
      { effort: 'high', enabled: true },
    ],
  ])('may be said as %j', (fields, expected) => {
    expect(decode(fields).reasoning).toEqual(expected);
  });

  test('may be said in ways only one provider knows', () => {
    expect(decode({ thinking: true }).reasoning).toBeUndefined();
  });
});

describe('what is not known here', () => {
  test('is named where it stands inside messages and tools, if it says something', () => {
    const { unknownFields } = openaiChat.decodeRequest({
      model: 'm',
      messages: [
        { role: 'user', content: 'a', x_mood: 'good' },
        { role: 'assistant', content: 'b', refusal: null, annotations: [], x_seen: true },
        { role: 'assistant', content: 'c', annotations: [{ type: 'url_citation' }] },
      ],
      tools: [
        { type: 'function', x_tool: 1, function: { name: 'f', x_function: 1 } },
        { type: 'x_type', y: 1 },
      ],
      x_top: 1,
    });
    expect(unknownFields).toEqual([
      'x_top',
      'messages.x_mood',
      'messages.x_seen',
      'messages.annotations',
      'tools.x_tool',
      'tools.function.x_function',
    ]);
  });
});

describe('encodeRequest', () => {
  test('puts pictures that a tool gave into the user’s message after its result, and says which failed', () => {
    const image = {
      type: 'image',
      source: { type: 'base64', mediaType: 'image/png', data: 'QUJD' },
    } as const;
    const { body, unsupported } = encode({
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'tool-result',
              callId: 'a',
              content: [{ type: 'text', text: 'see' }, image],
              isError: false,
            },
            { type: 'tool-result', callId: 'b', content: [image], isError: true },
            { type: 'text', text: 'and?' },
          ],
        },
      ],
    });
    const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } };
    expect(body['messages']).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'see' },
      { role: 'tool', tool_call_id: 'b', content: 'The tool failed: The result is in the next message.' },
      { role: 'user', content: [picture, picture, { type: 'text', text: 'and?' }] },
    ]);
    expect(unsupported).toEqual([]);
  });

  test('names what OpenAI cannot say', () => {
    const { unsupported } = encode({
      topK: 5,
      tools: [{ type: 'hosted', dialect: 'anthropic-messages', name: 'web_search', definition: {} }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'native', dialect: 'anthropic-messages', name: 'search_result', value: {} }],
        },
      ],
    });
    expect(unsupported).toEqual([
      { feature: 'hosted_tools', detail: 'web_search' },
      { feature: 'native_content', detail: 'search_result' },
      { feature: 'top_k' },
    ]);
  });

  test('leaves another provider’s reasoning out without a word', () => {
    const { body, unsupported } = encode({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'hm', signature: 'SIG', dialect: 'anthropic-messages' },
            { type: 'reasoning-encrypted', data: 'x', dialect: 'anthropic-messages' },
            { type: 'text', text: 'yes' },
          ],
        },
      ],
    });
    expect(body['messages']).toEqual([{ role: 'assistant', content: 'yes' }]);
    expect(unsupported).toEqual([]);
  });

  test.each([
    [{ budgetTokens: 1024, enabled: true }, 'low'],
    [{ budgetTokens: 10_000 }, 'medium'],
    [{ budgetTokens: 32_000 }, 'high'],
    [{ effort: 'max' }, 'high'],
    [{ effort: 'minimal' }, 'minimal'],
    [{ adaptive: true, enabled: true }, undefined],
    [{ enabled: false }, undefined],
  ])('says %j as reasoning_effort %s', (reasoning, effort) => {
    expect(encode({ reasoning }).body['reasoning_effort']).toBe(effort);
  });

  test('spells the bound as the provider does and asks for usage in streams', () => {
    const request = decode({ stream: true });
    const target = { model: 'up', maxOutputTokens: 7, maxOutputTokensField: 'max_tokens' };
    expect(openaiChat.encodeRequest(request, target).body).toMatchObject({
      model: 'up',
      max_tokens: 7,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(openaiChat.encodeRequest(request, { model: 'up', maxOutputTokens: 7 }).body).toHaveProperty(
      'max_completion_tokens',
      7,
    );
  });
});

describe('patchRequest', () => {
  const patch = (raw: string, maxOutputTokens: number | undefined = undefined) =>
    openaiChat.patchRequest(raw, openaiChat.decodeRequest(JSON.parse(raw)), { model: 'up', maxOutputTokens });

  test('keeps every byte but the model', () => {
    const raw =
      '{ "seed": 9007199254740993,\n "model":"m" , "messages":[{"role":"user","content":"\\u00e9"}]}';
    expect(patch(raw)).toBe(raw.replace('"m"', '"up"'));
  });

  test('adds a bound only where the caller gave none', () => {
    const raw = '{"model":"m","messages":[{"role":"user","content":"x"}]}';
    expect(JSON.parse(patch(raw, 9))).toMatchObject({ max_completion_tokens: 9 });
    expect(JSON.parse(patch(raw.replace('{"model"', '{"max_tokens":5,"model"'), 9))).toEqual({
      max_tokens: 5,
      model: 'up',
      messages: [{ role: 'user', content: 'x' }],
    });
  });

  test('spells the caller’s limit as the provider is known to obey it', () => {
    const raw = '{"model":"m","max_completion_tokens":16,"messages":[{"role":"user","content":"x"}]}';
    const target = { model: 'up', maxOutputTokens: 16, maxOutputTokensField: 'max_tokens' };
    const patched = openaiChat.patchRequest(raw, openaiChat.decodeRequest(JSON.parse(raw)), target);
    expect(JSON.parse(patched)).toEqual({
      model: 'up',
      max_tokens: 16,
      messages: [{ role: 'user', content: 'x' }],
    });
  });

  test.each([
    ['', { include_usage: true }],
    ['"stream_options":null,', { include_usage: true }],
    ['"stream_options":{"include_obfuscation":false},', { include_usage: true, include_obfuscation: false }],
    ['"stream_options":{"include_usage":false},', { include_usage: true }],
  ])('asks for usage in a stream, with %j before', (options, expected) => {
    const raw = `{"stream":true,${options}"model":"m","messages":[{"role":"user","content":"x"}]}`;
    expect(JSON.parse(patch(raw)).stream_options).toEqual(expected);
  });

  test('takes out Sluice’s own options', () => {
    const raw =
      '{"models":["m"],"usage":{"include":true},"provider":{},"session_id":"s","messages":[{"role":"user","content":"x"}]}';
    expect(JSON.parse(patch(raw))).toEqual({
      model: 'up',
      messages: [{ role: 'user', content: 'x' }],
    });
  });
});
