import { describe, expect, test } from '@jest/globals';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../../lambda/domain/json.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, readableReasoning, textOf, usageOf } from '../recordings.ts';
import { ANSWERS, type Expected, framesOf, RECORDINGS, REFUSALS, STREAMS } from './recordings.ts';

const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'sim/echo',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

const FINISH_WORDS: Readonly<Record<string, string>> = { eos: 'stop', function_call: 'tool_calls' };

const number = (holder: unknown, name: string): number | undefined => {
  const value = isJsonObject(holder) ? holder[name] : undefined;
  return typeof value === 'number' ? value : undefined;
};

/** The SDK shows counts as they came; where reasoning is counted apart from completion we add it. */
function expectUsage(usage: Usage | undefined, expected: JsonObject): void {
  expect(usage?.promptTokens).toBe(number(expected, 'prompt_tokens'));
  const reasoning = number(expected['completion_tokens_details'], 'reasoning_tokens');
  const completion = number(expected, 'completion_tokens') ?? 0;
  expect([completion, completion + (reasoning ?? 0)]).toContain(usage?.completionTokens);
  if (reasoning !== undefined) expect(usage?.reasoningTokens).toBe(reasoning);
  const cached = number(expected['prompt_tokens_details'], 'cached_tokens');
  if (cached !== undefined) expect(usage?.cacheReadTokens).toBe(cached);
}

function expectAnswer(events: readonly ChatEvent[], expected: Expected): void {
  expect(brokenRules(events)).toEqual([]);
  if (expected.outcome === 'error') {
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { message: expected.message } });
    return;
  }
  expect(events.at(-1)).toEqual({ type: 'end' });
  // The SDK does not know Mistral's content parts: it shows them as JSON.
  if (!expected.text?.startsWith('[{"type":"thinking"'))
    expect(textOf(events, 'text-delta')).toBe(expected.text);
  if (expected.reasoning !== '') expect(readableReasoning(events)).toBe(expected.reasoning);
  expect(textOf(events, 'refusal-delta')).toBe(expected.refusal ?? '');
  expectCalls(events, expected);
  const finish = events.find((event) => event.type === 'finish');
  if (expected.finish) {
    expect(FINISH_WORDS[expected.finish] ?? expected.finish).toBe(
      { 'tool-calls': 'tool_calls', 'content-filter': 'content_filter', refusal: 'stop' }[
        finish?.reason as string
      ] ?? finish?.reason,
    );
    expect(finish?.upstreamReason).toBe(expected.finish);
  }
  if (expected.choices !== undefined)
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(expected.choices);
  if (expected.usage !== undefined) expectUsage(usageOf(events), expected.usage);
}

function expectCalls(events: readonly ChatEvent[], expected: Expected): void {
  const calls = callsOf(events);
  if (expected.function_call?.name) {
    expect(calls).toMatchObject([expected.function_call]);
    return;
  }
  const shown = calls.map(({ id, name, arguments: text }) => ({
    id,
    name,
    args: text === '' ? { __raw: '' } : JSON.parse(text),
  }));
  expect(shown).toEqual(expected.tools);
}

