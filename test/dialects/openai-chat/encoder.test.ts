import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { at, START } from '../events.ts';
import { callsOf, eventsOf, textOf } from '../recordings.ts';
import { framesOf, STREAMS } from './recordings.ts';

const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'anthropic/claude',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};
const COST = { total: nanoUsd(1_250n), prompt: nanoUsd(250n), completion: nanoUsd(1_000n) };

const end = (reason: 'stop' | 'tool-calls' | 'refusal' | 'pause'): ChatEvent[] => [
  { type: 'usage', usage: { promptTokens: 10, completionTokens: 5, reasoningTokens: 2 }, cost: COST },
  { type: 'finish', choice: 0, reason, upstreamReason: undefined },
  { type: 'end' },
];

const TEXT: ChatEvent[] = [
  START,
  { type: 'text-start', ...at(0) },
  { type: 'text-delta', text: 'Hel', ...at(0) },
  { type: 'text-delta', text: 'lo', ...at(0) },
  { type: 'block-end', ...at(0) },
  ...end('stop'),
];

const REASONING: ChatEvent[] = [
  START,
  { type: 'reasoning-start', kind: 'raw', ...at(0) },
  { type: 'reasoning-delta', text: 'Let me ', ...at(0) },
  { type: 'reasoning-delta', text: 'think.', ...at(0) },
  { type: 'block-signature', signature: 'SIG', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'text-start', ...at(1) },
  { type: 'text-delta', text: 'Yes.', ...at(1) },
  { type: 'block-end', ...at(1) },
  ...end('stop'),
];

/** Two calls whose pieces interleave, after some text. */
const TOOLS: ChatEvent[] = [
  START,
  { type: 'text-start', ...at(0) },
  { type: 'text-delta', text: 'Two.', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'tool-call-start', kind: 'function', id: 'a', name: 'add', ...at(1) },
  { type: 'tool-call-delta', arguments: '{"x"', ...at(1) },
  { type: 'tool-call-start', kind: 'function', id: 'b', name: 'mul', ...at(2) },
  { type: 'tool-call-delta', arguments: '{"y":2}', ...at(2) },
  { type: 'tool-call-delta', arguments: ':1}', ...at(1) },
  { type: 'block-end', ...at(1) },
  { type: 'block-end', ...at(2) },
  ...end('tool-calls'),
];

const encode = (events: readonly ChatEvent[], envelope: AnswerEnvelope = ENVELOPE): string => {
  const encoder = openaiChat.createStreamEncoder(envelope);
  return events.map((event) => encoder.encode(event)).join('');
};

const chunksOf = (stream: string) =>
  stream
    .split('\n\n')
    .filter((block) => block.startsWith('data: {'))
    .map((block) => JSON.parse(block.slice(6)));

