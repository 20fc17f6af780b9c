import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { geminiArrayStream } from '../../../lambda/dialects/gemini/array-stream.ts';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import { bytesOf, cutStream, flippedStream, jsonWith, replaceSomewhere } from '../damage.ts';
import { brokenRules } from '../event-rules.ts';
import { callsOf, eventsOf } from '../recordings.ts';
import { answerArbitrary, failedAnswerArbitrary, normalise, requestArbitrary } from './arbitraries.ts';
import { citationsOf, contentsOf } from './contents.ts';
import { chunk, framesOf, RECORDINGS, STREAMS } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const plain = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));

describe('requests', () => {
  test('are the same after encoding and decoding, but for what this dialect says otherwise', () => {
    fc.assert(
      fc.property(requestArbitrary, (asked) => {
        const { model, stream, maxOutputTokens } = asked;
        const { body, unsupported } = gemini.encodeRequest(asked, { model, maxOutputTokens });
        expect(unsupported).toEqual([]);
        const decoded = gemini.decodeRequest(plain(body), { model, stream });
        expect(plain(decoded)).toEqual(plain(normalise(asked)));
      }),
      { numRuns: 300 },
    );
  });

  test('of any shape decode or are refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) =>
        decodesOrRefuses(plain(body) as JsonObject),
      ),
    );
  });

  test('with any value in any place decode or are refused, and nothing else', () => {
    const bodies = [
      WHOLE,
      ...RECORDINGS.flatMap(({ request }) => (request === undefined ? [] : [JSON.parse(request)])),
    ];
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('__proto__', 'constructor', 1e308, -1, [[[]]], { __proto__: null, text: 'a' }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...bodies), hostile, fc.nat(), (body, value, seed) =>
        decodesOrRefuses(replaceSomewhere(body, value as Json, seed) as JsonObject),
      ),
      { numRuns: 1000 },
    );
  });
});

const WHOLE: JsonObject = {
  system_instruction: { parts: [{ text: 'a' }] },
  contents: [
    {
      role: 'user',
      parts: [
        { inline_data: { mime_type: 'image/png', data: '' } },
        { fileData: { mimeType: 'application/pdf', fileUri: 'https://a.example/b.pdf' } },
        {
          functionResponse: {
            name: 'f',
            response: { output: 'a' },
            parts: [{ inlineData: { mimeType: 'image/png', data: '' } }],
          },
        },
      ],
    },
    {
      role: 'model',
      parts: [{ text: 'a', thought: true, thoughtSignature: 'b' }, { functionCall: { name: 'f', args: {} } }],
    },
  ],
  tools: [
    {
      functionDeclarations: [
        { name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } } },
      ],
    },
    { googleSearch: {} },
  ],
  toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
  generationConfig: {
    temperature: 1,
    stopSequences: ['a'],
    responseMimeType: 'application/json',
    responseSchema: { type: 'OBJECT' },
    thinkingConfig: { thinkingBudget: 5, includeThoughts: true },
    responseModalities: ['TEXT', 'IMAGE'],
  },
  labels: { a: 'b' },
};

function decodesOrRefuses(body: JsonObject): void {
  const target = { model: 'gemini-3-pro', maxOutputTokens: 1 };
  try {
    const decoded = gemini.decodeRequest(body, { model: 'm', stream: true });
    JSON.stringify(gemini.encodeRequest(decoded, target));
    gemini.patchRequest(JSON.stringify(body), decoded, target);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.status).toBe(400);
    expect(error.param).toBeDefined();
  }
}

