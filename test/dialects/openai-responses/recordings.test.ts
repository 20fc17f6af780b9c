import { describe, expect, test } from '@jest/globals';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../../lambda/domain/json.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, readableReasoning, textOf, usageOf } from '../recordings.ts';
import {
  ANSWERS,
  ENVELOPE,
  type Expected,
  framesOf,
  OTHER_FORMAT,
  RECORDINGS,
  REFUSALS,
  STREAMS,
} from './recordings.ts';

const number = (holder: unknown, name: string): number | undefined => {
  const value = isJsonObject(holder) ? holder[name] : undefined;
  return typeof value === 'number' ? value : undefined;
};

function expectUsage(usage: Usage | undefined, expected: JsonObject): void {
  expect(usage?.promptTokens).toBe(number(expected, 'input_tokens'));
  expect(usage?.completionTokens).toBe(number(expected, 'output_tokens'));
  expect(usage?.cacheReadTokens).toBe(number(expected['input_tokens_details'], 'cached_tokens'));
  expect(usage?.cacheWriteTokens).toBe(number(expected['input_tokens_details'], 'cache_write_tokens'));
  expect(usage?.reasoningTokens).toBe(number(expected['output_tokens_details'], 'reasoning_tokens'));
}

/**
 * ChatGPT's own endpoint repeats none of the items in its last event, which is what the SDK's final response shows: the
 * items that were streamed are right, and asserted below.
 */
const isWithoutOutput = ({ outcome, item_types }: Expected): boolean =>
  outcome === 'ok' && item_types?.length === 0;

function expectAnswer(events: readonly ChatEvent[], expected: Expected): void {
  expect(brokenRules(events)).toEqual([]);
  if (expected.outcome === 'error') {
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { message: expected.message } });
    return;
  }
  expect(events.at(-1)).toEqual({ type: 'end' });
  if (!isWithoutOutput(expected)) expectContent(events, expected);
  const finish = events.find((event) => event.type === 'finish');
  expect(finish?.upstreamReason).toBe(expected.incomplete ?? expected.finish);
  if (expected.usage !== undefined) expectUsage(usageOf(events), expected.usage);
}

function expectContent(events: readonly ChatEvent[], expected: Expected): void {
  expect(textOf(events, 'text-delta')).toBe(expected.text);
  expect(readableReasoning(events)).toBe(expected.reasoning);
  expect(textOf(events, 'refusal-delta')).toBe(expected.refusal ?? '');
  const calls = callsOf(events).map(({ id, name, arguments: text }) => {
    const args = expected.incomplete === undefined ? JSON.parse(text) : { __raw: text };
    return { id, name, args };
  });
  expect(calls).toEqual(expected.tools);
}

describe('recorded streams', () => {
  test.each(STREAMS)('$name means what OpenAI’s SDK makes of it', async ({ body, expected }) => {
    for (const size of [1, 7, 65_536]) expectAnswer(eventsOf(await framesOf(body, size)), expected);
  });

  test.each(STREAMS)('$name comes through as it was, but for id and model', async ({ body, expected }) => {
    const frames = await framesOf(body);
    if (expected.outcome === 'error') return;
    expect(frames.map(({ raw }) => raw ?? '').join('')).toBe(body);
    const patched = frames.map((frame) => openaiResponses.patchFrame(frame, ENVELOPE)).join('');
    expect(patched).toContain('"gen-1"');
    expect(patched).toContain('"sim/echo"');
    expect(withoutNames(patched)).toBe(withoutNames(body));
  });

  test.each(STREAMS)('$name is the same answer after encoding', async ({ body, expected }) => {
    if (expected.outcome === 'error') return;
    const events = eventsOf(await framesOf(body));
    const encoder = openaiResponses.createStreamEncoder(ENVELOPE);
    const again = eventsOf(await framesOf(events.map((event) => encoder.encode(event)).join('')));
    expectSameAnswer(again, events);
    expectSameAnswer(
      openaiResponses.decodeAnswer(openaiResponses.encodeAnswer(events, ENVELOPE)).events,
      events,
    );
  });

  test('of ChatGPT’s own endpoint have the items that were streamed', async () => {
    const streams = STREAMS.filter(({ expected }) => isWithoutOutput(expected));
    const answers = await Promise.all(streams.map(async ({ body }) => eventsOf(await framesOf(body))));
    const calls = answers.flatMap(callsOf).map(({ name, arguments: given }) => `${name} ${given}`);
    expect(calls).toEqual(['get_weather {"city":"Tokyo"}', 'get_weather {"city":"Paris"}']);
    expect(answers.map((events) => textOf(events, 'text-delta').length > 0)).toEqual([false, true]);
  });
});

/** A stream's text with every response's own id and model taken out. */
function withoutNames(stream: string): string {
  return stream
    .split('\n')
    .map((line) => {
      const body = line.startsWith('data: ') ? JSON.parse(line.slice(6)) : undefined;
      if (body?.response === undefined) return line;
      const { id, model } = body.response;
      return line.replace(`"id":${JSON.stringify(id)}`, '').replace(`"model":${JSON.stringify(model)}`, '');
    })
    .join('\n');
}

