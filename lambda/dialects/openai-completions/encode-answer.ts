import type { ChatEvent, FinishReason, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import type { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { errorBody, shownUpstreamError } from '../openai-chat/errors.ts';
import { envelopeEdits } from '../openai-chat/stream.ts';
import { encodeUsage } from '../openai-chat/usage.ts';
import { parseServerSentEvent, replaceData } from '../sse.ts';
import { legacyLogprobs } from './logprobs.ts';
import { DONE_FRAME } from './wire.ts';

/** This format's word for how a completion ended. */
function finishReason(reason: FinishReason): string {
  switch (reason) {
    case 'length':
      return 'length';
    case 'content-filter':
    case 'refusal':
      return 'content_filter';
    case 'error':
      return 'error';
    case 'stop':
    case 'pause':
    case 'tool-calls':
      return 'stop';
  }
}

/** A completion, or a chunk of one. @param usage JSON text of the `usage` member */
function completion(envelope: AnswerEnvelope, choices: readonly Json[], usage?: string): string {
  const text = JSON.stringify({
    id: envelope.id,
    object: 'text_completion',
    created: envelope.createdAtSeconds,
    model: envelope.model,
    choices,
  });
  return usage === undefined ? text : `${text.slice(0, -1)},"usage":${usage}}`;
}

/** A piece of text, with what is known of its tokens. */
interface Piece {
  readonly choice: number;
  readonly text: string;
  readonly logprobs: JsonObject | undefined;
}

/** What of an answer is text: reasoning, tools and media have no place in a completion. */
class Pieces {
  readonly #lengths = new Map<number, number>();

  read(event: ChatEvent): Piece | undefined {
    if (event.type !== 'text-delta' && event.type !== 'refusal-delta') return undefined;
    const { choice, text } = event;
    const start = this.#lengths.get(choice) ?? 0;
    this.#lengths.set(choice, start + text.length);
    const given = event.type === 'text-delta' ? event.logprobs : undefined;
    const logprobs = legacyLogprobs(given, start);
    return text === '' && logprobs === undefined ? undefined : { choice, text, logprobs };
  }
}

/** Events of any dialect as this format's chunks. */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  const pieces = new Pieces();
  let usage: Usage | undefined;
  let cost: Cost | undefined;
  const chunk = (choice: JsonObject): string => `data: ${completion(envelope, [choice])}\n\n`;
  const usageChunk = (): string =>
    envelope.includeUsage && usage !== undefined
      ? `data: ${completion(envelope, [], encodeUsage(usage, cost))}\n\n`
      : '';
  return {
    encode(event: ChatEvent): string {
      switch (event.type) {
        case 'usage':
          usage = mergeUsage(usage, event.usage);
          cost = event.cost ?? cost;
          return '';
        case 'finish':
          return chunk({
            text: '',
            index: event.choice,
            logprobs: null,
            finish_reason: finishReason(event.reason),
          });
        case 'end':
          return usageChunk() + DONE_FRAME;
        case 'error':
          return errorChunk(shownUpstreamError(event.error), envelope);
        default: {
          const piece = pieces.read(event);
          if (piece === undefined) return '';
          const { choice: index, text, logprobs = null } = piece;
          return chunk({ text, index, logprobs, finish_reason: null });
        }
      }
    },
  };
}

/** A chunk that carries an error, with choices as every chunk has them. */
export function errorChunk(
  error: Pick<GatewayError, 'code' | 'message' | 'param' | 'metadata' | 'retryable'>,
  envelope: AnswerEnvelope,
): string {
  const body = JSON.stringify(errorBody(error, { request_id: envelope.id }));
  const choices = [{ text: '', index: 0, logprobs: null, finish_reason: 'error' }];
  return `data: ${completion(envelope, choices).slice(0, -1)},"error":${body}}\n\n`;
}

/** A whole answer made of events. */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const pieces = new Pieces();
  const choices = new Map<number, { text: string; logprobs: JsonObject | undefined; reason: FinishReason }>();
  let usage: Usage | undefined;
  let cost: Cost | undefined;
  for (const event of events) {
    if (event.type === 'usage') {
      usage = mergeUsage(usage, event.usage);
      cost = event.cost ?? cost;
    }
    if (!('choice' in event)) continue;
    const choice = choices.get(event.choice) ?? { text: '', logprobs: undefined, reason: 'stop' };
    choices.set(event.choice, choice);
    if (event.type === 'finish') choice.reason = event.reason;
    const piece = pieces.read(event);
    choice.text += piece?.text ?? '';
    choice.logprobs = joined(choice.logprobs, piece?.logprobs);
  }
  const wire = [...choices]
    .sort(([a], [b]) => a - b)
    .map(([index, { text, logprobs = null, reason }]) => {
      return { text, index, logprobs, finish_reason: finishReason(reason) };
    });
  return completion(envelope, wire, usage === undefined ? undefined : encodeUsage(usage, cost));
}

/** Lists of both, one after the other. */
function joined(before: JsonObject | undefined, piece: JsonObject | undefined): JsonObject | undefined {
  if (before === undefined || piece === undefined) return before ?? piece;
  const members = Object.entries(piece).map(([name, list]) => {
    const known = before[name];
    return [name, [...(Array.isArray(known) ? known : []), ...(Array.isArray(list) ? list : [])]];
  });
  return Object.fromEntries(members);
}

/** The provider's whole answer for a caller of the same format. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  const body = frame.raw === undefined ? undefined : parseJsonObject(frame.raw);
  if (frame.raw === undefined || body === undefined) return frame.raw ?? '';
  return editJson(frame.raw, envelopeEdits(body, frame.events, envelope));
}

/** One chunk for a caller of the same format; usage that was not asked for is left out, a missing terminator added. */
export function patchFrame(frame: Frame, envelope: AnswerEnvelope): string {
  const last = frame.events.at(-1);
  if (last?.type === 'error') return errorChunk(shownUpstreamError(last.error), envelope);
  if (frame.raw === undefined) return last?.type === 'end' ? DONE_FRAME : '';
  const block = parseServerSentEvent(frame.raw);
  const body = block.data === undefined ? undefined : parseJsonObject(block.data);
  if (block.data === undefined || body === undefined) return frame.raw;
  const isOnlyUsage =
    Array.isArray(body['choices']) && body['choices'].length === 0 && isJsonObject(body['usage']);
  if (isOnlyUsage && !envelope.includeUsage) return '';
  return replaceData(block, editJson(block.data, envelopeEdits(body, frame.events, envelope)));
}