describe('answers of any dialect', () => {
  test('are made of every member of the union', () => {
    const answers = [...fc.sample(answerArbitrary, 300), ...fc.sample(failedAnswerArbitrary, 10)];
    const types = new Set(answers.flat().map(({ type }) => type));
    expect([...types].sort()).toEqual(
      [
        ...['answer-start', 'block-end', 'block-signature', 'end', 'error', 'finish', 'hosted-tool-result'],
        ...['media-delta', 'media-start', 'reasoning-delta', 'reasoning-start', 'refusal-delta'],
        ...[
          'refusal-start',
          'text-citation',
          'text-delta',
          'text-start',
          'tool-call-delta',
          'tool-call-start',
        ],
        'usage',
      ].sort(),
    );
    for (const events of answers) expect(brokenRules(events)).toEqual([]);
  });

  test('are read back from a stream', async () => {
    await fc.assert(
      fc.asyncProperty(answerArbitrary, fc.constantFrom(1, 7, 65_536), async (events, size) => {
        const encoder = gemini.createStreamEncoder(ENVELOPE);
        const text = events.map((event) => encoder.encode(event)).join('');
        const again = eventsOf(await framesOf(text, size));
        expect(brokenRules(again)).toEqual([]);
        expect(contentsOf(again)).toEqual(contentsOf(events));
        expect(citationsOf(again)).toEqual(citationsOf(events));
      }),
      { numRuns: 300 },
    );
  });

  test('are read back from a whole answer, of whose sources the last ones count', () => {
    fc.assert(
      fc.property(answerArbitrary, (events) => {
        const again = gemini.decodeAnswer(gemini.encodeAnswer(events, ENVELOPE)).events;
        expect(brokenRules(again)).toEqual([]);
        expect(contentsOf(again)).toEqual(contentsOf(events));
        for (const choice of [0, 1])
          expect(citationsOf(again, choice)).toEqual(citationsOf(events, choice).slice(-1));
      }),
      { numRuns: 300 },
    );
  });

  test('are the same as a list of chunks', () => {
    fc.assert(
      fc.property(fc.oneof(answerArbitrary, failedAnswerArbitrary), (events) => {
        const list = geminiArrayStream(gemini);
        const encoder = list.createStreamEncoder(ENVELOPE);
        const text = events.map((event) => list.keepAlive + encoder.encode(event)).join('');
        const single = gemini.createStreamEncoder(ENVELOPE);
        const chunks = events
          .map((event) => single.encode(event))
          .join('')
          .split('\r\n\r\n')
          .slice(0, -1);
        expect(JSON.parse(text)).toEqual(chunks.map((each) => JSON.parse(each.slice('data: '.length))));
      }),
    );
  });

  test('that fail end in one error', async () => {
    await fc.assert(
      fc.asyncProperty(failedAnswerArbitrary, async (events) => {
        const encoder = gemini.createStreamEncoder(ENVELOPE);
        const again = eventsOf(await framesOf(events.map((event) => encoder.encode(event)).join('')));
        expect(brokenRules(again)).toEqual([]);
        expect(again.at(-1)).toMatchObject({
          type: 'error',
          error: { code: 'upstream_overloaded', message: 'Too much to do.' },
        });
      }),
    );
  });
});

async function expectRules(bytes: Uint8Array, size: number = 65_536): Promise<void> {
  const frames = await framesOf(bytes, size);
  const events = eventsOf(frames);
  expect(brokenRules(events)).toEqual([]);
  for (const frame of frames) gemini.patchFrame(frame, ENVELOPE);
  if (events.at(-1)?.type !== 'end') return;
  const isLimited = events.some((event) => event.type === 'finish' && event.reason === 'length');
  if (!isLimited) for (const call of callsOf(events)) JSON.parse(call.arguments);
}

describe('streams', () => {
  const small = STREAMS.filter(({ body }) => body.length < 12_000).map(({ body }) => bytesOf(body));

  test('of any bytes keep the rules', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => expectRules(bytes, 3)));
  });

  test('of any JSON keep the rules', async () => {
    const names = [
      ...['candidates', 'content', 'parts', 'text', 'thought', 'thoughtSignature', 'functionCall', 'name'],
      ...['args', 'partialArgs', 'jsonPath', 'stringValue', 'willContinue', 'index', 'finishReason', 'error'],
      ...[
        'inlineData',
        'data',
        'executableCode',
        'codeExecutionResult',
        'usageMetadata',
        'groundingMetadata',
      ],
      ...['promptFeedback', 'blockReason', 'logprobsResult', 'chosenCandidates'],
    ];
    const value = jsonWith(names, ['$.a', '$.a[0]', '$.__proto__', 'STOP'], { maxDepth: 6 });
    const part = fc.record({
      functionCall: fc.record({ name: value, partialArgs: value, willContinue: value }),
      thoughtSignature: value,
    });
    const step = fc.record({
      candidates: fc.array(
        fc.record({
          index: value,
          content: fc.record({ parts: fc.array(fc.oneof(value, part)) }),
          finishReason: value,
        }),
      ),
    });
    const property = fc.asyncProperty(fc.array(fc.oneof(value, step), { maxLength: 6 }), (bodies) =>
      expectRules(bytesOf(bodies.map(chunk).join(''))),
    );
    await fc.assert(property, { numRuns: 500 });
  });

  test('cut anywhere never end well inside a tool call, and keep the rules', async () => {
    await fc.assert(
      fc.asyncProperty(cutStream(small), (bytes) => expectRules(bytes)),
      { numRuns: 300 },
    );
  });

  test('with bytes flipped keep the rules', async () => {
    await fc.assert(
      fc.asyncProperty(flippedStream(small), (bytes) => expectRules(bytes, 997)),
      { numRuns: 300 },
    );
  });
});

describe('answers', () => {
  test('of any JSON keep the rules', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        const frame = gemini.decodeAnswer(body);
        expect(brokenRules(frame.events)).toEqual([]);
        gemini.patchAnswer(frame, ENVELOPE);
      }),
    );
  });

  test('that were recorded and then damaged keep the rules', () => {
    const bodies = RECORDINGS.filter(({ isStream, status }) => !isStream && status === 200).map(({ body }) =>
      JSON.parse(body),
    );
    fc.assert(
      fc.property(fc.constantFrom(...bodies), fc.jsonValue(), fc.nat(), (body, value, seed) => {
        const damaged = JSON.stringify(replaceSomewhere(body, value as Json, seed));
        expect(brokenRules(gemini.decodeAnswer(damaged).events)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
