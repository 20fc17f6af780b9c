import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject, parseJson, parseJsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { framesOf } from '../frames.ts';
import { asObject, objectIn, textIn } from '../loose.ts';
import { parseServerSentEvent, readServerSentEvents, replaceData, type ServerSentEvent } from '../sse.ts';
import { gatewayErrorOf, invalidAnswer } from '../upstream-error.ts';
import { decodeLogprobs } from './logprobs.ts';
import { MessageDecoder } from './message-decoder.ts';
import { errorEvent } from './stream-encoder.ts';
import { costEdits } from './usage.ts';
import { DONE_FRAME, oneOrMoreIn } from './wire.ts';

/**
 * Reads a provider's stream: one frame a server-sent event. It ends well with `message-end`; the `[DONE]` that follows is
 * part of it, and not missed where it is left out.
 * @see https://docs.cohere.com/v2/docs/streaming
 */
export function decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  const decoder = new MessageDecoder();
  return framesOf(readServerSentEvents(bytes), {
    read: (block) => decodeBlock(block, decoder),
    end: () => ended(decoder),
  });
}

function decodeBlock(block: ServerSentEvent, decoder: MessageDecoder): ChatEvent[] {
  const data = block.data?.trim() ?? '';
  if (data === '') return [];
  if (data === '[DONE]') return ended(decoder);
  const body = parseJson(data);
  if (!isJsonObject(body))
    return decoder.isFinished ? [] : [invalidAnswer('The provider sent an event that is not a JSON object.')];
  const type = textIn(body, 'type') ?? block.event;
  // What comes after the end belongs to no answer.
  if (decoder.isFinished) return [];
  readEvent(decoder, type, body);
  return decoder.take();
}

type Reader = (decoder: MessageDecoder, body: JsonObject, message: JsonObject) => void;

/** What each event of the stream says. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['message-start', (decoder, body) => decoder.start(textIn(body, 'id'))],
  [
    'content-start',
    (decoder, body, { content }) =>
      decoder.startContent(indexOf(body) ?? 0, asObject(content) ?? {}, logprobsOf(body)),
  ],
  [
    'content-delta',
    (decoder, body, { content }) =>
      decoder.addContent(indexOf(body) ?? 0, asObject(content) ?? {}, logprobsOf(body)),
  ],
  ['content-end', (decoder, body) => decoder.endContent(indexOf(body) ?? 0)],
  ['tool-plan-delta', (decoder, _body, message) => decoder.addPlan(textIn(message, 'tool_plan'))],
  [
    'tool-call-start',
    (decoder, body, message) => decoder.startCall(indexOf(body), objectIn(message, 'tool_calls')),
  ],
  [
    'tool-call-delta',
    (decoder, body, message) => decoder.addCall(indexOf(body), objectIn(message, 'tool_calls')),
  ],
  ['tool-call-end', (decoder, body) => decoder.endCall(indexOf(body))],
  [
    'citation-start',
    (decoder, _body, message) => {
      for (const citation of oneOrMoreIn(message, 'citations')) decoder.cite(citation);
    },
  ],
  ['message-end', (decoder, body) => decoder.finish(objectIn(body, 'delta'))],
  ['error', (decoder, body) => decoder.failInBand(body)],
]);

/** One event of the stream; unknown ones mean nothing here. An error's envelope has no type of its own. */
function readEvent(decoder: MessageDecoder, type: string | undefined, body: JsonObject): void {
  if (type?.startsWith('citation-') !== true) decoder.settleCitations();
  const isEnvelope = type === undefined && typeof body['message'] === 'string';
  const read = READERS.get(isEnvelope ? 'error' : (type ?? ''));
  read?.(decoder, body, objectIn(objectIn(body, 'delta'), 'message'));
}

const logprobsOf = (body: JsonObject): Json | undefined => decodeLogprobs(oneOrMoreIn(body, 'logprobs'));

function indexOf({ index }: JsonObject): number | undefined {
  return typeof index === 'number' ? index : undefined;
}

const ended = (decoder: MessageDecoder): ChatEvent[] =>
  decoder.isFinished ? [{ type: 'end' }] : [invalidAnswer('The stream ended early.')];

/**
 * One event for a caller of the same dialect. A terminator the provider left out is added; an error is shown as in every
 * other stream of this format.
 */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return errorEvent(gatewayErrorOf(last.error), envelope, usageOf(frame));
  if (frame.raw === undefined) return last?.type === 'end' ? DONE_FRAME : '';
  const block = parseServerSentEvent(frame.raw);
  const body = block.data === undefined ? undefined : parseJsonObject(block.data);
  if (block.data === undefined || body === undefined) return frame.raw;
  const hasUsage = asObject(objectIn(body, 'delta')['usage']) !== undefined;
  const edits: JsonEdit[] = [{ path: ['id'], text: JSON.stringify(envelope.id), ifPresent: true }];
  edits.push(...modelEdits(envelope));
  if (hasUsage) edits.push(...costEdits(['delta', 'usage'], usageOf(frame)?.cost));
  return replaceData(block, editJson(block.data, edits));
}

/** Cohere's answers name no model; one that does is told as in every other answer. */
export const modelEdits = (envelope: AnswerEnvelope): JsonEdit[] => [
  { path: ['model'], text: JSON.stringify(envelope.model), ifPresent: true },
];

/** The last report of usage in a frame, with its cost. */
export const usageOf = (frame: Frame): Extract<ChatEvent, { readonly type: 'usage' }> | undefined =>
  frame.events.findLast((event) => event.type === 'usage');
