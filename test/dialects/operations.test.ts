import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { DRAFT_MARK } from '../../lambda/dialects/openai-images/answer.ts';
import { OPERATION_DIALECTS } from '../../lambda/dialects/operation-dialects.ts';
import type { ChatEvent, Frame } from '../../lambda/domain/chat/event.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../lambda/domain/json.ts';
import { NO_COST } from '../../lambda/domain/money/cost.ts';
import { fieldsOfUnknownCost, unboundedFeatures } from '../../lambda/domain/money/unbounded.ts';
import { brokenRules } from './event-rules.ts';
import { hostileBody, OPERATION_STREAMS, requestBodies } from './operation-arbitraries.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const ENVELOPE = { id: 'gen-1', model: 'some/model', createdAtSeconds: 1, includeUsage: true };
const TARGET = { model: 'other', maxOutputTokens: undefined };
const ADDRESS = { model: 'some/model' };
const CHUNKS = [1, 7, 65_536];

interface Recording {
  readonly name: string;
  readonly dialect: Dialect;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: string;
  readonly answer: string;
  /** What the provider's SDK makes of the answer, where it can read it. */
  readonly expected: JsonObject | undefined;
}

const recordings: readonly Recording[] = OPERATION_DIALECTS.flatMap((dialect) =>
  namesIn(join(FIXTURES, dialect.id)).map((name): Recording => {
    const read = (file: string): string => readFileSync(join(FIXTURES, dialect.id, name, file), 'utf8');
    const { status, headers } = JSON.parse(read('source.json'));
    const hasExpected = namesIn(join(FIXTURES, dialect.id, name)).includes('expected.json');
    const expected = hasExpected ? JSON.parse(read('expected.json')) : undefined;
    const [request, answer] = [read('request.json'), read('upstream.json')];
    return { name, dialect, status, headers, request, answer, expected };
  }),
);

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function framesOf(dialect: Dialect, bytes: Uint8Array, size: number): Promise<readonly Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of dialect.decodeStream(inPieces(bytes, size))) frames.push(frame);
  return frames;
}

const eventsOf = (frames: readonly Frame[]): readonly ChatEvent[] => frames.flatMap(({ events }) => events);
const answered = recordings.filter(({ status }) => status === 200);
const refused = recordings.filter(({ status }) => status !== 200);

/** Frames whose usage has its cost, as the meter writes it in. */
const priced = ({ raw, events }: Frame): Frame => ({
  raw,
  events: events.map((event) => (event.type === 'usage' ? { ...event, cost: NO_COST } : event)),
});

function withoutOurs(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item: Json) => withoutOurs(item) ?? null);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(
    ([name]) => !['id', 'model', 'cost', 'cost_details'].includes(name),
  );
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutOurs(member)]));
}

describe.each(answered.map((one) => [one.name, one] as const))('the recording %s', (_name, recording) => {
  const { dialect, answer, expected, request } = recording;
  const frame = dialect.decodeAnswer(answer);

  test('keeps the rules of events, also in pieces', async () => {
    expect(brokenRules(frame.events)).toEqual([]);
    for (const size of CHUNKS)
      expect(eventsOf(await framesOf(dialect, Buffer.from(answer), size))).toEqual(frame.events);
  });

  test('reaches the caller as it came but for its id, its model and what it cost', () => {
    const patched = dialect.patchAnswer(priced(frame), ENVELOPE);
    expect(withoutOurs(parseJsonObject(patched))).toEqual(withoutOurs(parseJsonObject(answer)));
    const again = dialect.encodeAnswer(priced(frame).events, ENVELOPE);
    expect(dialect.decodeAnswer(again).events.map(({ type }) => type)).toEqual(
      frame.events.map(({ type }) => type),
    );
  });

  test('is what the provider’s SDK makes of it', () => {
    if (expected === undefined) return;
    const { data, usage } = parseJsonObject(answer) ?? {};
    const dimensions = (Array.isArray(data) ? data : []).map((item: Json) => {
      const vector = isJsonObject(item) ? item['embedding'] : undefined;
      return typeof vector === 'string' ? `b64:${vector.length}` : Array.isArray(vector) ? vector.length : -1;
    });
    expect(dimensions).toEqual(expected['dims']);
    const reported = frame.events.find((event) => event.type === 'usage')?.usage;
    const counts = isJsonObject(usage) ? usage : {};
    expect(reported?.promptTokens).toBe(counts['prompt_tokens'] ?? counts['total_tokens']);
  });

  test('was asked for by a request that is understood, and goes on with another model alone', () => {
    const body = parseJsonObject(request) ?? {};
    const decoded = dialect.decodeRequest(body, ADDRESS);
    expect(unboundedFeatures(decoded, dialect.harmless)).toEqual([]);
    expect(fieldsOfUnknownCost(decoded, dialect.harmless)).toEqual([]);
    const patched = dialect.patchRequest(request, decoded, TARGET);
    expect(parseJsonObject(patched)).toEqual({ ...body, model: 'other' });
  });
});

test.each(refused.map(({ name, ...one }) => [name, one] as const))(
  'the refusal %s is understood',
  (_name, { dialect, status, headers, answer }) => {
    const error = dialect.decodeError(status, headers, answer);
    const codes = new Map([
      [400, 'invalid_request'],
      [401, 'upstream_authentication_failed'],
      [404, 'model_not_found'],
    ]);
    expect(error.code).toBe(codes.get(status));
    expect(error.message).not.toBe('');
  },
);

