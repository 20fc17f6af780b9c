import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Dialect, DialectId } from '../../lambda/dialects/dialect.ts';
import { bytesFromLatin1 } from '../../lambda/dialects/event-stream.ts';
import type { ChatEvent, Frame } from '../../lambda/domain/chat/event.ts';
import { mergeUsage, type Usage } from '../../lambda/domain/money/usage.ts';

const FIXTURES = path.join(import.meta.dirname, '../fixtures');

/** A recorded exchange: a folder more is a test more. @typeParam Expected what the provider's own SDK makes of it */
export interface Recording<Expected> {
  readonly name: string;
  readonly provider: string;
  /** What was asked for, where the request's address says it. */
  readonly model: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: string | undefined;
  /** What the provider answered; of a binary stream one character a byte. */
  readonly body: string;
  readonly isStream: boolean;
  readonly expected: Expected;
}

/** The recordings of a dialect, and of which kind they are. */
export interface Recordings<Expected> {
  readonly RECORDINGS: readonly Recording<Expected>[];
  readonly STREAMS: readonly Recording<Expected>[];
  /** Whole answers that went well. */
  readonly ANSWERS: readonly Recording<Expected>[];
  readonly REFUSALS: readonly Recording<Expected>[];
}

const BODIES = ['upstream.sse', 'upstream.eventstream', 'upstream.json'] as const;

export function recordingsOf<Expected>(dialect: DialectId): Recordings<Expected> {
  const folder = path.join(FIXTURES, dialect);
  const recordings = readdirSync(folder).map((name) => readRecording<Expected>(path.join(folder, name)));
  return {
    RECORDINGS: recordings,
    STREAMS: recordings.filter(({ isStream }) => isStream),
    ANSWERS: recordings.filter(({ isStream, status }) => !isStream && status === 200),
    REFUSALS: recordings.filter(({ status }) => status !== 200),
  };
}

function readRecording<Expected>(folder: string): Recording<Expected> {
  const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
  const has = (file: string): boolean => existsSync(path.join(folder, file));
  const body = BODIES.find(has);
  if (body === undefined) throw new Error(`${folder} holds no answer.`);
  const source = JSON.parse(read('source.json'));
  return {
    name: path.basename(folder),
    provider: source.provider,
    model: source.model ?? '',
    status: source.status,
    headers: source.headers ?? source.response_headers,
    request: has('request.json') ? read('request.json') : undefined,
    body: body === 'upstream.eventstream' ? readFileSync(path.join(folder, body), 'latin1') : read(body),
    isStream: body !== 'upstream.json',
    expected: JSON.parse(read('expected.json')),
  };
}

/** Bytes as they come from a network, cut without regard to what they mean. */
export async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export type ReadFrames = (stream: string | Uint8Array, chunkSize?: number) => Promise<Frame[]>;

/** Reads a stream as the dialect does, in chunks of some size. */
export const framesReader =
  ({ streamEncoding, decodeStream }: Dialect): ReadFrames =>
  (stream, chunkSize = 65_536) => {
    const encode = (text: string): Uint8Array =>
      streamEncoding === 'latin1' ? bytesFromLatin1(text) : new TextEncoder().encode(text);
    const bytes = typeof stream === 'string' ? encode(stream) : stream;
    return Array.fromAsync(decodeStream(inChunks(bytes, chunkSize)));
  };

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap(({ events }) => events);

/** Text of all deltas of a kind, in order. */
export const textOf = (
  events: readonly ChatEvent[],
  type: 'text-delta' | 'reasoning-delta' | 'refusal-delta',
  at: { readonly choice?: number; readonly block?: number } = {},
): string =>
  events
    .flatMap((event) => {
      const { choice = 0, block } = at;
      const isThere =
        event.type === type && event.choice === choice && event.block === (block ?? event.block);
      return isThere ? [event.text] : [];
    })
    .join('');

/** Reasoning without what is encrypted, which SDKs do not show. */
export function readableReasoning(events: readonly ChatEvent[]): string {
  const encrypted = events.flatMap((event) =>
    event.type === 'reasoning-start' && event.kind === 'encrypted' ? [event.block] : [],
  );
  return textOf(
    events.filter((event) => !('block' in event && encrypted.includes(event.block))),
    'reasoning-delta',
  );
}

/** A call with its whole arguments and its whole signature. */
export interface ToldCall {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly arguments: string;
  readonly signature: string;
}

/** Calls of tools, in the order in which they begin. */
export const callsOf = (events: readonly ChatEvent[]): readonly ToldCall[] =>
  events.flatMap((start) => {
    if (start.type !== 'tool-call-start') return [];
    const own = events.filter(
      (event) => 'block' in event && event.block === start.block && event.choice === start.choice,
    );
    const join = (pick: (event: ChatEvent) => string): string => own.map(pick).join('');
    const { id, name, kind } = start;
    return [
      {
        id,
        name,
        kind,
        arguments: join((event) => (event.type === 'tool-call-delta' ? event.arguments : '')),
        signature: join((event) => (event.type === 'block-signature' ? event.signature : '')),
      },
    ];
  });

/** All that was counted. */
export const usageOf = (events: readonly ChatEvent[]): Usage | undefined =>
  events.reduce<Usage | undefined>(
    (usage, event) => (event.type === 'usage' ? mergeUsage(usage, event.usage) : usage),
    undefined,
  );
