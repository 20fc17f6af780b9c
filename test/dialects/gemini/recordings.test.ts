import { describe, expect, test } from '@jest/globals';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { geminiArrayStream } from '../../../lambda/dialects/gemini/array-stream.ts';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, textOf, usageOf } from '../recordings.ts';
import { ANSWERS, type Expected, framesOf, LISTS, RECORDINGS, REFUSALS, STREAMS } from './recordings.ts';

const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'sim/echo',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

const number = (holder: JsonObject, name: string): number | undefined => {
  const value = holder[name];
  return typeof value === 'number' ? value : undefined;
};

/** Google counts thoughts beside candidates, and what tools gave beside the prompt. */
function expectUsage(events: readonly ChatEvent[], expected: JsonObject): void {
  const usage = usageOf(events);
  const prompt = number(expected, 'promptTokenCount');
  expect(usage?.promptTokens).toBe((prompt ?? 0) + (number(expected, 'toolUsePromptTokenCount') ?? 0));
  const thoughts = number(expected, 'thoughtsTokenCount');
  expect(usage?.reasoningTokens).toBe(thoughts);
  expect(usage?.completionTokens).toBe((number(expected, 'candidatesTokenCount') ?? 0) + (thoughts ?? 0));
  expect(usage?.cacheReadTokens).toBe(number(expected, 'cachedContentTokenCount'));
  const total = (usage?.promptTokens ?? 0) + (usage?.completionTokens ?? 0);
  expect(total).toBe(number(expected, 'totalTokenCount'));
}

function expectAnswer(events: readonly ChatEvent[], expected: Expected): void {
  expect(brokenRules(events)).toEqual([]);
  expect(events.at(-1)).toEqual({ type: 'end' });
  expect(textOf(events, 'text-delta')).toBe(expected.text);
  expect(textOf(events, 'reasoning-delta')).toBe(expected.reasoning);
  // The SDK shows each piece of a call that comes in pieces; only the first has the name.
  const named = (expected.tools ?? []).filter(({ name }) => name !== undefined);
  const calls = callsOf(events).filter(({ kind }) => kind === 'function');
  expect(calls.map(({ name, signature }) => ({ name, signed: signature !== '' }))).toEqual(
    named.map(({ name, signed }) => ({ name, signed })),
  );
  for (const [index, { args }] of named.entries())
    if (args !== undefined) expect(JSON.parse(calls[index]?.arguments ?? '')).toEqual(args);
  expect(events.find((event) => event.type === 'finish')?.upstreamReason).toBe(expected.finish);
  if (expected.usage !== undefined) expectUsage(events, expected.usage);
}

describe('recorded streams', () => {
  test.each(STREAMS)('$name means what Google’s SDK makes of it', async ({ body, expected }) => {
    for (const size of [1, 7, 65_536]) expectAnswer(eventsOf(await framesOf(body, size)), expected);
  });

  test.each(STREAMS)('$name comes through as it was, but for id and model', async ({ body }) => {
    for (const size of [1, 7, 65_536]) {
      const frames = await framesOf(body, size);
      expect(frames.map(({ raw }) => raw ?? '').join('')).toBe(body);
      const patched = frames.map((frame) => gemini.patchFrame(frame, ENVELOPE)).join('');
      expect(patched).toContain('"gen-1"');
      expect(patched).toContain('"sim/echo"');
      expect(withoutNames(patched)).toBe(withoutNames(body));
    }
  });

  test.each(STREAMS)('$name is the same answer after encoding', async ({ body }) => {
    const events = eventsOf(await framesOf(body));
    const encoder = gemini.createStreamEncoder(ENVELOPE);
    const text = events.map((event) => encoder.encode(event)).join('');
    for (const size of [1, 7, 65_536]) expectSameAnswer(eventsOf(await framesOf(text, size)), events);
  });

  test.each(STREAMS)('$name is a list of its chunks for who did not ask for events', async ({ body }) => {
    const list = geminiArrayStream(gemini);
    const frames = await framesOf(body);
    const patched = frames.map((frame) => list.keepAlive + list.patchFrame(frame, ENVELOPE)).join('');
    const chunks = body.split(/\r?\n\r?\n/).filter((block) => block.trim() !== '');
    expect(JSON.parse(patched)).toEqual(
      chunks.map((block) => {
        const { responseId, modelVersion, ...rest } = JSON.parse(block.replace(/^data: /, ''));
        return {
          ...rest,
          ...(responseId !== undefined && { responseId: 'gen-1' }),
          ...(modelVersion !== undefined && { modelVersion: 'sim/echo' }),
        };
      }),
    );
  });
});

const withoutNames = (text: string): string =>
  text.replace(/("(?:responseId|modelVersion)":\s?)"[^"]*"/g, '$1""');

