import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { type EventReader, readEventStream } from '../answer-stream.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { mediaUsage } from '../openai-media-usage.ts';
import { startOf } from '../operation-dialect.ts';
import { invalidAnswer } from '../upstream-error.ts';

const AT = { choice: 0, block: 0 } as const;
const START: ChatEvent = { type: 'media-start', ...AT, kind: 'audio', mediaType: 'audio/mpeg' };
const ENDING: readonly ChatEvent[] = [
  { type: 'block-end', ...AT },
  { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
];

/**
 * Sound as it comes, one frame a chunk; or events, where the first bytes are an event's. Sound has no end of its own: what
 * the connection brought whole is whole.
 */
export async function* decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const iterator = bytes[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let text = '';
  while (text.length < EVENT_HEAD_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    text += latin1(next.value.subarray(0, EVENT_HEAD_BYTES));
  }
  const all = joined(head, iterator);
  if (!EVENT_HEAD.test(text)) return yield* soundFrames(all);
  // Frames of this format have one character for each byte.
  for await (const { raw, events } of readEventStream(all, speechReader()))
    yield { raw: raw === undefined ? undefined : latin1(Buffer.from(raw)), events };
}

const EVENT_HEAD_BYTES = 6;
/** No sound begins so: MP3 with `ID3` or 0xFF, the others with `OggS`, `fLaC`, `RIFF`. */
const EVENT_HEAD = /^(?:data:|event:)/;

async function* joined(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

const BYTES_A_GROUP = 3;

/** Base64 of pieces concatenates where each has a multiple of three bytes: what is over goes with the next. */
async function* soundFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  let left: Uint8Array = new Uint8Array(0);
  let hasStarted = false;
  const frame = (piece: Uint8Array, ending: readonly ChatEvent[]): Frame => {
    const start = hasStarted ? [] : [startOf({}), START];
    hasStarted = true;
    const base64 = Buffer.from(piece).toString('base64');
    const delta = piece.length === 0 ? [] : [{ type: 'media-delta', ...AT, base64 } as const];
    return { raw: latin1(piece), events: [...start, ...delta, ...ending] };
  };
  for await (const chunk of bytes) {
    const piece = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
    const length = piece.length - (piece.length % BYTES_A_GROUP);
    left = piece.subarray(length);
    if (length > 0) yield frame(piece.subarray(0, length), []);
  }
  if (!hasStarted && left.length === 0)
    yield { raw: undefined, events: [invalidAnswer('The answer holds no sound.')] };
  else yield frame(left, [...ENDING, { type: 'end' }]);
}

/** @see https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event */
function speechReader(): EventReader {
  let isDone = false;
  let hasStarted = false;
  const started = (events: readonly ChatEvent[]): readonly ChatEvent[] => {
    if (hasStarted) return events;
    hasStarted = true;
    return [START, ...events];
  };
  return {
    read(event) {
      const type = textIn(event, 'type');
      if (type === 'error' || event['error'] !== undefined)
        return [{ type: 'error', error: decodeErrorChunk(event) }];
      if (type === 'speech.audio.delta')
        return started([{ type: 'media-delta', ...AT, base64: textIn(event, 'audio') ?? '' }]);
      if (type !== 'speech.audio.done' || isDone) return [];
      isDone = true;
      const usage = mediaUsage(event, 'audio');
      return started([...ENDING, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const])]);
    },
    end: () => (isDone ? [{ type: 'end' }] : undefined),
  };
}

/** Writes sound: what another format's events hold of it. */
export const createStreamEncoder = (_envelope: AnswerEnvelope): StreamEncoder => ({
  encode: (event) => (event.type === 'media-delta' ? latin1(Buffer.from(event.base64, 'base64')) : ''),
});

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
