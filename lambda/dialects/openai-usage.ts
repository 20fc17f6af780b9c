import type { JsonEdit } from '../domain/edit-json.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Cost } from '../domain/money/cost.ts';
import type { Usage } from '../domain/money/usage.ts';
import { asObject, countIn, defined, objectIn, textIn } from './loose.ts';
import { costMembers as membersOf } from './usage-cost.ts';

/**
 * Reads a `usage` object; `undefined` where it reports nothing.
 *
 * Spellings beside OpenAI's: DeepSeek's `prompt_cache_hit_tokens`, Moonshot's and Together's `cached_tokens`, Databricks'
 * `cache_read_input_tokens`, OpenRouter's `cache_write_tokens` and `server_tool_use`, Perplexity's `search_context_size`.
 * @see https://openrouter.ai/docs/use-cases/usage-accounting
 * @see https://api-docs.deepseek.com/guides/kv_cache
 * @see https://docs.perplexity.ai/getting-started/pricing
 */
export function decodeUsage(wire: JsonObject): Usage | undefined {
  const promptDetails = objectIn(wire, 'prompt_tokens_details');
  const completionDetails = objectIn(wire, 'completion_tokens_details');
  const promptTokens = countIn(wire, 'prompt_tokens');
  const reasoningTokens = countIn(completionDetails, 'reasoning_tokens') ?? countIn(wire, 'reasoning_tokens');
  const reported = defined({
    promptTokens,
    completionTokens: completionTokens(wire, promptTokens ?? 0, reasoningTokens ?? 0),
    cacheReadTokens: cacheReadTokens(wire, promptDetails),
    cacheWriteTokens:
      countIn(promptDetails, 'cache_write_tokens') ?? countIn(wire, 'cache_creation_input_tokens'),
    reasoningTokens,
    promptAudioTokens: countIn(promptDetails, 'audio_tokens'),
    completionAudioTokens: countIn(completionDetails, 'audio_tokens'),
    serviceTier: textIn(wire, 'service_tier'),
    webSearchRequests: countIn(objectIn(wire, 'server_tool_use'), 'web_search_requests'),
    searchContextSize: SEARCH_SIZES.find((size) => size === wire['search_context_size']),
  });
  // Every member was read as the type that Usage gives it.
  return Object.keys(reported).length === 0 ? undefined : (reported as Usage);
}

const SEARCH_SIZES = ['low', 'medium', 'high'] as const;

function cacheReadTokens(wire: JsonObject, promptDetails: JsonObject): number | undefined {
  return (
    countIn(promptDetails, 'cached_tokens') ??
    countIn(wire, 'prompt_cache_hit_tokens') ??
    countIn(wire, 'cached_tokens') ??
    countIn(wire, 'cache_read_input_tokens')
  );
}

/**
 * xAI, and gateways before Gemini, count reasoning beside `completion_tokens` and not in it. It shows in the total, or in
 * a part that is larger than its whole.
 * @see https://docs.x.ai/docs/guides/reasoning
 */
function completionTokens(wire: JsonObject, prompt: number, reasoning: number): number | undefined {
  const completion = countIn(wire, 'completion_tokens');
  if (completion === undefined) return undefined;
  const isApart = reasoning > completion || countIn(wire, 'total_tokens') === prompt + completion + reasoning;
  return isApart ? completion + reasoning : completion;
}

/** The `usage` object callers see, as JSON text: what is not known is left out. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): string {
  const { promptTokens, completionTokens, webSearchRequests } = usage;
  const total =
    promptTokens === undefined || completionTokens === undefined
      ? undefined
      : promptTokens + completionTokens;
  const wire = defined({
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: total,
    prompt_tokens_details: details({
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      audio_tokens: usage.promptAudioTokens,
    }),
    completion_tokens_details: details({
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: usage.completionAudioTokens,
    }),
    server_tool_use: details({ web_search_requests: webSearchRequests }),
    search_context_size: usage.searchContextSize,
  });
  const text = JSON.stringify(wire);
  if (cost === undefined) return text;
  const costText = costMembers(cost)
    .map(([name, value]) => `"${name}":${value}`)
    .join(',');
  return text === '{}' ? `{${costText}}` : `${text.slice(0, -1)},${costText}}`;
}

function details(members: JsonObject): JsonObject | undefined {
  const known = defined(members);
  return Object.keys(known).length === 0 ? undefined : known;
}

/** The edits that put a cost into the `usage` object of a chunk or an answer, where it has one. */
export function costEdits(body: JsonObject, cost: Cost | undefined): JsonEdit[] {
  if (cost === undefined || asObject(body['usage']) === undefined) return [];
  return costMembers(cost).map(([name, text]) => ({ path: ['usage', name], text }));
}

/** What an answer cost, as members of its usage. */
export const costMembers = (cost: Cost): readonly (readonly [string, string])[] =>
  membersOf(cost, '"upstream_inference_cost":null,');
