import type { ChatEvent } from '../domain/chat/event.ts';
import type { JsonEdit } from '../domain/edit-json.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Cost } from '../domain/money/cost.ts';
import { decimalUsd, usdFromNano } from '../domain/money/nano.ts';

/**
 * What an answer cost, as members of its usage, named as OpenRouter names them. As JSON text, since numbers below 1e-6 would
 * be written with an exponent.
 * @param before members that stand before the others in `cost_details`, each with a comma behind it
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 */
export function costMembers(cost: Cost, before: string = ''): readonly (readonly [string, string])[] {
  const prompt = decimalUsd(cost.prompt);
  const completion = decimalUsd(cost.completion);
  const saved = cost.saved === undefined ? '' : `,"saved_cost":${decimalUsd(cost.saved)}`;
  return [
    ['cost', decimalUsd(cost.total)],
    [
      'cost_details',
      `{${before}"upstream_inference_prompt_cost":${prompt},"upstream_inference_completions_cost":${completion}${saved}}`,
    ],
  ];
}

/** The same as values, in dollars. */
export function encodeCost(cost: Cost): { readonly cost: number; readonly cost_details: JsonObject } {
  return {
    cost: usdFromNano(cost.total),
    cost_details: {
      upstream_inference_prompt_cost: usdFromNano(cost.prompt),
      upstream_inference_completions_cost: usdFromNano(cost.completion),
      ...(cost.saved !== undefined && { saved_cost: usdFromNano(cost.saved) }),
    },
  };
}

/** The edits that add the cost among the events to a `usage`, where it is known. */
export function costEditsOf(events: readonly ChatEvent[]): readonly JsonEdit[] {
  const told = events.findLast((event) => event.type === 'usage' && event.cost !== undefined);
  if (told?.type !== 'usage' || told.cost === undefined) return [];
  return costMembers(told.cost).map(([name, text]) => ({ path: ['usage', name], text }));
}
