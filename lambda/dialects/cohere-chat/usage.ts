import type { JsonEdit } from '../../domain/edit-json.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { defined, objectIn } from '../loose.ts';
import { costMembers } from '../usage-cost.ts';
import { roundedUpIn } from './wire.ts';

/**
 * Reads a `usage` object; `undefined` where it reports nothing.
 *
 * Cohere counts twice: `tokens` is all that the model read and wrote, `billed_units` what is charged, which is without the
 * tokens that Cohere adds itself (1,445 read against 46 billed in a recording). Ours are the billed ones, as money hangs on
 * them; `tokens` only where nothing else is reported, as by private deployments. Reasoning is billed and a part of them.
 * What was read from a cache is counted among `tokens`, and said only where these are the billed ones: Cohere names no
 * price of its own for it.
 * @see https://docs.cohere.com/v2/docs/how-does-cohere-pricing-work
 */
export function decodeUsage(wire: JsonObject): Usage | undefined {
  const billed = objectIn(wire, 'billed_units');
  const tokens = objectIn(wire, 'tokens');
  const promptTokens = roundedUpIn(billed, 'input_tokens') ?? roundedUpIn(tokens, 'input_tokens');
  const completionTokens = roundedUpIn(billed, 'output_tokens') ?? roundedUpIn(tokens, 'output_tokens');
  const reasoningTokens = roundedUpIn(tokens, 'reasoning_tokens');
  const isAllBilled = promptTokens === (roundedUpIn(tokens, 'input_tokens') ?? promptTokens);
  const reported = defined({
    promptTokens,
    completionTokens,
    cacheReadTokens: isAllBilled ? roundedUpIn(wire, 'cached_tokens') : undefined,
    // A part is never more than its whole, of which tokens that are not billed are no part.
    reasoningTokens:
      reasoningTokens === undefined
        ? undefined
        : Math.min(reasoningTokens, completionTokens ?? reasoningTokens),
  });
  // Every member was read as a count.
  return Object.keys(reported).length === 0 ? undefined : (reported as Usage);
}

/** The `usage` object callers see, as JSON text: what is not known is left out. What was counted is what is charged. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): string {
  const { promptTokens, completionTokens, reasoningTokens, cacheReadTokens } = usage;
  const billed = defined({ input_tokens: promptTokens, output_tokens: completionTokens });
  const wire = {
    billed_units: billed,
    tokens: defined({ ...billed, reasoning_tokens: reasoningTokens }),
    ...defined({ cached_tokens: cacheReadTokens }),
  };
  const costText = cost === undefined ? [] : costMembers(cost).map(([name, value]) => `,"${name}":${value}`);
  return `${JSON.stringify(wire).slice(0, -1)}${costText.join('')}}`;
}

/** The edits that put a cost into a `usage` object. @param path where the object stands */
export const costEdits = (path: readonly string[], cost: Cost | undefined): JsonEdit[] =>
  cost === undefined ? [] : costMembers(cost).map(([name, text]) => ({ path: [...path, name], text }));
