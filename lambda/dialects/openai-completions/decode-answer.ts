import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { isJsonObject, type JsonObject, parseJson, parseJsonObject } from '../../domain/json.ts';
import { AnswerDecoder } from '../openai-chat/answer-decoder.ts';
import { invalidResponse } from '../openai-chat/errors.ts';
import { defined, objectsIn, textIn } from '../openai-chat/wire.ts';
import { readServerSentEvents, type ServerSentEvent } from '../sse.ts';
import { chatLogprobs } from './logprobs.ts';

/** A completion says in `text` what a conversation's answer says in its content: read as that, it is read alike. */
function asChat(body: JsonObject, contentMember: 'delta' | 'message'): JsonObject {
  const choices = objectsIn(body, 'choices');
  if (choices.length === 0) return body;
  return {
    ...body,
    choices: choices.map((choice) => {
      const { text, logprobs, ...rest } = choice;
      return defined({ ...rest, [contentMember]: { content: text }, logprobs: chatLogprobs(logprobs) });
    }),
  };
}

/** Reads a provider's whole answer. */
export function decodeAnswer(body: string): Frame {
  const json = parseJsonObject(body);
  if (json === undefined) return { raw: body, events: failure('an answer that is not a JSON object') };
  const decoder = new AnswerDecoder();
  const events = decoder.read(asChat(json, 'message'), 'message');
  return { raw: body, events: events.at(-1)?.type === 'error' ? events : [...events, ...decoder.end()] };
}

/**
 * Reads a provider's stream: one frame a server-sent event, up to the terminal event. Writer sends bare pieces of text, of
 * which nothing but the end of the body is the end.
 * @see https://dev.writer.com/api-reference/completion-api/text-generation
 */
export async function* decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const stream = new CompletionStream();
  try {
    for await (const block of readServerSentEvents(bytes)) {
      const events = stream.read(block);
      yield { raw: block.raw, events };
      const last = events.at(-1)?.type;
      if (last === 'end' || last === 'error') return;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    yield { raw: undefined, events: failure('an event that is too large') };
    return;
  }
  yield { raw: undefined, events: stream.end() };
}

class CompletionStream {
  readonly #decoder = new AnswerDecoder();
  #isBare = false;
  #isFramed = false;

  read(block: ServerSentEvent): ChatEvent[] {
    const data = block.data?.trim() ?? '';
    if (data === '') return [];
    if (data === '[DONE]') return this.#decoder.end();
    const body = parseJson(data);
    if (block.event === 'error') return this.#decoder.fail(isJsonObject(body) ? body : { message: data });
    if (!isJsonObject(body)) return failure('a chunk that is not a JSON object');
    const value = body['choices'] === undefined ? textIn(body, 'value') : undefined;
    if (value === undefined) {
      this.#isFramed ||= body['choices'] !== undefined;
      return this.#decoder.read(asChat(body, 'delta'), 'delta');
    }
    this.#isBare = true;
    return this.#decoder.read({ choices: [{ index: 0, delta: { content: value } }] }, 'delta');
  }

  end(): ChatEvent[] {
    return this.#isBare && !this.#isFramed ? this.#decoder.end() : this.#decoder.endEarly();
  }
}

const failure = (what: string): ChatEvent[] => [
  { type: 'error', error: invalidResponse(`The provider sent ${what}.`) },
];
