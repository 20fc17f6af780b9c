import type { ProviderId } from '../domain/ids.ts';
import { type NanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import { comparableTurn } from '../domain/semantic/last-turn.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import { embeddingBound } from './embed.ts';
import type { Gateway } from './gateway.ts';

/** What a request is compared by with earlier ones, beside being looked for exactly. */
export interface Comparison {
  /** What the user said last. */
  readonly text: string;
  /** What it is compared within: the tenant, and everything that must be the same. */
  readonly within: AnswerAddress;
  /** An upper bound of what the text's vector costs. */
  readonly bound: NanoUsd;
}

/** What the comparison of a request needs to know of it. */
export interface ComparisonRequest {
  readonly raw: string;
  readonly scope: string;
  /** All that could make it another answer, of a body. */
  readonly fingerprintOf: (raw: string) => string;
  /** Whether a hard budget must hold what it costs. */
  readonly isHeld: boolean;
  /** Whether the text may be shown to this provider too. */
  readonly mayReach: (provider: ProviderId) => boolean;
}

/**
 * Says what a request is compared by; `undefined` where it is compared exactly only: where its last turn has no meaning to
 * compare, where nothing is configured, where the provider of vectors is ruled out for it, or its price unknown to a hard
 * budget.
 */
export function comparisonFor(gateway: Gateway, request: ComparisonRequest): Comparison | undefined {
  const settings = gateway.config.semanticCache;
  if (settings === undefined || gateway.vectors === undefined) return undefined;
  if (!request.mayReach(settings.embedding.provider)) return undefined;
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
