import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import { isJsonObject, type JsonObject, parseJson } from '../domain/json.ts';
import { framesOf } from './frames.ts';
import { readServerSentEvents, type ServerSentEvent } from './sse.ts';
import { invalidAnswer } from './upstream-error.ts';

/** What the events of one stream mean in one of OpenAI's formats; one object a stream. */
export interface JsonEventReader {
  read(body: JsonObject): readonly ChatEvent[];
  /** An event that is named an error; one that is no JSON is its message. */
  fail(body: JsonObject): readonly ChatEvent[];
  /** `[DONE]`: the provider says that this was all. */
  done(): readonly ChatEvent[];
  /** The bytes have ended without it. */
  endEarly(): readonly ChatEvent[];
}

/** Reads a provider's stream: one frame a server-sent event, up to the terminal event. */
export const readJsonEvents = (
  bytes: AsyncIterable<Uint8Array>,
  reader: JsonEventReader,
): AsyncGenerator<Frame> =>
  framesOf(readServerSentEvents(bytes), {
    read: (block) => readBlock(block, reader),
    end: () => reader.endEarly(),
  });

function readBlock(block: ServerSentEvent, reader: JsonEventReader): readonly ChatEvent[] {
  const data = block.data?.trim() ?? '';
  if (data === '') return [];
  if (data === '[DONE]') return reader.done();
  const body = parseJson(data);
  if (block.event === 'error') return reader.fail(isJsonObject(body) ? body : { message: data });
  if (!isJsonObject(body)) return [invalidAnswer('The provider sent a chunk that is not a JSON object.')];
  return reader.read(body);
}
