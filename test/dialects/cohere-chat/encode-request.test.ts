import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';

const text = (value: string): ContentPart => ({ type: 'text', text: value });
const hello: Message = { role: 'user', content: [text('Hello')] };
const call = (id: string, given = '{}'): ContentPart => ({
  ...{ type: 'tool-call', kind: 'function', id, name: 'f', arguments: given },
});

function encode(request: Partial<ChatRequest>, maxOutputTokens?: number) {
  const whole: ChatRequest = {
    ...{ model: 'm', messages: [hello], stream: false, includeUsage: true },
    ...{ nativeOptions: {}, unknownFields: [] },
    ...request,
  };
  return cohereChat.encodeRequest(whole, { model: 'command-a', maxOutputTokens });
}

const messagesOf = (...messages: readonly Message[]) => encode({ messages }).body['messages'];
const refused = (request: Partial<ChatRequest>) => encode(request).unsupported.map(({ feature }) => feature);

describe('encodeRequest', () => {
  test('says a conversation of another dialect in Cohere’s words', () => {
    const answer: Message = { role: 'assistant', content: [text('Looking.'), call('toolu_01/é:x')] };
    const result: ContentPart = {
      ...{ type: 'tool-result', callId: 'toolu_01/é:x', content: [text('noon')], isError: false },
    };
    expect(
      messagesOf(
        { role: 'developer', content: [text('Be brief.')] },
        hello,
        answer,
        { role: 'user', content: [result, text('Thanks')] },
        { role: 'system', content: [text('Be kind.'), text('Always.')] },
      ),
    ).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      {
        role: 'assistant',
        content: 'Looking.',
        tool_calls: [{ id: 'toolu_01/é:x', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'toolu_01/é:x', content: 'noon' },
      { role: 'user', content: 'Thanks' },
      {
        role: 'system',
        content: [
          { type: 'text', text: 'Be kind.' },
          { type: 'text', text: 'Always.' },
        ],
      },
    ]);
  });

  test('shows a picture that a tool gave in the user’s own message, and tells a failure', () => {
    const image: ContentPart = {
      ...{ type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AA' }, detail: 'high' },
    };
    const results: ContentPart[] = [
      { type: 'tool-result', callId: 'a', content: [image], isError: false },
      { type: 'tool-result', callId: 'b', content: [text('no network')], isError: true },
    ];
    expect(messagesOf({ role: 'user', content: results })).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'The result is in the next message.' },
      {
        role: 'tool',
        tool_call_id: 'b',
        content: [
          { type: 'text', text: 'The tool failed.' },
          { type: 'text', text: 'no network' },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA', detail: 'high' } }],
      },
    ]);
  });

  test('sends its own plan and thinking back, and open reasoning of others as a plan', () => {
    const own = (value: string): ContentPart => ({ type: 'reasoning', text: value, dialect: 'cohere-chat' });
    const other: ContentPart = { type: 'reasoning', text: 'Hm', dialect: 'openai-chat' };
    expect(
      messagesOf(
        { role: 'assistant', content: [own('A'), own('B'), call('c')] },
        { role: 'assistant', content: [own('A'), text('Hi')] },
        { role: 'assistant', content: [other, text('Hi'), call('d')] },
      ),
    ).toMatchObject([
      { content: [{ type: 'thinking', thinking: 'A' }], tool_plan: 'B' },
      {
        content: [
          { type: 'thinking', thinking: 'A' },
          { type: 'text', text: 'Hi' },
        ],
      },
      { content: 'Hi', tool_plan: 'Hm' },
    ]);
  });

  test('leaves out reasoning that another provider signed or closed, and names it', () => {
    const content: ContentPart[] = [
      { type: 'reasoning', text: 'Hm', signature: 's', dialect: 'anthropic-messages' },
      { type: 'reasoning-encrypted', data: 'x', dialect: 'openai-responses' },
      call('c'),
    ];
    const { body, omitted } = encode({ messages: [{ role: 'assistant', content }] });
    expect(omitted).toEqual([{ feature: 'reasoning_content' }]);
    expect(body['messages']).toEqual([{ role: 'assistant', tool_calls: [expect.anything()] }]);
  });

  test('writes no arguments as the empty object and wraps free text of a custom tool', () => {
    const custom: ContentPart = {
      type: 'tool-call',
      kind: 'custom',
      id: 'b',
      name: 'sql',
      arguments: 'SELECT 1',
    };
    const [message] = messagesOf({ role: 'assistant', content: [call('a', ''), custom] }) as object[];
    expect(message).toMatchObject({
      tool_calls: [
        { function: { arguments: '{}' } },
        { function: { name: 'sql', arguments: '{"input":"SELECT 1"}' } },
      ],
    });
  });

  test('shows only the tool that has to be called', () => {
    const tools = ['f', 'g'].map((name) => ({ type: 'function' as const, name, strict: true }));
    const { body, unsupported } = encode({ tools, toolChoice: { type: 'tool', name: 'g' } });
    expect(unsupported).toEqual([]);
    expect(body).toMatchObject({
      tools: [{ function: { name: 'g', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'REQUIRED',
      strict_tools: true,
    });
    expect(encode({ tools, toolChoice: { type: 'none' } }).body['tool_choice']).toBe('NONE');
    expect(encode({ tools, toolChoice: { type: 'auto' } }).body['tool_choice']).toBeUndefined();
  });

  test('says a schema as the format of the answer, with its description in it', () => {
    const responseFormat = {
      ...{ type: 'json-schema' as const, name: 'n', description: 'A city.', schema: { type: 'object' } },
      strict: true,
    };
    expect(encode({ responseFormat }).body['response_format']).toEqual({
      type: 'json_object',
      json_schema: { type: 'object', description: 'A city.' },
    });
  });

  test.each([
    [{ effort: 'none' }, { type: 'disabled' }],
    [{ enabled: false }, { type: 'disabled' }],
    [{ effort: 'high' }, { type: 'enabled' }],
    [{ adaptive: true, enabled: true }, { type: 'enabled' }],
    [{ effort: 'low' }, { type: 'enabled', token_budget: 4096 }],
    [{ budgetTokens: 500 }, { type: 'enabled', token_budget: 500 }],
  ])('says reasoning %j as %j', (reasoning, thinking) => {
    expect(encode({ reasoning }, 20_000).body['thinking']).toEqual(thinking);
  });

  test('leaves half of the answer’s bound to the answer', () => {
    expect(encode({ reasoning: { effort: 'medium' } }, 1000).body['thinking']).toMatchObject({
      token_budget: 500,
    });
  });

  test('says the nearest share of probability, and the nearest number of tokens', () => {
    expect(encode({ topK: 1000 }).body['k']).toBe(500);
    expect([0, 0.5, 1].map((topP) => encode({ topP }).body['p'])).toEqual([0.01, 0.5, 0.99]);
  });

  test.each<[string, Partial<ChatRequest>]>([
    ['parallel_tool_calls', { parallelToolCalls: false }],
    ['n', { choices: 2 }],
    ['logit_bias', { logitBias: { '1': 2 } }],
    ['top_logprobs', { topLogprobs: 2 }],
    ['verbosity', { verbosity: 'low' }],
    ['service_tier', { serviceTier: 'flex' }],
    ['temperature', { temperature: 1.5 }],
    ['frequency_penalty', { frequencyPenalty: -1 }],
    ['presence_penalty', { presencePenalty: 2 }],
    ['stop', { stop: ['1', '2', '3', '4', '5', '6'] }],
    ['reasoning', { reasoning: { effort: 'immense' } }],
    ['custom_tools', { tools: [{ type: 'custom', name: 'sql' }] }],
    ['hosted_tools', { tools: [{ type: 'hosted', dialect: 'openai-chat', name: 'w', definition: {} }] }],
    ['tool_choice', { tools: [{ type: 'function', name: 'f' }], toolChoice: { type: 'tool', name: 'g' } }],
    ['json_mode', { tools: [{ type: 'function', name: 'f' }], responseFormat: { type: 'json' } }],
    [
      'json_schema',
      {
        tools: [{ type: 'function', name: 'f' }],
        responseFormat: { type: 'json-schema', name: 'n', schema: {} },
      },
    ],
    [
      'strict_tools',
      {
        tools: [
          { type: 'function', name: 'f', strict: true },
          { type: 'function', name: 'g' },
        ],
      },
    ],
    ['participant_name', { messages: [{ ...hello, name: 'Ada' }] }],
    [
      'audio',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } }],
          },
        ],
      },
    ],
    [
      'file',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'file', source: { type: 'base64', mediaType: 'application/pdf', data: '' } }],
          },
        ],
      },
    ],
    [
      'file_url',
      {
        messages: [
          { role: 'user', content: [{ type: 'file', source: { type: 'url', url: 'https://a.example' } }] },
        ],
      },
    ],
    [
      'provider_file',
      {
        messages: [
          { role: 'user', content: [{ type: 'image', source: { type: 'provider-file', id: 'f' } }] },
        ],
      },
    ],
    [
      'image',
      {
        messages: [
          { role: 'system', content: [{ type: 'image', source: { type: 'url', url: 'https://a.example' } }] },
        ],
      },
    ],
    [
      'native_content',
      {
        messages: [{ role: 'user', content: [{ type: 'native', dialect: 'gemini', name: 'x', value: {} }] }],
      },
    ],
  ])('refuses %s, and gives a reason', (feature, request) => {
    expect(refused(request)).toEqual([feature]);
    expect(Object.keys(cohereChat.inexpressible)).toContain(feature);
  });

  test('takes the usual service tier and what changes nothing', () => {
    expect(
      refused({ serviceTier: 'auto', choices: 1, frequencyPenalty: 0, parallelToolCalls: true }),
    ).toEqual([]);
  });

  test('names the end user and hints of caching as left out', () => {
    const messages: Message[] = [
      { role: 'user', content: [{ type: 'text', text: 'a', cacheHint: { type: 'ephemeral' } }] },
    ];
    expect(encode({ messages, endUser: 'u' }).omitted).toEqual([
      { feature: 'user' },
      { feature: 'cache_hints' },
    ]);
  });

  test('refuses a bound of 0', () => {
    expect(() => encode({ maxOutputTokens: 0 }, 0)).toThrow('"max_tokens" of 1 or more');
  });
});
