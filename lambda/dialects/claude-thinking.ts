import type { ChatRequest, ReasoningOptions } from '../domain/chat/request.ts';
import type { JsonObject } from '../domain/json.ts';

/**
 * How a Claude model is told to think. `none`: it cannot. `budget`: by a number of tokens (3.7 to 4.5). `adaptive`: by an
 * effort, deciding itself (4.6 and later, and any name that is not known to be older). From 4.7 on models also refuse
 * sampling parameters.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking
 */
export interface ModelTraits {
  readonly thinking: 'none' | 'budget' | 'adaptive';
  readonly takesSampling: boolean;
  /** Whether the effort `xhigh` is known to it; 4.6 has `max` but not `xhigh`. */
  readonly hasExtraHighEffort: boolean;
}

// The end of a version: no further one- or two-digit number, though an eight-digit date may follow.
const VERSION_END = '(?![-.]?\\d{1,2}(?!\\d))';
const FAMILY = '(?:opus|sonnet|haiku)';
const NO_THINKING = /claude-(?:v?2|instant|3-(?:opus|sonnet|haiku)|3[-.]5)/;
const BUDGET_THINKING = new RegExp(
  `claude-(?:3[-.]7|${FAMILY}-4(?:[-.][0-5])?${VERSION_END}|4(?:[-.][0-5])?-${FAMILY})`,
);
const VERSION_4_6 = new RegExp(`claude-${FAMILY}-4[-.]6${VERSION_END}`);

/** What a model takes, by its name; names that are not Claude's are held to nothing. */
export function traitsOf(model: string): ModelTraits {
  if (NO_THINKING.test(model)) return { thinking: 'none', takesSampling: true, hasExtraHighEffort: false };
  if (BUDGET_THINKING.test(model))
    return { thinking: 'budget', takesSampling: true, hasExtraHighEffort: false };
  if (VERSION_4_6.test(model))
    return { thinking: 'adaptive', takesSampling: true, hasExtraHighEffort: false };
  return { thinking: 'adaptive', takesSampling: !model.includes('claude-'), hasExtraHighEffort: true };
}

export interface EncodedThinking {
  readonly thinking?: JsonObject;
  readonly effort?: string;
  readonly isUnsupported?: true;
}

/** Tokens to think in, for models that take a budget, by OpenAI's efforts: shares of the limit, within these bounds. */
const BUDGET_BANDS: Readonly<Record<string, { readonly share: number; readonly most: number }>> = {
  minimal: { share: 0.1, most: 1_024 },
  low: { share: 0.2, most: 4_096 },
  medium: { share: 0.5, most: 12_288 },
  high: { share: 0.8, most: 24_576 },
  xhigh: { share: 0.9, most: 32_000 },
  max: { share: 0.95, most: 63_999 },
};
/** @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking */
const LEAST_BUDGET = 1_024;

const ADAPTIVE_EFFORTS: Readonly<Record<string, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'xhigh',
  max: 'max',
};

/** Where the request goes, as far as it decides how the model may think. */
export interface ThinkingTarget {
  readonly model: string;
  readonly maxTokens: number;
  /** The dialect whose signatures are good there. */
  readonly dialect: string;
}

/** Reasoning options in the words this model knows. `isUnsupported` where it has none for them. */
export function encodeThinking(request: ChatRequest, target: ThinkingTarget): EncodedThinking {
  const reasoning = request.reasoning;
  if (reasoning === undefined) return {};
  const traits = traitsOf(target.model);
  if (reasoning.enabled === false || reasoning.effort === 'none')
    return traits.thinking === 'adaptive' ? { thinking: { type: 'disabled' } } : {};
  if (traits.thinking === 'none') return { isUnsupported: true };
  return traits.thinking === 'adaptive'
    ? adaptiveThinking(reasoning, traits)
    : budgetedThinking(reasoning, request, target);
}

function adaptiveThinking(reasoning: ReasoningOptions, traits: ModelTraits): EncodedThinking {
  const asked = reasoning.effort ?? effortOfBudget(reasoning.budgetTokens);
  if (asked === undefined) return { thinking: { type: 'adaptive' } };
  const effort = ADAPTIVE_EFFORTS[asked];
  if (effort === undefined) return { isUnsupported: true };
  return {
    thinking: { type: 'adaptive' },
    effort: effort === 'xhigh' && !traits.hasExtraHighEffort ? 'high' : effort,
  };
}

/** The lowest effort whose band holds the budget. */
function effortOfBudget(budgetTokens: number | undefined): string | undefined {
  if (budgetTokens === undefined) return undefined;
  const band = Object.entries(BUDGET_BANDS).find(([, { most }]) => budgetTokens <= most);
  return band?.[0] ?? 'max';
}

/**
 * A budget must leave room for the answer, cannot be combined with a forced tool, and asks that a tool call sent back be
 * led by its own signed thinking. Where a loop over tools has lost that thinking (most formats cannot carry it), the model
 * goes on without: refusing would break every agent at its second step.
 */
function budgetedThinking(
  reasoning: ReasoningOptions,
  request: ChatRequest,
  { maxTokens, dialect }: ThinkingTarget,
): EncodedThinking {
  const choice = request.toolChoice?.type;
  const budget = reasoning.budgetTokens ?? budgetOfEffort(reasoning.effort ?? 'medium', maxTokens);
  if (budget === undefined || choice === 'required' || choice === 'tool') return { isUnsupported: true };
  if (maxTokens <= LEAST_BUDGET) return { isUnsupported: true };
  if (hasUnledToolCall(request, dialect)) return {};
  const fitting = Math.min(Math.max(budget, LEAST_BUDGET), maxTokens - 1);
  return { thinking: { type: 'enabled', budget_tokens: fitting } };
}

function budgetOfEffort(effort: string, maxTokens: number): number | undefined {
  const band = BUDGET_BANDS[effort];
  return band === undefined ? undefined : Math.min(band.most, Math.floor(maxTokens * band.share));
}

function hasUnledToolCall(request: ChatRequest, dialect: string): boolean {
  const lastAnswer = request.messages.findLast((message) => message.role === 'assistant');
  if (lastAnswer === undefined) return false;
  const hasCall = lastAnswer.content.some((part) => part.type === 'tool-call');
  const isLed = lastAnswer.content.some(
    (part) =>
      (part.type === 'reasoning-encrypted' && part.dialect === dialect) ||
      (part.type === 'reasoning' && part.dialect === dialect && part.signature !== undefined),
  );
  return hasCall && !isLed;
}
