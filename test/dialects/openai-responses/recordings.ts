import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { ChatEvent, Frame } from '../../../lambda/domain/chat/event.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/openai-responses');

export const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'sim/echo',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

/** What OpenAI's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly item_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly incomplete?: string;
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

/** Labelled as a response where it was recorded, but its bytes are a chat completion. */
export const OTHER_FORMAT = 'azure--responses-azure-deepseek-reasoning.1';

export const STREAMS = RECORDINGS.filter(({ isStream }) => isStream);
export const ANSWERS = RECORDINGS.filter(
  ({ isStream, status, name }) => !isStream && status === 200 && name !== OTHER_FORMAT,
);
export const REFUSALS = RECORDINGS.filter(({ status }) => status !== 200);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function framesOf(stream: string | Uint8Array, chunkSize: number = 65_536): Promise<Frame[]> {
  const bytes = typeof stream === 'string' ? new TextEncoder().encode(stream) : stream;
  return Array.fromAsync(openaiResponses.decodeStream(inChunks(bytes, chunkSize)));
}

export const eventsOf = (frames: readonly Frame[]): ChatEvent[] => frames.flatMap(({ events }) => events);

/** One event of a stream. */
export const wireEvent = (body: JsonObject): string =>
  `event: ${String(body['type'])}\ndata: ${JSON.stringify(body)}\n\n`;

/** The data of each event of a stream. */
export const wireEvents = (stream: string): readonly JsonObject[] =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));

/** Text of all deltas of a kind, in order. */
export const textOf = (
  events: readonly ChatEvent[],
  type: 'text-delta' | 'reasoning-delta' | 'refusal-delta',
): string => events.flatMap((event) => (event.type === type ? [event.text] : [])).join('');

/** Calls with their whole arguments. */
export function callsOf(
  events: readonly ChatEvent[],
): { readonly id: string; readonly name: string; readonly arguments: string }[] {
  return events.flatMap((start) => {
    if (start.type !== 'tool-call-start') return [];
    const pieces = events.flatMap((event) =>
      event.type === 'tool-call-delta' && event.block === start.block && event.choice === start.choice
        ? [event.arguments]
        : [],
    );
    return [{ id: start.id, name: start.name, arguments: pieces.join('') }];
  });
}
