import { describe, expect, test } from '@jest/globals';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, textOf } from '../recordings.ts';
import { ANSWERS, type Expected, framesOf, RECORDINGS, REFUSALS, STREAMS } from './recordings.ts';

const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'cohere/command-a',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

function expectAnswer(events: readonly ChatEvent[], expected: Expected, plan: string): void {
  expect(brokenRules(events)).toEqual([]);
  expect(textOf(events, 'text-delta')).toBe(expected.text);
  expect(textOf(events, 'reasoning-delta')).toBe((expected.reasoning ?? '') + plan);
  expectCalls(events, expected);
  if (expected.citations !== undefined)
    expect(events.filter(({ type }) => type === 'text-citation')).toHaveLength(expected.citations);
  if (expected.finish === 'ERROR') return;
  const finish = events.find((event) => event.type === 'finish');
  expect(finish).toMatchObject({ upstreamReason: expected.finish });
  const usage = events.findLast((event) => event.type === 'usage')?.usage;
  const { billedUnits, tokens } = expected.usage ?? {};
  expect(usage?.promptTokens).toBe(billedUnits?.inputTokens);
  expect(usage?.completionTokens).toBe(billedUnits?.outputTokens);
  expect(usage?.reasoningTokens).toBe(tokens?.reasoning_tokens);
}

/**
 * One recording (null-args) is left out of the comparison of arguments: the SDK shows the `null` that Cohere wrote for none,
 * and callers of every other dialect need an object, so that is what is told. A test of its own below says so.
 */
function expectCalls(events: readonly ChatEvent[], { tools = [] }: Expected): void {
  const calls = callsOf(events);
  expect(calls.map(({ id, name }) => ({ id, name }))).toEqual(tools.map(({ id, name }) => ({ id, name })));
  for (const [index, { args }] of tools.entries())
    if (args !== null) expect(JSON.parse(calls[index]?.arguments ?? '')).toEqual(args);
}

/** The SDK's figures for whole answers leave the plan out. */
const planOf = (body: string): string => JSON.parse(body).message?.tool_plan ?? '';

describe('recorded answers', () => {
  test('are nine, of which four stream', () => {
    expect([RECORDINGS.length, STREAMS.length, ANSWERS.length, REFUSALS.length]).toEqual([9, 4, 3, 2]);
  });

  test.each(STREAMS.flatMap((recording) => [1, 7, 65_536].map((size) => ({ ...recording, size }))))(
    '$name in chunks of $size bytes gives what the SDK reads',
    async ({ body, expected, size }) => {
      const frames = await framesOf(body, size);
      expectAnswer(eventsOf(frames), expected, expected.plan ?? '');
      if (expected.finish !== 'ERROR') expect(frames.map(({ raw }) => raw).join('')).toBe(body);
    },
  );

  test.each(ANSWERS)('$name gives what the SDK reads', ({ body, expected }) => {
    expectAnswer(cohereChat.decodeAnswer(body).events, expected, planOf(body));
  });

  test.each(REFUSALS)('$name is a refusal', ({ status, headers, body }) => {
    const error = cohereChat.decodeError(status, headers, body);
    expect(error.code).toBe(status === 404 ? 'model_not_found' : 'context_length_exceeded');
    expect(error.message).toBe(JSON.parse(body).message);
  });

  test('arguments of null are told as the empty object', () => {
    const [recording] = ANSWERS.filter(({ expected }) => expected.tools?.some(({ args }) => args === null));
    const { events } = cohereChat.decodeAnswer(recording?.body ?? '');
    expect(callsOf(events).map((call) => call.arguments)).toEqual(['{}']);
  });

  test('a stream that failed inside gives one error', async () => {
    const failed = STREAMS.find(({ expected }) => expected.finish === 'ERROR');
    const last = eventsOf(await framesOf(failed?.body ?? '')).at(-1);
    expect(last).toMatchObject({
      type: 'error',
      error: { code: 'upstream_invalid_response', providerCode: 'INVALID_TOOL_GENERATION' },
    });
  });
});

describe('for a caller of the same dialect', () => {
  const total = nanoUsd(1_500n);
  const cost = { total, prompt: nanoUsd(1_000n), completion: nanoUsd(500n) };
  const withCost = (frame: Frame): Frame => ({
    ...frame,
    events: frame.events.map((event) => (event.type === 'usage' ? { ...event, cost } : event)),
  });
  const costText =
    '"cost":0.0000015,"cost_details":{"upstream_inference_prompt_cost":0.000001,"upstream_inference_completions_cost":0.0000005},';

  test.each(STREAMS.filter(({ expected }) => expected.finish !== 'ERROR'))(
    '$name passes untouched but for id and cost',
    async ({ body }) => {
      for (const size of [1, 7, 65_536]) {
        const frames = await framesOf(body, size);
        const text = frames.map((frame) => cohereChat.patchFrame(withCost(frame), ENVELOPE)).join('');
        const id = /"id":"([0-9a-f-]{36})","type":"message-start"/.exec(body)?.[1] ?? '';
        expect(text).toBe(body.replace(id, 'gen-1').replace('"usage":{', `"usage":{${costText}`));
      }
    },
  );

  test.each(ANSWERS)('$name passes untouched but for id and cost', ({ body }) => {
    const text = cohereChat.patchAnswer(withCost(cohereChat.decodeAnswer(body)), ENVELOPE);
    const { id } = JSON.parse(body);
    expect(text).toBe(
      body
        .replace(id, 'gen-1')
        .replace('"usage": {', `"usage": {${costText}`)
        .replace('"usage":{', `"usage":{${costText}`),
    );
  });

  test('unknown events and members, and numbers beyond 2^53, stay', async () => {
    const stream =
      'event: message-start\ndata: {"type":"message-start","id":"x","new":12345678901234567890}\n\n' +
      'event: hologram\ndata: {"type":"hologram","z":1,"a":[]}\n\n' +
      'event: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}\n\ndata: [DONE]\n\n';
    const frames = await framesOf(stream);
    const text = frames.map((frame) => cohereChat.patchFrame(frame, ENVELOPE)).join('');
    expect(text).toBe(stream.replace('"id":"x"', '"id":"gen-1"'));
  });

  test('a terminator that was left out is added, and an error ends the stream', async () => {
    const [stream] = STREAMS.filter(({ expected }) => expected.finish !== 'ERROR');
    const withoutDone = stream?.body.replace('data: [DONE]\n\n', '') ?? '';
    const whole = (await framesOf(withoutDone)).map((frame) => cohereChat.patchFrame(frame, ENVELOPE));
    expect(whole.at(-1)).toBe('data: [DONE]\n\n');
    const cut = await framesOf(withoutDone.slice(0, 2000));
    expect(cohereChat.patchFrame(cut.at(-1) ?? { raw: '', events: [] }, ENVELOPE)).toContain(
      '"finish_reason":"ERROR"',
    );
  });
});

describe('recorded requests', () => {
  const requests = RECORDINGS.flatMap(({ name, request }) =>
    request === undefined ? [] : [{ name, request }],
  );

  test.each(requests)('$name is understood, and goes on untouched but for the model', ({ request }) => {
    const body = JSON.parse(request);
    const decoded = cohereChat.decodeRequest(body);
    expect(decoded.unknownFields).toEqual([]);
    expect(decoded.messages.length).toBeGreaterThan(0);
    const patched = cohereChat.patchRequest(request, decoded, { model: 'other', maxOutputTokens: undefined });
    expect(patched).toBe(request.replace(`"model":"${body.model}"`, '"model":"other"'));
  });
});
