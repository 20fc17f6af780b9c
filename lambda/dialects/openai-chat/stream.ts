import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject, parseJson, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { parseServerSentEvent, readServerSentEvents, replaceData, type ServerSentEvent } from '../sse.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { invalidResponse, shownUpstreamError } from './errors.ts';
import { errorChunk } from './stream-encoder.ts';
import { costEdits } from './usage.ts';
import { asObject, DONE_FRAME } from './wire.ts';

/**
 * Reads a provider's stream: one frame a server-sent event, up to the terminal event. A stream without `[DONE]`
 * (Perplexity and others never send it) ends well when every choice gave its `finish_reason`.
 */
export async function* decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const decoder = new AnswerDecoder();
  try {
    for await (const block of readServerSentEvents(bytes)) {
      const events = decodeBlock(block, decoder);
      yield { raw: block.raw, events };
      if (isTerminal(events.at(-1))) return;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    yield { raw: undefined, events: [failure('The provider sent an event that is too large.')] };
    return;
  }
  yield { raw: undefined, events: decoder.endEarly() };
}

function decodeBlock(block: ServerSentEvent, decoder: AnswerDecoder): ChatEvent[] {
  const data = block.data?.trim() ?? '';
  if (data === '') return [];
  if (data === '[DONE]') return decoder.end();
  const body = parseJson(data);
  if (block.event === 'error') return decoder.fail(isJsonObject(body) ? body : { message: data });
  if (!isJsonObject(body)) return [failure('The provider sent a chunk that is not a JSON object.')];
  return decoder.read(body, 'delta');
}

/**
 * One chunk for a caller of the same dialect. A chunk that is nothing but usage is left out unless it was asked for; a
 * terminator the provider left out is added; an error is shown as in every other stream of this format.
 */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return errorChunk(shownUpstreamError(last.error), envelope);
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

const isTerminal = (event: ChatEvent | undefined): boolean =>
  event?.type === 'end' || event?.type === 'error';

const failure = (message: string): ChatEvent => ({ type: 'error', error: invalidResponse(message) });
