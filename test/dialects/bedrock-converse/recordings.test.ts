import { describe, expect, test } from '@jest/globals';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import type { Frame } from '../../../lambda/domain/chat/event.ts';
import { type JsonObject, parseJsonObject } from '../../../lambda/domain/json.ts';
import { nanoFromUsd } from '../../../lambda/domain/money/nano.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { ANSWERS, framesOf, messagesIn, RECORDINGS, REFUSALS, STREAMS, wireEvents } from './recordings.ts';
import { expectSummary } from './summary.ts';

const COST = { total: nanoFromUsd('0.0123'), prompt: nanoFromUsd('0.01'), completion: nanoFromUsd('0.0023') };
const SHOWN_COST = {
  cost: 0.0123,
  cost_details: { upstream_inference_prompt_cost: 0.01, upstream_inference_completions_cost: 0.0023 },
};
const ENVELOPE = {
  id: 'gen-1',
  model: 'bedrock/served',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

/** A stream that was written by hand: its usage comes before its end. */
const isUsageFirst = (stream: string): boolean => wireEvents(stream).at(-1)?.['metadata'] === undefined;

describe('recorded streams', () => {
  describe.each([1, 7, 65_536])('in chunks of %i bytes', (size) => {
    test.each(STREAMS)('decode as the official SDK does: $name', async ({ body: stream, expected }) => {
      const frames = await framesOf(stream, size);
      expect(brokenRules(eventsOf(frames))).toEqual([]);
      expectSummary(eventsOf(frames), expected);
      expect(frames.map(({ raw }) => raw ?? '').join('')).toBe(stream);
    });
  });

  test.each(STREAMS)(
    'reach a caller of the same dialect as they came but for the cost: $name',
    async ({ body: stream }) => {
      const frames = withCost(await framesOf(stream));
      const patched = frames.map((frame) => bedrockConverse.patchFrame(frame, ENVELOPE));
      const recorded = messagesIn(stream);
      expect(patched).toHaveLength(recorded.length);
      const changed = recorded.flatMap((message, index) => (patched[index] === message ? [] : [index]));
      const usageAt = recorded.length - (isUsageFirst(stream) ? 2 : 1);
      expect(changed).toEqual([usageAt]);
      const [was] = wireEvents(recorded[usageAt] ?? '');
      const metadata = parseJsonObject(JSON.stringify(was?.['metadata'])) ?? {};
      const usage = { ...Object(metadata['usage']), ...SHOWN_COST };
      expect(wireEvents(patched[usageAt] ?? '')).toEqual([{ metadata: { ...metadata, usage } }]);
    },
  );

  test.each(STREAMS)(
    'mean the same when they are encoded again: $name',
    async ({ body: stream, expected }) => {
      const encoder = bedrockConverse.createStreamEncoder(ENVELOPE);
      const encoded = eventsOf(await framesOf(stream)).map((event) => encoder.encode(event));
      const events = eventsOf(await framesOf(encoded.join('')));
      expect(brokenRules(events)).toEqual([]);
      expectSummary(events, expected);
    },
  );

  test.each(STREAMS)('are cut when they lack their end: $name', async ({ body: stream }) => {
    const messages = messagesIn(stream);
    const end = messages.findIndex((message) => wireEvents(message)[0]?.['messageStop'] !== undefined);
    for (const kept of [0, 1, end]) {
      const events = eventsOf(await framesOf(messages.slice(0, kept).join('')));
      expect(brokenRules(events)).toEqual([]);
      expect(events.at(-1)).toMatchObject({ type: 'error', error: { code: 'upstream_invalid_response' } });
    }
  });

  test('that were cut right behind their end ended well, with the usage unknown', async () => {
    const { body: stream } = STREAMS.find(({ body }) => !isUsageFirst(body)) ?? { body: '' };
    const events = eventsOf(await framesOf(messagesIn(stream).slice(0, -1).join('')));
    expect(brokenRules(events)).toEqual([]);
    expect(events.at(-1)).toEqual({ type: 'end' });
    expect(events.some(({ type }) => type === 'usage')).toBe(false);
  });
});

describe('recorded answers', () => {
  test.each(ANSWERS)('decode as the official SDK does: $name', ({ body: answer, expected }) => {
    const { events } = bedrockConverse.decodeAnswer(answer);
    expect(brokenRules(events)).toEqual([]);
    expectSummary(events, expected);
  });

  test.each(ANSWERS)('reach a caller of the same dialect but for the cost: $name', ({ body: answer }) => {
    const [frame] = withCost([bedrockConverse.decodeAnswer(answer)]);
    const patched = bedrockConverse.patchAnswer(frame ?? { raw: '', events: [] }, ENVELOPE);
    const { usage, ...rest } = JSON.parse(answer);
    expect(JSON.parse(patched)).toEqual({ ...rest, usage: { ...usage, ...SHOWN_COST } });
    expect(patched.replace(/"cost":0\.0123,"cost_details":\{[^}]*\},/, '')).toBe(answer);
  });

  test.each(ANSWERS)(
    'are the same answer after decoding and encoding: $name',
    ({ body: answer, expected }) => {
      const { events } = bedrockConverse.decodeAnswer(answer);
      const encoded = bedrockConverse.encodeAnswer(events, ENVELOPE);
      expectSummary(bedrockConverse.decodeAnswer(encoded).events, expected);
      expect(JSON.parse(encoded).output).toEqual(JSON.parse(answer).output);
    },
  );
});

describe('recorded refusals', () => {
  const codes: Readonly<Record<string, string>> = {
    'bedrock--converse-converse-stream-with-invalid-model': 'model_not_found',
    'bedrock--converse-error-handling-with-bedrock-amazon-nova-2-lite-v1-0-raises':
      'upstream_authentication_failed',
    'bedrock--converse-retired-model-id-preserves-provider-error': 'model_not_found',
  };
  test.each(REFUSALS)(
    'are known for what they are: $name',
    ({ name, status, headers, body: answer, expected }) => {
      const error = bedrockConverse.decodeError(status, headers, answer);
      expect(error).toMatchObject({ code: codes[name], status, message: expected.message });
    },
  );
});

describe('recorded requests', () => {
  const requests = RECORDINGS.flatMap(({ name, model, request }) =>
    request === undefined ? [] : [{ name, model, request }],
  );
  test.each(requests)('decode: $name', ({ model, request }) => {
    const body: JsonObject = parseJsonObject(request) ?? {};
    const decoded = bedrockConverse.decodeRequest(body, { model, stream: true });
    expect(decoded).toMatchObject({ model, stream: true, unknownFields: [] });
    expect(decoded.messages.some(({ role }) => role === 'user')).toBe(true);
  });

  test.each(requests)('reach a provider of the same dialect as they came: $name', ({ model, request }) => {
    const decoded = bedrockConverse.decodeRequest(parseJsonObject(request) ?? {}, { model });
    const target = { model, maxOutputTokens: undefined };
    expect(bedrockConverse.patchRequest(request, decoded, target)).toBe(request);
  });
});

function withCost(frames: readonly Frame[]): readonly Frame[] {
  return frames.map((frame) => ({
    ...frame,
    events: frame.events.map((event) => (event.type === 'usage' ? { ...event, cost: COST } : event)),
  }));
}
