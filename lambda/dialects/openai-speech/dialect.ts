import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { ChatRequest } from '../../domain/chat/request.ts';
import type { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { eventStreamError, patchEventFrame } from '../answer-stream.ts';
import type { AnswerEnvelope, Dialect } from '../dialect.ts';
import { Given } from '../given.ts';
import { decodeError, encodeError } from '../openai-errors.ts';
import { membersOf, operationDialect, startOf } from '../operation-dialect.ts';
import { createStreamEncoder, decodeStream } from './stream.ts';

/** What the format knows: a text costs as many characters as it has, however it is spoken. */
const OPTIONS: ReadonlySet<string> = new Set([
  ...['input', 'instructions', 'voice', 'response_format', 'stream_format', 'speed'],
]);

/**
 * Speech made of a text: its sound as it comes, or in events. Always a stream, in which each character is one byte.
 * @see https://platform.openai.com/docs/api-reference/audio/createSpeech
 */
export const openaiSpeech: Dialect = operationDialect({
  id: 'openai-speech',
  harmless: OPTIONS,
  decodeRequest,
  decodeAnswer: soundAnswer,
  encodeAnswer: (events) => soundOf(events),
  patchAnswer: ({ raw = '' }) => raw,
  decodeStream,
  createStreamEncoder,
  patchFrame: patchEventFrame,
  streamContentType: 'audio/mpeg',
  streamEncoding: 'latin1',
  answerContentType,
  encodeStreamError,
  decodeError,
  encodeError,
});

/** @see https://platform.openai.com/docs/guides/text-to-speech#supported-output-formats */
const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ['mp3', 'audio/mpeg'],
  ['opus', 'audio/ogg'],
  ['aac', 'audio/aac'],
  ['flac', 'audio/flac'],
  ['wav', 'audio/wav'],
  ['pcm', 'audio/pcm'],
]);

const isInEvents = ({ nativeOptions }: ChatRequest): boolean => nativeOptions['stream_format'] === 'sse';

function answerContentType(request: ChatRequest): string {
  if (isInEvents(request)) return 'text/event-stream; charset=utf-8';
  return CONTENT_TYPES.get(String(request.nativeOptions['response_format'] ?? 'mp3')) ?? 'audio/mpeg';
}

/** Sound has some 21 tokens a second, and a second of it some 15 characters. */
const LIKELY_TOKENS_A_CHARACTER = 1.4;

function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const input = given.member('input').string();
  const instructions = given.member('instructions').optionalString();
  given.member('response_format').optionalString();
  given.member('stream_format').optionalString();
  given.member('speed').optionalNumber();
  const characters = [...input].length;
  return {
    model: given.member('model').string(),
    messages: [
      ...(instructions === undefined ? [] : [message('system', instructions)]),
      message('user', input),
    ],
    stream: true,
    includeUsage: true,
    work: {
      // Some count a character outside the basic plane twice.
      units: { characters: input.length },
      likelyUnits: { characters },
      answer: { kind: 'audio', likelyTokens: Math.ceil(characters * LIKELY_TOKENS_A_CHARACTER) },
    },
    ...membersOf(body, OPTIONS),
  };
}

const message = (role: 'system' | 'user', text: string): ChatRequest['messages'][number] => ({
  role,
  content: [{ type: 'text', text }],
});

/** A body of sound that is there whole. */
function soundAnswer(body: string): Frame {
  const at = { choice: 0, block: 0 };
  return {
    raw: body,
    events: [
      startOf({}),
      { type: 'media-start', ...at, kind: 'audio', mediaType: 'audio/mpeg' },
      { type: 'media-delta', ...at, base64: Buffer.from(body, 'latin1').toString('base64') },
      { type: 'block-end', ...at },
      { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
      { type: 'end' },
    ],
  };
}

const soundOf = (events: readonly ChatEvent[]): string =>
  Buffer.concat(
    events.flatMap((event) => (event.type === 'media-delta' ? [Buffer.from(event.base64, 'base64')] : [])),
  ).toString('latin1');

/** In sound nothing can be said: the answer ends there. In events it is one. */
function encodeStreamError(error: GatewayError, envelope: AnswerEnvelope): string {
  if (envelope.request === undefined || !isInEvents(envelope.request)) return '';
  return Buffer.from(eventStreamError(error, envelope)).toString('latin1');
}
