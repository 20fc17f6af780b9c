import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, parseJson, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { framesOf } from '../frames.ts';
import { parseServerSentEvent, readServerSentEvents, replaceData, type ServerSentEvent } from '../sse.ts';
import { gatewayErrorOf, invalidAnswer } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { AnswerEncoder, answerText } from './answer-encoder.ts';
import { errorBody } from './errors.ts';
import { envelopeEdits } from './response.ts';

/**
 * Reads a provider's stream, asked for with `alt=sse`: one frame a server-sent event. It ends when the bytes do; whether it
 * ended well the candidates tell.
 */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new AnswerDecoder();
  return framesOf(readServerSentEvents(bytes), {
    read: (block) => decodeBlock(block, decoder),
    end: () => decoder.end(),
  });
}

function decodeBlock(block: ServerSentEvent, decoder: AnswerDecoder): ChatEvent[] {
  const data = block.data?.trim() ?? '';
  // Google has no such terminator, but gateways before it send it.
  if (data === '' || data === '[DONE]') return [];
  const body = parseJson(data);
  if (!isJsonObject(body)) return [invalidAnswer('The provider sent a chunk that is not a JSON object.')];
  return decoder.read(body);
}

/** How the chunks of a stream are framed: as server-sent events, or as the elements of one list. */
export interface Framing {
  chunk(json: string): string;
  /** What follows the last chunk. */
  end(): string;
}

/** Google ends its lines with both characters. */
export const EVENT_FRAMING: Framing = {
  chunk: (json) => `data: ${json}\r\n\r\n`,
  end: () => '',
};

/** Events of any dialect as Google's chunks. Each says something; the last says why the candidates ended, and the usage. */
export function createStreamEncoder(
  envelope: AnswerEnvelope,
  framing: Framing = EVENT_FRAMING,
): StreamEncoder {
  const encoder = new AnswerEncoder(envelope);
  return {
    encode(event) {
      const candidates = encoder.encode(event);
      switch (event.type) {
        case 'error':
          return errorChunk(gatewayErrorOf(event.error), envelope, framing);
        case 'end':
          return framing.chunk(answerText({ candidates, usage: encoder.usage, envelope })) + framing.end();
        default:
          return candidates
            .map((candidate) => framing.chunk(answerText({ candidates: [candidate], envelope })))
            .join('');
      }
    },
  };
}

/** An error after the first byte: Google's envelope as a chunk; its SDKs pass over events that have a name. */
export function errorChunk(
  error: GatewayError,
  envelope: AnswerEnvelope,
  framing: Framing = EVENT_FRAMING,
): string {
  return framing.chunk(JSON.stringify(errorBody(error, envelope.id))) + framing.end();
}

/** An error of the gateway's own after the first byte. */
export const encodeStreamError = (error: GatewayError, envelope: AnswerEnvelope): string =>
  errorChunk(error, envelope);

/** One chunk for a caller of the same dialect. An error is shown as in every other stream of this format. */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return errorChunk(gatewayErrorOf(last.error), envelope);
  if (frame.raw === undefined) return '';
  const block = parseServerSentEvent(frame.raw);
  const json = patchedChunk(block.data, frame.events, envelope);
  return json === undefined ? frame.raw : replaceData(block, json);
}

/** A chunk's JSON text with what is the gateway's own; `undefined` for what is no chunk. */
export function patchedChunk(
  data: string | undefined,
  events: readonly ChatEvent[],
  envelope: AnswerEnvelope,
): string | undefined {
  const body = data === undefined ? undefined : parseJsonObject(data);
  if (data === undefined || body === undefined) return undefined;
  return editJson(data, envelopeEdits(body, events, envelope));
}
