import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { present } from '../loose.ts';
import { encodeCost } from '../usage-cost.ts';

/**
 * Anthropic's counts, as far as they were reported. Its `input_tokens` leave out what was read from and written to the
 * prompt cache; our prompt tokens hold both. What a compaction on the server took is billed too, but counted only among
 * the iterations.
 * @param reported all reports of one message, laid over each other: each is cumulative, but not each repeats every count
 * @see https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
 * @see https://docs.anthropic.com/en/docs/build-with-claude/compaction
 */
export function decodeUsage(reported: JsonObject): Usage {
  const input = billed(reported, 'input_tokens');
  const cacheRead = billed(reported, 'cache_read_input_tokens');
  const cacheWrite = billed(reported, 'cache_creation_input_tokens');
  const tier = reported['speed'] === 'fast' ? 'fast' : reported['service_tier'];
  return present({
    promptTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    completionTokens: billed(reported, 'output_tokens'),
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    cacheWriteOneHourTokens: count(member(reported['cache_creation'], 'ephemeral_1h_input_tokens')),
    reasoningTokens: count(member(reported['output_tokens_details'], 'thinking_tokens')),
    webSearchRequests: count(member(reported['server_tool_use'], 'web_search_requests')),
    serviceTier: typeof tier === 'string' ? tier : undefined,
    region: REGIONS.find((region) => region === reported['inference_geo']),
  });
}

/**
 * Where an answer made there costs more; everywhere else is `global`, or not said.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/data-residency
 */
const REGIONS = ['us'] as const;

function billed(reported: JsonObject, name: string): number | undefined {
  const answer = count(reported[name]);
  if (answer === undefined || !Array.isArray(reported['iterations'])) return answer;
  return reported['iterations']
    .filter((iteration: Json) => member(iteration, 'type') === 'compaction')
    .reduce((sum: number, iteration: Json) => sum + (count(member(iteration, name)) ?? 0), answer);
}

const count = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const member = (value: Json | undefined, name: string): Json | undefined =>
  isJsonObject(value) ? value[name] : undefined;

/** A later report over an earlier one: what it leaves out or gives as null stays. */
export function overlayUsage(earlier: JsonObject, later: JsonObject): JsonObject {
  return { ...earlier, ...present(later) };
}

/** Usage as Anthropic reports it; `output_tokens` is always there, as its SDKs insist on it. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): JsonObject {
  const cached = (usage.cacheReadTokens ?? 0) + (usage.cacheWriteTokens ?? 0);
  const uncached = usage.promptTokens === undefined ? undefined : Math.max(0, usage.promptTokens - cached);
  const { reasoningTokens, webSearchRequests } = usage;
  return {
    ...present({
      input_tokens: uncached,
      cache_creation_input_tokens: usage.cacheWriteTokens,
      cache_read_input_tokens: usage.cacheReadTokens,
    }),
    ...cacheCreation(usage),
    output_tokens: usage.completionTokens ?? 0,
    ...(usage.region === undefined ? {} : { inference_geo: usage.region }),
    ...(reasoningTokens === undefined ? {} : { output_tokens_details: { thinking_tokens: reasoningTokens } }),
    ...(webSearchRequests === undefined
      ? {}
      : { server_tool_use: { web_search_requests: webSearchRequests } }),
    ...(cost === undefined ? {} : encodeCost(cost)),
  };
}

/** Cache writes by how long they are kept, where that is known. */
function cacheCreation(usage: Usage): JsonObject {
  const oneHour = usage.cacheWriteOneHourTokens;
  if (oneHour === undefined) return {};
  const fiveMinutes = Math.max(0, (usage.cacheWriteTokens ?? 0) - oneHour);
  return {
    cache_creation: { ephemeral_5m_input_tokens: fiveMinutes, ephemeral_1h_input_tokens: oneHour },
  };
}
