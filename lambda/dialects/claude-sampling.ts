import type { ChatRequest } from '../domain/chat/request.ts';
import type { LeftOut } from './request-feature.ts';

/** What decides which sampling parameters may be sent. */
interface SamplingLimits {
  /** Recent models take none at all. */
  readonly takesSampling: boolean;
  /** Whether it is to think, by a budget or as it sees fit: that allows only `top_p` from 0.95. */
  readonly thinks: boolean;
}

/** Sampling parameters in Anthropic’s spelling. */
export interface ClaudeSampling {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
}

/**
 * The sampling parameters a Claude model takes, in Anthropic’s spelling; the others are refused.
 *
 * Temperature runs from 0 to 1 here. What is the default anyway (`temperature` 1, `top_p` 1) says nothing and is left out,
 * as several models refuse it.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#feature-compatibility
 */
export function encodeClaudeSampling(
  request: ChatRequest,
  limits: SamplingLimits,
  leftOut: LeftOut,
): ClaudeSampling {
  const wanted = {
    temperature: request.temperature === 1 ? undefined : request.temperature,
    top_p: request.topP === 1 ? undefined : request.topP,
    top_k: request.topK,
  };
  const sampling: { temperature?: number; top_p?: number; top_k?: number } = {};
  for (const name of SAMPLING) {
    const value = wanted[name];
    if (value === undefined) continue;
    if (isAllowed(name, value, limits)) sampling[name] = value;
    else leftOut.refuse(name);
  }
  return sampling;
}

const SAMPLING = ['temperature', 'top_p', 'top_k'] as const;

function isAllowed(name: (typeof SAMPLING)[number], value: number, limits: SamplingLimits): boolean {
  if (!limits.takesSampling) return false;
  if (name === 'temperature') return value <= 1 && !limits.thinks;
  return !limits.thinks || (name === 'top_p' && value >= 0.95);
}
