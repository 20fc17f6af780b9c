import type { ChatRequest, ReasoningOptions } from '../domain/chat/request.ts';
import type { LeftOut } from './request-feature.ts';

/** The most tokens of thought that count as little, and as a medium amount. */
const LOW_BUDGET_TOKENS = 4096;
const MEDIUM_BUDGET_TOKENS = 16_384;

/**
 * How much to think, in OpenAI's words. A budget becomes the band it lies in; Anthropic's `max` is the highest effort
 * every reasoning model here knows. Adaptive thinking, and none, is left to the model: its own default is adaptive, and
 * most models refuse `none`.
 */
export function encodeEffort(reasoning: ReasoningOptions | undefined): string | undefined {
  if (reasoning?.effort !== undefined) return reasoning.effort === 'max' ? 'high' : reasoning.effort;
  const budget = reasoning?.budgetTokens;
  if (budget === undefined || reasoning?.enabled === false) return undefined;
  if (budget <= LOW_BUDGET_TOKENS) return 'low';
  return budget <= MEDIUM_BUDGET_TOKENS ? 'medium' : 'high';
}

/** Whether the caller wants no thinking, which cannot be said without an effort that most models refuse. */
export const isUnheededWish = ({ reasoning }: ChatRequest): boolean =>
  reasoning?.enabled === false && reasoning.effort === undefined;

const SERVICE_TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'scale', 'priority']);

/** Anthropic's `standard_only` is OpenAI's `default`. @see https://docs.anthropic.com/en/api/service-tiers */
export function encodeServiceTier(tier: string | undefined, leftOut: LeftOut): string | undefined {
  if (tier === undefined || SERVICE_TIERS.has(tier)) return tier;
  if (tier === 'standard_only') return 'default';
  leftOut.refuse('service_tier');
  return undefined;
}
