import type { ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { asObject, countIn, objectIn, objectsIn, textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { decodeUsage } from '../openai-usage.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { ChoiceDecoder } from './choice-decoder.ts';

/** More choices than any provider gives: a bound on what a hostile upstream can make us hold. */
const MAX_CHOICES = 128;

/** Turns the JSON bodies of one answer, a stream's chunks or the only one, into events that keep the rules of ChatEvent. */
export class AnswerDecoder {
  readonly #choices = new Map<number, ChoiceDecoder>();
  #isStarted = false;
  #isWhole = false;
  #serviceTier: string | undefined;

  /** @param contentMember where a choice's content stands: `delta` in a stream, else `message` */
  read(body: JsonObject, contentMember: 'delta' | 'message'): ChatEvent[] {
    if (isErrorBody(body)) return this.fail(body);
    this.#isWhole = contentMember === 'message';
    const choices = objectsIn(body, 'choices');
    const events = choices.flatMap((choice, position) =>
      this.#readChoice(body, choice, position, contentMember),
    );
    events.push(...this.#readUsage(body, choices));
    const failed = choices.find((choice) => isErrorBody(choice) || choice['finish_reason'] === 'error');
    if (failed !== undefined) events.push(...this.fail(failed));
    if (this.#isStarted || (events.length === 0 && choices.length === 0)) return events;
    if (events[0]?.type === 'error') return events;
    this.#isStarted = true;
    return [answerStart(body), ...events];
  }

  /** The error event for a body that reports one. */
  fail(body: JsonObject): ChatEvent[] {
    return [{ type: 'error', error: decodeErrorChunk(body) }];
  }

  /** The last events of an answer that came whole: the provider said so. */
  end(): ChatEvent[] {
    if (this.#choices.size === 0) return [invalidAnswer('The provider sent no answer.')];
    const choices = [...this.#choices.values()];
    if (choices.some((choice) => this.#isCut(choice)))
      return [invalidAnswer('The answer ended inside a tool call.')];
    return [...choices.flatMap((choice) => choice.end()), { type: 'end' }];
  }

  /** A whole answer cannot have lost its end on the way: a call that stops in its middle met a stop sequence. */
  #isCut({ isCut, finishReason }: ChoiceDecoder): boolean {
    return isCut && !(this.#isWhole && finishReason === 'stop');
  }

  /** The last events of a stream that stopped without its terminator, which some providers never send. */
  endEarly(): ChatEvent[] {
    const choices = [...this.#choices.values()];
    const isWhole = choices.length > 0 && choices.every(({ finishReason }) => finishReason !== undefined);
    return isWhole ? this.end() : [invalidAnswer('The stream ended early.')];
  }

  #readChoice(
    body: JsonObject,
    choice: JsonObject,
    position: number,
    contentMember: 'delta' | 'message',
  ): ChatEvent[] {
    const index = Math.min(countIn(choice, 'index') ?? position, MAX_CHOICES);
    let decoder = this.#choices.get(index);
    if (decoder === undefined) {
      decoder = new ChoiceDecoder(index, textIn(body, 'id') ?? '');
      this.#choices.set(index, decoder);
    }
    return decoder.read(choice, objectIn(choice, contentMember));
  }

  /** Usage stands at the top, in Groq's `x_groq`, or (Moonshot) in a choice; the tier that was billed beside it. */
  #readUsage(body: JsonObject, choices: readonly JsonObject[]): ChatEvent[] {
    this.#serviceTier = textIn(body, 'service_tier') ?? this.#serviceTier;
    const wire =
      asObject(body['usage']) ??
      asObject(objectIn(body, 'x_groq')['usage']) ??
      choices.map((choice) => asObject(choice['usage'])).find((usage) => usage !== undefined);
    const usage = wire === undefined ? undefined : decodeUsage(wire);
    if (usage === undefined) return [];
    const tier = this.#serviceTier === undefined ? {} : { serviceTier: this.#serviceTier };
    return [{ type: 'usage', usage: { ...tier, ...usage } }];
  }
}

function isErrorBody(body: JsonObject): boolean {
  const { error } = body;
  return isJsonObject(error) || (typeof error === 'string' && error !== '') || body['object'] === 'error';
}

function answerStart(body: JsonObject): ChatEvent {
  const created = countIn(body, 'created');
  return {
    type: 'answer-start',
    upstreamId: textIn(body, 'id'),
    upstreamModel: textIn(body, 'model'),
    createdAtSeconds: created === 0 ? undefined : created,
  };
}
