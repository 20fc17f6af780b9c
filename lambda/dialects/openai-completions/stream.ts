import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope, Dialect, StreamEncoder } from '../dialect.ts';
import { textIn } from '../loose.ts';
import { AnswerDecoder } from '../openai-chat/answer-decoder.ts';
import { patchChunk } from '../openai-chat/stream.ts';
import { type JsonEventReader, readJsonEvents } from '../openai-stream.ts';
import { encodeUsage } from '../openai-usage.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { asChat } from './as-chat.ts';
import { encodeStreamError } from './errors.ts';
import { finishReason, Pieces } from './pieces.ts';
import { completion, DONE_FRAME } from './wire.ts';

/**
 * Reads a provider's stream: one frame a server-sent event, up to the terminal event. Writer sends bare pieces of text, of
 * which nothing but the end of the body is the end.
 * @see https://dev.writer.com/api-reference/completion-api/text-generation
 */
export const decodeStream = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame> =>
  readJsonEvents(bytes, new CompletionReader());

class CompletionReader implements JsonEventReader {
  readonly #decoder = new AnswerDecoder();
  #isBare = false;
  #isFramed = false;

  read(body: JsonObject): ChatEvent[] {
    const value = body['choices'] === undefined ? textIn(body, 'value') : undefined;
    if (value === undefined) {
      this.#isFramed ||= body['choices'] !== undefined;
      return this.#decoder.read(asChat(body, 'delta'), 'delta');
    }
    this.#isBare = true;
    return this.#decoder.read({ choices: [{ index: 0, delta: { content: value } }] }, 'delta');
  }

  fail(body: JsonObject): ChatEvent[] {
    return this.#decoder.fail(body);
  }

  done(): ChatEvent[] {
    return this.#decoder.end();
  }

  endEarly(): ChatEvent[] {
    return this.#isBare && !this.#isFramed ? this.#decoder.end() : this.#decoder.endEarly();
  }
}

/** Events of any dialect as this format's chunks. */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  const pieces = new Pieces();
  let usage: Usage | undefined;
  let cost: Cost | undefined;
  let hasFailed = false;
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
          hasFailed ||= event.reason === 'error';
          return chunk({
            text: '',
            index: event.choice,
            logprobs: null,
            finish_reason: finishReason(event.reason),
          });
        case 'end':
          if (hasFailed) return encodeStreamError(failedAnswer(), envelope);
          return usageChunk() + DONE_FRAME;
        case 'error':
          return encodeStreamError(gatewayErrorOf(event.error), envelope);
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

/** One chunk for a caller of the same format. */
export const patchFrame: Dialect['patchFrame'] = (frame, envelope) =>
  patchChunk(frame, envelope, encodeStreamError);
