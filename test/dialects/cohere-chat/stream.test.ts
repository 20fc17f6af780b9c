import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, textOf } from '../recordings.ts';
import { DONE, ended, framesOf, part, START, sent } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'openai/gpt', createdAtSeconds: 1, includeUsage: true };

async function eventsIn(...pieces: readonly string[]): Promise<ChatEvent[]> {
  const events = eventsOf(await framesOf(pieces.join('')));
  expect(brokenRules(events)).toEqual([]);
  return events;
}

const contentStart = (index: number, type: string): string =>
  part('content-start', index, { content: { type, [type]: '' } });
const contentDelta = (index: number, type: string, text: string): string =>
  part('content-delta', index, { content: { [type]: text } });
const contentEnd = (index: number): string => sent('content-end', { index });
const callStart = (index: number, id: string, given = ''): string =>
  part('tool-call-start', index, {
    tool_calls: { id, type: 'function', function: { name: 'f', arguments: given } },
  });
const callDelta = (index: number, given: string): string =>
  part('tool-call-delta', index, { tool_calls: { function: { arguments: given } } });
const callEnd = (index: number): string => sent('tool-call-end', { index });

describe('decodeStream', () => {
  test('reads a plan as reasoning and parallel calls, also where they interleave', async () => {
    const events = await eventsIn(
      START,
      ...['I will', ' look.'].map((text) => part('tool-plan-delta', undefined, { tool_plan: text })),
      ...[callStart(0, 'a'), callDelta(0, '{"x":'), callStart(1, 'b'), callDelta(1, '{"y":2}')],
      ...[callDelta(0, '1}'), callEnd(0), callEnd(1), ended('TOOL_CALL')],
    );
    expect(textOf(events, 'reasoning-delta')).toBe('I will look.');
    expect(callsOf(events)).toMatchObject([
      { id: 'a', name: 'f', arguments: '{"x":1}' },
      { id: 'b', name: 'f', arguments: '{"y":2}' },
    ]);
    expect(events.at(-2)).toMatchObject({
      type: 'finish',
      reason: 'tool-calls',
      upstreamReason: 'TOOL_CALL',
    });
  });

  test('keeps a text open for a source that comes after its end', async () => {
    const citation = { start: 0, end: 2, text: 'Hi', sources: [], type: 'TEXT_CONTENT', content_index: 0 };
    const events = await eventsIn(
      ...[START, contentStart(0, 'text'), contentDelta(0, 'text', 'Hi'), contentEnd(0)],
      ...[part('citation-start', 0, { citations: citation }), sent('citation-end', { index: 0 })],
      ended('COMPLETE'),
    );
    expect(events.map(({ type }) => type)).toEqual([
      ...['answer-start', 'text-start', 'text-delta', 'text-citation', 'block-end', 'finish', 'end'],
    ]);
  });

  test('tells arguments of null, in pieces too, as the empty object, and others as they come', async () => {
    const events = await eventsIn(
      ...[START, callStart(0, 'a'), callDelta(0, 'nu'), callDelta(0, 'll'), callEnd(0)],
      ...[callStart(1, 'b', 'n'), callDelta(1, 'ull'), callEnd(1), callStart(2, 'c', '[1]'), callEnd(2)],
      ended('TOOL_CALL'),
    );
    expect(callsOf(events).map((call) => call.arguments)).toEqual(['{}', '{}', '[1]']);
  });

  test('carries probabilities in the form of OpenAI', async () => {
    const events = await eventsIn(
      START,
      sent('content-delta', {
        index: 0,
        delta: { message: { content: { text: 'Hi' } } },
        logprobs: { text: 'Hi', token_ids: [1, 2], logprobs: [-0.5, -0.25] },
      }),
      ended('COMPLETE'),
    );
    expect(events.find(({ type }) => type === 'text-delta')).toMatchObject({
      logprobs: { content: [{ token: 'Hi', logprob: -0.75 }] },
    });
  });

  test.each([
    ['inside a text', [contentStart(0, 'text'), contentDelta(0, 'text', 'Hi')]],
    ['inside a call', [callStart(0, 'a'), callDelta(0, '{"x":')]],
    ['before its end', [contentStart(0, 'text'), contentEnd(0)]],
    ['at a terminator without an end', [contentStart(0, 'text'), contentEnd(0), DONE]],
  ])('that stops %s ends in an error', async (_name, pieces) => {
    const events = await eventsIn(START, ...pieces);
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
  });

  test.each([
    ['arguments that stop in their middle', [callStart(0, 'a'), callDelta(0, '{"x":')]],
    ['a call without arguments and end', [callStart(0, 'a')]],
  ])('with %s is an error, unless the limit was met', async (_name, pieces) => {
    expect((await eventsIn(START, ...pieces, ended('TOOL_CALL'))).at(-1)).toMatchObject({ type: 'error' });
    const limited = await eventsIn(START, ...pieces, ended('MAX_TOKENS'));
    expect(limited.at(-2)).toMatchObject({ type: 'finish', reason: 'length' });
  });

  test.each([
    [{ error: 'upstream overloaded' }, 'ERROR', 'upstream_overloaded'],
    [{ error: 'no' }, 'ERROR', 'upstream_error'],
    [{ error: 'blocked output' }, 'ERROR', 'content_policy_violation'],
    [{}, 'TIMEOUT', 'upstream_timeout'],
  ])('that reports %j with %s ends in one error, after its usage', async (beside, reason, code) => {
    const usage = { billed_units: { input_tokens: 3, output_tokens: 1 } };
    const events = await eventsIn(START, ended(reason, { ...beside, usage }));
    expect(events.slice(-2)).toMatchObject([
      { type: 'usage', usage: { promptTokens: 3, completionTokens: 1 } },
      { type: 'error', error: { code } },
    ]);
  });

  test('reads an error’s envelope, and what is no JSON, as an error', async () => {
    const envelope = await eventsIn(`data: {"id":"x","message":"too many tokens: limit is 4"}\n\n`);
    expect(envelope).toMatchObject([{ type: 'error', error: { code: 'context_length_exceeded' } }]);
    expect(await eventsIn(START, 'data: <html>\n\n')).toMatchObject([
      { type: 'answer-start' },
      { type: 'error', error: { code: 'upstream_invalid_response' } },
    ]);
  });

  test('ignores what it does not know and what comes after the end', async () => {
    const events = await eventsIn(
      START,
      sent('hologram'),
      ended('COMPLETE').replace(DONE, sent('content-start')),
      DONE,
    );
    expect(events.map(({ type }) => type)).toEqual(['answer-start', 'finish', 'end']);
  });
});

