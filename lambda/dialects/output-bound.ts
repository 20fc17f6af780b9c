import type { RequestTarget } from './dialect.ts';
import type { LeftOut } from './request-feature.ts';

/**
 * The bound to be sent, as far as the model goes: agents ask for what their own provider's model can give (Claude Code for
 * 128,000 tokens), other models refuse more than they can, and nobody can give more than that.
 */
export function sentBound(target: RequestTarget, leftOut: LeftOut): number | undefined {
  const { maxOutputTokens, modelMaxOutputTokens = Number.POSITIVE_INFINITY } = target;
  if (maxOutputTokens === undefined || maxOutputTokens <= modelMaxOutputTokens) return maxOutputTokens;
  leftOut.omit('max_output_tokens');
  return modelMaxOutputTokens;
}
