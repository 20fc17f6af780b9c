import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeStream } from '../../../lambda/dialects/bedrock-converse/stream.ts';
import { bytesFromLatin1, decodeMessage, latin1FromBytes } from '../../../lambda/dialects/event-stream.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/bedrock-converse');

/** What the provider's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly block_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly class?: string;
  readonly status?: number;
  readonly message?: string;
}

export interface Recording {
  readonly name: string;
  readonly model: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: string | undefined;
  /** One character a byte. */
  readonly stream: string | undefined;
  readonly answer: string | undefined;
  readonly expected: Expected;
}

/** Every recorded exchange; a folder more is a test more. */
export const RECORDINGS: readonly Recording[] = readdirSync(FOLDER).map((name) => {
  const bytes = (file: string): Uint8Array | undefined => {
    const at = path.join(FOLDER, name, file);
    return existsSync(at) ? readFileSync(at) : undefined;
  };
  const read = (file: string): string | undefined => {
    const found = bytes(file);
    return found === undefined ? undefined : new TextDecoder().decode(found);
  };
  const source = JSON.parse(read('source.json') ?? '{}');
  const stream = bytes('upstream.eventstream');
  return {
    name,
    model: source.model ?? '',
    status: source.status,
    headers: source.response_headers,
    request: read('request.json'),
    stream: stream === undefined ? undefined : latin1FromBytes(stream),
    answer: read('upstream.json'),
    expected: JSON.parse(read('expected.json') ?? '{}'),
  };
});

export const STREAMS = RECORDINGS.flatMap(({ stream, ...rest }) =>
  stream === undefined ? [] : [{ ...rest, stream }],
);
export const ANSWERS = RECORDINGS.flatMap(({ answer, ...rest }) =>
  answer === undefined ? [] : [{ ...rest, answer }],
);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function framesOf(stream: string | Uint8Array, chunkSize = 65_536): Promise<Frame[]> {
  const bytes = typeof stream === 'string' ? bytesFromLatin1(stream) : stream;
  return Array.fromAsync(decodeStream(inChunks(bytes, chunkSize)));
}

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap((frame) => frame.events);

/** The messages of a stream we wrote, one character a byte. */
export function messagesIn(stream: string): readonly string[] {
  const messages: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = new DataView(bytesFromLatin1(stream.slice(at, at + 4)).buffer).getUint32(0);
    messages.push(stream.slice(at, at + length));
    at += length;
  }
  return messages;
}

/** The events of a stream we wrote: each under its name, as SDKs show it. */
export const wireEvents = (stream: string): readonly JsonObject[] =>
  messagesIn(stream).map((message) => {
    const { headers, payload } = decodeMessage(bytesFromLatin1(message));
    const name = headers.get(':event-type') ?? headers.get(':exception-type');
    return { [String(name)]: JSON.parse(new TextDecoder().decode(payload)) };
  });