describe('the official SDK', () => {
  let server: Server;
  let client: OpenAI;
  let answer = '';

  beforeAll(async () => {
    server = createServer((_request, response) => {
      const isStream = answer.startsWith('data:');
      response.setHeader('content-type', isStream ? openaiChat.streamContentType : 'application/json');
      response.end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A server that listens on a port has an address of this kind.
    const { port } = server.address() as AddressInfo;
    client = new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
  });

  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const final = (stream: string) => {
    answer = stream;
    return client.chat.completions
      .stream({ model: 'm', messages: [{ role: 'user', content: 'x' }] })
      .finalChatCompletion();
  };

  test('reads a streamed text with its usage and cost', async () => {
    const completion = await final(encode(TEXT));
    expect(completion).toMatchObject({
      id: 'gen-1',
      model: 'anthropic/claude',
      created: 1_700_000_000,
      choices: [{ message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        completion_tokens_details: { reasoning_tokens: 2 },
        cost: 0.00000125,
        cost_details: {
          upstream_inference_cost: null,
          upstream_inference_prompt_cost: 0.00000025,
          upstream_inference_completions_cost: 0.000001,
        },
      },
    });
  });

  test('reads parallel tool calls whose pieces interleave', async () => {
    const completion = await final(encode(TOOLS));
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'Two.',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'add', arguments: '{"x":1}' } },
          { id: 'b', type: 'function', function: { name: 'mul', arguments: '{"y":2}' } },
        ],
      },
    });
  });

  test('holds signed reasoning that can be sent back', async () => {
    const envelope = { ...ENVELOPE, upstreamDialect: 'anthropic-messages' } as const;
    const completion = await final(encode(REASONING, envelope));
    const messages = [completion.choices[0]?.message];
    const body = JSON.parse(JSON.stringify({ model: 'm', messages }));
    expect(openaiChat.decodeRequest(body).messages[0]?.content).toEqual([
      { type: 'reasoning', text: 'Let me think.', signature: 'SIG', dialect: 'anthropic-messages' },
      { type: 'text', text: 'Yes.' },
    ]);
  });

  test('throws the error that ends a stream', async () => {
    const error = new GatewayError('upstream_error', 'The provider left.', { retryable: false });
    const cut = encode(TEXT.slice(0, 3)) + openaiChat.encodeStreamError(error, ENVELOPE);
    await expect(final(cut)).rejects.toMatchObject({
      code: 'upstream_error',
      type: 'server_error',
      message: 'The provider left.',
    });
  });

  test('reads a whole answer', async () => {
    answer = openaiChat.encodeAnswer(TOOLS, ENVELOPE);
    const completion = await client.chat.completions.create({
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: 'Two.',
            tool_calls: [
              { id: 'a', function: { name: 'add', arguments: '{"x":1}' } },
              { id: 'b', function: { name: 'mul', arguments: '{"y":2}' } },
            ],
          },
        },
      ],
      usage: { total_tokens: 15, cost: 0.00000125 },
    });
  });
});

