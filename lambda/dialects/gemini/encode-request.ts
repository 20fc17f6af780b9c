import type { ChatRequest } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { refuseAsked } from '../asked-features.ts';
import { hasCacheHints } from '../cache-hints.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { defined, isEmpty } from '../loose.ts';
import { LeftOut } from '../request-feature.ts';
import { PartEncoder } from './encode-parts.ts';
import { encodeFormat, encodeToolConfig, encodeTools } from './encode-tools.ts';
import { acceptableContents } from './moved-contents.ts';
import { GATEWAY_FIELDS } from './request.ts';
import { encodeThinking, traitsOf } from './thinking.ts';

/** Google takes no more. @see https://ai.google.dev/api/generate-content#generationconfig */
const MOST_STOP_SEQUENCES = 5;
const MOST_CANDIDATES = 8;

/** What has no word here. */
const WITHOUT_EQUIVALENT = ['logit_bias', 'parallel_tool_calls', 'verbosity'] as const;

/**
 * A request of another dialect. The model and whether the answer is streamed are said by the address, which is the
 * provider's to make. `metadata` becomes Sluice's own tags and does not go on.
 */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  // 0 is the same as nothing here, so it can neither be said nor left out.
  if (request.maxOutputTokens === 0)
    throw new GatewayError('unsupported_parameter', 'This model needs a "max_tokens" of 1 or more.', {
      param: 'max_tokens',
    });
  const leftOut = new LeftOut();
  const traits = traitsOf(target.model);
  const tools = encodeTools(request.tools ?? [], leftOut);
  const generationConfig = defined({
    maxOutputTokens: target.maxOutputTokens,
    ...encodeSampling(request, leftOut),
    ...encodeFormat(request.responseFormat, tools.length === 0 || traits.isThirdGeneration, leftOut),
    thinkingConfig: encodeThinking(request.reasoning, target.model, leftOut),
  });
  refuseAsked(request, WITHOUT_EQUIVALENT, leftOut);
  if (hasCacheHints(request)) leftOut.omit('cache_hints');
  if (request.endUser !== undefined) leftOut.omit('user');
  const body = defined({
    ...encodeConversation(request, leftOut, traits.isThirdGeneration),
    ...(tools.length > 0 && { tools, toolConfig: encodeToolConfig(request) }),
    generationConfig: isEmpty(generationConfig) ? undefined : generationConfig,
    serviceTier: encodeTier(request.serviceTier, leftOut),
  });
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

/** Google asks for at least one turn: where there are but instructions, they are what the user says. */
function encodeConversation(
  { messages }: ChatRequest,
  leftOut: LeftOut,
  isThirdGeneration: boolean,
): JsonObject {
  const encoder = new PartEncoder({ leftOut, isThirdGeneration });
  const system = encoder.system(messages);
  const contents = encoder.contents(messages);
  if (contents.length === 0) return { contents: [{ role: 'user', parts: system }] };
  return { ...(system.length > 0 && { systemInstruction: { parts: system } }), contents };
}

function encodeSampling(request: ChatRequest, leftOut: LeftOut): JsonObject {
  const { stop = [], logprobs, topLogprobs } = request;
  if (stop.length > MOST_STOP_SEQUENCES) leftOut.refuse('stop');
  const { choices, seed } = request;
  const hasChoices = choices === undefined || choices <= MOST_CANDIDATES;
  if (!hasChoices) leftOut.refuse('n');
  const hasSeed = seed === undefined || Math.trunc(seed) === (seed | 0);
  if (!hasSeed) leftOut.refuse('seed');
  return {
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    candidateCount: hasChoices ? choices : undefined,
    stopSequences: stop.length === 0 ? undefined : stop.slice(0, MOST_STOP_SEQUENCES),
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    seed: hasSeed ? seed : undefined,
    responseLogprobs: logprobs,
    logprobs: topLogprobs,
  };
}

/** @see https://ai.google.dev/gemini-api/docs/priority-inference */
const TIERS: ReadonlySet<string> = new Set(['standard', 'flex', 'priority']);

/** Other formats' words for the usual tier. */
const USUAL_TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'standard_only', 'unspecified']);

function encodeTier(tier: string | undefined, leftOut: LeftOut): string | undefined {
  if (tier === undefined || USUAL_TIERS.has(tier)) return undefined;
  if (TIERS.has(tier)) return tier;
  leftOut.refuse('service_tier');
  return undefined;
}

/**
 * The caller's own body for a provider of this dialect: the bound money was reserved for is set where the caller gave
 * none, Sluice's own options and other providers' proofs are taken out, every other byte is as it was.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const body = parseJsonObject(raw) ?? {};
  // The address names the model: in the body stands what the caller calls it, or another one.
  const edits: JsonEdit[] = Object.keys(body)
    .filter((name) => GATEWAY_FIELDS.has(name) || name === 'model')
    .map((name) => ({ path: [name], text: undefined }));
  const { maxOutputTokens } = target;
  if (request.maxOutputTokens === undefined && maxOutputTokens !== undefined)
    edits.push(boundEdit(body, maxOutputTokens));
  const contents = acceptableContents(raw, body, target.model);
  if (contents !== undefined) edits.push({ path: ['contents'], text: JSON.stringify(contents) });
  return editJson(raw, edits);
}

function boundEdit(body: JsonObject, bound: number): JsonEdit {
  const parent = ['generationConfig', 'generation_config'].find((name) => isJsonObject(body[name]));
  if (parent === undefined) return { path: ['generationConfig'], text: `{"maxOutputTokens":${bound}}` };
  return { path: [parent, 'maxOutputTokens'], text: String(bound) };
}
