import type { JsonObject } from '../../domain/json.ts';
import type { LeftOut } from '../request-feature.ts';

/** The tier in Anthropic’s words. @see https://docs.anthropic.com/en/api/service-tiers */
export function encodeTier(tier: string | undefined, leftOut: LeftOut): JsonObject {
  if (tier === undefined) return {};
  if (tier === 'fast') return { speed: 'fast' };
  if (tier === 'auto' || tier === 'standard_only') return { service_tier: tier };
  if (tier === 'default') return { service_tier: 'standard_only' };
  leftOut.refuse('service_tier');
  return {};
}