function expectSameAnswer(again: readonly ChatEvent[], events: readonly ChatEvent[]): void {
  expect(brokenRules(again)).toEqual([]);
  expect(callsOf(again)).toEqual(callsOf(events));
  for (const type of ['text-delta', 'reasoning-delta', 'refusal-delta'] as const)
    expect(textOf(again, type)).toBe(textOf(events, type));
  const { webSearchRequests: _searches, ...usage } = usageOf(events) ?? {};
  expect(usageOf(again)).toMatchObject(usage);
  const pick = (all: readonly ChatEvent[], type: string) => all.filter((event) => event.type === type);
  expect(pick(again, 'finish')).toEqual(pick(events, 'finish'));
  const citations = (all: readonly ChatEvent[]) =>
    all.flatMap((event) => (event.type === 'text-citation' ? [event.citation] : []));
  expect(citations(again)).toEqual(citations(events));
}

describe('recorded answers', () => {
  test.each(ANSWERS)('$name means what Google’s SDK makes of it', ({ body, expected }) => {
    expectAnswer(gemini.decodeAnswer(body).events, expected);
  });

  test.each(ANSWERS)('$name comes through as it was, but for id and model', ({ body }) => {
    const patched = gemini.patchAnswer(gemini.decodeAnswer(body), ENVELOPE);
    expect(patched).toContain('"gen-1"');
    expect(withoutNames(patched)).toBe(withoutNames(body));
  });

  test.each(ANSWERS)('$name is the same answer after encoding', ({ body }) => {
    const { events } = gemini.decodeAnswer(body);
    expectSameAnswer(gemini.decodeAnswer(gemini.encodeAnswer(events, ENVELOPE)).events, events);
  });
});

describe('a recorded list of chunks', () => {
  test.each(LISTS)('$name is one answer', ({ body }) => {
    const { events } = gemini.decodeAnswer(body);
    expect(brokenRules(events)).toEqual([]);
    expect(textOf(events, 'reasoning-delta')).toMatch(/^\*\*Generating Pelican Names\*\*/);
    expect(callsOf(events)).toMatchObject([{ name: 'pelican_name_generator', arguments: '{}' }]);
    expect(usageOf(events)).toMatchObject({ promptTokens: 32, completionTokens: 54, reasoningTokens: 42 });
  });
});

describe('recorded refusals', () => {
  test.each(REFUSALS)(
    '$name becomes an error with the provider’s words',
    ({ status, headers, body, expected }) => {
      const error = gemini.decodeError(status, headers, body);
      expect(error.status).toBe(status);
      // The SDK's message is the whole body, kept up to 300 characters.
      expect(expected.message).toContain(JSON.stringify(error.message).slice(1, 200).replace(/"$/, ''));
      expect(error.message.length).toBeGreaterThan(4);
    },
  );

  test('have the codes and waits that decide what happens next', () => {
    const codes = REFUSALS.map(({ provider, status, headers, body }) => {
      const { code, retryAfterSeconds, providerCode } = gemini.decodeError(status, headers, body);
      return [provider, status, code, providerCode, retryAfterSeconds ?? ''].join(' ').trim();
    });
    expect(codes).toEqual([
      'gemini 400 upstream_authentication_failed API_KEY_INVALID',
      'gemini 404 model_not_found NOT_FOUND',
      'gemini 429 rate_limit_exceeded RESOURCE_EXHAUSTED 48',
      'gemini 429 rate_limit_exceeded RESOURCE_EXHAUSTED 34.4',
      'gemini 503 upstream_overloaded MODEL_CAPACITY_EXHAUSTED',
      'vertex 400 invalid_request INVALID_ARGUMENT',
    ]);
  });
});

describe('recorded requests', () => {
  const requests = RECORDINGS.flatMap(({ name, request, status }) =>
    request === undefined || status !== 200 ? [] : [{ name, request }],
  );
  const address = { model: 'gemini-2.5-flash', stream: true };

  test.each(requests)('$name is understood, and the same after encoding', ({ request }) => {
    const decoded = gemini.decodeRequest(JSON.parse(request), address);
    const target = { model: decoded.model, maxOutputTokens: decoded.maxOutputTokens };
    const { body, unsupported } = gemini.encodeRequest(decoded, target);
    expect(unsupported).toEqual([]);
    const again = gemini.decodeRequest(body, address);
    expect(again.messages).toEqual(decoded.messages);
    expect(again.tools).toEqual(decoded.tools);
    expect(again.toolChoice).toEqual(decoded.toolChoice);
  });

  test.each(requests)('$name goes on as it was', ({ request }) => {
    const decoded = gemini.decodeRequest(JSON.parse(request), address);
    expect(decoded.unknownFields).toEqual([]);
    const target = { model: 'other', maxOutputTokens: decoded.maxOutputTokens };
    expect(gemini.patchRequest(request, decoded, target)).toBe(request);
    const bounded = JSON.parse(gemini.patchRequest(request, decoded, { ...target, maxOutputTokens: 77 }));
    const own = JSON.parse(request);
    expect(bounded).toEqual({
      ...own,
      generationConfig: { maxOutputTokens: 77, ...own.generationConfig },
    });
    expect(isJsonObject(bounded)).toBe(true);
  });
});