describe('encoded streams', () => {
  test('name the role once and hold no empty deltas', () => {
    const deltas = chunksOf(encode(TOOLS)).flatMap((body) => body.choices.map((choice: object) => choice));
    expect(deltas.filter(({ delta }) => delta.role !== undefined)).toHaveLength(1);
    const open = deltas.filter(({ finish_reason }) => finish_reason === null);
    expect(open.every(({ delta }) => Object.keys(delta).length > 0)).toBe(true);
  });

  test('show usage only when it was asked for, and always end', () => {
    const stream = encode(TEXT, { ...ENVELOPE, includeUsage: false });
    expect(chunksOf(stream).some((body) => body.usage !== undefined)).toBe(false);
    expect(stream.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  test('write costs without an exponent', () => {
    expect(encode(TEXT)).toContain('"cost":0.00000125,');
  });

  test('end without a terminator after an error', () => {
    const error = {
      code: 'upstream_overloaded',
      status: 503,
      message: 'busy',
      providerCode: 'overloaded',
      retryAfterSeconds: 3,
    } as const;
    const stream = encode([START, { type: 'error', error }]);
    expect(chunksOf(stream)).toMatchObject([
      {
        error: {
          code: 'upstream_overloaded',
          message: 'busy',
          metadata: { provider_code: 'overloaded', retry_after: 3, retryable: true, request_id: 'gen-1' },
        },
        choices: [{ index: 0, delta: {}, finish_reason: 'error' }],
      },
    ]);
    expect(stream).not.toContain('[DONE]');
  });

  test('end with an error where a choice did, and are no answers at all', () => {
    const failed: ChatEvent[] = [
      ...TEXT.slice(0, 5),
      { type: 'finish', choice: 0, reason: 'error', upstreamReason: 'MALFORMED_FUNCTION_CALL' },
      { type: 'end' },
    ];
    const stream = encode(failed);
    expect(chunksOf(stream).at(-1)).toMatchObject({ error: { code: 'upstream_error' } });
    expect(stream).not.toContain('[DONE]');
    expect(() => openaiChat.encodeAnswer(failed, ENVELOPE)).toThrow(GatewayError);
  });

  test('say how other dialects’ answers ended', () => {
    const reason = (events: readonly ChatEvent[]) =>
      chunksOf(encode(events)).at(-2)?.choices[0].finish_reason;
    const refusal: ChatEvent[] = [
      { type: 'refusal-start', ...at(0) },
      { type: 'refusal-delta', text: 'no', ...at(0) },
      { type: 'block-end', ...at(0) },
    ];
    expect(reason([START, ...end('refusal')])).toBe('content_filter');
    expect(reason([START, ...refusal, ...end('refusal')])).toBe('stop');
    expect(reason([START, ...end('pause')])).toBe('stop');
  });

  test('give sources of other dialects as annotations', () => {
    const citation = { type: 'web_search_result_location', url: 'https://a.example', title: 'A' };
    const events: ChatEvent[] = [
      ...TEXT.slice(0, 3),
      { type: 'text-citation', dialect: 'anthropic-messages', citation, ...at(0) },
      ...TEXT.slice(3),
    ];
    const annotation = {
      type: 'url_citation',
      url_citation: { url: 'https://a.example', title: 'A', start_index: 0, end_index: 5 },
    };
    expect(chunksOf(encode(events)).flatMap((body) => body.choices[0]?.delta.annotations ?? [])).toEqual([
      annotation,
    ]);
  });

  test('leave out tools the provider ran itself', () => {
    const events: ChatEvent[] = [
      START,
      { type: 'tool-call-start', kind: 'hosted', id: 'h', name: 'web_search', ...at(0) },
      { type: 'tool-call-delta', arguments: '{}', ...at(0) },
      { type: 'block-end', ...at(0) },
      { type: 'hosted-tool-result', dialect: 'anthropic-messages', callId: 'h', result: [], ...at(1) },
      { type: 'block-end', ...at(1) },
      ...end('stop'),
    ];
    expect(encode(events)).not.toContain('tool_calls');
  });

  test('of signed reasoning are read once by Sluice itself', async () => {
    const events = eventsOf(await framesOf(encode(REASONING)));
    expect(textOf(events, 'reasoning-delta')).toBe('Let me think.');
    expect(events).toContainEqual({ type: 'block-signature', signature: 'SIG', ...at(0) });
  });

  const good = STREAMS.filter(({ expected }) => expected.outcome === 'ok');
  test.each(good)('of $name mean the same', async ({ body }) => {
    const events = eventsOf(await framesOf(body));
    const again = eventsOf(await framesOf(encode(events)));
    for (const type of ['text-delta', 'reasoning-delta', 'refusal-delta'] as const)
      expect(textOf(again, type)).toBe(textOf(events, type));
    expect(callsOf(again)).toEqual(callsOf(events));
    expect(again.at(-1)).toEqual({ type: 'end' });
  });
});

describe('a call that Gemini signed', () => {
  const call = (...between: ChatEvent[]): ChatEvent[] => [
    START,
    { type: 'tool-call-start', kind: 'function', id: 'call_1', name: 'look', ...at(0) },
    ...between,
    { type: 'block-end', ...at(0) },
    ...end('tool-calls'),
  ];
  const pieces = (events: readonly ChatEvent[]): unknown[] => {
    const encoder = openaiChat.createStreamEncoder({ ...ENVELOPE, upstreamDialect: 'gemini' });
    const text = events.map((event) => encoder.encode(event)).join('');
    return [...text.matchAll(/^data: (\{.*)$/gm)].flatMap(
      ([, json = '']) => JSON.parse(json).choices[0]?.delta.tool_calls ?? [],
    );
  };
  const signature: ChatEvent = { type: 'block-signature', signature: 'SIG', ...at(0) };
  const given: ChatEvent = { type: 'tool-call-delta', arguments: '{"a":1}', ...at(0) };
  const extra_content = { google: { thought_signature: 'SIG' } };

  test('carries the signature in its first piece, where callers look for it', () => {
    expect(pieces(call(signature, given))).toEqual([
      { index: 0, id: 'call_1', type: 'function', function: { name: 'look', arguments: '' }, extra_content },
      { index: 0, function: { arguments: '{"a":1}' } },
    ]);
  });

  test('has nothing but its name where it has neither arguments nor signature', () => {
    expect(pieces(call())).toEqual([
      { index: 0, id: 'call_1', type: 'function', function: { name: 'look', arguments: '' } },
    ]);
  });

  test('carries a signature that comes late in a piece that is a call like any other', () => {
    expect(pieces(call(given, signature)).at(-1)).toEqual({
      index: 0,
      function: { arguments: '' },
      extra_content,
    });
  });
});
