import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import { editJson } from '../domain/edit-json.ts';
import type { GatewayError } from '../domain/errors.ts';
import { type JsonObject, parseJsonObject } from '../domain/json.ts';
import type { AnswerEnvelope } from './dialect.ts';
import { framesOf } from './frames.ts';
import { errorBody } from './openai-errors.ts';
import { costEdits } from './openai-usage.ts';
import { costOfEvents, startOf } from './operation-dialect.ts';
import { parseServerSentEvent, readServerSentEvents, replaceData, type ServerSentEvent } from './sse.ts';
import { invalidAnswer } from './upstream-error.ts';

/** A block of such a stream as it came; where it tells the usage, with what it cost. */
export function patchEventFrame({ raw = '', events }: Frame): string {
  const cost = costOfEvents(events);
  if (cost === undefined) return raw;
  const block = parseServerSentEvent(raw);
  const body = parseJsonObject(block.data ?? '');
  return body === undefined ? raw : replaceData(block, editJson(block.data ?? '', costEdits(body, cost)));
}

/** An error in such a stream: OpenAI's SDKs throw what stands under `error`. */
export function eventStreamError(error: GatewayError, envelope: AnswerEnvelope): string {
  const body = { type: 'error', error: errorBody(error, { request_id: envelope.id }) };
  return `event: error\ndata: ${JSON.stringify(body)}\n\n`;
}

/** What the events of one stream mean; one object a stream. */
export interface EventReader {
  /** What one of the format's events says. An `error` event ends the stream. */
  read(event: JsonObject): readonly ChatEvent[];
  /** What is said where the provider has said all: its finish and the end; `undefined` where it stopped before. */
  end(): readonly ChatEvent[] | undefined;
}

/**
 * Reads a stream of JSON events that has no terminator: that it is whole shows when it ends. One frame a block; what an unknown
 * event says is nothing. What follows an error is not read.
 */
export function readEventStream(
  bytes: AsyncIterable<Uint8Array>,
  reader: EventReader,
): AsyncGenerator<Frame> {
  let hasStarted = false;
  const started = (events: readonly ChatEvent[]): readonly ChatEvent[] => {
    if (hasStarted || events.length === 0) return events;
    hasStarted = true;
    return [startOf({}), ...events];
  };
  return framesOf(readServerSentEvents(bytes), {
    read: (block) => started(eventsOf(block, reader)),
    end: () => started(reader.end() ?? [invalidAnswer('The stream ended before the answer did.')]),
  });
}

function eventsOf({ data }: ServerSentEvent, reader: EventReader): readonly ChatEvent[] {
  if (data === undefined || data === '[DONE]') return [];
  const event = parseJsonObject(data);
  return event === undefined
    ? [invalidAnswer('An event of the stream is no JSON object.')]
    : reader.read(event);
}
