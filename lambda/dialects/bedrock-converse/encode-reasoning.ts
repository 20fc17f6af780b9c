import type { ChatRequest, ReasoningOptions } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { encodeThinking } from '../claude-thinking.ts';
import type { RequestTarget } from '../dialect.ts';
import { defined } from '../loose.ts';
import type { LeftOut } from '../request-feature.ts';
import type { ModelFamily } from './model-family.ts';
import { DIALECT_ID } from './wire.ts';

/** The answer's length where nobody bound it: what a thinking budget is measured against. */
const DEFAULT_MAX_TOKENS = 4096;

/** Reasoning options in the words of the model's maker, as fields of `additionalModelRequestFields`. */
export function encodeReasoning(
  request: ChatRequest,
  { family, target }: { readonly family: ModelFamily; readonly target: RequestTarget },
  leftOut: LeftOut,
): JsonObject {
  const { reasoning } = request;
  if (reasoning === undefined) return {};
  const fields = fieldsOf(request, reasoning, { family, target });
  if (fields === undefined) leftOut.refuse('reasoning');
  return fields ?? {};
}

/** `undefined` where the model cannot do as it is asked. */
function fieldsOf(
  request: ChatRequest,
  reasoning: ReasoningOptions,
  { family, target }: { readonly family: ModelFamily; readonly target: RequestTarget },
): JsonObject | undefined {
  switch (family) {
    case 'claude':
      return claudeFields(request, target);
    case 'nova-2':
      return novaFields(request, reasoning, target);
    case 'gpt-oss':
      return gptFields(reasoning);
    default:
      // What is not known to think is not told to.
      return isOff(reasoning) ? {} : undefined;
  }
}

const isOff = ({ enabled, effort }: ReasoningOptions): boolean => enabled === false || effort === 'none';

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html */
function claudeFields(request: ChatRequest, target: RequestTarget): JsonObject | undefined {
  const maxTokens = target.maxOutputTokens ?? target.modelMaxOutputTokens ?? DEFAULT_MAX_TOKENS;
  const encoded = encodeThinking(request, { model: target.model, maxTokens, dialect: DIALECT_ID });
  const { thinking, effort, isUnsupported } = encoded;
  if (isUnsupported === true) return undefined;
  return defined({ thinking, output_config: effort === undefined ? undefined : { effort } });
}

/**
 * Nova 2 knows three efforts, of which the highest goes with no bound and no sampling parameter.
 * @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
 */
function novaFields(
  request: ChatRequest,
  reasoning: ReasoningOptions,
  target: RequestTarget,
): JsonObject | undefined {
  if (isOff(reasoning)) return { reasoningConfig: { type: 'disabled' } };
  const effort = effortOf(reasoning);
  if (effort === undefined) return undefined;
  const isBound = [target.maxOutputTokens, request.temperature, request.topP].some(
    (value) => value !== undefined,
  );
  if (effort === 'high' && isBound) return undefined;
  return { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } };
}

/** These models always think. @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html */
function gptFields(reasoning: ReasoningOptions): JsonObject | undefined {
  const effort = isOff(reasoning) ? undefined : effortOf(reasoning);
  return effort === undefined ? undefined : { reasoning_effort: effort };
}

/** Efforts of other makers, as the nearest of three. */
const EFFORTS: ReadonlyMap<string, string> = new Map([
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'high'],
  ['max', 'high'],
]);

/** The most tokens of thought that count as little, and as a medium amount. */
const LOW_BUDGET_TOKENS = 4096;
const MEDIUM_BUDGET_TOKENS = 16_384;

function effortOf({ effort, budgetTokens }: ReasoningOptions): string | undefined {
  if (effort !== undefined) return EFFORTS.get(effort);
  if (budgetTokens === undefined) return 'medium';
  if (budgetTokens <= LOW_BUDGET_TOKENS) return 'low';
  return budgetTokens <= MEDIUM_BUDGET_TOKENS ? 'medium' : 'high';
}
