import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { framesOf, wireEvents } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };
const START: JsonObject = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'claude', content: [], usage: { input_tokens: 5, output_tokens: 1 } },
};
const TEXT_START: JsonObject = {
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'text', text: '' },
};
const TEXT: JsonObject = {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: 'Hi' },
};
const BLOCK_STOP: JsonObject = { type: 'content_block_stop', index: 0 };
const DELTA: JsonObject = {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage: { output_tokens: 9 },
};
const STOP: JsonObject = { type: 'message_stop' };

const sse = (...events: readonly JsonObject[]): string =>
  events.map((event) => `event: ${event['type']}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const decode = async (...events: readonly JsonObject[]) => eventsOf(await framesOf(sse(...events)));

const address = (block: number) => ({ choice: 0, block });
describe('a stream', () => {
  test('means a text with its usage, and one frame for each chunk', async () => {
    const frames = await framesOf(sse(START, TEXT_START, TEXT, { type: 'ping' }, BLOCK_STOP, DELTA, STOP));
    expect(frames.map((frame) => frame.events.map((event) => event.type))).toEqual([
      ['answer-start', 'usage'],
      ['text-start'],
      ['text-delta'],
      [],
      ['block-end'],
      ['usage'],
      ['finish', 'end'],
    ]);
  });

  test('counts cached tokens as prompt tokens, and keeps what later reports leave out', async () => {
    const events = await decode(
      {
        type: 'message_start',
        message: {
          usage: {
            input_tokens: 5,
            cache_creation_input_tokens: 100,
            cache_read_input_tokens: 1000,
            cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
            service_tier: 'priority',
            output_tokens: 1,
          },
        },
      },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: {
          input_tokens: null,
          output_tokens: 7,
          output_tokens_details: { thinking_tokens: 3 },
          server_tool_use: { web_search_requests: 2 },
        },
      },
      STOP,
    );
    expect(events.filter((event) => event.type === 'usage').at(-1)?.usage).toEqual({
      promptTokens: 1105,
      completionTokens: 7,
      cacheReadTokens: 1000,
      cacheWriteTokens: 100,
      cacheWriteOneHourTokens: 40,
      reasoningTokens: 3,
      webSearchRequests: 2,
      serviceTier: 'priority',
    });
  });

  test('counts what a compaction took, which stands only among the iterations', async () => {
    const events = await decode(
      START,
      {
        ...DELTA,
        usage: {
          input_tokens: 5,
          output_tokens: 9,
          iterations: [
            { type: 'compaction', input_tokens: 180, output_tokens: 20 },
            { type: 'message', input_tokens: 5, output_tokens: 9 },
          ],
        },
      },
      STOP,
    );
    expect(events.filter((event) => event.type === 'usage').at(-1)?.usage).toMatchObject({
      promptTokens: 185,
      completionTokens: 29,
    });
  });

  test.each<[string, string, string]>([
    ['end_turn', 'stop', ''],
    ['stop_sequence', 'stop', 'END'],
    ['max_tokens', 'length', ''],
    ['model_context_window_exceeded', 'length', ''],
    ['tool_use', 'tool-calls', ''],
    ['pause_turn', 'pause', ''],
    ['refusal', 'refusal', ''],
    ['still_to_come', 'stop', ''],
  ])('that stops with %s ends with %s', async (stop_reason, reason, sequence) => {
    const stop_sequence = sequence === '' ? null : sequence;
    const events = await decode(
      START,
      { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage: {} },
      STOP,
    );
    expect(events.at(-2)).toEqual({
      type: 'finish',
      choice: 0,
      reason,
      upstreamReason: stop_reason,
      ...(sequence === '' ? {} : { stopSequence: sequence }),
    });
  });

  test.each<[string, readonly JsonObject[]]>([
    ['{}', [{ type: 'input_json_delta', partial_json: '' }]],
    [
      '{"a":1}',
      [
        { type: 'input_json_delta', partial_json: '{"a"' },
        { type: 'input_json_delta', partial_json: ':1}' },
      ],
    ],
  ])('has tool arguments that are JSON: %s', async (expected, deltas) => {
    const events = await decode(
      START,
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't', name: 'f', input: {} },
      },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
      BLOCK_STOP,
      DELTA,
      STOP,
    );
    expect(brokenRules(events)).toEqual([]);
    expect(events.map((event) => (event.type === 'tool-call-delta' ? event.arguments : '')).join('')).toBe(
      expected,
    );
  });

  test('may give arguments whole at the start of a block', async () => {
    const events = await decode(
      START,
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
      },
      BLOCK_STOP,
      DELTA,
      STOP,
    );
    expect(events).toContainEqual({ type: 'tool-call-delta', arguments: '{"a":1}', ...address(0) });
  });

  test.each<[string, readonly JsonObject[], string]>([
    ['stops without its end', [START, TEXT_START, TEXT, BLOCK_STOP, DELTA], 'The stream ended early.'],
    [
      'stops within a tool call',
      [
        START,
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'tool_use', id: 't', name: 'f', input: {} },
        },
      ],
      'The stream ended early.',
    ],
    ['is empty', [], 'The stream ended early.'],
    [
      'begins a second message',
      [START, TEXT_START, START],
      'A second message began before the first one ended.',
    ],
    [
      'has content before its message',
      [TEXT_START],
      'A content_block_start event came before the message began.',
    ],
    ['has content for no block', [START, TEXT], 'A piece of content came for no open block.'],
    [
      'has text in a tool call',
      [
        START,
        { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 't', name: 'f' } },
        TEXT,
      ],
      'A piece of content came for a block of another type.',
    ],
    ['begins a block twice', [START, TEXT_START, TEXT_START], 'A content block began twice.'],
    ['ends for no reason', [START, STOP], 'The message ended without a stop reason.'],
  ])('that %s ends with an error', async (_name, wire, message) => {
    const frames = await framesOf(sse(...wire));
    expect(brokenRules(eventsOf(frames))).toEqual([]);
    expect(frames.at(-1)).toEqual({
      raw: undefined,
      events: [
        {
          type: 'error',
          error: {
            code: 'upstream_invalid_response',
            status: undefined,
            message,
            providerCode: undefined,
            retryAfterSeconds: undefined,
          },
        },
      ],
    });
  });

  test.each(['data: nonsense\n\n', 'data: [1]\n\n', '<html>\n\n'])(
    'of %j ends with an error',
    async (text) => {
      const events = eventsOf(await framesOf(text));
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
    },
  );

  test('passes on what it does not know, and means nothing by it', async () => {
    const unknown: readonly JsonObject[] = [
      { type: 'content_block_start', index: 0, content_block: { type: 'hologram' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'beam', beam: 1 } },
      BLOCK_STOP,
      { type: 'aurora' },
    ];
    const frames = await framesOf(sse(START, ...unknown, DELTA, STOP));
    expect(brokenRules(eventsOf(frames))).toEqual([]);
    expect(frames.slice(1, 5)).toEqual(unknown.map((event) => ({ raw: sse(event), events: [] })));
  });

  test('stops reading once its message has ended', async () => {
    const frames = await framesOf(sse(START, DELTA, STOP, START, TEXT_START));
    expect(frames).toHaveLength(3);
  });

  test('throws what reading its bytes throws', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode(sse(START));
      throw new TypeError('The line was cut.');
    }
    await expect(Array.fromAsync(anthropicMessages.decodeStream(broken()))).rejects.toThrow(
      'The line was cut.',
    );
  });

  test('shows an upstream’s error with our code and request id', async () => {
    const frames = await framesOf(
      'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    );
    const text = frames.map((frame) => anthropicMessages.patchFrame(frame, ENVELOPE)).join('');
    expect(wireEvents(text)).toEqual([
      {
        type: 'error',
        error: {
          type: 'overloaded_error',
          message: 'Overloaded',
          code: 'upstream_overloaded',
          metadata: { provider_code: 'overloaded_error', retryable: true },
        },
        request_id: 'gen-1',
      },
    ]);
  });
});

describe('a whole answer that is none', () => {
  test.each([
    '',
    'nonsense',
    '[]',
    '{}',
    '{"choices":[]}',
    '{"content":"text"}',
    '{"content":[7],"stop_reason":"x"}',
    '{"content":[]}',
  ])('is one error: %s', (body) => {
    expect(anthropicMessages.decodeAnswer(body)).toMatchObject({
      raw: undefined,
      events: [{ type: 'error', error: { code: 'upstream_invalid_response' } }],
    });
  });

  test('may be an error the upstream reports', () => {
    const { events } = anthropicMessages.decodeAnswer(
      '{"type":"error","error":{"type":"api_error","message":"Oh"}}',
    );
    expect(events).toMatchObject([{ type: 'error', error: { code: 'upstream_error', message: 'Oh' } }]);
  });
});

describe('a call whose arguments break off', () => {
  const call = (reason: string): readonly JsonObject[] => [
    START,
    {
      type: 'content_block_start',
      index: 0,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a":"b' } },
    BLOCK_STOP,
    { ...DELTA, delta: { stop_reason: reason } },
    STOP,
  ];

  test('is an error, though the message says that it is whole', async () => {
    const events = await decode(...call('tool_use'));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
    expect(events.some(({ type }) => type === 'finish')).toBe(false);
  });

  test('is what it is where the answer had to end there', async () => {
    expect((await decode(...call('max_tokens'))).at(-1)).toEqual({ type: 'end' });
  });
});
