import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { LeftOutFeature } from '../../../lambda/dialects/request-feature.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const TARGET = { model: 'claude-opus-5', maxOutputTokens: 8000 };
const HELLO: Message = { role: 'user', content: [{ type: 'text', text: 'Hello' }] };
const FUNCTION = { type: 'function', name: 'f' } as const;

const requestOf = (fields: Partial<ChatRequest>): ChatRequest => ({
  model: 'any',
  messages: [HELLO],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
  ...fields,
});
const encode = (fields: Partial<ChatRequest>, target = TARGET) =>
  anthropicMessages.encodeRequest(requestOf(fields), target);
const contentOf = (...content: ContentPart[]) => encode({ messages: [{ role: 'user', content }] });

describe('a request of another dialect', () => {
  test('becomes a minimal body with a bound', () => {
    expect(encode({ stream: true })).toEqual({
      body: {
        model: 'claude-opus-5',
        max_tokens: 8000,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
        stream: true,
      },
      unsupported: [],
      omitted: [],
    });
    const { body } = anthropicMessages.encodeRequest(requestOf({}), {
      model: 'm',
      maxOutputTokens: undefined,
    });
    expect(body['max_tokens']).toBe(4096);
  });

  test('has all its system and developer turns in one system prompt', () => {
    const { body } = encode({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'One' }] },
        HELLO,
        { role: 'developer', content: [{ type: 'text', text: 'Two' }] },
        { role: 'user', content: [{ type: 'text', text: 'again' }] },
      ],
    });
    expect(body['system']).toEqual([
      { type: 'text', text: 'One' },
      { type: 'text', text: 'Two' },
    ]);
    expect(body['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Hello' },
          { type: 'text', text: 'again' },
        ],
      },
    ]);
  });

  test('has tool calls as objects, and results of parallel calls first in one user turn', () => {
    const call = (id: string, text: string): ContentPart => ({
      type: 'tool-call',
      kind: 'function',
      id,
      name: 'f',
      arguments: text,
    });
    const result = (callId: string): ContentPart => ({
      type: 'tool-result',
      callId,
      content: [{ type: 'text', text: 'ok' }],
      isError: false,
    });
    const { body, unsupported } = encode({
      messages: [
        HELLO,
        { role: 'assistant', content: [call('a', '{"x":1}'), call('b', ' ')] },
        { role: 'user', content: [result('a')] },
        { role: 'user', content: [{ type: 'text', text: 'and' }] },
        { role: 'user', content: [result('b')] },
      ],
    });
    expect(unsupported).toEqual([]);
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
          { type: 'tool_use', id: 'b', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'ok' }] },
          { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'ok' }] },
          { type: 'text', text: 'and' },
        ],
      },
    ]);
  });

  test.each(['{', '[1]', '"text"', `${'['.repeat(9_000)}${']'.repeat(9_000)}`])(
    'names tool arguments that are no object',
    (text) => {
      const { unsupported } = encode({
        messages: [
          {
            role: 'assistant',
            content: [{ type: 'tool-call', kind: 'function', id: 'a', name: 'f', arguments: text }],
          },
        ],
      });
      expect(unsupported).toEqual([{ feature: 'tool_arguments' }]);
    },
  );

  test('has tool ids Anthropic takes, the same in call and result, and never two alike', () => {
    const idsOf = (id: string): unknown => {
      const { body } = encode({
        messages: [
          {
            role: 'assistant',
            content: [{ type: 'tool-call', kind: 'function', id, name: 'f', arguments: '' }],
          },
          { role: 'user', content: [{ type: 'tool-result', callId: id, content: [], isError: true }] },
        ],
      });
      const [call, result] = JSON.parse(JSON.stringify(body['messages']));
      expect(call.content[0].id).toMatch(/^[a-zA-Z0-9_-]+$/);
      expect(result.content[0]).toEqual({
        type: 'tool_result',
        tool_use_id: call.content[0].id,
        is_error: true,
      });
      return call.content[0].id;
    };
    expect(idsOf('call_1')).toBe('call_1');
    expect(new Set([idsOf('call:1'), idsOf('call.1'), idsOf('call_1'), idsOf('')]).size).toBe(4);
  });

  test.each<[string, ContentPart, JsonObject]>([
    [
      'base64 images',
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'aGk=' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
    ],
    [
      'image URLs',
      { type: 'image', source: { type: 'url', url: 'https://a.example/b' }, detail: 'high' },
      { type: 'image', source: { type: 'url', url: 'https://a.example/b' } },
    ],
    [
      'images as data URLs',
      { type: 'image', source: { type: 'url', url: 'data:image/PNG;base64,aGk=' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
    ],
    [
      'PDFs',
      { type: 'file', name: 'a.pdf', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' } },
      {
        type: 'document',
        title: 'a.pdf',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBE' },
      },
    ],
    ['refusals', { type: 'refusal', text: 'No' }, { type: 'text', text: 'No' }],
  ])('may hold %s', (_name, part, block) => {
    const { body, unsupported } = contentOf(part);
    expect(unsupported).toEqual([]);
    expect(body['messages']).toEqual([{ role: 'user', content: [block] }]);
  });

  test.each<[LeftOutFeature, ContentPart]>([
    [{ feature: 'audio' }, { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } }],
    [{ feature: 'provider_file' }, { type: 'file', source: { type: 'provider-file', id: 'file-1' } }],
    [{ feature: 'file' }, { type: 'file', source: { type: 'base64', mediaType: 'text/csv', data: '' } }],
    [{ feature: 'provider_file' }, { type: 'image', source: { type: 'provider-file', id: 'file-1' } }],
    [{ feature: 'image' }, { type: 'image', source: { type: 'url', url: 'file:///etc/passwd' } }],
    [
      { feature: 'native_content', detail: 'gemini-thing' },
      { type: 'native', dialect: 'gemini', name: 'gemini-thing', value: {} },
    ],
  ])('cannot hold %j', (leftOut, part) => {
    expect(contentOf({ type: 'text', text: 'x' }, part)).toMatchObject({
      unsupported: [leftOut],
      body: { messages: [{ content: [{ type: 'text', text: 'x' }] }] },
    });
  });

  test('keeps Anthropic’s own reasoning and drops everybody else’s', () => {
    const { body, unsupported, omitted } = encode({
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'mine', signature: 's', dialect: 'anthropic-messages' },
            { type: 'reasoning', text: 'unsigned', dialect: 'anthropic-messages' },
            { type: 'reasoning', text: 'foreign', signature: 's', dialect: 'gemini' },
            { type: 'reasoning-encrypted', data: 'd', dialect: 'anthropic-messages' },
            { type: 'reasoning-encrypted', data: 'd', dialect: 'openai-responses' },
          ],
        },
        { role: 'assistant', content: [{ type: 'reasoning', text: 'foreign' }] },
      ],
    });
    expect(body['messages']).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'mine', signature: 's' },
          { type: 'redacted_thinking', data: 'd' },
        ],
      },
    ]);
    expect(unsupported).toEqual([]);
    expect(omitted).toEqual([{ feature: 'reasoning_content' }]);
  });

  test('leaves out text that is blank', () => {
    expect(contentOf({ type: 'text', text: ' \n' }).body['messages']).toEqual([]);
  });

  test('names what it asks for in vain, and not what changes nothing', () => {
    expect(
      encode({
        choices: 2,
        logprobs: true,
        topLogprobs: 3,
        frequencyPenalty: 0.1,
        presencePenalty: -1,
        seed: 0,
        logitBias: { '1': 1 },
        temperature: 1.5,
        responseFormat: { type: 'json' },
        serviceTier: 'flex',
        stop: [' ', 'END'],
        tools: [
          { type: 'custom', name: 'free' },
          { type: 'hosted', dialect: 'openai-responses', name: 'file_search', definition: {} },
        ],
      }),
    ).toMatchObject({ body: { stop_sequences: ['END'] } });
    expect(
      encode({
        choices: 2,
        logprobs: true,
        frequencyPenalty: 0.1,
        temperature: 1.5,
        responseFormat: { type: 'json' },
        tools: [{ type: 'custom', name: 'free' }],
      }).unsupported,
    ).toEqual([
      { feature: 'n' },
      { feature: 'logprobs' },
      { feature: 'frequency_penalty' },
      { feature: 'json_mode' },
      { feature: 'custom_tools', detail: 'free' },
      { feature: 'temperature' },
    ]);
    expect(
      encode({ choices: 1, logprobs: false, frequencyPenalty: 0, logitBias: {}, temperature: 1, topP: 1 }),
    ).toMatchObject({ unsupported: [] });
  });

  test('asks for structured output where there is a schema', () => {
    const schema = { type: 'object' };
    expect(
      encode({ responseFormat: { type: 'json-schema', name: 'n', schema } }).body['output_config'],
    ).toEqual({
      format: { type: 'json_schema', schema },
    });
  });

  test('has tools with a schema of an object', () => {
    const { body } = encode({
      tools: [
        FUNCTION,
        {
          type: 'function',
          name: 'g',
          description: 'd',
          parameters: { properties: { a: {} } },
          strict: true,
        },
      ],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      endUser: 'u',
    });
    expect(body).toMatchObject({
      tools: [
        { name: 'f', input_schema: { type: 'object', properties: {} } },
        {
          name: 'g',
          description: 'd',
          input_schema: { type: 'object', properties: { a: {} } },
          strict: true,
        },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      metadata: { user_id: 'u' },
    });
  });

  test.each<[string, Partial<ChatRequest>, JsonObject]>([
    [
      'claude-opus-5',
      { reasoning: { effort: 'minimal' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    ],
    [
      'claude-opus-5',
      { reasoning: { effort: 'xhigh' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
    ],
    [
      'claude-sonnet-4-6',
      { reasoning: { effort: 'xhigh' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
    ],
    ['claude-opus-5', { reasoning: { effort: 'none' } }, { thinking: { type: 'disabled' } }],
    [
      'claude-opus-5',
      { reasoning: { enabled: true, budgetTokens: 3000 } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
    ],
    [
      'claude-haiku-4-5',
      { reasoning: { effort: 'low' } },
      { thinking: { type: 'enabled', budget_tokens: 1600 } },
    ],
    [
      'claude-opus-4-20250514',
      { reasoning: { effort: 'medium' } },
      { thinking: { type: 'enabled', budget_tokens: 4000 } },
    ],
    [
      'us.anthropic.claude-3-7-sonnet-20250219-v1:0',
      { reasoning: { budgetTokens: 99_999 } },
      { thinking: { type: 'enabled', budget_tokens: 7999 } },
    ],
    [
      'claude-sonnet-4-5@20250929',
      { reasoning: { effort: 'minimal' } },
      { thinking: { type: 'enabled', budget_tokens: 1024 } },
    ],
  ])('tells %s how to think: %j', (model, fields, expected) => {
    expect(encode(fields, { ...TARGET, model })).toMatchObject({ body: expected, unsupported: [] });
  });

  test.each<[string, Partial<ChatRequest>, readonly string[]]>([
    ['claude-3-5-haiku-20241022', { reasoning: { effort: 'high' } }, ['reasoning']],
    [
      'claude-haiku-4-5',
      { reasoning: { effort: 'high' }, tools: [FUNCTION], toolChoice: { type: 'required' } },
      ['reasoning'],
    ],
    ['claude-haiku-4-5', { reasoning: { effort: 'high' }, temperature: 0.2 }, ['temperature']],
    ['claude-opus-5', { temperature: 0.2, topP: 0.5, topK: 3 }, ['temperature', 'top_p', 'top_k']],
    ['claude-sonnet-4-6', { temperature: 0.2 }, []],
    ['small', { temperature: 0.2 }, []],
  ])('knows what %s does not take: %j', (model, fields, expected) => {
    expect(encode(fields, { ...TARGET, model }).unsupported).toEqual(
      expected.map((feature) => ({ feature })),
    );
  });

  test('goes on without a budget where a tool loop has lost its thinking', () => {
    const messages: Message[] = [
      HELLO,
      {
        role: 'assistant',
        content: [{ type: 'tool-call', kind: 'function', id: 'a', name: 'f', arguments: '' }],
      },
      { role: 'user', content: [{ type: 'tool-result', callId: 'a', content: [], isError: false }] },
    ];
    const { body, unsupported } = encode(
      { messages, reasoning: { effort: 'high' } },
      { ...TARGET, model: 'claude-haiku-4-5' },
    );
    expect(body['thinking']).toBeUndefined();
    expect(unsupported).toEqual([]);
  });
});

describe('the caller’s own body', () => {
  const patch = (raw: string, target: { model: string; maxOutputTokens: number | undefined } = TARGET) =>
    anthropicMessages.patchRequest(raw, anthropicMessages.decodeRequest(JSON.parse(raw)), target);

  test('keeps every byte but the model’s name and what is removed', () => {
    const raw =
      '{ "model":"anthropic/x", "max_tokens" : 10,\n "models":["a"], "messages":[{"role":"user","content":"\\u00e9"}], "big": 12345678901234567890 }';
    expect(patch(raw)).toBe(
      '{ "model":"claude-opus-5", "max_tokens" : 10, "messages":[{"role":"user","content":"\\u00e9"}], "big": 12345678901234567890 }',
    );
  });

  test('gets the model’s name where it had only a list', () => {
    const raw = '{"models":["a/b"],"max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
    expect(JSON.parse(patch(raw))).toEqual({
      model: 'claude-opus-5',
      max_tokens: 1,
      messages: [{ role: 'user', content: 'x' }],
    });
  });

  test('loses the gateway’s own name for the end user, which Anthropic would refuse', () => {
    const raw = '{"model":"a","max_tokens":1,"user":"u1","messages":[{"role":"user","content":"x"}]}';
    expect(JSON.parse(patch(raw))).not.toHaveProperty('user');
  });

  test('loses tags, which are for the gateway', () => {
    const raw =
      '{"model":"a","max_tokens":1,"metadata":{"user_id":"u","team":"blue"},"messages":[{"role":"user","content":"x"}]}';
    expect(JSON.parse(patch(raw)).metadata).toEqual({ user_id: 'u' });
  });

  test('loses thinking that another provider left unsigned', () => {
    const raw = JSON.stringify({
      model: 'a',
      max_tokens: 1,
      messages: [
        HELLO,
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'x', signature: '' },
            { type: 'text', text: 'Hi' },
          ],
        },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: '' }] },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 's' }] },
      ],
    });
    expect(JSON.parse(patch(raw)).messages).toEqual([
      HELLO,
      { role: 'assistant', content: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 's' }] },
    ]);
  });
});
