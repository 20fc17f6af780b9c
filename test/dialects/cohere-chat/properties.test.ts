import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { ChatEvent } from '../../../lambda/domain/chat/event.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../lambda/domain/json.ts';
import { bytesOf, cutStream, flippedStream, jsonWith, replaceSomewhere } from '../damage.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { answerArbitrary, errorArbitrary, requestArbitrary } from './arbitraries.ts';
import { normaliseAnswer } from './normalise-answer.ts';
import { framesOf, RECORDINGS, STREAMS, sent } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'm', createdAtSeconds: 1, includeUsage: true };
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value));

describe('requests', () => {
  test('are the same after encoding and decoding', () => {
    fc.assert(
      fc.property(requestArbitrary, (given) => {
        const target = { model: given.model, maxOutputTokens: given.maxOutputTokens };
        const { body, unsupported, omitted } = cohereChat.encodeRequest(given, target);
        expect([unsupported, omitted]).toEqual([[], []]);
        expect(cohereChat.decodeRequest(plain(body))).toEqual(given);
      }),
      { numRuns: 300 },
    );
  });

  test('are refused or understood whatever stands in them', () => {
    const recorded = RECORDINGS.flatMap(({ request }) =>
      request === undefined ? [] : [JSON.parse(request)],
    );
    const whole: JsonObject = {
      model: 'm',
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'a' }] },
        {
          role: 'user',
          content: [{ type: 'image_url', image_url: { url: 'data:a/b;base64,AA', detail: 'low' } }],
        },
        {
          role: 'assistant',
          content: [{ type: 'thinking', thinking: 'a' }],
          tool_plan: 'b',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'b', arguments: 'null' } }],
        },
        {
          role: 'tool',
          tool_call_id: 'a',
          content: [{ type: 'document', document: { id: 'd', data: { a: 1 } } }],
        },
      ],
      tools: [{ type: 'function', function: { name: 'b', parameters: {} } }],
      tool_choice: 'NONE',
      strict_tools: true,
      response_format: { type: 'json_object', json_schema: { type: 'object' } },
      thinking: { type: 'enabled', token_budget: 5 },
      documents: ['a'],
      stop_sequences: ['a'],
      metadata: { a: 'b' },
      models: ['a'],
    };
    const property = fc.property(
      fc.constantFrom(whole, ...recorded),
      fc.jsonValue(),
      fc.nat(),
      (body, value, seed) => {
        const hostile = replaceSomewhere(body, value as Json, seed);
        try {
          const decoded = cohereChat.decodeRequest(isJsonObject(hostile) ? hostile : {});
          plain(cohereChat.encodeRequest(decoded, { model: 'm', maxOutputTokens: 1 }));
          cohereChat.patchRequest(JSON.stringify(hostile), decoded, { model: 'm', maxOutputTokens: 1 });
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          expect(error.status).toBeGreaterThanOrEqual(400);
          expect(error.status).toBeLessThan(500);
        }
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});

async function expectRules(bytes: Uint8Array, size: number = 65_536): Promise<void> {
  const frames = await framesOf(bytes, size);
  expect(brokenRules(eventsOf(frames))).toEqual([]);
  const raw = frames.map((frame) => frame.raw ?? '').join('');
  expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).startsWith(raw)).toBe(true);
}

