import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import { bytesOf, cutStream, flippedStream, jsonWith, replaceSomewhere } from '../damage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf } from '../recordings.ts';
import { requestArbitrary } from './arbitraries.ts';
import { chunk, framesOf, RECORDINGS, STREAMS } from './recordings.ts';

describe('requests', () => {
  test('are the same after encoding and decoding', () => {
    fc.assert(
      fc.property(requestArbitrary, (given) => {
        const target = {
          model: given.model,
          maxOutputTokens: given.maxOutputTokens,
          reasoningField: 'reasoning_details',
        } as const;
        const { body, unsupported } = openaiChat.encodeRequest(given, target);
        expect(unsupported).toEqual([]);
        expect(openaiChat.decodeRequest(JSON.parse(JSON.stringify(body)))).toEqual(given);
      }),
    );
  });

  test('are refused or understood whatever stands in them', () => {
    const bodies = RECORDINGS.flatMap(({ request: body }) => (body === undefined ? [] : [JSON.parse(body)]));
    const property = fc.property(
      fc.constantFrom(...bodies),
      fc.jsonValue(),
      fc.nat(),
      (body, value, seed) => {
        const hostile = replaceSomewhere(body, value as Json, seed);
        try {
          const decoded = openaiChat.decodeRequest(hostile as JsonObject);
          JSON.stringify(openaiChat.encodeRequest(decoded, { model: 'm', maxOutputTokens: 1 }));
          openaiChat.patchRequest(JSON.stringify(hostile), decoded, { model: 'm', maxOutputTokens: 1 });
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError);
        }
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});

async function expectRules(bytes: Uint8Array, size: number = 65_536): Promise<void> {
  const events = eventsOf(await framesOf(bytes, size));
  expect(brokenRules(events)).toEqual([]);
  if (events.at(-1)?.type !== 'end') return;
  const isLimited = events.some((event) => event.type === 'finish' && event.reason === 'length');
  const cut = callsOf(events).filter(({ arguments: given }) => /^\{[^}]*$/.test(given));
  if (!isLimited) expect(cut).toEqual([]);
}

describe('streams', () => {
  const small = STREAMS.filter(({ body }) => body.length < 8000).map(({ body }) => bytesOf(body));

  test('of any bytes keep the rules', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => expectRules(bytes, 3)));
  });

  test('of any JSON keep the rules', async () => {
    const names = [
      ...[
        'choices',
        'delta',
        'index',
        'content',
        'tool_calls',
        'function',
        'name',
        'arguments',
        'id',
        'usage',
      ],
      ...[
        'finish_reason',
        'error',
        'reasoning',
        'reasoning_details',
        'refusal',
        'audio',
        'type',
        'annotations',
      ],
    ];
    const value = jsonWith(names, ['{"a":', 'stop', 'reasoning.text'], { maxDepth: 6 });
    const step = fc.record({
      choices: fc.array(fc.record({ index: value, delta: value, finish_reason: value })),
    });
    const body = fc.oneof(value, step);
    const property = fc.asyncProperty(fc.array(body, { maxLength: 6 }), fc.boolean(), (bodies, isDone) =>
      expectRules(bytesOf(bodies.map(chunk).join('') + (isDone ? 'data: [DONE]\n\n' : ''))),
    );
    await fc.assert(property, { numRuns: 500 });
  });

  test('cut anywhere never end well inside a tool call, and keep the rules', async () => {
    await fc.assert(fc.asyncProperty(cutStream(small), (bytes) => expectRules(bytes)));
  });

  test('with bytes flipped keep the rules', async () => {
    await fc.assert(fc.asyncProperty(flippedStream(small), (bytes) => expectRules(bytes, 997)));
  });
});

describe('answers', () => {
  test('of any JSON keep the rules', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(brokenRules(openaiChat.decodeAnswer(body).events)).toEqual([]);
      }),
    );
  });
});
