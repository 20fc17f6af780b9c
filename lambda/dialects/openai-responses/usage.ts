import type { JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { countIn, defined, objectIn, textIn } from '../loose.ts';
import { costMembers } from '../openai-usage.ts';

/**
 * Reads what a response reports of its own cost; `undefined` where it reports nothing. Searches are counted in `tool_usage`,
 * by Sluice itself in `server_tool_use`.
 * @param response the whole response, whose `service_tier` is the one that was billed
 * @see https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage
 */
export function decodeUsage(response: JsonObject): Usage | undefined {
  const wire = objectIn(response, 'usage');
  const input = objectIn(wire, 'input_tokens_details');
  const output = objectIn(wire, 'output_tokens_details');
  const counts = defined({
    promptTokens: countIn(wire, 'input_tokens'),
    completionTokens: countIn(wire, 'output_tokens'),
    cacheReadTokens: countIn(input, 'cached_tokens'),
    cacheWriteTokens: countIn(input, 'cache_write_tokens'),
    reasoningTokens: countIn(output, 'reasoning_tokens'),
    promptAudioTokens: countIn(input, 'audio_tokens'),
    completionAudioTokens: countIn(output, 'audio_tokens'),
    webSearchRequests: searches(response, wire),
  });
  if (Object.keys(counts).length === 0) return undefined;
  // Every member was read as the type that Usage gives it.
  return defined({ serviceTier: textIn(response, 'service_tier'), ...counts }) as Usage;
}

function searches(response: JsonObject, usage: JsonObject): number | undefined {
  const told =
    countIn(objectIn(usage, 'server_tool_use'), 'web_search_requests') ??
    countIn(objectIn(objectIn(response, 'tool_usage'), 'web_search'), 'num_requests');
  return told === 0 ? undefined : told;
}

/** The `usage` object callers see, as JSON text. The SDK reads all counts, so what is not known of a part is left at 0. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): string {
  const { promptTokens = 0, completionTokens = 0, webSearchRequests } = usage;
  const text = JSON.stringify(
    defined({
      input_tokens: promptTokens,
      input_tokens_details: defined({
        cached_tokens: usage.cacheReadTokens ?? 0,
        cache_write_tokens: usage.cacheWriteTokens,
        audio_tokens: usage.promptAudioTokens,
      }),
      output_tokens: completionTokens,
      output_tokens_details: defined({
        reasoning_tokens: usage.reasoningTokens ?? 0,
        audio_tokens: usage.completionAudioTokens,
      }),
      total_tokens: promptTokens + completionTokens,
      server_tool_use:
        webSearchRequests === undefined ? undefined : { web_search_requests: webSearchRequests },
    }),
  );
  if (cost === undefined) return text;
  const costText = costMembers(cost).map(([name, value]) => `"${name}":${value}`);
  return `${text.slice(0, -1)},${costText.join(',')}}`;
}

/** The edits that put a cost into the `usage` object of a response, where it has one. */
export function costEdits(
  response: JsonObject,
  path: readonly string[],
  cost: Cost | undefined,
): readonly JsonEdit[] {
  if (cost === undefined || !isJsonObject(response['usage'])) return [];
  return costMembers(cost).map(([name, text]) => ({ path: [...path, 'usage', name], text }));
}
