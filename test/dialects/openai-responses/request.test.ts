import { describe, expect, test } from '@jest/globals';
import type { RequestTarget } from '../../../lambda/dialects/dialect.ts';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const decode = (body: JsonObject): ChatRequest =>
  openaiResponses.decodeRequest({ model: 'm', input: 'Hello', ...body });

const REQUEST: ChatRequest = {
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  stream: false,
  includeUsage: true,
  nativeOptions: {},
  unknownFields: [],
};
const TARGET = { model: 'gpt', maxOutputTokens: undefined };
const encode = (request: Partial<ChatRequest>, target: Partial<RequestTarget> = {}) =>
  openaiResponses.encodeRequest({ ...REQUEST, ...request }, { ...TARGET, ...target });
const encodeTurn = (role: Message['role'], content: readonly ContentPart[]) =>
  encode({ messages: [{ role, content }] });

describe('decodeRequest', () => {
  test.each([
    ['a missing input', { input: null }, 'input'],
    ['an empty input', { input: [] }, 'input'],
    ['a role of another format', { input: [{ role: 'tool', content: 'a' }] }, 'input[0].role'],
    ['a call without an id', { input: [{ type: 'function_call', name: 'f' }] }, 'input[0].call_id'],
    ['a bound of text', { max_output_tokens: '5' }, 'max_output_tokens'],
    ['an unknown tool mode', { tool_choice: 'any' }, 'tool_choice'],
    ['a format without a name', { text: { format: { type: 'json_schema' } } }, 'text.format.name'],
    ['a namespace without tools', { tools: [{ type: 'namespace', name: 'n' }] }, 'tools[0].tools'],
    ['labels that are no text', { metadata: { a: 1 } }, 'metadata.a'],
  ])('refuses %s by name', (_name, body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  test('takes a request that continues what a provider keeps without an input', () => {
    expect(decode({ input: null, previous_response_id: 'resp_1' })).toMatchObject({
      messages: [],
      nativeOptions: { previous_response_id: 'resp_1' },
    });
  });

  test('makes one turn of the items of an answer, and one of what its tools gave and the user said then', () => {
    const { messages } = decode({
      input: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'E' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Wait.' }] },
        { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
        { type: 'function_call', call_id: 'b', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'a', output: '1' },
        { type: 'function_call_output', call_id: 'b', output: '2' },
        { role: 'user', content: 'And?' },
      ],
    });
    expect(messages.map(({ role, content }) => [role, ...content.map(({ type }) => type)])).toEqual([
      ['assistant', 'reasoning', 'text', 'tool-call', 'tool-call'],
      ['user', 'tool-result', 'tool-result', 'text'],
    ]);
  });

  test('gives tools of a namespace plain names that no other tool has', () => {
    const long = 'x'.repeat(80);
    const request = decode({
      tools: [
        { type: 'function', name: 'agents__spawn' },
        {
          type: 'namespace',
          name: 'agents',
          description: 'Helpers.',
          tools: [
            { type: 'function', name: 'spawn', description: 'Starts one.' },
            { type: 'function', name: 'wait.for' },
            { type: 'function', name: `${long}a` },
            { type: 'function', name: `${long}b` },
          ],
        },
      ],
      input: [{ type: 'function_call', call_id: 'a', namespace: 'agents', name: 'spawn', arguments: '{}' }],
    });
    const names = request.tools?.map(({ name }) => name) ?? [];
    expect(names.slice(0, 3)).toEqual(['agents__spawn', 'agents__spawn_2', 'agents__wait_for']);
    expect(names.every((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))).toBe(true);
    expect(new Set(names).size).toBe(5);
    expect(request.tools?.[1]).toMatchObject({ description: 'Helpers.\n\nStarts one.' });
    expect(request.messages[0]?.content[0]).toMatchObject({ name: 'agents__spawn_2' });
    expect(request.namespacedTools?.['agents__spawn_2']).toEqual({ namespace: 'agents', name: 'spawn' });
  });

  test('keeps for this dialect what no other could say', () => {
    const request = decode({
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] },
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      reasoning: { summary: 'auto' },
      store: false,
      truncation: 'auto',
      hologram: true,
    });
    expect(request.nativeOptions).toEqual({
      tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [] },
      include: ['reasoning.encrypted_content'],
      'reasoning.summary': 'auto',
      store: false,
      truncation: 'auto',
    });
    expect(request).toMatchObject({ logprobs: true, unknownFields: ['hologram'] });
    expect(request.reasoning).toBeUndefined();
  });

  test('knows which of OpenAI’s own tools the caller runs', () => {
    const { tools } = decode({ tools: [{ type: 'local_shell' }, { type: 'web_search' }] });
    expect(tools).toMatchObject([
      { type: 'hosted', runBy: 'caller' },
      { type: 'hosted', name: 'web_search' },
    ]);
    expect(tools?.[1]).not.toHaveProperty('runBy');
  });
});

