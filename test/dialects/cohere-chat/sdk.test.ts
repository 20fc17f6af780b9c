import { afterEach, describe, expect, test } from '@jest/globals';
import { Cohere, CohereClientV2 } from 'cohere-ai';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError, type UpstreamError } from '../../../lambda/domain/errors.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { type Asked, closeServers, startAnsweringServer } from '../../support/answering-server.ts';
import { at, END, finish, START } from '../events.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };
const COST = { total: nanoUsd(3000n), prompt: nanoUsd(1000n), completion: nanoUsd(2000n) };

const ANSWER: readonly ChatEvent[] = [
  START,
  { type: 'reasoning-start', kind: 'raw', ...at(0) },
  { type: 'reasoning-delta', text: 'Hm', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'text-start', ...at(1) },
  { type: 'text-delta', text: 'Grüß dich 👋 [DONE]', ...at(1) },
  { type: 'text-citation', dialect: 'gemini', citation: { url: 'https://a.example', title: 'A' }, ...at(1) },
  { type: 'block-end', ...at(1) },
  { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'weather', ...at(2) },
  { type: 'tool-call-start', kind: 'function', id: 'call_b', name: 'now', ...at(3) },
  { type: 'tool-call-delta', arguments: '{"city":', ...at(2) },
  { type: 'tool-call-delta', arguments: '"Rome"}', ...at(2) },
  { type: 'block-end', ...at(2) },
  { type: 'block-end', ...at(3) },
  finish('tool-calls'),
  { type: 'usage', usage: { promptTokens: 30, cacheReadTokens: 10, completionTokens: 4 }, cost: COST },
  END,
];

afterEach(closeServers);

let asked: readonly Asked[] = [];

async function clientOf(status: number, contentType: string, body: string): Promise<CohereClientV2> {
  const server = await startAnsweringServer(() => ({
    status,
    headers: { 'content-type': contentType },
    body,
  }));
  asked = server.asked;
  return new CohereClientV2({ token: 'k', environment: server.url, maxRetries: 0 });
}

const REQUEST: Cohere.V2ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] };

async function streamed(events: readonly ChatEvent[]): Promise<Cohere.V2ChatStreamResponse[]> {
  const encoder = cohereChat.createStreamEncoder(ENVELOPE);
  const text = events.map((event) => encoder.encode(event) + cohereChat.keepAlive).join('');
  const client = await clientOf(200, cohereChat.streamContentType, text);
  return Array.fromAsync(await client.chatStream(REQUEST));
}

