import { describe, expect, test } from '@jest/globals';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import { encodeMessage } from '../../../lambda/dialects/event-stream.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { framesOf, wireEvents } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const START = wire('messageStart', { role: 'assistant' });
const METADATA = wire('metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 } });

function wire(name: string, body: JsonObject): string {
  return encodeMessage(
    { ':event-type': name, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(body),
  );
}
const delta = (contentBlockIndex: number, piece: JsonObject): string =>
  wire('contentBlockDelta', { contentBlockIndex, delta: piece });
const start = (contentBlockIndex: number, block: JsonObject): string =>
  wire('contentBlockStart', { contentBlockIndex, start: block });
const stop = (contentBlockIndex: number): string => wire('contentBlockStop', { contentBlockIndex });
const end = (stopReason: string): string => wire('messageStop', { stopReason });

async function read(...messages: readonly string[]): Promise<readonly ChatEvent[]> {
  const events = eventsOf(await framesOf(messages.join('')));
  expect(brokenRules(events)).toEqual([]);
  return events;
}

const lastError = (events: readonly ChatEvent[]) => {
  const last = events.at(-1);
  return last?.type === 'error' ? last.error : undefined;
};

describe('a stream', () => {
  test('may hold calls that interleave, and text that begins without a start', async () => {
    const events = await read(
      START,
      delta(0, { text: 'Hi' }),
      start(1, { toolUse: { toolUseId: 'a', name: 'f' } }),
      start(2, { toolUse: { toolUseId: 'b', name: 'g' } }),
      delta(2, { toolUse: { input: '{"x":' } }),
      delta(1, { toolUse: { input: '{}' } }),
      delta(2, { toolUse: { input: '1}' } }),
      stop(0),
      stop(2),
      stop(1),
      end('tool_use'),
      METADATA,
    );
    expect(events.filter(({ type }) => type === 'tool-call-delta')).toMatchObject([
      { arguments: '{"x":', block: 2 },
      { arguments: '{}', block: 1 },
      { arguments: '1}', block: 2 },
    ]);
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  test('whose call stops in the middle of its arguments is an error, never a call without arguments', async () => {
    const call = [
      START,
      start(0, { toolUse: { toolUseId: 'a', name: 'f' } }),
      delta(0, { toolUse: { input: '{"x' } }),
    ];
    expect(lastError(await read(...call))?.code).toBe('upstream_invalid_response');
    for (const reason of ['tool_use', 'end_turn', 'a_reason_to_come']) {
      const events = await read(...call, stop(0), end(reason), METADATA);
      expect(lastError(events)?.code).toBe('upstream_invalid_response');
    }
  });

  test('whose call is whole, but no JSON, is what the model said', async () => {
    const events = await read(
      START,
      start(0, { toolUse: { toolUseId: 'a', name: 'f' } }),
      delta(0, { toolUse: { input: '{"x":nothing}' } }),
      stop(0),
      end('tool_use'),
      METADATA,
    );
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  test('that ran out of tokens within a call ends as that', async () => {
    const events = await read(
      START,
      start(0, { toolUse: { toolUseId: 'a', name: 'f' } }),
      delta(0, { toolUse: { input: '{"x' } }),
      stop(0),
      end('max_tokens'),
      METADATA,
    );
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({ reason: 'length' });
  });

  test('joins blobs that came in pieces of their own base64', async () => {
    const events = await read(
      START,
      delta(0, { reasoningContent: { redactedContent: 'AQ==' } }),
      delta(0, { reasoningContent: { redactedContent: 'AgM=' } }),
      stop(0),
      end('end_turn'),
    );
    const text = events.map((event) => (event.type === 'reasoning-delta' ? event.text : '')).join('');
    expect(text).toBe('AQID');
  });

  test('tells its stop sequence where the caller asked Bedrock for it', async () => {
    const events = await read(
      START,
      wire('messageStop', {
        stopReason: 'stop_sequence',
        additionalModelResponseFields: { stop_sequence: 'END' },
      }),
      METADATA,
    );
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({
      reason: 'stop',
      stopSequence: 'END',
    });
  });

  test.each([
    ['internalServerException', 'upstream_error'],
    ['modelStreamErrorException', 'upstream_error'],
    ['throttlingException', 'rate_limit_exceeded'],
    ['validationException', 'invalid_request'],
    ['serviceUnavailableException', 'upstream_overloaded'],
  ])('that ends with %s ends with one error', async (type, code) => {
    const exception = encodeMessage(
      { ':message-type': 'exception', ':exception-type': type },
      '{"message":"Broken."}',
    );
    const events = await read(START, delta(0, { text: 'a' }), exception, METADATA);
    expect(lastError(events)).toMatchObject({ code, message: 'Broken.', providerCode: type });
  });

  test('that ends with an error of the transport ends with one error', async () => {
    const error = encodeMessage(
      { ':message-type': 'error', ':error-code': 'InternalError', ':error-message': 'Broken.' },
      '',
    );
    expect(lastError(await read(START, error))).toMatchObject({ code: 'upstream_error', message: 'Broken.' });
  });

  test('says what an answer cannot say by an error', async () => {
    const events = await read(START, end('malformed_tool_use'), METADATA);
    const encoder = bedrockConverse.createStreamEncoder(ENVELOPE);
    const written = wireEvents(events.map((event) => encoder.encode(event)).join(''));
    expect(written.map((event) => Object.keys(event)[0])).toEqual([
      'messageStart',
      'modelStreamErrorException',
    ]);
  });

  test('reaches a caller of the same dialect with what nobody knows', async () => {
    const unknown = [
      wire('hologramStart', { depth: 3 }),
      start(7, { hologram: {} }),
      delta(7, { hologram: { z: 1 } }),
      wire('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' }, p: 'abc', next: 12 }),
    ];
    const frames = await framesOf([START, ...unknown, stop(7), end('end_turn'), METADATA].join(''));
    const patched = frames.map((frame) => bedrockConverse.patchFrame(frame, ENVELOPE));
    expect(patched).toEqual([START, ...unknown, stop(7), end('end_turn'), METADATA]);
  });

  test('shows a caller of the same dialect a provider’s exception as an error of Sluice’s', async () => {
    const exception = encodeMessage(
      { ':message-type': 'exception', ':exception-type': 'throttlingException' },
      '{"message":"Slow down."}',
    );
    const frames = await framesOf([START, exception].join(''));
    const patched = frames.map((frame) => bedrockConverse.patchFrame(frame, ENVELOPE)).join('');
    expect(wireEvents(patched)[1]).toMatchObject({
      throttlingException: {
        message: 'Slow down.',
        code: 'rate_limit_exceeded',
        metadata: { retryable: true },
      },
    });
  });
});

describe('an answer nested without end', () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const asMessage = (name: string, payload: string): string =>
    encodeMessage({ ':event-type': name, ':message-type': 'event' }, payload);

  test.each([
    ['contentBlockDelta', `{"contentBlockIndex":0,"delta":{"citation":${deep}}}`],
    ['contentBlockDelta', `{"contentBlockIndex":0,"delta":{"toolResult":[{"json":${deep}}]}}`],
    ['contentBlockStart', `{"contentBlockIndex":0,"start":{"toolResult":{"toolUseId":"a","x":${deep}}}}`],
  ])('is an error in a stream: %s', async (name, payload) => {
    const events = await read(START, asMessage(name, payload), end('end_turn'), METADATA);
    expect(lastError(events)?.code).toBe('upstream_invalid_response');
  });

  test('is an error in a whole answer', () => {
    const content = `[{"toolUse":{"toolUseId":"a","name":"f","input":${deep}}}]`;
    const body = `{"output":{"message":{"content":${content}}},"stopReason":"tool_use"}`;
    expect(lastError(bedrockConverse.decodeAnswer(body).events)?.code).toBe('upstream_invalid_response');
  });
});

describe('a whole answer', () => {
  test.each(['', '[]', '{}', '{"output":{}}', '{"output":{"message":{"content":"a"}}}'])(
    'that is none is one error: %s',
    (body) => {
      expect(bedrockConverse.decodeAnswer(body)).toMatchObject({
        raw: undefined,
        events: [{ type: 'error', error: { code: 'upstream_invalid_response' } }],
      });
    },
  );

  test('with sources is told as text with its sources', () => {
    const citation = { title: 'a', location: { documentChar: { documentIndex: 0, start: 0, end: 1 } } };
    const content = [{ citationsContent: { content: [{ text: 'b' }], citations: [citation] } }];
    const body = JSON.stringify({ output: { message: { content } }, stopReason: 'end_turn' });
    const { events } = bedrockConverse.decodeAnswer(body);
    expect(events.slice(1, 5)).toEqual([
      { type: 'text-start', choice: 0, block: 0 },
      { type: 'text-citation', dialect: 'bedrock-converse', citation, choice: 0, block: 0 },
      { type: 'text-delta', text: 'b', choice: 0, block: 0 },
      { type: 'block-end', choice: 0, block: 0 },
    ]);
  });

  test('counts what was kept in the cache for an hour', () => {
    const usage = {
      inputTokens: 1,
      outputTokens: 2,
      cacheWriteInputTokens: 30,
      cacheDetails: [
        { ttl: '1h', inputTokens: 20 },
        { ttl: '5m', inputTokens: 10 },
      ],
    };
    const output = { message: { content: [] } };
    const body = JSON.stringify({ output, stopReason: 'end_turn', usage, serviceTier: { type: 'flex' } });
    const { events } = bedrockConverse.decodeAnswer(body);
    expect(events.find(({ type }) => type === 'usage')).toEqual({
      type: 'usage',
      usage: {
        promptTokens: 31,
        completionTokens: 2,
        cacheWriteTokens: 30,
        cacheWriteOneHourTokens: 20,
        serviceTier: 'flex',
      },
    });
    expect(JSON.parse(bedrockConverse.encodeAnswer(events, ENVELOPE))).toMatchObject({
      usage: { ...usage, totalTokens: 33 },
      serviceTier: { type: 'flex' },
    });
  });
});
