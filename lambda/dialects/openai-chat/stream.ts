import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope, Dialect } from '../dialect.ts';
import { asObject } from '../loose.ts';
import { readJsonEvents } from '../openai-stream.ts';
import { costEdits } from '../openai-usage.ts';
import { parseServerSentEvent, replaceData } from '../sse.ts';
import { gatewayErrorOf } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { encodeStreamError } from './errors.ts';
import { DONE_FRAME } from './wire.ts';

/**
 * Reads a provider's stream: one frame a server-sent event, up to the terminal event. A stream without `[DONE]`
 * (Perplexity and others never send it) ends well when every choice gave its `finish_reason`.
 */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new AnswerDecoder();
  return readJsonEvents(bytes, {
    read: (body) => decoder.read(body, 'delta'),
    fail: (body) => decoder.fail(body),
    done: () => decoder.end(),
    endEarly: () => decoder.endEarly(),
  });
}

/** One chunk for a caller of the same dialect. */
export const patchFrame: Dialect['patchFrame'] = (frame, envelope) =>
  patchChunk(frame, envelope, encodeStreamError);

/**
 * One chunk of a stream framed as OpenAI's. A chunk that is nothing but usage is left out unless it was asked for; a
 * terminator the provider left out is added; an error is shown as in every other stream of its format.
 */
export function patchChunk(
  frame: Frame,
  envelope: AnswerEnvelope,
  encodeError: Dialect['encodeStreamError'],
): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return encodeError(gatewayErrorOf(last.error), envelope);
  if (frame.raw === undefined) return last?.type === 'end' ? DONE_FRAME : '';
  const block = parseServerSentEvent(frame.raw);
  const body = block.data === undefined ? undefined : parseJsonObject(block.data);
  if (block.data === undefined || body === undefined) return frame.raw;
  if (!envelope.includeUsage && isOnlyUsage(body)) return '';
  return replaceData(block, editJson(block.data, envelopeEdits(body, frame.events, envelope)));
}

/** What is the gateway's own in an answer: id, model, and the cost beside the usage. */
export function envelopeEdits(
  body: JsonObject,
  events: readonly ChatEvent[],
  envelope: AnswerEnvelope,
): JsonEdit[] {
  const usage = events.findLast((event) => event.type === 'usage');
  return [
    { path: ['id'], text: JSON.stringify(envelope.id), ifPresent: true },
    { path: ['model'], text: JSON.stringify(envelope.model), ifPresent: true },
    ...costEdits(body, usage?.cost),
  ];
}

const isOnlyUsage = (body: JsonObject): boolean =>
  Array.isArray(body['choices']) && body['choices'].length === 0 && asObject(body['usage']) !== undefined;
