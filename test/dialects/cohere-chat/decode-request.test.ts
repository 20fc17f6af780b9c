import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';

const HELLO = { role: 'user', content: 'Hello' };
const decode = (body: JsonObject) => cohereChat.decodeRequest({ model: 'm', messages: [HELLO], ...body });
const messagesOf = (...messages: readonly JsonObject[]) => decode({ messages }).messages;

describe('decodeRequest', () => {
  test('reads a conversation with tools, whose results open the user’s next turn', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'now', arguments: '{}' } };
    expect(
      messagesOf(
        { role: 'system', content: 'Be brief.' },
        HELLO,
        { role: 'assistant', tool_plan: 'I will look.', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'noon' },
        { role: 'user', content: [{ type: 'text', text: 'And now?' }] },
      ),
    ).toEqual([
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'I will look.', dialect: 'cohere-chat' },
          { type: 'tool-call', kind: 'function', id: 'c1', name: 'now', arguments: '{}' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool-result', callId: 'c1', content: [{ type: 'text', text: 'noon' }], isError: false },
          { type: 'text', text: 'And now?' },
        ],
      },
    ]);
  });

  test('reads what tools found as text, together with its name', () => {
    const content = [
      { type: 'document', document: { data: '{"hour":12}' } },
      { type: 'document', document: { id: 'd1', data: { hour: 12 } } },
    ];
    const [turn] = messagesOf({ role: 'tool', tool_call_id: 'c1', content });
    expect(turn?.content[0]).toMatchObject({
      content: [
        { type: 'text', text: '{"hour":12}' },
        { type: 'text', text: '{"id":"d1","data":{"hour":12}}' },
      ],
    });
  });

  test('reads pictures by address and in their own bytes, thinking, and keeps blocks it does not know', () => {
    const user = [
      { type: 'image_url', image_url: { url: 'https://a.example/b.png', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'hologram', depth: 3 },
    ];
    const assistant = [
      { type: 'thinking', thinking: 'Hm' },
      { type: 'text', text: '' },
    ];
    expect(
      messagesOf({ role: 'user', content: user }, { role: 'assistant', content: assistant }).map(
        ({ content }) => content,
      ),
    ).toEqual([
      [
        { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' }, detail: 'low' },
        { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
        { type: 'native', dialect: 'cohere-chat', name: 'hologram', value: { type: 'hologram', depth: 3 } },
      ],
      [{ type: 'reasoning', text: 'Hm', dialect: 'cohere-chat' }],
    ]);
  });

  test('reads arguments of null, which Cohere writes for none, as the empty object', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'now', arguments: 'null' } };
    const [turn] = messagesOf({ role: 'assistant', tool_calls: [call] });
    expect(turn?.content[0]).toMatchObject({ arguments: '{}' });
  });

  test('reads every parameter', () => {
    const decoded = decode({
      ...{ max_tokens: 9, stop_sequences: ['a'], temperature: 0.5, seed: 7, frequency_penalty: 0.1 },
      ...{ presence_penalty: 0.2, k: 3, p: 0.4, logprobs: true, tool_choice: 'REQUIRED', strict_tools: true },
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' } } },
      ],
      response_format: { type: 'json_object', json_schema: { type: 'object' } },
      thinking: { type: 'enabled', token_budget: 100 },
      ...{ safety_mode: 'STRICT', priority: 1, documents: ['a'], citation_options: { mode: 'FAST' } },
      ...{ user: 'u', metadata: { a: 'b' }, new_thing: 1, provider: { only: ['cohere'] } },
    });
    expect(decoded).toMatchObject({
      ...{ model: 'm', stream: false, includeUsage: true, maxOutputTokens: 9, stop: ['a'], temperature: 0.5 },
      ...{ seed: 7, frequencyPenalty: 0.1, presencePenalty: 0.2, topK: 3, topP: 0.4, logprobs: true },
      toolChoice: { type: 'required' },
      tools: [
        { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      ],
      responseFormat: { type: 'json-schema', name: 'response', schema: { type: 'object' } },
      reasoning: { enabled: true, budgetTokens: 100 },
      nativeOptions: {
        ...{ safety_mode: 'STRICT', priority: 1, documents: ['a'], citation_options: { mode: 'FAST' } },
      },
      ...{ endUser: 'u', metadata: { a: 'b' }, unknownFields: ['new_thing'] },
    });
  });

  test('reads a k of 0 as none', () => {
    expect(decode({ k: 0 }).topK).toBeUndefined();
  });

  test('reads the older spelling of a schema', () => {
    const format = { type: 'json_object', schema: { type: 'object' } };
    expect(decode({ response_format: format }).responseFormat).toMatchObject({ type: 'json-schema' });
    expect(decode({ response_format: { type: 'json_object' } }).responseFormat).toEqual({ type: 'json' });
  });

  test.each<[string, JsonObject]>([
    ['model', { model: '' }],
    ['messages', { messages: [] }],
    ['messages', { messages: 'Hello' }],
    ['messages[0].role', { messages: [{ role: 'developer', content: 'a' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'a' }] }],
    ['tool_choice', { tool_choice: 'auto' }],
    ['max_tokens', { max_tokens: 'many' }],
    ['stop_sequences', { stop_sequences: 'a' }],
    ['thinking.type', { thinking: { type: 'much' } }],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['metadata.a', { metadata: { a: 1 } }],
  ])('refuses a wrong %s by its name', (param, body) => {
    const decoding = () => decode(body);
    expect(decoding).toThrow(GatewayError);
    expect(decoding).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });
});

describe('patchRequest', () => {
  const patched = (raw: string, maxOutputTokens?: number): string => {
    const body: Record<string, Json> = JSON.parse(raw);
    const target = { model: 'upstream', maxOutputTokens };
    return cohereChat.patchRequest(raw, cohereChat.decodeRequest(body), target);
  };

  test('changes the model, and takes out what is Sluice’s own', () => {
    const raw =
      '{ "model":"m", "new":12345678901234567890, "user":"u", "metadata":{"a":"b"}, "provider":{}, "messages":[{"content":"a","role":"user"}] }';
    expect(patched(raw)).toBe(
      '{ "model":"upstream", "new":12345678901234567890, "messages":[{"content":"a","role":"user"}] }',
    );
  });

  test('sends the bound that money was reserved for, where the caller gave none', () => {
    const raw = '{"model":"m","messages":[{"role":"user","content":"a"}]}';
    expect(patched(raw, 50)).toContain('"max_tokens":50');
    expect(patched(raw.replace('{', '{"max_tokens":9,'), 9)).toContain('"max_tokens":9,');
  });
});
