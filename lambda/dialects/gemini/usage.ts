import type { JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import type { Usage } from '../../domain/money/usage.ts';
import { defined, isEmpty } from '../loose.ts';
import { costMembers } from '../openai-usage.ts';
import { countIn, objectsIn, textIn } from './wire.ts';

/**
 * Reads `usageMetadata`; `undefined` where it counts nothing. Google counts thoughts beside the candidates, and what tools
 * gave the model beside the prompt; our completion and prompt tokens hold them.
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#UsageMetadata
 */
export function decodeUsage(wire: JsonObject): Usage | undefined {
  const prompt = countIn(wire, 'promptTokenCount');
  const toolUse = countIn(wire, 'toolUsePromptTokenCount');
  const reported = defined({
    promptTokens: sumOf(prompt, toolUse),
    completionTokens: completionTokens(wire, prompt),
    cacheReadTokens: countIn(wire, 'cachedContentTokenCount'),
    reasoningTokens: countIn(wire, 'thoughtsTokenCount'),
    promptAudioTokens: promptAudioTokens(wire),
    completionAudioTokens: audioTokens(wire, 'candidatesTokensDetails'),
    serviceTier: textIn(wire, 'serviceTier') ?? TIERS_BY_TRAFFIC.get(textIn(wire, 'trafficType') ?? ''),
  });
  const { serviceTier: _tier, ...counts } = reported;
  return isEmpty(counts) ? undefined : reported;
}

/** Vertex AI's word for the service tier. */
const TIERS_BY_TRAFFIC: ReadonlyMap<string, string> = new Map([
  ['ON_DEMAND_PRIORITY', 'priority'],
  ['ON_DEMAND_FLEX', 'flex'],
]);

const sumOf = (first: number | undefined, second: number | undefined): number | undefined =>
  first === undefined && second === undefined ? undefined : (first ?? 0) + (second ?? 0);

/** A count of 0 is left out by protobuf's JSON: where nothing was counted, the total tells. */
function completionTokens(wire: JsonObject, prompt: number | undefined): number | undefined {
  const counted = sumOf(countIn(wire, 'candidatesTokenCount'), countIn(wire, 'thoughtsTokenCount'));
  const total = countIn(wire, 'totalTokenCount');
  if (counted !== undefined || total === undefined || prompt === undefined) return counted;
  return Math.max(0, total - prompt - (countIn(wire, 'toolUsePromptTokenCount') ?? 0));
}

/** Sound in the prompt that did not come from the cache: what did is billed as that. */
function promptAudioTokens(wire: JsonObject): number | undefined {
  const own = sumOf(
    audioTokens(wire, 'promptTokensDetails'),
    audioTokens(wire, 'toolUsePromptTokensDetails'),
  );
  return own === undefined ? undefined : Math.max(0, own - (audioTokens(wire, 'cacheTokensDetails') ?? 0));
}

const audioTokens = (wire: JsonObject, details: string): number | undefined => {
  const audio = objectsIn(wire, details).find((detail) => detail['modality'] === 'AUDIO');
  return audio === undefined ? undefined : countIn(audio, 'tokenCount');
};

/** The `usageMetadata` callers see, as JSON text: what is not known is left out. */
export function encodeUsage(usage: Usage, cost: Cost | undefined): string {
  const { promptTokens, completionTokens, reasoningTokens } = usage;
  const isCounted = promptTokens !== undefined && completionTokens !== undefined;
  const members = defined({
    promptTokenCount: promptTokens,
    candidatesTokenCount:
      completionTokens === undefined ? undefined : Math.max(0, completionTokens - (reasoningTokens ?? 0)),
    totalTokenCount: isCounted ? promptTokens + completionTokens : undefined,
    cachedContentTokenCount: usage.cacheReadTokens,
    thoughtsTokenCount: reasoningTokens,
    promptTokensDetails: audioDetails(usage.promptAudioTokens),
    candidatesTokensDetails: audioDetails(usage.completionAudioTokens),
    serviceTier: usage.serviceTier,
  });
  const known = Object.entries(members).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const all = cost === undefined ? known : [...known, ...costMembers(cost)];
  return `{${all.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

const audioDetails = (tokenCount: number | undefined): readonly JsonObject[] | undefined =>
  tokenCount === undefined ? undefined : [{ modality: 'AUDIO', tokenCount }];

/** The edits that put a cost into the `usageMetadata` of a chunk or an answer, where it has one. */
export function costEdits(body: JsonObject, cost: Cost | undefined): JsonEdit[] {
  if (cost === undefined) return [];
  const parent = ['usageMetadata', 'usage_metadata'].find((name) => isJsonObject(body[name]));
  if (parent === undefined) return [];
  return costMembers(cost).map(([name, text]) => ({ path: [parent, name], text }));
}