function expectSameAnswer(again: readonly ChatEvent[], events: readonly ChatEvent[]): void {
  expect(brokenRules(again)).toEqual([]);
  expect(callsOf(again)).toEqual(callsOf(events));
  for (const type of ['text-delta', 'reasoning-delta', 'refusal-delta'] as const)
    expect(textOf(again, type)).toBe(textOf(events, type));
  const proofs = (given: readonly ChatEvent[]): unknown =>
    given.flatMap((event) => (event.type === 'block-signature' ? [event.signature] : []));
  expect(proofs(again)).toEqual(proofs(events));
  const hosted = (given: readonly ChatEvent[]): unknown =>
    given.flatMap((event) => (event.type === 'hosted-tool-result' ? [event.result] : []));
  expect(hosted(again)).toEqual(hosted(events));
  const [usage, before] = [usageOf(again), usageOf(events)];
  expect(usage).toEqual({ cacheReadTokens: 0, reasoningTokens: 0, ...before });
  expect(reasonOf(again)).toBe(reasonOf(events));
}

const reasonOf = (events: readonly ChatEvent[]): string | undefined =>
  events.find((event) => event.type === 'finish')?.reason;

describe('recorded answers', () => {
  test.each(ANSWERS)('$name means what OpenAI’s SDK makes of it', ({ body, expected }) => {
    expectAnswer(openaiResponses.decodeAnswer(body).events, expected);
  });

  test.each(ANSWERS)('$name comes through as it was, but for id and model', ({ body }) => {
    const patched = openaiResponses.patchAnswer(openaiResponses.decodeAnswer(body), ENVELOPE);
    const { id, model } = JSON.parse(body);
    expect(patched.replace('"gen-1"', JSON.stringify(id)).replace('"sim/echo"', JSON.stringify(model))).toBe(
      body,
    );
  });

  test.each(ANSWERS)('$name is the same answer after encoding', ({ body }) => {
    const { events } = openaiResponses.decodeAnswer(body);
    expectSameAnswer(
      openaiResponses.decodeAnswer(openaiResponses.encodeAnswer(events, ENVELOPE)).events,
      events,
    );
  });

  test('of another format are an error', () => {
    const body = RECORDINGS.find(({ name }) => name === OTHER_FORMAT)?.body ?? '';
    expect(openaiResponses.decodeAnswer(body).events).toMatchObject([
      { type: 'error', error: { code: 'upstream_invalid_response' } },
    ]);
  });
});

describe('recorded refusals', () => {
  test.each(REFUSALS)(
    '$name becomes an error with the provider’s words',
    ({ status, headers, body, expected }) => {
      const error = openaiResponses.decodeError(status, headers, body);
      expect(error.status).toBe(status);
      expect(expected.message).toContain(error.message);
      expect(error.message.length).toBeGreaterThan(4);
    },
  );

  test('have the codes that decide what happens next', () => {
    const codes = REFUSALS.map(({ provider, status, headers, body }) =>
      [provider, status, openaiResponses.decodeError(status, headers, body).code].join(' '),
    );
    expect(codes).toEqual([
      'deepseek 400 invalid_request',
      'openai 401 upstream_authentication_failed',
      'openai 429 upstream_error',
      'openai 400 invalid_request',
      'openai 400 model_not_found',
      'openai-chatgpt 401 upstream_authentication_failed',
      'xai 400 upstream_authentication_failed',
    ]);
  });
});

describe('recorded requests', () => {
  const requests = RECORDINGS.flatMap(({ name, request, status }) =>
    request === undefined || status !== 200 ? [] : [{ name, request }],
  );

  test.each(requests)('$name is understood, and the same after encoding', ({ request }) => {
    const decoded = openaiResponses.decodeRequest(JSON.parse(request));
    const target = { model: decoded.model, maxOutputTokens: decoded.maxOutputTokens };
    const { body, unsupported } = openaiResponses.encodeRequest(decoded, target);
    const again = openaiResponses.decodeRequest(JSON.parse(JSON.stringify(body)));
    expect(unsupported).toEqual([]);
    expect(again.messages).toEqual(decoded.messages);
    expect(again.tools ?? []).toHaveLength(decoded.tools?.length ?? 0);
    expect(decoded.unknownFields).toEqual([]);
  });

  test.each(requests)('$name goes on as it was, but for the model', ({ request }) => {
    const decoded = openaiResponses.decodeRequest(JSON.parse(request));
    const target = { model: 'other', maxOutputTokens: decoded.maxOutputTokens };
    const patched = openaiResponses.patchRequest(request, decoded, target);
    expect(patched).toBe(request.replace(/"model":(\s?)"[^"]*"/, '"model":$1"other"'));
  });
});
