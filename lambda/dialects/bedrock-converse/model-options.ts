import type { ReasoningOptions } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { asObject, countIn, defined } from '../loose.ts';
import { stringIn } from './wire.ts';

/** What `additionalModelRequestFields` says that other formats can say too, and what is left of it. */
export interface ModelOptions {
  readonly reasoning?: ReasoningOptions;
  readonly topK?: number;
  /** The fields that only the model's maker knows; none where nothing is left. */
  readonly rest?: JsonObject;
}

/** Reads a field of one maker; `undefined` where it is not of the shape that is known, so that it stays as it is. */
type FieldReader = (value: Json | undefined) => Omit<ModelOptions, 'rest'> | undefined;

/**
 * The fields, by the makers that document them: Anthropic (`thinking`, `output_config.effort`, `top_k`), Amazon's Nova
 * (`reasoningConfig`, `inferenceConfig.topK`), OpenAI's open models (`reasoning_effort`).
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
 * @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
 * @see https://docs.aws.amazon.com/nova/latest/userguide/using-converse-api.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
 */
const READERS: Readonly<Record<string, FieldReader>> = {
  thinking: readThinking,
  reasoning_config: readThinking,
  output_config: (value) =>
    onlyMember(value, 'effort', (effort) => asText(effort, (text) => ({ effort: text }))),
  reasoningConfig: readNovaReasoning,
  reasoning_effort: (value) => asText(value, (effort) => ({ effort, enabled: effort !== 'none' })),
  top_k: readTopK,
  inferenceConfig: (value) => onlyMember(value, 'topK', readTopK),
};

/** @param fields of `additionalModelRequestFields`; they are the model's own, so that none is refused */
export function decodeModelOptions(fields: JsonObject): ModelOptions {
  let options: Omit<ModelOptions, 'rest'> = {};
  const rest: Record<string, Json | undefined> = {};
  for (const [name, value] of Object.entries(fields)) {
    const read = Object.hasOwn(READERS, name) ? READERS[name]?.(value) : undefined;
    if (read === undefined) rest[name] = value;
    else options = merged(options, read);
  }
  return Object.keys(rest).length === 0 ? options : { ...options, rest };
}

function merged(
  earlier: Omit<ModelOptions, 'rest'>,
  later: Omit<ModelOptions, 'rest'>,
): Omit<ModelOptions, 'rest'> {
  const reasoning = { ...earlier.reasoning, ...later.reasoning };
  return { ...earlier, ...later, ...(Object.keys(reasoning).length > 0 && { reasoning }) };
}

const asText = (
  value: Json | undefined,
  reasoning: (text: string) => ReasoningOptions,
): Omit<ModelOptions, 'rest'> | undefined =>
  typeof value === 'string' ? { reasoning: reasoning(value) } : undefined;

function onlyMember(value: Json | undefined, name: string, read: FieldReader): ReturnType<FieldReader> {
  const object = asObject(value);
  return object !== undefined && Object.keys(object).length === 1 ? read(object[name]) : undefined;
}

function readTopK(value: Json | undefined): ReturnType<FieldReader> {
  return typeof value === 'number' ? { topK: value } : undefined;
}

function readThinking(value: Json | undefined): ReturnType<FieldReader> {
  const thinking = asObject(value);
  const type = thinking === undefined ? undefined : stringIn(thinking, 'type');
  if (thinking === undefined || type === undefined) return undefined;
  return {
    reasoning: {
      enabled: type !== 'disabled',
      ...(type === 'adaptive' && { adaptive: true }),
      ...defined({ budgetTokens: countIn(thinking, 'budget_tokens') }),
    },
  };
}

function readNovaReasoning(value: Json | undefined): ReturnType<FieldReader> {
  const config = asObject(value);
  const type = config === undefined ? undefined : stringIn(config, 'type');
  if (config === undefined || type === undefined) return undefined;
  return {
    reasoning: {
      enabled: type !== 'disabled',
      ...defined({ effort: stringIn(config, 'maxReasoningEffort') }),
    },
  };
}
