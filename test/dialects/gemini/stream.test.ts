import { describe, expect, test } from '@jest/globals';
import { geminiArrayStream } from '../../../lambda/dialects/gemini/array-stream.ts';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import { MAX_EVENT_BYTES } from '../../../lambda/dialects/sse.ts';
import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, textOf, usageOf } from '../recordings.ts';
import { chunk, framesOf, parts } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const STOP = parts([], { finishReason: 'STOP' });

async function decoded(...chunks: readonly string[]): Promise<readonly ChatEvent[]> {
  const events = eventsOf(await framesOf(chunks.join('')));
  expect(brokenRules(events)).toEqual([]);
  return events;
}

const errorOf = (events: readonly ChatEvent[]): unknown => {
  const last = events.at(-1);
  return last?.type === 'error' ? [last.error.code, last.error.message] : last;
};

describe('a stream', () => {
  test('that stops before every candidate said why it ended is an error', async () => {
    expect(errorOf(await decoded(parts([{ text: 'Hi' }])))).toEqual([
      'upstream_invalid_response',
      'The stream ended early.',
    ]);
    const second = chunk({ candidates: [{ index: 1, content: { parts: [{ text: 'Hi' }] } }] });
    expect(errorOf(await decoded(second, STOP))).toEqual([
      'upstream_invalid_response',
      'The stream ended early.',
    ]);
  });

  test('of nothing, or of no JSON, is an error', async () => {
    expect(errorOf(await decoded())).toEqual(['upstream_invalid_response', 'The provider sent no answer.']);
    expect(errorOf(await decoded('data: {"a\r\n\r\n'))).toEqual([
      'upstream_invalid_response',
      'The provider sent a chunk that is not a JSON object.',
    ]);
  });

  test('that is nested deeper than any answer is an error, and so is such a whole answer', async () => {
    const args = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const body = `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":${args}}}]},"finishReason":"STOP"}]}`;
    const message = 'The provider sent an answer that is nested too deeply.';
    expect(errorOf(await decoded(`data: ${body}\r\n\r\n`))).toEqual(['upstream_invalid_response', message]);
    expect(errorOf(gemini.decodeAnswer(body).events)).toEqual(['upstream_invalid_response', message]);
  });

  test('with an error in it ends with that error', async () => {
    const error = { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' };
    const events = await decoded(parts([{ text: 'Hi' }]), chunk({ error }), STOP);
    expect(errorOf(events)).toEqual(['upstream_overloaded', 'The model is overloaded.']);
  });

  test('of a blocked prompt ends with the filter’s reason', async () => {
    const events = await decoded(
      chunk({
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
      }),
    );
    expect(events.slice(-2)).toEqual([
      { type: 'finish', choice: 0, reason: 'content-filter', upstreamReason: 'PROHIBITED_CONTENT' },
      { type: 'end' },
    ]);
    expect(usageOf(events)).toEqual({ promptTokens: 8, completionTokens: 0 });
  });

  test.each<readonly [string, FinishReason]>([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content-filter'],
    ['RECITATION', 'content-filter'],
    ['MODEL_ARMOR', 'content-filter'],
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['OTHER', 'error'],
    ['CONTINUATION', 'pause'],
    ['SOMETHING_NEW', 'stop'],
  ])('that ends with %s ends with %s', async (finishReason, reason) => {
    const events = await decoded(parts([{ text: 'Hi' }]), parts([], { finishReason }));
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({
      reason,
      upstreamReason: finishReason,
    });
  });

  test('of several candidates has a choice for each', async () => {
    const both = [0, 1].map((index) => ({
      index,
      content: { parts: [{ text: `${index}` }] },
      finishReason: 'STOP',
    }));
    const events = await decoded(chunk({ candidates: both }));
    expect([0, 1].map((choice) => textOf(events, 'text-delta', { choice }))).toEqual(['0', '1']);
  });

  test('may carry pictures, code that Google ran, sources and log probabilities', async () => {
    const logprobsResult = {
      chosenCandidates: [{ token: 'Hi', tokenId: 7, logProbability: -0.5 }],
      topCandidates: [{ candidates: [{ token: 'Ho', logProbability: -2 }] }],
    };
    const groundingMetadata = { webSearchQueries: ['a', 'b'], groundingChunks: [] };
    const events = await decoded(
      parts([
        { inlineData: { mimeType: 'image/png', data: 'ZHJhZnQ=' }, thought: true },
        { inlineData: { mimeType: 'image/png', data: 'aGk=' }, thoughtSignature: 's' },
        { executableCode: { language: 'PYTHON', code: '1' } },
        { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } },
        { text: 'Hi' },
      ]),
      parts([], { finishReason: 'STOP', logprobsResult, groundingMetadata }),
    );
    expect(events).toMatchObject([
      { type: 'answer-start', upstreamId: 'r1', upstreamModel: 'm' },
      { type: 'media-start', kind: 'image', mediaType: 'image/png', block: 0 },
      { type: 'media-delta', base64: 'aGk=' },
      { type: 'block-signature', signature: 's' },
      { type: 'block-end' },
      { type: 'tool-call-start', kind: 'hosted', name: 'code_execution', id: 'call_r1_0_1' },
      { type: 'tool-call-delta', arguments: '{"language":"PYTHON","code":"1"}' },
      { type: 'block-end' },
      { type: 'hosted-tool-result', callId: 'call_r1_0_1', dialect: 'gemini' },
      { type: 'block-end' },
      { type: 'text-start' },
      { type: 'text-delta', text: 'Hi' },
      {
        type: 'text-delta',
        text: '',
        logprobs: {
          content: [
            {
              token: 'Hi',
              token_id: 7,
              logprob: -0.5,
              bytes: null,
              top_logprobs: [{ token: 'Ho', logprob: -2, bytes: null }],
            },
          ],
        },
      },
      { type: 'text-citation', dialect: 'gemini', citation: { groundingMetadata } },
      { type: 'usage', usage: { webSearchRequests: 2 } },
      { type: 'block-end' },
      { type: 'finish', reason: 'stop' },
      { type: 'end' },
    ]);
  });

  test('keeps two signed texts apart, so that their signatures are', async () => {
    const events = await decoded(
      parts([{ text: 'a', thoughtSignature: 's' }, { text: 'b' }, { text: '', thoughtSignature: 't' }]),
      STOP,
    );
    const proofs = events.flatMap((event) =>
      event.type === 'block-signature' ? [[event.block, event.signature]] : [],
    );
    expect(proofs).toEqual([
      [0, 's'],
      [1, 't'],
    ]);
  });

  test('with an event larger than any is an error', async () => {
    const events = await decoded(`data: ${'x'.repeat(MAX_EVENT_BYTES)}`);
    expect(errorOf(events)).toEqual([
      'upstream_invalid_response',
      'The provider sent an event that is too large.',
    ]);
  });

  test('counts sound, caches and tools apart', async () => {
    const usageMetadata = {
      promptTokenCount: 100,
      toolUsePromptTokenCount: 20,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 30,
      thoughtsTokenCount: 10,
      totalTokenCount: 160,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 50 },
        { modality: 'AUDIO', tokenCount: 50 },
      ],
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 40 }],
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 25 }],
      trafficType: 'ON_DEMAND_FLEX',
    };
    expect(usageOf(await decoded(chunk({ usageMetadata }), STOP))).toEqual({
      promptTokens: 120,
      completionTokens: 40,
      cacheReadTokens: 60,
      reasoningTokens: 10,
      promptAudioTokens: 10,
      completionAudioTokens: 25,
      serviceTier: 'flex',
    });
  });
});

