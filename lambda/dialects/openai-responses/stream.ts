import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { readJsonEvents } from '../openai-stream.ts';
import { parseServerSentEvent, replaceData } from '../sse.ts';
import { gatewayErrorOf } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { failedEvent } from './errors.ts';
import { costEdits } from './usage.ts';

/** Reads a provider's stream: one frame a server-sent event, up to the event that ends the response. */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new AnswerDecoder();
  return readJsonEvents(bytes, {
    read: (event) => decoder.read(event),
    fail: (event) => decoder.read({ ...event, type: 'error' }),
    done: () => decoder.endEarly(),
    endEarly: () => decoder.endEarly(),
  });
}

/** One event for a caller of the same dialect; an error is shown as in every other stream of this format. */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return failedEvent(gatewayErrorOf(last.error), envelope);
  if (frame.raw === undefined) return '';
  const block = parseServerSentEvent(frame.raw);
  if (block.data === undefined || !block.data.includes('"response"')) return frame.raw;
  const response = parseJsonObject(block.data)?.['response'];
  if (!isJsonObject(response)) return frame.raw;
  const edits = envelopeEdits(response, { path: ['response'], events: frame.events, envelope });
  return replaceData(block, editJson(block.data, edits));
}

/** What is the gateway's own in a response: id, model, and the cost beside the usage. @param path where the response stands */
export function envelopeEdits(
  response: JsonObject,
  where: {
    readonly path: readonly string[];
    readonly events: readonly ChatEvent[];
    readonly envelope: AnswerEnvelope;
  },
): readonly JsonEdit[] {
  const { path, events, envelope } = where;
  const usage = events.findLast((event) => event.type === 'usage');
  return [
    { path: [...path, 'id'], text: JSON.stringify(envelope.id), ifPresent: true },
    { path: [...path, 'model'], text: JSON.stringify(envelope.model), ifPresent: true },
    ...costEdits(response, path, usage?.cost),
  ];
}
