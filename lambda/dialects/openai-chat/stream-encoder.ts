import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { encodeUsage } from '../openai-usage.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { ChoiceEncoder, type DeltaPart, finishReason, type GoodReason } from './choice-encoder.ts';
import { encodeStreamError } from './errors.ts';
import { chunkText, DONE_FRAME } from './wire.ts';

/**
 * Events of any dialect as OpenAI's chunks. Each delta says something (no empty ones), the first of a choice names the
 * role, tool calls are numbered per choice as they begin, and usage comes last and only when asked for.
 */
export function createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder {
  return new ChunkEncoder(envelope);
}

class ChunkEncoder implements StreamEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #choices = new Map<number, ChoiceEncoder>();
  readonly #withRoles = new Set<number>();
  #hasFailed = false;
  #usage: Usage | undefined;
  #cost: Cost | undefined;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  encode(event: ChatEvent): string {
    switch (event.type) {
      case 'answer-start':
        return '';
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        this.#cost = event.cost ?? this.#cost;
        return '';
      case 'finish':
        this.#hasFailed ||= event.reason === 'error';
        return event.reason === 'error' ? '' : this.#finish(event.choice, event.reason);
      case 'end':
        if (this.#hasFailed) return encodeStreamError(failedAnswer(), this.#envelope);
        return this.#usageChunk() + DONE_FRAME;
      case 'error':
        return encodeStreamError(gatewayErrorOf(event.error), this.#envelope);
      default:
        return this.#delta(event.choice, this.#choice(event.choice).encode(event));
    }
  }

  #choice(index: number): ChoiceEncoder {
    const choice = this.#choices.get(index) ?? new ChoiceEncoder(this.#envelope);
    this.#choices.set(index, choice);
    return choice;
  }

  #delta(index: number, part: DeltaPart | undefined): string {
    if (part === undefined) return '';
    const delta = this.#withRole(index, part.delta);
    const choice = { index, delta, ...part.beside, finish_reason: null };
    return chunkText(this.#envelope, { choices: [choice] });
  }

  #finish(index: number, reason: GoodReason): string {
    const { hasRefusal } = this.#choice(index);
    const delta = this.#withRoles.has(index) ? {} : this.#withRole(index, { content: '' });
    const choice = { index, delta, finish_reason: finishReason(reason, hasRefusal) };
    return chunkText(this.#envelope, { choices: [choice] });
  }

  #withRole(index: number, delta: JsonObject): JsonObject {
    if (this.#withRoles.has(index)) return delta;
    this.#withRoles.add(index);
    return { role: 'assistant', ...delta };
  }

  #usageChunk(): string {
    if (!this.#envelope.includeUsage || this.#usage === undefined) return '';
    const { serviceTier } = this.#usage;
    const members = serviceTier === undefined ? {} : { service_tier: serviceTier };
    return chunkText(this.#envelope, { ...members, choices: [] }, encodeUsage(this.#usage, this.#cost));
  }
}
