import { describe, expect, test } from '@jest/globals';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../../lambda/domain/json.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf, readableReasoning, textOf, usageOf } from '../recordings.ts';
import { ANSWERS, type Expected, framesOf, RECORDINGS, STREAMS } from './recordings.ts';

const COST = { total: nanoFromUsd('0.0123'), prompt: nanoFromUsd('0.01'), completion: nanoFromUsd('0.0023') };
const ENVELOPE = {
  id: 'gen-1',
  model: 'anthropic/served',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

describe('recorded streams', () => {
  describe.each([1, 7, 65_536])('in chunks of %i bytes', (size) => {
    test.each(STREAMS)('decode as the official SDK does: $name', async ({ body: stream, expected }) => {
      const events = eventsOf(await framesOf(stream, size));
      expect(brokenRules(events)).toEqual([]);
      expectSummary(events, expected);
    });
  });

  test.each(STREAMS.filter(({ expected }) => expected.outcome === 'ok'))(
    'reach a caller of the same dialect as they came but for id, model and cost: $name',
    async ({ body: stream }) => {
      const frames = withCost(await framesOf(stream));
      const patched = frames.map((frame) => anthropicMessages.patchFrame(frame, ENVELOPE)).join('');
      const recorded = frames.map((frame) => frame.raw).join('');
      expect(stream.startsWith(recorded)).toBe(true);
      expect(withoutOurs(patched)).toBe(withoutTheirs(recorded));
      expect(patched).toContain('"cost":0.0123');
      expect(patched).toContain('"model":"anthropic/served"');
    },
  );
});

describe('recorded streams, encoded again,', () => {
  test.each(STREAMS.filter(({ expected }) => expected.outcome === 'ok'))(
    'mean the same: $name',
    async ({ body: stream, expected }) => {
      const encoder = anthropicMessages.createStreamEncoder(ENVELOPE);
      const encoded = eventsOf(await framesOf(stream)).map((event) => encoder.encode(event));
      const events = eventsOf(await framesOf(encoded.join('')));
      expect(brokenRules(events)).toEqual([]);
      const { service_tier: _, ...usage } = expected.usage ?? {};
      const isTierLost = events.every(
        (event) => event.type !== 'usage' || event.usage.serviceTier === undefined,
      );
      expectSummary(events, isTierLost ? { ...expected, usage } : expected);
    },
  );
});

describe('recorded answers', () => {
  test.each(ANSWERS)('decode as the official SDK does: $name', ({ body: answer, expected }) => {
    const { events } = anthropicMessages.decodeAnswer(answer);
    expect(brokenRules(events)).toEqual([]);
    expectSummary(events, expected);
  });

  test.each(ANSWERS)(
    'reach a caller of the same dialect as they came but for id, model and cost: $name',
    ({ body: answer }) => {
      const [frame] = withCost([anthropicMessages.decodeAnswer(answer)]);
      const patched = JSON.parse(anthropicMessages.patchAnswer(frame ?? { raw: '', events: [] }, ENVELOPE));
      const { usage, ...rest } = JSON.parse(answer);
      expect(patched).toEqual({
        ...rest,
        id: 'gen-1',
        model: 'anthropic/served',
        usage: {
          ...usage,
          cost: 0.0123,
          cost_details: {
            upstream_inference_prompt_cost: 0.01,
            upstream_inference_completions_cost: 0.0023,
          },
        },
      });
    },
  );

  test.each(ANSWERS)(
    'are the same answer after decoding and encoding: $name',
    ({ body: answer, expected }) => {
      const { events } = anthropicMessages.decodeAnswer(answer);
      const encoded = anthropicMessages.encodeAnswer(events, ENVELOPE);
      expectSummary(anthropicMessages.decodeAnswer(encoded).events, expected);
    },
  );
});

describe('recorded requests', () => {
  test.each(RECORDINGS.flatMap(({ name, request }) => (request === undefined ? [] : [{ name, request }])))(
    'decode: $name',
    ({ request }) => {
      const body: JsonObject = parseJsonObject(request) ?? {};
      const decoded = anthropicMessages.decodeRequest({ model: 'named-in-the-path', ...body });
      expect(decoded.messages.length).toBeGreaterThan(0);
      expect(decoded.unknownFields).toEqual([]);
    },
  );
});

function withCost(frames: readonly Frame[]): readonly Frame[] {
  return frames.map((frame) => ({
    ...frame,
    events: frame.events.map((event) => (event.type === 'usage' ? { ...event, cost: COST } : event)),
  }));
}

const withoutOurs = (text: string): string =>
  text
    .replace(/"cost":0\.0123,"cost_details":\{[^}]*\},/g, '')
    .replace('"id":"gen-1"', '"id":""')
    .replace('"model":"anthropic/served"', '"model":""');