describe('arguments that come in pieces', () => {
  const piece = (functionCall: object): string => parts([{ functionCall }]);
  const begin = piece({ name: 'f', willContinue: true });
  const say = (jsonPath: string, value: object): string =>
    piece({ partialArgs: [{ jsonPath, ...value }], willContinue: true });

  test('are put together at their places', async () => {
    const events = await decoded(
      begin,
      say('$.city', { stringValue: 'Ro', willContinue: true }),
      say('$.city', { stringValue: 'me' }),
      say('$.list[0].a', { numberValue: 1 }),
      say("$.list[1]['b c']", { boolValue: false }),
      say('$.nothing', { nullValue: 'NULL_VALUE' }),
      piece({}),
      STOP,
    );
    const given = '{"city":"Rome","list":[{"a":1},{"b c":false}],"nothing":null}';
    expect(callsOf(events)).toMatchObject([{ name: 'f', arguments: given }]);
    expect(events.find(({ type }) => type === 'finish')).toMatchObject({ reason: 'tool-calls' });
  });

  test.each([
    ['the stream says it ended', [begin, say('$.a', { stringValue: 'x' }), STOP]],
    ['another call begins', [begin, say('$.a', { stringValue: 'x' }), piece({ name: 'g', args: {} }), STOP]],
    ['a piece has no place', [begin, say('$.a[5]', { stringValue: 'x' }), piece({}), STOP]],
    ['a place is no place', [begin, say('a', { stringValue: 'x' }), piece({}), STOP]],
    ['a value is none', [begin, say('$.a', {}), piece({}), STOP]],
    [
      'a text has members',
      [begin, say('$.a', { stringValue: 'x' }), say('$.a.b', { stringValue: 'x' }), piece({}), STOP],
    ],
  ])('are an error when %s', async (_when, chunks) => {
    expect(errorOf(await decoded(...chunks))).toEqual([
      'upstream_invalid_response',
      'The answer ended inside a tool call.',
    ]);
  });

  test('are cut, and look it, when the length was reached', async () => {
    const events = await decoded(
      begin,
      say('$.a', { stringValue: 'x' }),
      parts([], { finishReason: 'MAX_TOKENS' }),
    );
    expect(callsOf(events)).toMatchObject([{ arguments: '{"a":"x"' }]);
    expect(events.at(-1)).toEqual({ type: 'end' });
  });

  test('never reach what all objects share', async () => {
    const events = await decoded(begin, say('$.__proto__.x', { stringValue: 'y' }), piece({}), STOP);
    expect(callsOf(events)).toMatchObject([{ arguments: '{"__proto__":{"x":"y"}}' }]);
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });
});

