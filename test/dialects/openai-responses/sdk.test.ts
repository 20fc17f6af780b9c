import { afterEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { type Asked, closeServers, startAnsweringServer } from '../../support/answering-server.ts';
import { at, END, finish, START } from '../events.ts';
import { ENVELOPE } from './recordings.ts';

const COST = { total: nanoUsd(1_250n), prompt: nanoUsd(250n), completion: nanoUsd(1_000n) };
const USAGE: ChatEvent = {
  type: 'usage',
  usage: { promptTokens: 30, cacheReadTokens: 10, completionTokens: 4, reasoningTokens: 2 },
  cost: COST,
};

afterEach(closeServers);

let asked: readonly Asked[] = [];

async function clientOf(status: number, contentType: string, body: string): Promise<OpenAI> {
  const server = await startAnsweringServer(() => ({
    status,
    headers: { 'content-type': contentType },
    body,
  }));
  asked = server.asked;
  return new OpenAI({ apiKey: 'k', baseURL: server.url, maxRetries: 0 });
}

const REQUEST = { model: 'm', input: 'Hello' };

const streamOf = (events: readonly ChatEvent[]): string => {
  const encoder = openaiResponses.createStreamEncoder(ENVELOPE);
  return events.map((event) => encoder.encode(event) + openaiResponses.keepAlive).join('');
};

async function finalResponse(...events: readonly ChatEvent[]) {
  const client = await clientOf(200, openaiResponses.streamContentType, streamOf(events));
  return client.responses.stream(REQUEST).finalResponse();
}

const TEXT: readonly ChatEvent[] = [
  START,
  { type: 'reasoning-start', kind: 'summary', ...at(0) },
  { type: 'reasoning-delta', text: 'Hm', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'text-start', ...at(1) },
  { type: 'text-delta', text: 'Grüß ', ...at(1) },
  { type: 'text-delta', text: 'dich 👋', ...at(1) },
  {
    type: 'text-citation',
    dialect: 'anthropic-messages',
    citation: { url: 'https://a.example', title: 'A' },
    ...at(1),
  },
  { type: 'block-end', ...at(1) },
  USAGE,
  finish('stop'),
  END,
];

const TOOLS: readonly ChatEvent[] = [
  START,
  { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'weather', ...at(0) },
  { type: 'tool-call-start', kind: 'custom', id: 'call_b', name: 'patch', ...at(1) },
  { type: 'tool-call-delta', arguments: '{"city":', ...at(0) },
  { type: 'tool-call-delta', arguments: '*** Begin', ...at(1) },
  { type: 'tool-call-delta', arguments: '"Rome"}', ...at(0) },
  { type: 'tool-call-start', kind: 'function', id: 'call_c', name: 'now', ...at(2) },
  { type: 'block-end', ...at(2) },
  { type: 'block-end', ...at(1) },
  { type: 'block-end', ...at(0) },
  finish('tool-calls'),
  END,
];

describe('the official SDK', () => {
  test('reads a streamed text with its source, reasoning, usage and cost', async () => {
    const response = await finalResponse(...TEXT);
    expect(response).toMatchObject({
      id: 'gen-1',
      model: 'sim/echo',
      status: 'completed',
      output_text: 'Grüß dich 👋',
      usage: {
        input_tokens: 30,
        input_tokens_details: { cached_tokens: 10 },
        output_tokens: 4,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 34,
        cost: 0.00000125,
      },
    });
    expect(response.output).toMatchObject([
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] },
      { type: 'message', content: [{ annotations: [{ type: 'url_citation', url: 'https://a.example' }] }] },
    ]);
  });

  test('reads parallel calls of functions and custom tools whose pieces interleave', async () => {
    const response = await finalResponse(...TOOLS);
    expect(response.output).toMatchObject([
      { type: 'function_call', call_id: 'call_a', name: 'weather', arguments: '{"city":"Rome"}' },
      { type: 'custom_tool_call', call_id: 'call_b', name: 'patch', input: '*** Begin' },
      { type: 'function_call', call_id: 'call_c', name: 'now', arguments: '{}' },
    ]);
  });

  test('sees every event numbered, and each item added and done once', async () => {
    const client = await clientOf(200, openaiResponses.streamContentType, streamOf([...TOOLS]));
    const stream = await client.responses.create({ ...REQUEST, stream: true });
    const events = await Array.fromAsync(stream);
    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_event, index) => index));
    const items = (type: string) => events.filter((event) => event.type === type).length;
    expect([items('response.output_item.added'), items('response.output_item.done')]).toEqual([3, 3]);
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
    expect(events.at(-1)?.type).toBe('response.completed');
  });

  test('reads an answer that met its limit as incomplete', async () => {
    const response = await finalResponse(
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Hi', ...at(0) },
      { type: 'block-end', ...at(0) },
      finish('length'),
      END,
    );
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output_text: 'Hi',
    });
  });

  test.each([
    ['by the encoder', undefined],
    ['by itself', new GatewayError('upstream_overloaded', 'Overloaded.')],
  ])('reads the failure that ends a stream, written %s', async (_name, error) => {
    const begun: readonly ChatEvent[] = [
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Hi', ...at(0) },
    ];
    const failure: ChatEvent = {
      type: 'error',
      error: {
        code: 'upstream_overloaded',
        status: undefined,
        message: 'Overloaded.',
        providerCode: undefined,
        retryAfterSeconds: undefined,
      },
    };
    const text =
      error === undefined
        ? streamOf([...begun, failure])
        : streamOf(begun) + openaiResponses.encodeStreamError(error, ENVELOPE);
    const client = await clientOf(200, openaiResponses.streamContentType, text);
    const response = await client.responses.stream(REQUEST).finalResponse();
    expect(response).toMatchObject({
      id: 'gen-1',
      status: 'failed',
      error: { code: 'upstream_overloaded', message: 'Overloaded.', metadata: { retryable: true } },
    });
  });

  test('reads a whole answer', async () => {
    const client = await clientOf(200, 'application/json', openaiResponses.encodeAnswer(TOOLS, ENVELOPE));
    const response = await client.responses.create(REQUEST);
    expect(response.output.map(({ type }) => type)).toEqual([
      'function_call',
      'custom_tool_call',
      'function_call',
    ]);
  });

  test('throws its own class of error for ours', async () => {
    const error = new GatewayError('rate_limit_exceeded', 'Too many requests.');
    const client = await clientOf(429, 'application/json', openaiResponses.encodeError(error, 'gen-1'));
    await expect(client.responses.create(REQUEST)).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  test('writes requests that are understood', async () => {
    const client = await clientOf(200, 'application/json', openaiResponses.encodeAnswer(TEXT, ENVELOPE));
    await client.responses.create({
      model: 'm',
      instructions: 'Be brief.',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'What is this?' },
            { type: 'input_image', image_url: 'https://a.example/b.png', detail: 'low' },
          ],
        },
        { type: 'function_call', call_id: 'c', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'A cat.' },
      ],
      tools: [{ type: 'function', name: 'look', parameters: { type: 'object' }, strict: false }],
      tool_choice: { type: 'function', name: 'look' },
      text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true } },
      reasoning: { effort: 'low', summary: 'auto' },
      max_output_tokens: 100,
    });
    const body: JsonObject = JSON.parse(asked[0]?.body ?? '');
    expect(openaiResponses.decodeRequest(body)).toMatchObject({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', content: [{ type: 'text' }, { type: 'image', detail: 'low' }] },
        { role: 'assistant', content: [{ type: 'tool-call', id: 'c', name: 'look' }] },
        { role: 'user', content: [{ type: 'tool-result', callId: 'c' }] },
      ],
      toolChoice: { type: 'tool', name: 'look' },
      responseFormat: { type: 'json-schema', strict: true },
      reasoning: { effort: 'low', enabled: true },
      maxOutputTokens: 100,
      nativeOptions: { 'reasoning.summary': 'auto' },
      unknownFields: [],
    });
  });
});
