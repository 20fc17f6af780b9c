import type { KeptAnswer } from '../domain/kept-answer.ts';
import { type NanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import { comparableTurn } from '../domain/semantic/last-turn.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import { embed, embeddingBound } from './embed.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';

/** A request whose last turn is compared with earlier ones by its meaning. */
export interface Comparison {
  readonly text: string;
  /** What it is compared within: the tenant, and everything that must be the same. */
  readonly within: AnswerAddress;
  /** An upper bound of what the text's vector costs. */
  readonly bound: NanoUsd;
}

/** What came of comparing. */
export interface Compared {
  /** An earlier answer, at least as similar as the operator demands. */
  readonly similar: { readonly answer: KeptAnswer; readonly similarity: number } | undefined;
  /** Where the request's own vector belongs once its answer is kept; `undefined` where it has none. */
  readonly place: { readonly partition: string; readonly vector: readonly number[] } | undefined;
  readonly cost: NanoUsd;
  /** The cost is an upper bound, as nobody said what it was. */
  readonly isEstimated: boolean;
}

/** What the comparison of a request needs to know of it. */
export interface ComparisonRequest {
  readonly raw: string;
  readonly scope: string;
  /** All that could make it another answer, of a body. */
  readonly fingerprintOf: (raw: string) => string;
  /** Whether a hard budget must hold what it costs. */
  readonly isHeld: boolean;
}

/**
 * Says what a request is compared by; `undefined` where it is compared exactly only: where its last turn has no meaning to
 * compare, where nothing is configured, or where its vector's price is unknown to a hard budget.
 */
export function comparisonFor(gateway: Gateway, request: ComparisonRequest): Comparison | undefined {
  const settings = gateway.config.semanticCache;
  if (settings === undefined || gateway.vectors === undefined) return undefined;
  const turn = comparableTurn(request.raw, settings.maxTurnCharacters);
  if (turn === undefined) return undefined;
  const bound = embeddingBound(gateway, settings, turn.text);
  if (bound === undefined && request.isHeld && gateway.config.unknownPrice === 'refuse') return undefined;
  const { embedding, dimensions } = settings;
  // Vectors of two models have nothing to do with each other.
  const sameness = JSON.stringify([embedding.id, dimensions, turn.literals]);
  return {
    text: turn.text,
    within: { scope: request.scope, fingerprint: `vectors ${sameness}\n${request.fingerprintOf(turn.rest)}` },
    bound: bound ?? ZERO_USD,
  };
}

/**
 * Looks for an earlier answer to a turn that means the same, within the operator's time limit. Never throws: whatever
 * fails is a miss.
 */
export async function compare(
  gateway: Gateway,
  exchange: Exchange,
  { text, within }: Comparison,
): Promise<Compared> {
  const settings = gateway.config.semanticCache;
  const { vectors } = gateway;
  if (settings === undefined || vectors === undefined) return NOT_COMPARED;
  const signal = AbortSignal.any([exchange.signal, AbortSignal.timeout(settings.timeoutMs)]);
  const { vector, cost, isEstimated } = await embed(gateway, {
    requestId: exchange.facts.id,
    settings,
    text,
    signal,
    callerHeaders: exchange.request.headers,
  });
  const charge = { cost, isEstimated };
  if (vector === undefined) return { ...NOT_COMPARED, ...charge };
  try {
    const partition = await gateway.answers.nameOf(within);
    const place = { partition, vector };
    const nearest = await vectors.nearest({ ...place, nowMs: gateway.clock.now(), signal });
    const isSimilar = nearest !== undefined && nearest.similarity >= settings.threshold;
    const answer = isSimilar ? await gateway.answers.getNamed(within.scope, nearest.id) : undefined;
    const similar = answer && nearest && { answer, similarity: nearest.similarity };
    return { similar, place, ...charge };
  } catch (error) {
    gateway.telemetry.problem('A request could not be compared with earlier ones.', error, {
      id: exchange.facts.id,
    });
    return { ...NOT_COMPARED, ...charge };
  }
}

const NOT_COMPARED: Compared = { similar: undefined, place: undefined, cost: ZERO_USD, isEstimated: false };

/** Lets later requests find an answer that has just been kept. A failure costs a hit. */
export async function rememberTurn(
  gateway: Gateway,
  exchange: Exchange,
  kept: { readonly compared: Compared; readonly address: AnswerAddress; readonly expiresAtMs: number },
): Promise<void> {
  const { place } = kept.compared;
  if (place === undefined || gateway.vectors === undefined) return;
  try {
    const id = await gateway.answers.nameOf(kept.address);
    await gateway.vectors.put({ ...place, id, expiresAtMs: kept.expiresAtMs });
  } catch (error) {
    gateway.telemetry.problem('The vector of an answer that was kept could not be.', error, {
      id: exchange.facts.id,
    });
  }
}
