import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/cohere-chat');

/** What Cohere's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly plan?: string;
  readonly citations?: number;
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly usage?: {
    readonly billedUnits?: { readonly inputTokens: number; readonly outputTokens: number };
    readonly tokens?: { readonly reasoning_tokens?: number };
  };
  readonly message?: string;
}

/** A folder is a recording, and a recording is a test. */
export interface Recording {
  readonly name: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: string | undefined;
  readonly body: string;
  readonly isStream: boolean;
  readonly expected: Expected;
}

export const RECORDINGS: readonly Recording[] = readdirSync(FOLDER).map((name) => {
  const read = (file: string): string => readFileSync(path.join(FOLDER, name, file), 'utf8');
  const has = (file: string): boolean => existsSync(path.join(FOLDER, name, file));
  const isStream = has('upstream.sse');
  const { status, headers } = JSON.parse(read('source.json'));
  return {
    name,
    status,
    headers,
    request: has('request.json') ? read('request.json') : undefined,
    body: read(isStream ? 'upstream.sse' : 'upstream.json'),
    isStream,
    expected: JSON.parse(read('expected.json')),
  };
});

export const STREAMS = RECORDINGS.filter(({ isStream }) => isStream);
export const ANSWERS = RECORDINGS.filter(({ isStream, status }) => !isStream && status === 200);
export const REFUSALS = RECORDINGS.filter(({ status }) => status !== 200);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function framesOf(stream: string | Uint8Array, chunkSize: number = 65_536): Promise<Frame[]> {
  const bytes = typeof stream === 'string' ? new TextEncoder().encode(stream) : stream;
  return Array.fromAsync(cohereChat.decodeStream(inChunks(bytes, chunkSize)));
}

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap(({ events }) => events);

/** One event of a stream. */
export const sent = (type: string, members: JsonObject = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;

/** One event of a stream whose `delta` holds part of the message. */
export const part = (type: string, index: number | undefined, message: JsonObject): string =>
  sent(type, { ...(index === undefined ? {} : { index }), delta: { message } });

export const START = sent('message-start', { id: 'm-1', delta: { message: { role: 'assistant' } } });
export const DONE = 'data: [DONE]\n\n';

/** The end of a stream. */
export const ended = (finishReason: string, beside: JsonObject = {}): string =>
  sent('message-end', { delta: { finish_reason: finishReason, ...beside } }) + DONE;

/** Text of all deltas of a kind, in order. */
export const textOf = (
  events: readonly ChatEvent[],
  type: 'text-delta' | 'reasoning-delta',
  block?: number,
): string =>
  events
    .flatMap((event) =>
      event.type === type && (block === undefined || event.block === block) ? [event.text] : [],
    )
    .join('');

/** Calls with their whole arguments. */
export function callsOf(
  events: readonly ChatEvent[],
): { readonly id: string; readonly name: string; readonly arguments: string }[] {
  return events.flatMap((start) => {
    if (start.type !== 'tool-call-start') return [];
    const pieces = events.flatMap((event) =>
      event.type === 'tool-call-delta' && event.block === start.block ? [event.arguments] : [],
    );
    return [{ id: start.id, name: start.name, arguments: pieces.join('') }];
  });
}
