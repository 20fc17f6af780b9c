import type { ChatRequest } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { LeftOut } from '../request-feature.ts';
import { present } from './present.ts';

/** What decides which sampling parameters may be sent. */
interface SamplingLimits {
  /** Recent models take none at all. */
  readonly takesSampling: boolean;
  /** Whether a thinking budget is set, which allows only `top_p` from 0.95. */
  readonly hasBudget: boolean;
}

/**
 * Temperature runs from 0 to 1 here. What is the default anyway (`temperature` 1, `top_p` 1) says nothing and is left out,
 * as several models refuse it.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#feature-compatibility
 */
export function encodeSampling(request: ChatRequest, limits: SamplingLimits, leftOut: LeftOut): JsonObject {
  const wanted = present({
    temperature: request.temperature === 1 ? undefined : request.temperature,
    top_p: request.topP === 1 ? undefined : request.topP,
    top_k: request.topK,
  });
  const sampling: Record<string, number> = {};
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
  if (name === 'temperature') return value <= 1 && !limits.hasBudget;
  return !limits.hasBudget || (name === 'top_p' && value >= 0.95);
}

/** @see https://docs.anthropic.com/en/api/service-tiers */
export function encodeTier(tier: string | undefined, leftOut: LeftOut): JsonObject {
  if (tier === undefined) return {};
  if (tier === 'fast') return { speed: 'fast' };
  if (tier === 'auto' || tier === 'standard_only') return { service_tier: tier };
  if (tier === 'default') return { service_tier: 'standard_only' };
  leftOut.refuse('service_tier');
  return {};
}
