import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { isJsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { ResponseWriter } from './response-writer.ts';
import { envelopeEdits } from './stream.ts';

/** Reads a provider's whole answer. */
export function decodeAnswer(body: string): Frame {
  const response = parseJsonObject(body);
  const isResponse = Array.isArray(response?.['output']) || isJsonObject(response?.['error']);
  if (response === undefined || !isResponse) {
    return { raw: body, events: [invalidAnswer('The provider sent an answer that is no response object.')] };
  }
  return { raw: body, events: new AnswerDecoder().readResponse(response) };
}

/** The provider's whole answer for a caller of the same dialect. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const response = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || response === undefined) return frame.raw ?? '';
  return editJson(frame.raw, envelopeEdits(response, { path: [], events: frame.events, envelope }));
}

/** An answer made of events: the response that would have ended its stream. */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const writer = new ResponseWriter(envelope);
  for (const event of events) writer.encode(event);
  return writer.response;
}