describe('usage', () => {
  const usageIn = async (usage: object) =>
    (await eventsIn(START, ended('COMPLETE', { usage: JSON.parse(JSON.stringify(usage)) }))).find(
      (event) => event.type === 'usage',
    )?.usage;

  test('is what is billed, of which reasoning is a part and what was cached is none', async () => {
    expect(
      await usageIn({
        billed_units: { input_tokens: 65, output_tokens: 20 },
        tokens: { input_tokens: 508, output_tokens: 86, reasoning_tokens: 28 },
        cached_tokens: 144,
      }),
    ).toEqual({ promptTokens: 65, completionTokens: 20, reasoningTokens: 20 });
  });

  test('is what was counted where nothing is billed apart', async () => {
    expect(await usageIn({ tokens: { input_tokens: 508, output_tokens: 86.5 }, cached_tokens: 144 })).toEqual(
      { promptTokens: 508, completionTokens: 87, cacheReadTokens: 144 },
    );
  });

  test('is unknown where none is reported', async () => {
    expect(await usageIn({})).toBeUndefined();
  });
});

describe('createStreamEncoder', () => {
  const at = (block: number) => ({ choice: 0, block });
  const start: ChatEvent = {
    ...{ type: 'answer-start', upstreamId: 'x', upstreamModel: 'y', createdAtSeconds: 1 },
  };
  const finish: ChatEvent = { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined };

  const encoded = (...events: readonly ChatEvent[]): string => {
    const encoder = cohereChat.createStreamEncoder(ENVELOPE);
    return events.map((event) => encoder.encode(event)).join('');
  };

  test('writes what Cohere would have written, with the cost beside the usage', () => {
    const cost = { total: nanoUsd(3n), prompt: nanoUsd(1n), completion: nanoUsd(2n) };
    expect(
      encoded(
        start,
        { type: 'text-start', ...at(0) },
        { type: 'text-delta', text: 'Hi', ...at(0) },
        { type: 'block-end', ...at(0) },
        finish,
        { type: 'usage', usage: { promptTokens: 3, completionTokens: 1 }, cost },
        { type: 'end' },
      ),
    ).toBe(
      [
        'event: message-start\ndata: {"id":"gen-1","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}',
        'event: content-start\ndata: {"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}',
        'event: content-delta\ndata: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"Hi"}}}}',
        'event: content-end\ndata: {"type":"content-end","index":0}',
        'event: message-end\ndata: {"type":"message-end","id":"gen-1","delta":{"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":3,"output_tokens":1},"tokens":{"input_tokens":3,"output_tokens":1},"cost":0.000000003,"cost_details":{"upstream_inference_prompt_cost":0.000000001,"upstream_inference_completions_cost":0.000000002}}}}',
        'data: [DONE]\n\n',
      ].join('\n\n'),
    );
  });

  test('escapes a terminator that the model wrote', () => {
    const text = encoded(
      start,
      { type: 'text-start', ...at(0) },
      { type: 'text-delta', text: 'Send data: [DONE] last.', ...at(0) },
    );
    expect(text).not.toContain('[DONE]');
    expect(text).toContain('\\u005bDONE]');
  });

  test('tells an end by a filter as an error, with a type that says so', () => {
    const filtered: ChatEvent = { ...finish, reason: 'content-filter' };
    expect(encoded(start, filtered, { type: 'end' })).toContain(
      '"finish_reason":"ERROR","error":"A content filter of the provider ended the answer.","error_type":"CONTENT_FILTER"',
    );
  });

  test('ends a failed stream with one message-end that holds code and message', () => {
    const error = new GatewayError('upstream_timeout', 'The provider was silent.');
    const text = cohereChat.encodeStreamError(error, ENVELOPE);
    expect(text.match(/^event: /gm)).toHaveLength(1);
    expect(JSON.parse(text.slice(text.indexOf('{')))).toMatchObject({
      type: 'message-end',
      id: 'gen-1',
      delta: {
        ...{ finish_reason: 'ERROR', error: 'The provider was silent.', code: 'upstream_timeout' },
        retryable: false,
      },
    });
  });
});
