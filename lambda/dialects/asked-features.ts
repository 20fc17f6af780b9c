import type { ChatRequest } from '../domain/chat/request.ts';
import type { LeftOut, RequestFeature } from './request-feature.ts';

/** Parameters of the whole request, and whether it asks for them: a value that changes nothing does not. */
const ASKS_FOR: Readonly<Partial<Record<RequestFeature, (request: ChatRequest) => boolean>>> = {
  frequency_penalty: ({ frequencyPenalty = 0 }) => frequencyPenalty !== 0,
  json_mode: ({ responseFormat }) => responseFormat?.type === 'json',
  json_schema: ({ responseFormat }) => responseFormat?.type === 'json-schema',
  logit_bias: ({ logitBias = {} }) => Object.keys(logitBias).length > 0,
  logprobs: ({ logprobs }) => logprobs === true,
  n: ({ choices = 1 }) => choices > 1,
  parallel_tool_calls: ({ parallelToolCalls }) => parallelToolCalls === false,
  presence_penalty: ({ presencePenalty = 0 }) => presencePenalty !== 0,
  reasoning: ({ reasoning }) => reasoning !== undefined,
  seed: ({ seed }) => seed !== undefined,
  service_tier: ({ serviceTier }) => serviceTier !== undefined,
  stop: ({ stop = [] }) => stop.length > 0,
  temperature: ({ temperature }) => temperature !== undefined,
  top_k: ({ topK }) => topK !== undefined,
  top_logprobs: ({ topLogprobs = 0 }) => topLogprobs > 0,
  top_p: ({ topP }) => topP !== undefined,
  verbosity: ({ verbosity }) => verbosity !== undefined,
};

/** Refuses those of these features that the request asks for. */
export function refuseAsked(
  request: ChatRequest,
  features: readonly (keyof typeof ASKS_FOR & RequestFeature)[],
  leftOut: LeftOut,
): void {
  for (const feature of features) if (ASKS_FOR[feature]?.(request) === true) leftOut.refuse(feature);
}