describe('the official SDK', () => {
  test('reads a stream with text, reasoning, calls, sources and usage', async () => {
    const events = await streamed(ANSWER);
    const texts = events.flatMap((event) =>
      event.type === 'content-delta' ? [event.delta?.message?.content ?? {}] : [],
    );
    expect(texts.map(({ text }) => text ?? '').join('')).toBe('Grüß dich 👋 [DONE]');
    expect(texts.map(({ thinking }) => thinking ?? '').join('')).toBe('Hm');
    const calls = events.flatMap((event) =>
      event.type === 'tool-call-start' ? [event.delta?.message?.toolCalls] : [],
    );
    expect(calls).toMatchObject([
      { id: 'call_a', function: { name: 'weather' } },
      { id: 'call_b', function: { name: 'now' } },
    ]);
    const given = events.flatMap((event) =>
      event.type === 'tool-call-delta'
        ? [`${event.index} ${event.delta?.message?.toolCalls?.function?.arguments}`]
        : [],
    );
    expect(given).toEqual(['0 {"city":', '0 "Rome"}', '1 {}']);
    expect(events.find(({ type }) => type === 'citation-start')).toMatchObject({
      delta: { message: { citations: { sources: [{ type: 'document', document: { title: 'A' } }] } } },
    });
    expect(events.at(-1)).toMatchObject({
      type: 'message-end',
      delta: {
        finishReason: 'TOOL_CALL',
        usage: { billedUnits: { inputTokens: 30, outputTokens: 4 }, cachedTokens: 10, cost: 0.000003 },
      },
    });
  });

  test('reads a whole answer', async () => {
    const body = cohereChat.encodeAnswer(ANSWER, ENVELOPE);
    const client = await clientOf(200, 'application/json', body);
    expect(await client.chat(REQUEST)).toMatchObject({
      id: 'gen-1',
      finishReason: 'TOOL_CALL',
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm' },
          { type: 'text', text: 'Grüß dich 👋 [DONE]' },
        ],
        toolCalls: [
          { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          { id: 'call_b', type: 'function', function: { name: 'now', arguments: '{}' } },
        ],
        citations: [{ text: 'Grüß dich 👋 [DONE]', contentIndex: 1 }],
      },
      usage: { billedUnits: { inputTokens: 30, outputTokens: 4 }, cachedTokens: 10, cost: 0.000003 },
    });
  });

  test('reads the error that ends a stream', async () => {
    const error: UpstreamError = {
      code: 'upstream_overloaded',
      status: undefined,
      message: 'Overloaded',
      providerCode: undefined,
      retryAfterSeconds: undefined,
    };
    const events = await streamed([...ANSWER.slice(0, 3), { type: 'error', error }]);
    expect(events.at(-1)).toMatchObject({
      type: 'message-end',
      delta: { finishReason: 'ERROR', error: 'Overloaded', code: 'upstream_overloaded', retryable: true },
    });
  });

  test.each([
    ['invalid_request', Cohere.BadRequestError],
    ['authentication_failed', Cohere.UnauthorizedError],
    ['model_not_found', Cohere.NotFoundError],
    ['rate_limit_exceeded', Cohere.TooManyRequestsError],
    ['upstream_overloaded', Cohere.ServiceUnavailableError],
  ] as const)('throws its own class of error for %s', async (code, expected) => {
    const error = new GatewayError(code, 'No.');
    const client = await clientOf(error.status, 'application/json', cohereChat.encodeError(error, 'gen-1'));
    await expect(client.chat(REQUEST)).rejects.toBeInstanceOf(expected);
  });

  test('writes requests that are understood', async () => {
    const client = await clientOf(200, 'application/json', cohereChat.encodeAnswer(ANSWER, ENVELOPE));
    await client.chat({
      model: 'openai/gpt',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', imageUrl: { url: 'data:image/png;base64,AA', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          toolPlan: 'I will look.',
          toolCalls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        {
          role: 'tool',
          toolCallId: 'c',
          content: [{ type: 'document', document: { id: 'd', data: { seen: 'a cat' } } }],
        },
      ],
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      ...{ toolChoice: 'REQUIRED', strictTools: true, maxTokens: 9, stopSequences: ['.'], p: 0.5, k: 3 },
      responseFormat: { type: 'json_object', jsonSchema: { type: 'object' } },
      thinking: { type: 'enabled', tokenBudget: 100 },
    });
    expect(cohereChat.decodeRequest(JSON.parse(asked[0]?.body ?? ''))).toMatchObject({
      ...{ model: 'openai/gpt', stream: false, maxOutputTokens: 9, stop: ['.'], topP: 0.5, topK: 3 },
      tools: [{ type: 'function', name: 'look', strict: true }],
      toolChoice: { type: 'required' },
      responseFormat: { type: 'json-schema', schema: { type: 'object' } },
      reasoning: { enabled: true, budgetTokens: 100 },
      unknownFields: [],
      messages: [
        { role: 'system' },
        { role: 'user', content: [{ type: 'text' }, { type: 'image', detail: 'low' }] },
        { role: 'assistant', content: [{ type: 'reasoning', text: 'I will look.' }, { type: 'tool-call' }] },
        {
          role: 'user',
          content: [{ type: 'tool-result', content: [{ text: '{"id":"d","data":{"seen":"a cat"}}' }] }],
        },
      ],
    });
  });
});
