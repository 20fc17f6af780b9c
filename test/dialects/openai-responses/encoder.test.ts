import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { at, START } from '../events.ts';
import { eventsOf } from '../recordings.ts';
import { ENVELOPE, framesOf, wireEvent, wireEvents } from './recordings.ts';

const answer = (...events: readonly ChatEvent[]): ChatEvent[] => [
  START,
  ...events,
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
  { type: 'end' },
];
const outputOf = (events: readonly ChatEvent[], envelope: Partial<AnswerEnvelope> = {}): JsonObject[] =>
  JSON.parse(openaiResponses.encodeAnswer(events, { ...ENVELOPE, ...envelope })).output;

const THINKING = answer(
  { type: 'reasoning-start', kind: 'raw', ...at(0) },
  { type: 'reasoning-delta', text: 'Hm', ...at(0) },
  { type: 'block-signature', signature: 'SIG:1', ...at(0) },
  { type: 'block-end', ...at(0) },
  { type: 'reasoning-start', kind: 'encrypted', ...at(1) },
  { type: 'reasoning-delta', text: 'CLOSED', ...at(1) },
  { type: 'block-end', ...at(1) },
  { type: 'tool-call-start', kind: 'function', id: 'call:1', name: 'f', ...at(2) },
  { type: 'tool-call-delta', arguments: '{}', ...at(2) },
  { type: 'block-signature', signature: 'CALL', dialect: 'gemini', ...at(2) },
  { type: 'block-end', ...at(2) },
);

describe('reasoning of another provider', () => {
  test('comes back signed as it was, when the caller sends the answer back', () => {
    const input = outputOf(THINKING, { upstreamDialect: 'anthropic-messages' });
    const { messages } = openaiResponses.decodeRequest({ model: 'm', input });
    const dialect = 'anthropic-messages';
    expect(messages[0]?.content).toEqual([
      { type: 'reasoning', text: 'Hm', signature: 'SIG:1', dialect },
      { type: 'reasoning-encrypted', data: 'CLOSED', dialect },
      { type: 'tool-call', kind: 'function', id: 'call:1', name: 'f', arguments: '{}', signature: 'CALL' },
    ]);
    const target = { model: 'claude', maxOutputTokens: 10 };
    const { body } = anthropicMessages.encodeRequest(
      openaiResponses.decodeRequest({ model: 'm', input: [{ role: 'user', content: 'a' }, ...input] }),
      target,
    );
    expect(body['messages']).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'Hm', signature: 'SIG:1' },
          { type: 'redacted_thinking', data: 'CLOSED' },
          { type: 'tool_use' },
        ],
      },
    ]);
  });

  test('that its format passes on for another is taken back by that other', () => {
    const dialect = 'anthropic-messages';
    const input = outputOf(
      answer(
        { type: 'reasoning-start', kind: 'raw', ...at(0) },
        { type: 'reasoning-delta', text: 'Hm', ...at(0) },
        { type: 'block-signature', signature: 'SIG', dialect, ...at(0) },
        { type: 'block-end', ...at(0) },
      ),
      { upstreamDialect: 'openai-chat' },
    );
    const { messages } = openaiResponses.decodeRequest({ model: 'm', input });
    expect(messages[0]?.content).toMatchObject([{ type: 'reasoning', signature: 'SIG', dialect }]);
  });

  test('stands as a summary, which callers send back with its proof', () => {
    const [reasoning] = outputOf(THINKING, { upstreamDialect: 'anthropic-messages' });
    expect(reasoning).toMatchObject({
      summary: [{ type: 'summary_text', text: 'Hm' }],
      encrypted_content: 'sluice:anthropic-messages:signature:SIG:1',
    });
  });

  test('that its provider does not sign is not sent to another', () => {
    const [reasoning] = outputOf(answer(...THINKING.slice(1, 3), { type: 'block-end', ...at(0) }), {
      upstreamDialect: 'openai-chat',
    });
    const raw = JSON.stringify({ model: 'm', input: [{ role: 'user', content: 'a' }, reasoning] });
    const decoded = openaiResponses.decodeRequest(JSON.parse(raw));
    const patched = openaiResponses.patchRequest(raw, decoded, { model: 'm', maxOutputTokens: undefined });
    expect(JSON.parse(patched).input).toEqual([{ role: 'user', content: 'a' }]);
  });
});

