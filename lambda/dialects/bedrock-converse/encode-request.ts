import type { ChatRequest, ResponseFormat } from '../../domain/chat/request.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { refuseAsked } from '../asked-features.ts';
import { encodeClaudeSampling } from '../claude-sampling.ts';
import { traitsOf } from '../claude-thinking.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { asObject, defined } from '../loose.ts';
import { LeftOut } from '../request-feature.ts';
import { ContentEncoder } from './encode-content.ts';
import { encodeReasoning } from './encode-reasoning.ts';
import { encodeToolConfig } from './encode-tools.ts';
import { familyOf, type ModelFamily } from './model-family.ts';

/** What has no word here. */
const WITHOUT_EQUIVALENT = [
  'frequency_penalty',
  'json_mode',
  'logit_bias',
  'logprobs',
  'n',
  'presence_penalty',
  'seed',
  'top_logprobs',
  'verbosity',
] as const;

/**
 * A request of another dialect. The model is named in the address, and whether the answer is streamed. `metadata` became
 * Sluice's own tags and does not go on; the end user has no place.
 */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  if (target.maxOutputTokens === 0)
    throw new GatewayError('unsupported_parameter', 'This model needs a bound of 1 token or more.', {
      param: 'max_tokens',
    });
  const leftOut = new LeftOut();
  const family = familyOf(target.model);
  const content = new ContentEncoder(request.messages, family, leftOut);
  refuseAsked(request, WITHOUT_EQUIVALENT, leftOut);
  if (request.endUser !== undefined) leftOut.omit('user');
  const system = content.system(request.messages);
  const reasoning = encodeReasoning(request, { family, target }, leftOut);
  const sampling = encodeSampling(request, { family, target, reasoning }, leftOut);
  const toolConfig = encodeToolConfig(request, { family, content, leftOut });
  if (toolConfig !== undefined) refuseAsked(request, ['parallel_tool_calls'], leftOut);
  const inferenceConfig = defined({
    maxTokens: target.maxOutputTokens,
    ...sampling.config,
    stopSequences: encodeStop(request.stop, family, leftOut),
  });
  const body = defined({
    system: system.length === 0 ? undefined : system,
    messages: content.messages(request.messages),
    inferenceConfig: nonEmpty(inferenceConfig),
    toolConfig,
    additionalModelRequestFields: nonEmpty({ ...reasoning, ...sampling.fields }),
    outputConfig: encodeFormat(request.responseFormat),
    serviceTier: encodeTier(request.serviceTier, leftOut),
  });
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

const nonEmpty = (object: JsonObject): JsonObject | undefined =>
  Object.keys(object).length === 0 ? undefined : object;

interface Sampling {
  /** Members of `inferenceConfig`. */
  readonly config: JsonObject;
  /** Members of `additionalModelRequestFields`. */
  readonly fields: JsonObject;
}

function encodeSampling(
  request: ChatRequest,
  context: { readonly family: ModelFamily; readonly target: RequestTarget; readonly reasoning: JsonObject },
  leftOut: LeftOut,
): Sampling {
  if (context.family !== 'claude') return encodePlainSampling(request, context.family, leftOut);
  const limits = {
    takesSampling: traitsOf(context.target.model).takesSampling,
    thinks: ['enabled', 'adaptive'].includes(String(asObject(context.reasoning['thinking'])?.['type'])),
  };
  const { temperature, top_p, top_k } = encodeClaudeSampling(request, limits, leftOut);
  return { config: defined({ temperature, topP: top_p }), fields: defined({ top_k }) };
}

/** Both parameters run from 0 to 1. @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html */
function encodePlainSampling(request: ChatRequest, family: ModelFamily, leftOut: LeftOut): Sampling {
  const { temperature, topP, topK } = request;
  if (temperature !== undefined && temperature > 1) leftOut.refuse('temperature');
  if (topP !== undefined && topP > 1) leftOut.refuse('top_p');
  const isNova = family === 'nova' || family === 'nova-2';
  if (topK !== undefined && !isNova) leftOut.refuse('top_k');
  return {
    config: defined({ temperature: atMostOne(temperature), topP: atMostOne(topP) }),
    fields: topK !== undefined && isNova ? { inferenceConfig: { topK } } : {},
  };
}

const atMostOne = (value: number | undefined): number | undefined =>
  value !== undefined && value <= 1 ? value : undefined;

/** Empty sequences are refused; Claude's must hold more than white space. */
function encodeStop(
  stop: readonly string[] | undefined,
  family: ModelFamily,
  leftOut: LeftOut,
): readonly string[] | undefined {
  const usable = stop?.filter((sequence) => (family === 'claude' ? sequence.trim() : sequence) !== '');
  if (usable?.length !== stop?.length) leftOut.refuse('stop');
  return usable === undefined || usable.length === 0 ? undefined : usable;
}

/** A schema is sent as text. @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html */
function encodeFormat(format: ResponseFormat | undefined): JsonObject | undefined {
  if (format?.type !== 'json-schema') return undefined;
  const { name, description, schema } = format;
  const jsonSchema = defined({ name, description, schema: JSON.stringify(schema) });
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}

const TIERS: ReadonlySet<string> = new Set(['default', 'flex', 'priority', 'reserved']);

/**
 * OpenAI's `auto` asks for nothing; Anthropic's `standard_only` is the default.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html
 */
function encodeTier(tier: string | undefined, leftOut: LeftOut): JsonObject | undefined {
  if (tier === undefined || tier === 'auto') return undefined;
  if (tier === 'standard_only') return { type: 'default' };
  if (TIERS.has(tier)) return { type: tier };
  leftOut.refuse('service_tier');
  return undefined;
}