describe('recorded streams', () => {
  test.each(STREAMS)('$name means what OpenAI’s SDK makes of it', async ({ body, expected }) => {
    for (const size of [1, 7, 65_536]) expectAnswer(eventsOf(await framesOf(body, size)), expected);
  });

  test.each(STREAMS)('$name comes through as it was, but for id and model', async ({ body, expected }) => {
    const frames = await framesOf(body);
    expect(frames.map(({ raw }) => raw ?? '').join('')).toBe(
      body.slice(0, body.length - (body.endsWith('\n\n\n') && body.includes('[DONE]') ? 1 : 0)),
    );
    const patched = frames.map((frame) => openaiChat.patchFrame(frame, ENVELOPE)).join('');
    if (expected.outcome === 'error') return;
    const restored = body
      .replace(/("id":\s?)"[^"]*"(?=,"(?:object|created|choices)|,"model)/g, '$1"gen-1"')
      .trimEnd();
    expect(withoutNames(patched)).toBe(withoutNames(restored));
    expect(patched.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(patched).toContain('"sim/echo"');
  });
});

/** A stream's text with every chunk's own id and model taken out, and without a terminator. */
function withoutNames(stream: string): string {
  return stream
    .split('\n')
    .filter((line) => line !== 'data: [DONE]')
    .map((line) => {
      if (!line.startsWith('data: ')) return line;
      const body = JSON.parse(line.slice(6));
      const names = [JSON.stringify(body.id), JSON.stringify(body.model)];
      return names.reduce((text, name) => (name === undefined ? text : text.replace(name, '')), line);
    })
    .join('\n')
    .trimEnd();
}

describe('recorded answers', () => {
  test.each(ANSWERS)('$name means what OpenAI’s SDK makes of it', ({ body, expected }) => {
    expectAnswer(openaiChat.decodeAnswer(body).events, expected);
  });

  test.each(ANSWERS)('$name comes through as it was, but for id and model', ({ body }) => {
    const patched = openaiChat.patchAnswer(openaiChat.decodeAnswer(body), ENVELOPE);
    const { id, model } = JSON.parse(body);
    expect(patched.replace('"gen-1"', JSON.stringify(id)).replace('"sim/echo"', JSON.stringify(model))).toBe(
      body,
    );
  });

  test.each(ANSWERS)('$name is the same answer after encoding', ({ body }) => {
    const { events } = openaiChat.decodeAnswer(body);
    const again = openaiChat.decodeAnswer(openaiChat.encodeAnswer(events, ENVELOPE)).events;
    expect(callsOf(again)).toEqual(callsOf(events));
    for (const type of ['text-delta', 'reasoning-delta', 'refusal-delta'] as const)
      expect(textOf(again, type)).toBe(textOf(events, type));
    expect(usageOf(again)).toEqual(usageOf(events));
  });
});

describe('recorded refusals', () => {
  test.each(REFUSALS)(
    '$name becomes an error with the provider’s words',
    ({ status, headers, body, expected }) => {
      const error = openaiChat.decodeError(status, headers, body);
      expect(error.status).toBe(status);
      expect(expected.message).toContain(error.message);
      expect(error.message.length).toBeGreaterThan(4);
    },
  );

  test('have the codes that decide what happens next', () => {
    const codes = REFUSALS.map(({ provider, status, headers, body }) =>
      [provider, status, openaiChat.decodeError(status, headers, body).code].join(' '),
    );
    expect(codes).toEqual([
      'azure 404 model_not_found',
      'azure 400 content_policy_violation',
      'azure 400 content_policy_violation',
      'deepseek 400 context_length_exceeded',
      'groq 401 upstream_authentication_failed',
      'groq 404 model_not_found',
      'groq 400 upstream_invalid_response',
      'groq 413 payload_too_large',
      'llamacpp-local 401 upstream_authentication_failed',
      'mistral 400 model_not_found',
      'mistral 401 upstream_authentication_failed',
      'ollama 401 upstream_authentication_failed',
      'openai 400 invalid_request',
      'openai 404 model_not_found',
      'openrouter 401 upstream_authentication_failed',
      'openrouter 429 rate_limit_exceeded',
      'perplexity 400 context_length_exceeded',
    ]);
  });
});

describe('recorded requests', () => {
  const requests = RECORDINGS.flatMap(({ name, request, status }) =>
    request === undefined || status !== 200 ? [] : [{ name, request }],
  );

  test.each(requests)('$name is understood, and the same after encoding', ({ request }) => {
    const decoded = openaiChat.decodeRequest(JSON.parse(request));
    const target = { model: decoded.model, maxOutputTokens: decoded.maxOutputTokens };
    const { body } = openaiChat.encodeRequest(decoded, target);
    const again = openaiChat.decodeRequest(body);
    expect(again.messages).toHaveLength(decoded.messages.length);
    expect(again.tools).toEqual(decoded.tools);
  });

  test.each(requests)('$name goes on as it was, but for the model', ({ request }) => {
    const decoded = openaiChat.decodeRequest(JSON.parse(request));
    const target = { model: 'other', maxOutputTokens: decoded.maxOutputTokens };
    const patched = JSON.parse(openaiChat.patchRequest(request, decoded, target));
    const { stream_options: _asked, ...rest } = patched;
    const { stream_options: _before, usage: _usage, provider: _provider, ...expected } = JSON.parse(request);
    expect(rest).toEqual({ ...expected, model: 'other' });
  });
});