describe('an answer of another dialect', () => {
  const START: ChatEvent = {
    type: 'answer-start',
    upstreamId: undefined,
    upstreamModel: undefined,
    createdAtSeconds: undefined,
  };
  const at = { choice: 0, block: 0 };
  const finish = (reason: FinishReason): ChatEvent => ({
    type: 'finish',
    choice: 0,
    reason,
    upstreamReason: undefined,
  });
  const answer = (...events: readonly ChatEvent[]) =>
    JSON.parse(gemini.encodeAnswer([START, ...events, { type: 'end' }], ENVELOPE));
  const call = (given: string): readonly ChatEvent[] => [
    { type: 'tool-call-start', kind: 'function', id: 'c', name: 'f', ...at },
    { type: 'tool-call-delta', arguments: given, ...at },
    { type: 'block-end', ...at },
  ];

  test('whose arguments are no object is no whole answer', () => {
    expect(answer(...call('{"a":'), finish('tool-calls')).candidates).toEqual([
      { finishReason: 'MALFORMED_FUNCTION_CALL', index: 0 },
    ]);
    expect(answer(...call('{"a":'), finish('length')).candidates).toEqual([
      { finishReason: 'MAX_TOKENS', index: 0 },
    ]);
  });

  test('shows its cost in plain decimals beside the usage, streamed too', () => {
    const cost = {
      total: nanoFromUsd(0.0000003),
      prompt: nanoFromUsd(0.0000001),
      completion: nanoFromUsd(0.0000002),
    };
    const usage: ChatEvent = { type: 'usage', usage: { promptTokens: 1, completionTokens: 2 }, cost };
    const whole = gemini.encodeAnswer([START, finish('stop'), usage, { type: 'end' }], ENVELOPE);
    expect(whole).toContain(
      '"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3,"cost":0.0000003,"cost_details":{',
    );
    const raw = '{"usage_metadata": {"prompt_token_count":1}, "response_id":"a"}';
    expect(gemini.patchFrame({ raw: `data: ${raw}\r\n\r\n`, events: [usage] }, ENVELOPE)).toContain(
      '"usage_metadata": {"cost":0.0000003,',
    );
    expect(gemini.patchAnswer({ raw, events: [usage] }, ENVELOPE)).toContain('"response_id":"gen-1"');
  });

  test('leaves out reasoning that is closed, and what only others understand', () => {
    const { candidates } = answer(
      { type: 'reasoning-start', kind: 'encrypted', ...at },
      { type: 'reasoning-delta', text: 'closed', ...at },
      { type: 'block-end', ...at },
      {
        type: 'hosted-tool-result',
        dialect: 'anthropic-messages',
        callId: 'c',
        result: {},
        choice: 0,
        block: 1,
      },
      { type: 'block-end', choice: 0, block: 1 },
      finish('stop'),
    );
    expect(candidates).toEqual([{ finishReason: 'STOP', index: 0 }]);
  });
});

describe('a list of chunks', () => {
  const failure = new GatewayError('upstream_timeout', 'Too slow.');

  test('is closed after an error, whether it was begun or not', () => {
    const fresh = geminiArrayStream(gemini);
    expect(JSON.parse(fresh.keepAlive + fresh.encodeStreamError(failure, ENVELOPE))).toMatchObject([
      { error: { status: 'DEADLINE_EXCEEDED' } },
    ]);
    const begun = geminiArrayStream(gemini);
    const first = begun.patchFrame({ raw: 'data: {"a":1}\r\n\r\n', events: [] }, ENVELOPE);
    expect(JSON.parse(first + begun.keepAlive + begun.encodeStreamError(failure, ENVELOPE))).toMatchObject([
      { a: 1 },
      { error: { code: 504 } },
    ]);
  });

  test('passes over what is no chunk, and is empty without any', () => {
    const list = geminiArrayStream(gemini);
    const text =
      list.patchFrame({ raw: ': comment\n\n', events: [] }, ENVELOPE) +
      list.patchFrame({ raw: undefined, events: [{ type: 'end' }] }, ENVELOPE);
    expect(JSON.parse(text)).toEqual([]);
  });

  test('is of the same dialect, with the same answers', () => {
    const list = geminiArrayStream(gemini);
    expect(list.id).toBe('gemini');
    expect(list.streamContentType).toMatch(/^application\/json/);
    expect(list.encodeAnswer).toBe(gemini.encodeAnswer);
  });
});