describe('encodeRequest', () => {
  test('asks that nothing is kept, and that reasoning comes closed where there is any', () => {
    expect(encode({}).body).toMatchObject({ store: false });
    expect(encode({}).body).not.toHaveProperty('include');
    expect(encode({ reasoning: { budgetTokens: 1000 } }).body).toMatchObject({
      store: false,
      include: ['reasoning.encrypted_content'],
      reasoning: { effort: 'low', summary: 'auto' },
    });
  });

  test('gives calls with ids that OpenAI refuses ids that still match', () => {
    const ids = ['', 'x'.repeat(65), `${'x'.repeat(65)}y`, 'call_1'];
    const { body } = encode({
      messages: [
        {
          role: 'assistant',
          content: ids.map((id) => ({ type: 'tool-call', kind: 'function', id, name: 'f', arguments: '{}' })),
        },
        {
          role: 'user',
          content: ids.map((callId) => ({ type: 'tool-result', callId, content: [], isError: false })),
        },
      ],
    });
    const items = body['input'] as readonly { readonly call_id: string }[];
    const calls = items.slice(0, 4).map(({ call_id: id }) => id);
    expect(items.slice(4).map(({ call_id: id }) => id)).toEqual(calls);
    expect(new Set(calls).size).toBe(4);
    expect(calls.every((id) => id.length > 0 && id.length <= 64)).toBe(true);
    expect(calls[3]).toBe('call_1');
  });

  test('says which output belongs to a custom tool, and that a tool failed', () => {
    const { body } = encode({
      messages: [
        {
          role: 'assistant',
          content: [{ type: 'tool-call', kind: 'custom', id: 'a', name: 'patch', arguments: 'x' }],
        },
        {
          role: 'user',
          content: [
            { type: 'tool-result', callId: 'a', content: [{ type: 'text', text: 'No.' }], isError: true },
          ],
        },
      ],
    });
    expect(body['input']).toEqual([
      { type: 'custom_tool_call', call_id: 'a', name: 'patch', input: 'x' },
      {
        type: 'custom_tool_call_output',
        call_id: 'a',
        output: [
          { type: 'input_text', text: 'The tool failed:' },
          { type: 'input_text', text: 'No.' },
        ],
      },
    ]);
  });

  test('leaves another provider’s reasoning out and says so', () => {
    const { body, omitted, unsupported } = encodeTurn('assistant', [
      { type: 'reasoning', text: 'Hm', signature: 's', dialect: 'anthropic-messages' },
      { type: 'reasoning-encrypted', data: 's', dialect: 'gemini' },
      { type: 'text', text: 'Yes.' },
    ]);
    expect(body['input']).toEqual([
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Yes.' }] },
    ]);
    expect([omitted, unsupported]).toEqual([[{ feature: 'reasoning_content' }], []]);
  });

  test('names what the format cannot say, and each name has its reason', () => {
    const everything: Partial<ChatRequest> = {
      messages: [
        {
          role: 'user',
          name: 'Ann',
          content: [
            { type: 'text', text: 'a', cacheHint: { type: 'ephemeral' } },
            { type: 'audio', source: { type: 'url', url: 'https://a.example' } },
            { type: 'image', source: { type: 'provider-file', id: 'f' } },
            { type: 'native', dialect: 'gemini', name: 'video', value: {} },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'image', source: { type: 'url', url: 'https://a.example' } },
            { type: 'file', source: { type: 'url', url: 'https://a.example' } },
          ],
        },
      ],
      tools: [
        { type: 'hosted', dialect: 'gemini', name: 'googleSearch', definition: {} },
        { type: 'function', name: 'a.b' },
        { type: 'function', name: 'f', parameters: { type: 'string' } },
      ],
      reasoning: { enabled: false },
      stop: ['x'],
      seed: 1,
      choices: 2,
      topK: 3,
      frequencyPenalty: 1,
      presencePenalty: 1,
      logitBias: { 1: 2 },
      serviceTier: 'odd',
      temperature: 0.1,
      topP: 0.1,
    };
    const { unsupported, omitted } = encode(everything, { model: 'gpt-5' });
    const features = [...unsupported, ...omitted].map(({ feature }) => feature);
    expect(new Set([...features, 'reasoning_content'])).toEqual(
      new Set(Object.keys(openaiResponses.inexpressible)),
    );
  });
});

describe('patchRequest', () => {
  const patch = (raw: string, maxOutputTokens?: number): string =>
    openaiResponses.patchRequest(raw, openaiResponses.decodeRequest(JSON.parse(raw)), {
      model: 'gpt',
      maxOutputTokens,
    });

  test('changes the model and takes out what is Sluice’s own, and nothing else', () => {
    const raw =
      '{ "model":"a/b","input":"x", "odd" : 9007199254740993, "models":["c"] ,"metadata":{"a":"b"}}';
    expect(patch(raw)).toBe('{ "model":"gpt","input":"x", "odd" : 9007199254740993 ,"metadata":{"a":"b"}}');
  });

  test('sends the bound that money was reserved for, where the caller gave none', () => {
    expect(patch('{"model":"a","input":"x"}', 50)).toBe('{"max_output_tokens":50,"model":"gpt","input":"x"}');
    expect(patch('{"model":"a","input":"x","max_output_tokens":7}', 50)).toBe(
      '{"model":"gpt","input":"x","max_output_tokens":7}',
    );
  });

  test('takes out reasoning of other providers, which OpenAI would refuse', () => {
    const own = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' };
    const input = [
      { role: 'user', content: 'x' },
      { type: 'reasoning', summary: [], encrypted_content: 'sluice:anthropic-messages:signature:s' },
      { type: 'reasoning', id: 'rs_slu_gen-1_0', summary: [{ type: 'summary_text', text: 'Hm' }] },
      own,
    ];
    const patched = JSON.parse(patch(JSON.stringify({ model: 'a', input })));
    expect(patched.input).toEqual([{ role: 'user', content: 'x' }, own]);
  });
});
