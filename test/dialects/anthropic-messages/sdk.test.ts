import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { closeServers, startAnsweringServer } from '../../support/answering-server.ts';
import { at, END, finish, START } from '../events.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };

afterEach(closeServers);

async function clientOf(status: number, contentType: string, body: string): Promise<Anthropic> {
  const { url } = await startAnsweringServer(() => ({
    status,
    headers: { 'content-type': contentType },
    body,
  }));
  return new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });
}

const REQUEST = {
  model: 'm',
  max_tokens: 10,
  messages: [{ role: 'user' as const, content: 'Hello' }],
};

async function finalMessage(...events: readonly ChatEvent[]) {
  const encoder = anthropicMessages.createStreamEncoder(ENVELOPE);
  const text = events.map((event) => encoder.encode(event) + anthropicMessages.keepAlive).join('');
  const client = await clientOf(200, anthropicMessages.streamContentType, text);
  return client.messages.stream(REQUEST).finalMessage();
}

describe('the official SDK', () => {
  test('reads a text with its usage', async () => {
    const message = await finalMessage(
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Grüß ', ...at(0) },
      { type: 'text-delta', text: 'dich 👋', ...at(0) },
      { type: 'block-end', ...at(0) },
      finish('stop'),
      { type: 'usage', usage: { promptTokens: 30, cacheReadTokens: 10, completionTokens: 4 } },
      END,
    );
    expect(message).toMatchObject({
      id: 'gen-1',
      model: 'openai/gpt',
      content: [{ type: 'text', text: 'Grüß dich 👋' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 20, cache_read_input_tokens: 10, output_tokens: 4 },
    });
  });

  test.each([
    ['one after another', [0, 0, 1, 1]],
    ['interleaved', [0, 1, 1, 0]],
  ])('reads two parallel tool calls that came %s', async (_name, order) => {
    const pieces = [
      ['{"city":', '"Rome"}'],
      ['{"city":', '"Oslo"}'],
    ];
    const deltas = order.map(
      (block): ChatEvent => ({
        type: 'tool-call-delta',
        arguments: pieces[block]?.shift() ?? '',
        ...at(block),
      }),
    );
    const message = await finalMessage(
      START,
      { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'weather', ...at(0) },
      { type: 'tool-call-start', kind: 'function', id: 'call_b', name: 'weather', ...at(1) },
      ...deltas,
      { type: 'block-end', ...at(0) },
      { type: 'block-end', ...at(1) },
      finish('tool-calls'),
      END,
    );
    expect(message.stop_reason).toBe('tool_use');
    expect(message.content).toEqual([
      { type: 'tool_use', id: 'call_a', name: 'weather', input: { city: 'Rome' } },
      { type: 'tool_use', id: 'call_b', name: 'weather', input: { city: 'Oslo' } },
    ]);
  });

  test('reads thinking with its signature', async () => {
    const message = await finalMessage(
      START,
      { type: 'reasoning-start', kind: 'raw', ...at(0) },
      { type: 'reasoning-delta', text: 'Hm', ...at(0) },
      { type: 'block-signature', signature: 'one', ...at(0) },
      { type: 'block-signature', signature: 'two', ...at(0) },
      { type: 'block-end', ...at(0) },
      { type: 'text-start', ...at(1) },
      { type: 'text-delta', text: 'Hi', ...at(1) },
      { type: 'block-end', ...at(1) },
      finish('stop'),
      END,
    );
    expect(message.content).toEqual([
      { type: 'thinking', thinking: 'Hm', signature: 'onetwo' },
      { type: 'text', text: 'Hi' },
    ]);
  });

  test('throws the error that ends a stream', async () => {
    const failing = finalMessage(
      START,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Hi', ...at(0) },
      {
        type: 'error',
        error: {
          code: 'upstream_overloaded',
          status: undefined,
          message: 'Overloaded',
          providerCode: undefined,
          retryAfterSeconds: undefined,
        },
      },
    );
    await expect(failing).rejects.toThrow(/overloaded_error.*upstream_overloaded/);
  });

  test('reads a whole answer', async () => {
    const body = anthropicMessages.encodeAnswer(
      [
        START,
        { type: 'tool-call-start', kind: 'function', id: 'call_a', name: 'now', ...at(0) },
        { type: 'block-end', ...at(0) },
        finish('tool-calls'),
        END,
      ],
      ENVELOPE,
    );
    const client = await clientOf(200, 'application/json', body);
    expect(await client.messages.create(REQUEST)).toMatchObject({
      content: [{ type: 'tool_use', id: 'call_a', name: 'now', input: {} }],
      stop_reason: 'tool_use',
    });
  });

  test('throws its own class of error for ours', async () => {
    const error = new GatewayError('rate_limit_exceeded', 'Too many requests.');
    const client = await clientOf(429, 'application/json', anthropicMessages.encodeError(error, 'gen-1'));
    await expect(client.messages.create(REQUEST)).rejects.toBeInstanceOf(Anthropic.RateLimitError);
  });
});
