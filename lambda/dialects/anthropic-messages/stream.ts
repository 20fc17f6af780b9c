import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, parseJson } from '../../domain/json.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { framesOf } from '../frames.ts';
import { parseServerSentEvent, readServerSentEvents, replaceData, type ServerSentEvent } from '../sse.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { costEditsOf } from '../usage-cost.ts';
import { encodeStreamError } from './errors.ts';
import { MessageDecoder } from './message-decoder.ts';
import { MessageWriter, type WireEvent } from './message-writer.ts';

/** One frame per server-sent event. A chunk that breaks the format is not passed on: its frame has no raw text. */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new MessageDecoder();
  return framesOf(readServerSentEvents(bytes), {
    read: (block) => decodeEvent(decoder, block),
    end: () => decoder.fail('The stream ended early.'),
    get isMalformed() {
      return decoder.isMalformed;
    },
  });
}

function decodeEvent(decoder: MessageDecoder, event: ServerSentEvent): readonly ChatEvent[] {
  if (event.data === undefined || event.data === '') return [];
  const value = parseJson(event.data);
  if (!isJsonObject(value)) return decoder.fail('The stream held an event that is no JSON object.');
  const type = value['type'];
  return decoder.read(typeof type === 'string' ? type : event.event, value);
}

/**
 * As it came, but for the id and model at the start and the cost in the usage at the end. An error is told as any other
 * error of ours, so that it has its code, retryability and request id.
 */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return encodeStreamError(gatewayErrorOf(last.error), envelope);
  if (frame.raw === undefined) return '';
  const edits = frame.events.some((event) => event.type === 'answer-start')
    ? envelopeEdits(envelope, ['message'])
    : costEditsOf(frame.events);
  if (edits.length === 0) return frame.raw;
  const event = parseServerSentEvent(frame.raw);
  return event.data === undefined ? frame.raw : replaceData(event, editJson(event.data, edits));
}

/** The edits that put our name on a message. */
export const envelopeEdits = (envelope: AnswerEnvelope, path: readonly string[]): readonly JsonEdit[] => [
  { path: [...path, 'id'], text: JSON.stringify(envelope.id) },
  { path: [...path, 'model'], text: JSON.stringify(envelope.model) },
];

/** Writes the events of any dialect as an Anthropic stream. */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  const writer = new MessageWriter(envelope);
  return {
    encode(event) {
      if (event.type === 'error') return encodeStreamError(gatewayErrorOf(event.error), envelope);
      if (event.type === 'end' && writer.hasFailed) return encodeStreamError(failedAnswer(), envelope);
      return writer.write(event).map(sseText).join('');
    },
  };
}

const sseText = (event: WireEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** @see https://docs.anthropic.com/en/docs/build-with-claude/streaming#ping-events */
export const KEEP_ALIVE = 'event: ping\ndata: {"type": "ping"}\n\n';
