import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import {
  bytesFromLatin1,
  decodeMessage,
  type EventMessage,
  encodeMessage,
  readEventStream,
  replacePayload,
} from '../event-stream.ts';
import { framesOf } from '../frames.ts';
import { asObject } from '../loose.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { costEditsOf } from '../usage-cost.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { AnswerWriter, type WireEvent } from './answer-writer.ts';
import { encodeStreamError } from './errors.ts';

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html */
export const STREAM_CONTENT_TYPE = 'application/vnd.amazon.eventstream';

/** One frame per message. A message that breaks the format is not passed on: its frame has no raw text. */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new AnswerDecoder();
  return framesOf(readEventStream(bytes), {
    read: (message) => decodeEvent(decoder, message),
    end: () => decoder.finish(),
    get isMalformed() {
      return decoder.isMalformed;
    },
  });
}

function decodeEvent(decoder: AnswerDecoder, { headers, payload }: EventMessage): readonly ChatEvent[] {
  const header = (name: string): string | undefined => {
    const value = headers.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const text = new TextDecoder().decode(payload);
  switch (header(':message-type')) {
    case 'exception':
      return decoder.readException(header(':exception-type'), parseJsonObject(text) ?? { message: text });
    case 'error':
      return decoder.readException(header(':error-code'), { message: header(':error-message') });
    default: {
      const event = parseJsonObject(text);
      return event === undefined
        ? decoder.fail('The stream held an event that is no JSON object.')
        : decoder.read(header(':event-type'), event);
    }
  }
}

/**
 * As it came, but for the cost in the usage at the end: nothing in this format names the answer or the model. An error is
 * told as any other error of ours, so that it has its code, retryability and request id.
 */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return encodeStreamError(gatewayErrorOf(last.error), envelope);
  if (frame.raw === undefined) return '';
  const edits = costEditsOf(frame.events);
  if (edits.length === 0) return frame.raw;
  const payload = new TextDecoder().decode(decodeMessage(bytesFromLatin1(frame.raw)).payload);
  const hasUsage = asObject(parseJsonObject(payload)?.['usage']) !== undefined;
  return hasUsage ? replacePayload(frame.raw, editJson(payload, edits)) : frame.raw;
}

/** Writes the events of any dialect as a Converse stream. */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  const writer = new AnswerWriter(envelope);
  return {
    encode(event) {
      if (event.type === 'error') return encodeStreamError(gatewayErrorOf(event.error), envelope);
      if (event.type === 'end' && writer.hasFailed) return encodeStreamError(failedAnswer(), envelope);
      return writer.write(event).map(messageText).join('');
    },
  };
}

const messageText = ({ name, body }: WireEvent): string =>
  encodeMessage(
    { ':event-type': name, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(body),
  );
