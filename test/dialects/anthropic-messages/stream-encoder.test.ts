import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { wireEvents } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };
const address = (block: number, choice = 0) => ({ choice, block });
const answerStart: ChatEvent = {
  type: 'answer-start',
  upstreamId: 'x',
  upstreamModel: 'y',
  createdAtSeconds: undefined,
};
const finish = (reason: 'stop' | 'tool-calls' | 'refusal' | 'error' | 'length', more = {}): ChatEvent => ({
  type: 'finish',
  choice: 0,
  reason,
  upstreamReason: undefined,
  ...more,
});
const end: ChatEvent = { type: 'end' };

function encode(...events: readonly ChatEvent[]): readonly JsonObject[] {
  const encoder = anthropicMessages.createStreamEncoder(ENVELOPE);
  return wireEvents(events.map((event) => encoder.encode(event)).join(''));
}

describe('events of any dialect', () => {
  test('become a message with its usage and cost at the end', () => {
    const cost = {
      total: nanoFromUsd('0.003'),
      prompt: nanoFromUsd('0.001'),
      completion: nanoFromUsd('0.002'),
    };
    expect(
      encode(
        answerStart,
        { type: 'text-start', ...address(0) },
        { type: 'text-delta', text: '', ...address(0) },
        { type: 'text-delta', text: 'Hi', ...address(0) },
        { type: 'block-end', ...address(0) },
        finish('stop', { stopSequence: 'END' }),
        {
          type: 'usage',
          usage: {
            promptTokens: 100,
            completionTokens: 20,
            cacheReadTokens: 70,
            cacheWriteTokens: 10,
            reasoningTokens: 5,
          },
          cost,
        },
        end,
      ),
    ).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'gen-1',
          type: 'message',
          role: 'assistant',
          model: 'openai/gpt',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 0, output_tokens: 0 },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' },
        usage: {
          input_tokens: 20,
          cache_creation_input_tokens: 10,
          cache_read_input_tokens: 70,
          output_tokens: 20,
          output_tokens_details: { thinking_tokens: 5 },
          cost: 0.003,
          cost_details: { upstream_inference_prompt_cost: 0.001, upstream_inference_completions_cost: 0.002 },
        },
      },
      { type: 'message_stop' },
    ]);
  });

  test('tell the prompt’s size at the start where it is known', () => {
    const [start] = encode(answerStart, { type: 'usage', usage: { promptTokens: 12 } }, finish('stop'), end);
    expect(start).toMatchObject({ message: { usage: { input_tokens: 12, output_tokens: 0 } } });
  });

  test('that interleave become blocks one after another', () => {
    const call = (block: number): ChatEvent => ({
      type: 'tool-call-start',
      kind: 'function',
      id: `call:${block}`,
      name: 'f',
      ...address(block),
    });
    const piece = (block: number, text: string): ChatEvent => ({
      type: 'tool-call-delta',
      arguments: text,
      ...address(block),
    });
    const wire = encode(
      answerStart,
      call(0),
      call(1),
      piece(1, '{"b"'),
      piece(0, '{"a"'),
      piece(1, ':2}'),
      { type: 'block-end', ...address(1) },
      piece(0, ':1}'),
      { type: 'block-end', ...address(0) },
      finish('tool-calls'),
      end,
    );
    expect(wire.map((event) => [event['type'], event['index']])).toEqual([
      ['message_start', undefined],
      ['content_block_start', 0],
      ['content_block_delta', 0],
      ['content_block_delta', 0],
      ['content_block_stop', 0],
      ['content_block_start', 1],
      ['content_block_delta', 1],
      ['content_block_delta', 1],
      ['content_block_stop', 1],
      ['message_delta', undefined],
      ['message_stop', undefined],
    ]);
    expect(wire[1]).toMatchObject({ content_block: { type: 'tool_use', id: 'call:0', input: {} } });
  });

  test('have thinking with its signature in one piece, and redacted thinking whole', () => {
    const wire = encode(
      answerStart,
      { type: 'reasoning-start', kind: 'raw', ...address(0) },
      { type: 'reasoning-delta', text: 'Hm', ...address(0) },
      { type: 'block-signature', signature: 'si', ...address(0) },
      { type: 'block-signature', signature: 'gn', ...address(0) },
      { type: 'block-end', ...address(0) },
      { type: 'reasoning-start', kind: 'encrypted', ...address(1) },
      { type: 'reasoning-delta', text: 'op', ...address(1) },
      { type: 'reasoning-delta', text: 'aque', ...address(1) },
      { type: 'block-end', ...address(1) },
      finish('stop'),
      end,
    );
    expect(wire.slice(1, -2)).toEqual([
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'sign' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'redacted_thinking', data: 'opaque' } },
      { type: 'content_block_stop', index: 1 },
    ]);
  });

  test('leave out other choices, media, blocks without content and other dialects’ results', () => {
    const wire = encode(
      answerStart,
      { type: 'text-start', ...address(0) },
      { type: 'block-end', ...address(0) },
      { type: 'text-start', ...address(0, 1) },
      { type: 'text-delta', text: 'other', ...address(0, 1) },
      { type: 'media-start', kind: 'image', mediaType: 'image/png', ...address(1) },
      { type: 'media-delta', base64: 'aGk=', ...address(1) },
      { type: 'block-end', ...address(1) },
      { type: 'hosted-tool-result', dialect: 'openai-responses', callId: 'c', result: {}, ...address(2) },
      { type: 'block-end', ...address(2) },
      finish('stop'),
      end,
    );
    expect(wire.map((event) => event['type'])).toEqual(['message_start', 'message_delta', 'message_stop']);
  });

  test('that refuse say so in the stop reason', () => {
    const wire = encode(
      answerStart,
      { type: 'refusal-start', ...address(0) },
      { type: 'refusal-delta', text: 'No.', ...address(0) },
      { type: 'block-end', ...address(0) },
      finish('stop'),
      end,
    );
    expect(wire[2]).toMatchObject({ delta: { type: 'text_delta', text: 'No.' } });
    expect(wire.at(-2)).toMatchObject({ delta: { stop_reason: 'refusal' } });
  });

  test('that fail end with an error event and no message_stop', () => {
    const error: ChatEvent = {
      type: 'error',
      error: {
        code: 'rate_limit_exceeded',
        status: 429,
        message: 'Slow down',
        providerCode: 'x',
        retryAfterSeconds: 3,
      },
    };
    expect(encode(answerStart, finish('error'), end).at(-1)).toMatchObject({
      type: 'error',
      error: { type: 'api_error', code: 'upstream_error' },
    });
    expect(encode(answerStart, { type: 'text-start', ...address(0) }, error).at(-1)).toEqual({
      type: 'error',
      error: {
        type: 'rate_limit_error',
        message: 'Slow down',
        code: 'rate_limit_exceeded',
        metadata: { provider_code: 'x', retry_after: 3, retryable: true },
      },
      request_id: 'gen-1',
    });
  });

  test('that call a tool with broken arguments are no whole answer', () => {
    const events: ChatEvent[] = [
      answerStart,
      { type: 'tool-call-start', kind: 'function', id: 'a', name: 'f', ...address(0) },
      { type: 'tool-call-delta', arguments: '{"a":', ...address(0) },
      { type: 'block-end', ...address(0) },
      finish('tool-calls'),
      end,
    ];
    expect(() => anthropicMessages.encodeAnswer(events, ENVELOPE)).toThrow(
      new GatewayError(
        'upstream_invalid_response',
        'The model called a tool with arguments that are no JSON object.',
      ),
    );
  });

  test('become a whole answer', () => {
    const events: ChatEvent[] = [
      answerStart,
      { type: 'reasoning-start', kind: 'summary', ...address(0) },
      { type: 'reasoning-delta', text: 'Hm', ...address(0) },
      { type: 'block-end', ...address(0) },
      { type: 'text-start', ...address(1) },
      { type: 'text-delta', text: 'Hi', ...address(1) },
      { type: 'text-citation', dialect: 'anthropic-messages', citation: { a: 1 }, ...address(1) },
      { type: 'block-end', ...address(1) },
      { type: 'tool-call-start', kind: 'custom', id: 'a', name: 'f', ...address(2) },
      { type: 'tool-call-delta', arguments: 'free "text"', ...address(2) },
      { type: 'block-end', ...address(2) },
      { type: 'tool-call-start', kind: 'function', id: 'b', name: 'g', ...address(3) },
      { type: 'block-end', ...address(3) },
      finish('length'),
      { type: 'usage', usage: { promptTokens: 3, completionTokens: 4, serviceTier: 'standard' } },
      end,
    ];
    expect(JSON.parse(anthropicMessages.encodeAnswer(events, ENVELOPE))).toEqual({
      id: 'gen-1',
      type: 'message',
      role: 'assistant',
      model: 'openai/gpt',
      content: [
        { type: 'thinking', thinking: 'Hm', signature: '' },
        { type: 'text', text: 'Hi', citations: [{ a: 1 }] },
        { type: 'tool_use', id: 'a', name: 'f', input: { input: 'free "text"' } },
        { type: 'tool_use', id: 'b', name: 'g', input: {} },
      ],
      stop_reason: 'max_tokens',
      stop_sequence: null,
      usage: { input_tokens: 3, output_tokens: 4, service_tier: 'standard' },
    });
  });
});
