import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { wholeArgumentsSchema } from '../arguments-schema.ts';
import { refuseAsked } from '../asked-features.ts';
import { hasCacheHints } from '../cache-hints.ts';
import { isCarried } from '../carried-proof.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { defined } from '../loose.ts';
import { encodeEffort, encodeServiceTier, isUnheededWish } from '../openai-options.ts';
import { encodeOpenaiSampling } from '../openai-sampling.ts';
import { isNameTaken } from '../openai-tools.ts';
import { LeftOut } from '../request-feature.ts';
import { encodeInput } from './encode-input.ts';
import { LOGPROBS_INCLUDED } from './request.ts';
import { DIALECT_ID, isOwnReasoningId } from './wire.ts';

/**
 * The caller's own body, for a provider of this dialect: the model, and the bound where the caller gave none; Sluice's own
 * options and other providers' reasoning taken out, every other byte as it was.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const { maxOutputTokens } = target;
  const edits: JsonEdit[] = [{ path: ['model'], text: JSON.stringify(target.model) }];
  if (request.maxOutputTokens === undefined && maxOutputTokens !== undefined)
    edits.push({ path: ['max_output_tokens'], text: String(maxOutputTokens) });
  edits.push(...foreignReasoningEdits(raw));
  edits.push(...OWN_FIELDS.map((name) => ({ path: [name], text: undefined })));
  return editJson(raw, edits);
}

/** OpenAI refuses reasoning that it did not close, and looks in vain for what it never kept. */
function foreignReasoningEdits(raw: string): readonly JsonEdit[] {
  if (!raw.includes('reasoning')) return [];
  const input = parseJsonObject(raw)?.['input'];
  if (!Array.isArray(input)) return [];
  const kept = input.filter((item: Json) => !isForeignReasoning(item));
  return kept.length === input.length ? [] : [{ path: ['input'], text: JSON.stringify(kept) }];
}

function isForeignReasoning(item: Json): boolean {
  if (!isJsonObject(item) || item['type'] !== 'reasoning') return false;
  const { id, encrypted_content: proof } = item;
  return (typeof proof === 'string' && isCarried(proof)) || (typeof id === 'string' && isOwnReasoningId(id));
}

/**
 * A request of another dialect. The provider is not to keep it, and gives its reasoning closed, so that it can come back.
 * `metadata` becomes Sluice's own tags and does not go on.
 */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  if (request.maxOutputTokens === 0)
    throw new GatewayError('unsupported_parameter', 'This model needs a "max_output_tokens" of 1 or more.', {
      param: 'max_output_tokens',
    });
  const leftOut = new LeftOut();
  const tools = (request.tools ?? [])
    .map((tool) => encodeTool(tool, leftOut))
    .filter((tool) => tool !== undefined);
  const effort = encodeEffort(request.reasoning);
  const format = encodeFormat(request.responseFormat);
  const text = defined({ format, verbosity: request.verbosity });
  const body = defined({
    model: target.model,
    input: encodeInput(request.messages, leftOut),
    stream: request.stream ? true : undefined,
    max_output_tokens: target.maxOutputTokens,
    ...(tools.length === 0 ? {} : encodeToolOptions(request, tools)),
    ...encodeOpenaiSampling(request, target.model, leftOut),
    top_logprobs: request.topLogprobs,
    text: Object.keys(text).length === 0 ? undefined : text,
    reasoning: encodeReasoning(effort, request.reasoning?.display),
    include: encodeInclude(request, effort),
    service_tier: encodeServiceTier(request.serviceTier, leftOut),
    user: request.endUser,
    store: false,
  });
  refuseAsked(
    request,
    ['frequency_penalty', 'logit_bias', 'n', 'presence_penalty', 'seed', 'stop', 'top_k'],
    leftOut,
  );
  if (hasCacheHints(request)) leftOut.omit('cache_hints');
  if (isUnheededWish(request)) leftOut.omit('reasoning');
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

/** What the model thinks is shown as a summary, unless the caller wants none. */
function encodeReasoning(effort: string | undefined, display: string | undefined): JsonObject | undefined {
  if (effort === undefined) return undefined;
  const isShown = effort !== 'none' && display !== 'omitted';
  return { effort, ...(isShown && { summary: 'auto' }) };
}

/** @see https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items */
function encodeInclude({ logprobs }: ChatRequest, effort: string | undefined): readonly string[] | undefined {
  const names = [
    ...(logprobs === true ? [LOGPROBS_INCLUDED] : []),
    ...(effort === undefined || effort === 'none' ? [] : ['reasoning.encrypted_content']),
  ];
  return names.length === 0 ? undefined : names;
}

function encodeTool(tool: Tool, leftOut: LeftOut): JsonObject | undefined {
  switch (tool.type) {
    case 'function': {
      const { name, description, strict } = tool;
      const parameters = isNameTaken(name, leftOut) ? wholeArgumentsSchema(tool, leftOut) : undefined;
      if (parameters === undefined) return undefined;
      // Left out, it would be true here: a schema that is not strict would be refused.
      return defined({ type: 'function', name, description, parameters, strict: strict ?? false });
    }
    case 'custom': {
      const { name, description, format } = tool;
      if (!isNameTaken(name, leftOut)) return undefined;
      return defined({ type: 'custom', name, description, format });
    }
    case 'hosted':
      if (tool.dialect === DIALECT_ID) return tool.definition;
      leftOut.refuse('hosted_tools', tool.name);
      return undefined;
  }
}

/** Without tools these options are errors. */
function encodeToolOptions(request: ChatRequest, tools: readonly JsonObject[]): JsonObject {
  return {
    tools,
    tool_choice: encodeToolChoice(request.toolChoice, tools),
    parallel_tool_calls: request.parallelToolCalls,
  };
}

function encodeToolChoice(choice: ToolChoice | undefined, tools: readonly JsonObject[]): Json | undefined {
  if (choice?.type !== 'tool') return choice?.type;
  const { name } = choice;
  const isCustom = tools.some((tool) => tool['type'] === 'custom' && tool['name'] === name);
  return { type: isCustom ? 'custom' : 'function', name };
}

function encodeFormat(format: ResponseFormat | undefined): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json-schema': {
      const { name, description, schema, strict } = format;
      return defined({ type: 'json_schema', name, description, schema, strict });
    }
  }
}
