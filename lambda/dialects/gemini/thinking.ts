import type { ReasoningOptions } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { LeftOut } from '../request-feature.ts';

/**
 * What a model takes, by its name. `level`: Gemini 3 and later, and names that are not known to be older; `budget`: the 2.5
 * series; `none`: models before it, and Gemma.
 * @see https://ai.google.dev/gemini-api/docs/thinking
 */
export interface ModelTraits {
  readonly thinking: 'level' | 'budget' | 'none';
  readonly isPro: boolean;
  readonly budget: { readonly least: number; readonly most: number };
  /** Whether calls of functions must carry a signature, results may hold media, and a schema may stand beside tools. */
  readonly isThirdGeneration: boolean;
}

/** @see https://ai.google.dev/gemini-api/docs/thinking#set-budget */
function budgetOf(model: string): ModelTraits['budget'] {
  if (model.includes('flash-lite')) return { least: 512, most: 24_576 };
  return model.includes('pro') ? { least: 128, most: 32_768 } : { least: 1, most: 24_576 };
}

export function traitsOf(model: string): ModelTraits {
  const name = model.toLowerCase();
  const isOld = /gemma|gemini-(?:1|2(?!\.5)|pro(?!-latest))|learnlm/.test(name);
  const isSecond = name.includes('gemini-2.5');
  return {
    thinking: isOld ? 'none' : isSecond ? 'budget' : 'level',
    isPro: name.includes('pro'),
    budget: budgetOf(name),
    isThirdGeneration: !isOld && !isSecond,
  };
}

/** Google's own table of efforts. @see https://ai.google.dev/gemini-api/docs/openai#thinking */
const BUDGETS: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/** The Pro models know no minimal level. */
const LEVELS: Readonly<Record<string, string>> = {
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
};

/**
 * `thinkingConfig` in the words this model knows, `undefined` where nothing is to be said. Thoughts are asked for wherever
 * thinking was: callers of other formats expect to see them.
 */
export function encodeThinking(
  reasoning: ReasoningOptions | undefined,
  model: string,
  leftOut: LeftOut,
): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  const traits = traitsOf(model);
  const isOff = reasoning.enabled === false || reasoning.effort === 'none';
  if (traits.thinking === 'none') {
    if (!isOff) leftOut.refuse('reasoning');
    return undefined;
  }
  if (isOff) return leastThinking(traits, leftOut);
  const amount = traits.thinking === 'level' ? levelOf(reasoning, traits) : budgetFor(reasoning, traits);
  if (amount === undefined) leftOut.refuse('reasoning');
  return amount === undefined ? undefined : { includeThoughts: true, ...amount };
}

/** Where thinking cannot be turned off, the model thinks as little as it can. A Flash model may then not think at all. */
function leastThinking({ thinking, isPro, budget }: ModelTraits, leftOut: LeftOut): JsonObject {
  if (isPro) leftOut.omit('reasoning');
  if (thinking === 'level') return { thinkingLevel: isPro ? 'LOW' : 'MINIMAL' };
  return { thinkingBudget: isPro ? budget.least : 0 };
}

function levelOf(reasoning: ReasoningOptions, { isPro }: ModelTraits): JsonObject | undefined {
  const effort = reasoning.effort ?? effortOfBudget(reasoning.budgetTokens);
  if (effort === undefined) return {};
  const thinkingLevel = Object.hasOwn(LEVELS, effort) ? LEVELS[effort] : undefined;
  if (thinkingLevel === undefined) return undefined;
  return { thinkingLevel: isPro && thinkingLevel === 'MINIMAL' ? 'LOW' : thinkingLevel };
}

function effortOfBudget(budgetTokens: number | undefined): string | undefined {
  if (budgetTokens === undefined) return undefined;
  if (budgetTokens <= 1_024) return 'low';
  return budgetTokens <= 8_192 ? 'medium' : 'high';
}

/** Of a model's own choice (-1) nothing is taken away. */
function budgetFor(reasoning: ReasoningOptions, { budget }: ModelTraits): JsonObject | undefined {
  const { effort, budgetTokens } = reasoning;
  if (budgetTokens === undefined && effort === undefined) return { thinkingBudget: -1 };
  const asked = budgetTokens ?? (Object.hasOwn(BUDGETS, effort ?? '') ? BUDGETS[effort ?? ''] : undefined);
  if (asked === undefined) return undefined;
  return { thinkingBudget: Math.min(Math.max(asked, budget.least), budget.most) };
}