/** In the first message_start of a stream: the only id and model that are replaced. */
const withoutTheirs = (text: string): string => {
  const end = text.indexOf('\n\n');
  const first = text
    .slice(0, end)
    .replace(/"id":"[^"]*"/, '"id":""')
    .replace(/"model":"[^"]*"/, '"model":""');
  return first + text.slice(end);
};

function expectSummary(events: readonly ChatEvent[], expected: Expected): void {
  const last = events.at(-1);
  expect(last?.type).toBe(expected.outcome === 'ok' ? 'end' : 'error');
  if (expected.outcome === 'error') return;
  expect({
    text: textOf(events, 'text-delta'),
    reasoning: readableReasoning(events),
    blocks: blockCounts(events),
    tools: toolCalls(events),
    citations: events.filter((event) => event.type === 'text-citation').length,
    finish: events.flatMap((event) => (event.type === 'finish' ? [event.upstreamReason] : [])),
    usage: usageOf(events) ?? {},
  }).toEqual({
    text: expected.text,
    reasoning: expected.reasoning,
    blocks: expectedCounts(expected.block_types ?? []),
    tools: expected.tools,
    citations: expected.citations ?? 0,
    finish: [expected.finish],
    usage: expectedUsage(expected.usage ?? {}),
  });
}

const toolCalls = (events: readonly ChatEvent[]): unknown =>
  callsOf(events)
    .filter(({ kind }) => kind === 'function')
    .map(({ id, name, arguments: given }) => ({ id, name, args: JSON.parse(given) }));

function blockCounts(events: readonly ChatEvent[]): Readonly<Record<string, number>> {
  const kinds = events.flatMap((event) => {
    switch (event.type) {
      case 'text-start':
        return ['text'];
      case 'reasoning-start':
        return [event.kind === 'encrypted' ? 'redacted_thinking' : 'thinking'];
      case 'tool-call-start':
        return [event.kind === 'hosted' ? 'server_tool_use' : 'tool_use'];
      case 'hosted-tool-result':
        return ['result'];
      default:
        return [];
    }
  });
  return counts(kinds);
}

/** Blocks that no event stands for are left out; results of hosted tools are one kind. */
const expectedCounts = (types: readonly string[]): Readonly<Record<string, number>> =>
  counts(
    types
      .filter((type) => type !== 'fallback' && type !== 'compaction')
      .map((type) => (type.endsWith('_tool_result') ? 'result' : type)),
  );

function counts(names: readonly string[]): Readonly<Record<string, number>> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}

function expectedUsage(usage: JsonObject): Usage {
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const inner = (name: string): JsonObject | undefined => {
    const value = usage[name];
    return isJsonObject(value) ? value : undefined;
  };
  const iterations = Array.isArray(usage['iterations']) ? usage['iterations'] : [];
  const total = (name: string): number =>
    [usage, ...iterations.filter((iteration) => iteration.type === 'compaction')].reduce(
      (sum, one) => sum + number(one[name]),
      0,
    );
  const thinking = inner('output_tokens_details')?.['thinking_tokens'];
  const searches = inner('server_tool_use')?.['web_search_requests'];
  const hour = inner('cache_creation')?.['ephemeral_1h_input_tokens'];
  const isCacheTold = usage['cache_read_input_tokens'] !== undefined;
  return {
    promptTokens:
      total('input_tokens') + total('cache_read_input_tokens') + total('cache_creation_input_tokens'),
    completionTokens: total('output_tokens'),
    ...(isCacheTold
      ? {
          cacheReadTokens: total('cache_read_input_tokens'),
          cacheWriteTokens: total('cache_creation_input_tokens'),
        }
      : {}),
    ...(typeof hour === 'number' ? { cacheWriteOneHourTokens: hour } : {}),
    ...(typeof thinking === 'number' ? { reasoningTokens: thinking } : {}),
    ...(typeof searches === 'number' ? { webSearchRequests: searches } : {}),
    ...(typeof usage['service_tier'] === 'string' ? { serviceTier: usage['service_tier'] } : {}),
  };
}
