import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { CandidateEncoder } from './candidate-encoder.ts';
import { encodeFinishReason } from './finish-reason.ts';
import { encodeUsage } from './usage.ts';

/** What was counted, and what it cost. */
export interface Billing {
  readonly usage: Usage | undefined;
  readonly cost: Cost | undefined;
}

/** The JSON text of an answer or of a chunk. @param usage left out where nothing was counted */
export function answerText(answer: {
  readonly candidates: readonly JsonObject[];
  readonly usage?: Billing;
  readonly envelope: AnswerEnvelope;
}): string {
  const { candidates, usage, envelope } = answer;
  const text = JSON.stringify({
    ...(candidates.length > 0 && { candidates }),
    modelVersion: envelope.model,
    responseId: envelope.id,
  });
  if (usage?.usage === undefined && usage?.cost === undefined) return text;
  return `${text.slice(0, -1)},"usageMetadata":${encodeUsage(usage.usage ?? {}, usage.cost)}}`;
}

/**
 * Turns events of any dialect into pieces of Google's candidates. Why a candidate ended waits for the end, as in Google's
 * own answers, whose last chunk says it beside the usage.
 */
export class AnswerEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #candidates = new Map<number, CandidateEncoder>();
  readonly #finishes: Extract<ChatEvent, { readonly type: 'finish' }>[] = [];
  #usage: Usage | undefined;
  #cost: Cost | undefined;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  /** All that was counted so far. */
  get usage(): Billing {
    return { usage: this.#usage, cost: this.#cost };
  }

  /** Pieces of candidates, each with its `index`. */
  encode(event: ChatEvent): readonly JsonObject[] {
    switch (event.type) {
      case 'answer-start':
      case 'error':
        return [];
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        this.#cost = event.cost ?? this.#cost;
        return [];
      case 'finish':
        this.#finishes.push(event);
        return [];
      case 'end':
        return this.#finishes.map((finish) => this.#finish(finish));
      default:
        return this.#candidate(event.choice)
          .encode(event)
          .map(({ part, beside }) => ({
            ...(part !== undefined && { content: { parts: [part], role: 'model' } }),
            ...beside,
            index: event.choice,
          }));
    }
  }

  #candidate(index: number): CandidateEncoder {
    const candidate = this.#candidates.get(index) ?? new CandidateEncoder(this.#envelope);
    this.#candidates.set(index, candidate);
    return candidate;
  }

  /** A call whose arguments are no object was not sent, and the caller must not take the answer for whole. */
  #finish({ choice, reason, upstreamReason }: Extract<ChatEvent, { readonly type: 'finish' }>): JsonObject {
    const word = encodeFinishReason(reason, upstreamReason);
    const isMalformed = word === 'STOP' && this.#candidate(choice).hasMalformedCall;
    return { finishReason: isMalformed ? 'MALFORMED_FUNCTION_CALL' : word, index: choice };
  }
}