test('nine recordings of vectors, two of rankings and one of a count are replayed', () => {
  const counts = Object.groupBy(recordings, ({ dialect }) => dialect.id);
  expect(Object.entries(counts).map(([id, list]) => [id, list.length])).toEqual([
    ['openai-embeddings', 9],
    ['cohere-rerank', 1],
    ['voyage-rerank', 1],
    ['anthropic-count-tokens', 1],
  ]);
});

describe.each(OPERATION_DIALECTS.map((dialect) => [dialect.id, dialect] as const))('%s', (id, dialect) => {
  const bodies = requestBodies[id];
  if (bodies === undefined) throw new Error(`No requests of ${id} are made.`);

  test('reads back what it writes of a request', () => {
    const property = fc.property(bodies, (body) => {
      // What is made is JSON but for members that are undefined.
      const request = dialect.decodeRequest(JSON.parse(JSON.stringify(body)), ADDRESS);
      const encoded = dialect.encodeRequest(request, { ...TARGET, model: request.model });
      expect(encoded.unsupported).toEqual([]);
      expect(dialect.decodeRequest(encoded.body, { model: request.model })).toEqual(normalised(request));
    });
    fc.assert(property);
  });

  test('understands or refuses whatever a caller sends', () => {
    const property = fc.property(hostileBody, (body) => {
      try {
        const request = dialect.decodeRequest(body, ADDRESS);
        expect(typeof request.model).toBe('string');
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        expect(error.status).toBeLessThan(500);
        expect(() => dialect.encodeError(error, 'gen-1')).not.toThrow();
      }
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('ends exactly once, whatever a provider sends', async () => {
    const own = recordings.filter((one) => one.dialect === dialect).map(({ answer }) => answer.slice(0, 400));
    const texts = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom(...OPERATION_STREAMS, ...own, '{"error":{}}', '{"data":[]}', '{"results":[]}'),
      fc.tuple(fc.constantFrom(...OPERATION_STREAMS), fc.nat(), fc.string()).map(([text, at, piece]) => {
        const cut = at % text.length;
        return text.slice(0, cut) + piece + text.slice(cut + 1);
      }),
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.constantFrom(...CHUNKS), async (text, size) => {
        expect(brokenRules(dialect.decodeAnswer(text).events)).toEqual([]);
        expect(brokenRules(eventsOf(await framesOf(dialect, Buffer.from(text), size)))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

/** A document that is an object is sent as its text where a format takes texts. */
const normalised = (request: ChatRequest): ChatRequest => {
  const { rerank: ranked } = request.work ?? {};
  if (ranked === undefined || request.work === undefined) return request;
  const documents = ranked.documents.map((one) => (isJsonObject(one) ? String(one['text']) : one));
  // A text is reserved for as it is, an object with all its members.
  const excess = ranked.documents.reduce<number>((sum, one, index) => {
    const bytes = isJsonObject(one) ? Buffer.byteLength(JSON.stringify(one)) : 0;
    return bytes === 0 ? sum : sum + bytes - Buffer.byteLength(documents[index]?.toString() ?? '');
  }, 0);
  const promptTokens = (request.work.promptTokens ?? 0) - excess;
  return { ...request, work: { ...request.work, promptTokens, rerank: { ...ranked, documents } } };
};

describe.each([
  ['openai-images', 0],
  ['openai-speech', 1],
  ['openai-transcriptions', 2],
] as const)('a stream of %s', (id, index) => {
  const dialect = OPERATION_DIALECTS.find((one) => one.id === id);
  const bytes = Buffer.from(OPERATION_STREAMS[index] ?? '');
  if (dialect === undefined) throw new Error(`There is no ${id}.`);

  test('passes byte for byte, however it is cut', async () => {
    for (const size of CHUNKS) {
      const frames = await framesOf(dialect, bytes, size);
      const passed = frames.map((frame) =>
        frame.raw === undefined ? '' : dialect.patchFrame(frame, ENVELOPE),
      );
      expect(Buffer.from(passed.join(''), dialect.streamEncoding).equals(bytes)).toBe(true);
      expect(brokenRules(eventsOf(frames))).toEqual([]);
      expect(eventsOf(frames).at(-1)).toEqual({ type: 'end' });
    }
  });

  test('is read back from what its events are written as', async () => {
    const events = eventsOf(await framesOf(dialect, bytes, 7));
    const encoder = dialect.createStreamEncoder(ENVELOPE);
    const text = events.map((one) => encoder.encode(one)).join('');
    const again = eventsOf(await framesOf(dialect, Buffer.from(text, dialect.streamEncoding), 7));
    // Drafts of pictures are not written: the pictures are.
    const content = (list: readonly ChatEvent[]): string => {
      const drafts = list.flatMap((one) =>
        one.type === 'media-start' && one.mediaType.endsWith(DRAFT_MARK) ? [one.block] : [],
      );
      return list
        .map((one) => {
          if (one.type === 'text-delta') return one.text;
          return one.type === 'media-delta' && !drafts.includes(one.block) ? one.base64 : '';
        })
        .join('');
    };
    expect(content(again)).toBe(content(events));
    expect(again.at(-1)).toEqual({ type: 'end' });
  });

  test('that stops before its end is an error', async () => {
    const cut = bytes.subarray(0, bytes.length - Math.floor(bytes.length / 3));
    expect(eventsOf(await framesOf(dialect, cut, 7)).at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'upstream_invalid_response' },
    });
  });

  test('is written whole from the same events', async () => {
    const events = eventsOf(await framesOf(dialect, bytes, 7));
    expect(dialect.decodeAnswer(dialect.encodeAnswer(events, ENVELOPE)).events.at(-1)).toEqual({
      type: 'end',
    });
  });
});