test('an answer that its provider ended with an error is no response', () => {
  const events: ChatEvent[] = [
    START,
    { type: 'finish', choice: 0, reason: 'error', upstreamReason: undefined },
    { type: 'end' },
  ];
  expect(() => openaiResponses.encodeAnswer(events, ENVELOPE)).toThrow(
    expect.objectContaining({ code: 'upstream_error' }),
  );
});

test('a response says again what the request said', () => {
  const request = openaiResponses.decodeRequest({
    model: 'm',
    input: 'Hello',
    temperature: 0.5,
    max_output_tokens: 9,
    parallel_tool_calls: false,
    metadata: { a: 'b' },
  });
  const text = openaiResponses.encodeAnswer(answer(), { ...ENVELOPE, request });
  expect(JSON.parse(text)).toMatchObject({
    temperature: 0.5,
    top_p: null,
    max_output_tokens: 9,
    parallel_tool_calls: false,
    metadata: { a: 'b' },
  });
});

describe('calls', () => {
  test('of tools in a namespace have the name and the namespace that the caller knows', () => {
    const events = answer(
      { type: 'tool-call-start', kind: 'function', id: 'a', name: 'agents__spawn', ...at(0) },
      { type: 'block-end', ...at(0) },
      { type: 'tool-call-start', kind: 'function', id: 'b', name: 'toString', ...at(1) },
      { type: 'block-end', ...at(1) },
    );
    const namespacedTools = { agents__spawn: { namespace: 'agents', name: 'spawn' } };
    expect(outputOf(events, { namespacedTools })).toMatchObject([
      { type: 'function_call', namespace: 'agents', name: 'spawn' },
      { type: 'function_call', name: 'toString' },
    ]);
  });

  test('that were cut by the limit are incomplete', () => {
    const events: ChatEvent[] = [
      START,
      { type: 'tool-call-start', kind: 'function', id: 'a', name: 'f', ...at(0) },
      { type: 'tool-call-delta', arguments: '{"x":4', ...at(0) },
      { type: 'block-end', ...at(0) },
      { type: 'finish', choice: 0, reason: 'length', upstreamReason: undefined },
      { type: 'end' },
    ];
    expect(outputOf(events)).toMatchObject([{ status: 'incomplete', arguments: '{"x":4' }]);
  });
});

describe('streams of the same dialect', () => {
  const frameOf = async (body: JsonObject) => (await framesOf(wireEvent(body)))[0] ?? { raw: '', events: [] };

  test('keep events and fields that are not known', async () => {
    const unknown = 'event: response.hologram\ndata: {"type":"response.hologram","big":9007199254740993}\n\n';
    const [frame] = await framesOf(unknown);
    expect(frame && openaiResponses.patchFrame(frame, ENVELOPE)).toBe(unknown);
  });

  test('show the cost beside the usage', async () => {
    const response = {
      id: 'resp_1',
      model: 'gpt',
      status: 'completed',
      output: [],
      usage: { input_tokens: 1 },
    };
    const frame = await frameOf({ type: 'response.completed', response });
    const cost = { total: nanoUsd(10n), prompt: nanoUsd(4n), completion: nanoUsd(6n) };
    const events = frame.events.map((event) => (event.type === 'usage' ? { ...event, cost } : event));
    const [shown] = wireEvents(openaiResponses.patchFrame({ ...frame, events }, ENVELOPE));
    expect(shown).toMatchObject({
      response: { id: 'gen-1', model: 'sim/echo', usage: { input_tokens: 1, cost: 0.00000001 } },
    });
  });

  test('that stop early end in an error', async () => {
    const events = eventsOf(await framesOf(wireEvent({ type: 'response.created', response: { id: 'a' } })));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
  });

  test('that end inside a tool call end in an error', async () => {
    const item = { type: 'function_call', call_id: 'a', name: 'f', arguments: '' };
    const stream = [
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"a":' },
      { type: 'response.completed', response: { status: 'completed', output: [] } },
    ].map(wireEvent);
    const events = eventsOf(await framesOf(stream.join('')));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
  });

  test('that fail say why', async () => {
    const error = { code: 'rate_limit_exceeded', message: 'Slow down.' };
    const frame = await frameOf({ type: 'response.failed', response: { status: 'failed', error } });
    expect(frame.events.at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'rate_limit_exceeded', message: 'Slow down.' },
    });
    expect(wireEvents(openaiResponses.patchFrame(frame, ENVELOPE))).toMatchObject([
      { type: 'response.failed', response: { id: 'gen-1', status: 'failed' } },
    ]);
  });
});