describe('streams', () => {
  const recorded = STREAMS.map(({ body }) => bytesOf(body));

  test('of any bytes keep the rules', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => expectRules(bytes, 3)));
  });

  test('of any events with any content keep the rules', async () => {
    const names = ['text', 'thinking', 'content', 'tool_plan', 'tool_calls', 'citations', 'function', 'name'];
    const more = ['arguments', 'id', 'type', 'usage', 'tokens', 'error', 'finish_reason', 'message', 'index'];
    const value = jsonWith([...names, ...more], ['{"a":', 'null', 'text', 'thinking'], {
      maxDepth: 5,
      maxLength: 2,
      maxKeys: 4,
    });
    const types = ['message-start', 'content-start', 'content-delta', 'content-end', 'tool-plan-delta'];
    const others = [
      'tool-call-start',
      'tool-call-delta',
      'tool-call-end',
      'citation-start',
      'message-end',
      'new',
    ];
    const good = fc.constantFrom<JsonObject>(
      { content: { type: 'text', text: 'a' } },
      { content: { thinking: 'b' } },
      { tool_plan: 'c' },
      { tool_calls: { id: 'd', function: { name: 'e', arguments: '{' } } },
      { tool_calls: { function: { arguments: 'null' } } },
      { citations: { start: 0 } },
      { citations: [{ content_index: 3 }] },
    );
    const event = fc
      .tuple(fc.constantFrom(...types, ...others), fc.oneof(good, value), fc.constantFrom(0, 1, undefined))
      .map(([type, message, index]) =>
        sent(type, { ...(index === undefined ? {} : { index }), delta: { message } }),
      );
    const property = fc.asyncProperty(fc.array(event, { maxLength: 12 }), fc.boolean(), (events, isEnded) =>
      expectRules(
        bytesOf(
          events.join('') + (isEnded ? sent('message-end', { delta: { finish_reason: 'COMPLETE' } }) : ''),
        ),
      ),
    );
    await fc.assert(property, { numRuns: 600 });
  });

  test('cut anywhere keep the rules, and end well only behind their proper end', async () => {
    await fc.assert(
      fc.asyncProperty(cutStream(recorded), async (cut) => {
        await expectRules(cut);
        const isWhole = /"finish_reason":"(COMPLETE|TOOL_CALL)"/.test(new TextDecoder().decode(cut));
        if (!isWhole) expect(eventsOf(await framesOf(cut)).at(-1)?.type).toBe('error');
      }),
    );
  });

  test('damaged anywhere keep the rules', async () => {
    await fc.assert(
      fc.asyncProperty(flippedStream(recorded), (bytes) => expectRules(bytes, 997)),
      { numRuns: 200 },
    );
  });

  test('of recorded events in any order keep the rules', async () => {
    const blocks = STREAMS.flatMap(({ body }) => body.split(/(?<=\n\n)/));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...blocks), { maxLength: 15 }), (chosen) =>
        expectRules(bytesOf(chosen.join(''))),
      ),
      { numRuns: 300 },
    );
  });
});

describe('answers', () => {
  test('of any JSON keep the rules', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(brokenRules(cohereChat.decodeAnswer(body).events)).toEqual([]);
      }),
    );
  });

  test('damaged anywhere keep the rules', () => {
    const bodies = RECORDINGS.filter(({ isStream }) => !isStream).map(({ body }) => JSON.parse(body));
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.jsonValue(), fc.nat(), (body, value, seed) => {
        const text = JSON.stringify(replaceSomewhere(body, value as Json, seed));
        expect(brokenRules(cohereChat.decodeAnswer(text).events)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});

describe('answers of any dialect', () => {
  test('are generated with every member of the union, and keep the rules', () => {
    const counts = new Map<string, number>();
    for (const events of fc.sample(answerArbitrary, { numRuns: 500, seed: 1 })) {
      expect(brokenRules(events)).toEqual([]);
      for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    // All but `error`, which ends answers that fail.
    expect(counts.size).toBe(18);
    expect(Math.min(...counts.values())).toBeGreaterThan(50);
  });

  test('are read back from a stream as they were told', async () => {
    await fc.assert(
      fc.asyncProperty(answerArbitrary, fc.constantFrom(1, 7, 65_536), async (events, size) => {
        const encoder = cohereChat.createStreamEncoder(ENVELOPE);
        const text = events.map((event) => encoder.encode(event)).join('');
        const read = eventsOf(await framesOf(bytesOf(text), size));
        expect(brokenRules(read)).toEqual([]);
        expect(normaliseAnswer(read)).toEqual(normaliseAnswer(events));
      }),
      { numRuns: 300 },
    );
  });

  test('are read back from a whole answer as they were told', () => {
    fc.assert(
      fc.property(answerArbitrary, (events) => {
        const { events: read } = cohereChat.decodeAnswer(cohereChat.encodeAnswer(events, ENVELOPE));
        expect(brokenRules(read)).toEqual([]);
        expect(normaliseAnswer(read, 'whole')).toEqual(normaliseAnswer(events, 'whole'));
      }),
      { numRuns: 300 },
    );
  });

  test('that fail end in one error', async () => {
    await fc.assert(
      fc.asyncProperty(answerArbitrary, fc.nat(), errorArbitrary, async (events, at, error) => {
        const encoder = cohereChat.createStreamEncoder(ENVELOPE);
        const begun = events.slice(0, at % events.length);
        const told: readonly ChatEvent[] = [...begun, error];
        const read = eventsOf(await framesOf(told.map((event) => encoder.encode(event)).join('')));
        expect(brokenRules(read)).toEqual([]);
        expect(read.at(-1)?.type).toBe('error');
      }),
    );
  });
});
