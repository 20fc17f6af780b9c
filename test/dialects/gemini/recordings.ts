import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { mergeUsage, type Usage } from '../../../lambda/domain/money/usage.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/gemini');

/** What Google's own SDK makes of a recording. A call that came in pieces is one entry a piece. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly tools?: readonly { readonly name?: string; readonly args?: unknown; readonly signed: boolean }[];
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly message?: string;
}

/** A folder is a recording, and a recording is a test. */
export interface Recording {
  readonly name: string;
  readonly provider: string;
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
  const { provider, status, headers } = JSON.parse(read('source.json'));
  return {
    name,
    provider,
    status,
    headers,
    request: has('request.json') ? read('request.json') : undefined,
    body: read(isStream ? 'upstream.sse' : 'upstream.json'),
    isStream,
    expected: JSON.parse(read('expected.json')),
  };
});

/** The one that came as a list of chunks, as streams come without `alt=sse`: Google's SDK cannot read it. */
export const LISTS = RECORDINGS.filter(({ body }) => body.startsWith('['));
export const STREAMS = RECORDINGS.filter(({ isStream }) => isStream);
export const ANSWERS = RECORDINGS.filter(
  (recording) => !recording.isStream && recording.status === 200 && !LISTS.includes(recording),
);
export const REFUSALS = RECORDINGS.filter(({ status }) => status !== 200);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function framesOf(stream: string | Uint8Array, chunkSize: number = 65_536): Promise<Frame[]> {
  const bytes = typeof stream === 'string' ? new TextEncoder().encode(stream) : stream;
  return Array.fromAsync(gemini.decodeStream(inChunks(bytes, chunkSize)));
}

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap(({ events }) => events);

/** One chunk of a stream. */
export const chunk = (body: unknown): string => `data: ${JSON.stringify(body)}\r\n\r\n`;

/** A chunk of one candidate with these parts. */
export const parts = (content: readonly unknown[], beside: JsonObject = {}): string =>
  chunk({
    candidates: [{ content: { parts: content, role: 'model' }, index: 0, ...beside }],
    responseId: 'r1',
    modelVersion: 'm',
  });

/** Text of all deltas of a kind, in order. */
export const textOf = (
  events: readonly ChatEvent[],
  type: 'text-delta' | 'reasoning-delta' | 'refusal-delta',
  choice: number = 0,
): string =>
  events.flatMap((event) => (event.type === type && event.choice === choice ? [event.text] : [])).join('');

/** Calls with their whole arguments, and whether they are signed. */
export function callsOf(events: readonly ChatEvent[]): readonly {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly arguments: string;
  readonly signature: string;
}[] {
  return events.flatMap((start) => {
    if (start.type !== 'tool-call-start') return [];
    const own = events.filter(
      (event) => 'block' in event && event.block === start.block && event.choice === start.choice,
    );
    const join = (pick: (event: ChatEvent) => string): string => own.map(pick).join('');
    return [
      {
        id: start.id,
        name: start.name,
        kind: start.kind,
        arguments: join((event) => (event.type === 'tool-call-delta' ? event.arguments : '')),
        signature: join((event) => (event.type === 'block-signature' ? event.signature : '')),
      },
    ];
  });
}

export const usageOf = (events: readonly ChatEvent[]): Usage | undefined =>
  events.reduce<Usage | undefined>(
    (usage, event) => (event.type === 'usage' ? mergeUsage(usage, event.usage) : usage),
    undefined,
  );
