import type { ChatEvent } from '../../domain/chat/event.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { isTooDeep } from '../depth.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { CandidateDecoder } from './candidate-decoder.ts';
import { decodeErrorChunk } from './errors.ts';
import { decodeUsage } from './usage.ts';
import { countIn, memberOf, objectIn, objectsIn, textIn } from './wire.ts';

/** More candidates than any model gives: a bound on what a hostile upstream can make us hold. */
const MAX_CHOICES = 128;

/** Turns the JSON bodies of one answer, a stream's chunks or the only one, into events that keep the rules of ChatEvent. */
export class AnswerDecoder {
  readonly #candidates = new Map<number, CandidateDecoder>();
  #isStarted = false;
  #blockReason: string | undefined;
  #model = '';

  read(body: JsonObject): ChatEvent[] {
    if (isTooDeep(body)) return [invalidAnswer('The provider sent an answer that is nested too deeply.')];
    if (isErrorBody(body)) return [{ type: 'error', error: decodeErrorChunk(body) }];
    const start = this.#start(body);
    const candidates = objectsIn(body, 'candidates');
    const events = candidates.flatMap((candidate, position) =>
      this.#readCandidate(body, candidate, position),
    );
    this.#blockReason = textIn(objectIn(body, 'promptFeedback'), 'blockReason') ?? this.#blockReason;
    return [...start, ...events, ...this.#readUsage(body, candidates)];
  }

  /**
   * The last events. Google has no sign for the end of an answer: it is whole when each candidate said why it ended, or
   * when the prompt was blocked.
   */
  end(): ChatEvent[] {
    const candidates = [...this.#candidates.values()];
    if (candidates.length === 0 && this.#blockReason !== undefined)
      return [...new CandidateDecoder(0, '').block(this.#blockReason), { type: 'end' }];
    if (candidates.length === 0) return [invalidAnswer('The provider sent no answer.')];
    if (candidates.some(({ finishReason }) => finishReason === undefined))
      return [invalidAnswer('The stream ended early.')];
    if (candidates.some(({ isCut }) => isCut)) return [invalidAnswer('The answer ended inside a tool call.')];
    return [...candidates.flatMap((candidate) => candidate.end()), { type: 'end' }];
  }

  #start(body: JsonObject): ChatEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const created = Date.parse(textIn(body, 'createTime') ?? '');
    this.#model = textIn(body, 'modelVersion') ?? '';
    return [
      {
        type: 'answer-start',
        upstreamId: textIn(body, 'responseId'),
        upstreamModel: textIn(body, 'modelVersion'),
        createdAtSeconds: Number.isNaN(created) ? undefined : Math.floor(created / 1000),
      },
    ];
  }

  #readCandidate(body: JsonObject, candidate: JsonObject, position: number): ChatEvent[] {
    const index = Math.min(countIn(candidate, 'index') ?? position, MAX_CHOICES);
    let decoder = this.#candidates.get(index);
    if (decoder === undefined) {
      decoder = new CandidateDecoder(index, textIn(body, 'responseId') ?? '');
      this.#candidates.set(index, decoder);
    }
    return decoder.read(candidate);
  }

  #readUsage(body: JsonObject, candidates: readonly JsonObject[]): ChatEvent[] {
    const usage: Usage = {
      ...decodeUsage(objectIn(body, 'usageMetadata')),
      ...searchesOf(candidates, this.#model),
    };
    return Object.keys(usage).length === 0 ? [] : [{ type: 'usage', usage }];
  }
}

/**
 * Searches that are billed: from the third generation on each query, before it each answer that searched.
 * @see https://ai.google.dev/gemini-api/docs/google-search#pricing
 */
function searchesOf(candidates: readonly JsonObject[], model: string): Pick<Usage, 'webSearchRequests'> {
  const queries = candidates.flatMap((candidate): readonly Json[] => {
    const value = memberOf(objectIn(candidate, 'groundingMetadata'), 'webSearchQueries');
    return Array.isArray(value) ? value : [];
  });
  if (queries.length === 0) return {};
  return { webSearchRequests: /gemini-[12]\b/.test(model) ? 1 : queries.length };
}

function isErrorBody({ error }: JsonObject): boolean {
  return (typeof error === 'object' && error !== null) || (typeof error === 'string' && error !== '');
}
