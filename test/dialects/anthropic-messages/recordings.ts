import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@jest/globals';
import { decodeStream } from '../../../lambda/dialects/anthropic-messages/stream.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/anthropic-messages');

/** What the provider's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly block_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly citations?: number;
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly message?: string;
}

export interface Recording {
  readonly name: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: string | undefined;
  readonly stream: string | undefined;
  readonly answer: string | undefined;
  readonly expected: Expected;
}

/** Every recorded exchange; a folder more is a test more. */
export const RECORDINGS: readonly Recording[] = readdirSync(FOLDER).map((name) => {
  const read = (file: string): string | undefined => {
    const at = path.join(FOLDER, name, file);
    return existsSync(at) ? readFileSync(at, 'utf8') : undefined;
  };
  const source = JSON.parse(read('source.json') ?? '{}');
  return {
    name,
    status: source.status,
    headers: source.response_headers,
    request: read('request.json'),
    stream: read('upstream.sse'),
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
  const bytes = typeof stream === 'string' ? new TextEncoder().encode(stream) : stream;
  return Array.fromAsync(decodeStream(inChunks(bytes, chunkSize)));
}

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap((frame) => frame.events);

/** The events of a stream we wrote; each has the name its data says. */
export function wireEvents(text: string): readonly JsonObject[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [name, data] = block.split('\n');
      const value = JSON.parse(data?.slice('data: '.length) ?? '');
      expect(name).toBe(`event: ${value.type}`);
      return value;
    });
}
