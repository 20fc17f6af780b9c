import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { wholeArgumentsSchema } from '../arguments-schema.ts';
import { refuseAsked } from '../asked-features.ts';
import { hasCacheHints } from '../cache-hints.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { defined } from '../loose.ts';
import { encodeEffort, encodeServiceTier, isUnheededWish } from '../openai-options.ts';
import { encodeOpenaiSampling } from '../openai-sampling.ts';
import { isNameTaken, MAX_TOOL_NAME } from '../openai-tools.ts';
import { LeftOut } from '../request-feature.ts';
import { isSafeName } from '../safe-name.ts';
import { encodeMessages } from './encode-messages.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * The caller's own body, for a provider of this dialect: model, bound and the wish for usage set, Sluice's own options
 * taken out, every other byte as it was.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const edits: JsonEdit[] = [{ path: ['model'], text: JSON.stringify(target.model) }];
  edits.push(...boundEdits(request, target));
  if (request.stream) edits.push(includeUsageEdit(raw));
  edits.push(...OWN_FIELDS.map((name) => ({ path: [name], text: undefined })));
  return editJson(raw, edits);
}

const BOUND_FIELDS = ['max_completion_tokens', 'max_tokens'] as const;

/**
 * The bound money was reserved for, where the caller gave none; the caller's own in the spelling that the provider is
 * known to obey, where it obeys only one.
 */
function boundEdits(request: ChatRequest, target: RequestTarget): readonly JsonEdit[] {
  const { maxOutputTokens, maxOutputTokensField: field } = target;
  const isOwn = request.maxOutputTokens !== undefined;
  if (maxOutputTokens === undefined || (isOwn && field === undefined)) return [];
  const others = isOwn ? BOUND_FIELDS.filter((name) => name !== field) : [];
  return [
    { path: [boundField(target)], text: String(maxOutputTokens) },
    ...others.map((name) => ({ path: [name], text: undefined })),
  ];
}

/** Other stream options stay; the body is parsed again only where there seem to be some. */
export function includeUsageEdit(raw: string): JsonEdit {
  const hasOptions =
    raw.includes('"stream_options"') && isJsonObject(parseJsonObject(raw)?.['stream_options']);
  return hasOptions
    ? { path: ['stream_options', 'include_usage'], text: 'true' }
    : { path: ['stream_options'], text: '{"include_usage":true}' };
}

const boundField = (target: RequestTarget): string => target.maxOutputTokensField ?? BOUND_FIELDS[0];

/**
 * A request of another dialect. `metadata` becomes Sluice's own tags and does not go on (OpenAI takes it only for stored
 * completions); cache hints are hints and may be left out.
 */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  // Some servers take 0 for no limit at all, so it can neither be said nor left out.
  if (request.maxOutputTokens === 0)
    throw new GatewayError('unsupported_parameter', 'This model needs a "max_tokens" of 1 or more.', {
      param: 'max_tokens',
    });
  const leftOut = new LeftOut();
  const tools = (request.tools ?? [])
    .map((tool) => encodeTool(tool, leftOut))
    .filter((tool) => tool !== undefined);
  const body = defined({
    model: target.model,
    messages: encodeMessages(request.messages, target, leftOut),
    ...(request.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    [boundField(target)]: target.maxOutputTokens,
    ...(tools.length === 0 ? {} : encodeToolOptions(request, tools, leftOut)),
    ...encodeOpenaiSampling(request, target.model, leftOut),
    ...encodeSampling(request),
    response_format: encodeResponseFormat(request.responseFormat),
    reasoning_effort: encodeEffort(request.reasoning),
    verbosity: request.verbosity,
    service_tier: encodeServiceTier(request.serviceTier, leftOut),
    user: encodeUser(request.endUser, leftOut),
  });
  refuseAsked(request, ['top_k'], leftOut);
  if (isUnheededWish(request)) leftOut.omit('reasoning');
  if (request.reasoning?.display !== undefined) leftOut.omit('reasoning_display');
  if (hasCacheHints(request)) leftOut.omit('cache_hints');
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

function encodeTool(tool: Tool, leftOut: LeftOut): JsonObject | undefined {
  switch (tool.type) {
    case 'function':
      return isNameTaken(tool.name, leftOut) ? encodeFunction(tool, leftOut) : undefined;
    case 'custom': {
      const { name, description, format } = tool;
      if (!isNameTaken(name, leftOut)) return undefined;
      return { type: 'custom', custom: defined({ name, description, format }) };
    }
    case 'hosted':
      if (tool.dialect === DIALECT_ID) return tool.definition;
      leftOut.refuse('hosted_tools', tool.name);
      return undefined;
  }
}

/** OpenAI takes no schema at all, or one of an object with its properties. */
function encodeFunction(
  tool: Extract<Tool, { readonly type: 'function' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  const { name, description, strict } = tool;
  const schema = wholeArgumentsSchema(tool, leftOut);
  if (schema === undefined) return undefined;
  const parameters = tool.parameters && schema;
  return { type: 'function', function: defined({ name, description, parameters, strict }) };
}

/** Without tools these options are errors. */
function encodeToolOptions(request: ChatRequest, tools: readonly JsonObject[], leftOut: LeftOut): JsonObject {
  const { toolChoice } = request;
  const isTaken = toolChoice?.type !== 'tool' || isSafeName(toolChoice.name, MAX_TOOL_NAME);
  if (!isTaken) leftOut.refuse('tool_choice', toolChoice.name);
  return {
    tools,
    tool_choice: isTaken ? encodeToolChoice(toolChoice, request.tools ?? []) : undefined,
    parallel_tool_calls: request.parallelToolCalls,
  };
}

function encodeToolChoice(
  choice: ToolChoice | undefined,
  tools: readonly Tool[],
): string | JsonObject | undefined {
  if (choice?.type !== 'tool') return choice?.type;
  const { name } = choice;
  const isCustom = tools.some((tool) => tool.type === 'custom' && tool.name === name);
  return isCustom ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } };
}

function encodeSampling(request: ChatRequest): JsonObject {
  return {
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    stop: request.stop,
    seed: request.seed,
    n: request.choices,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    logit_bias: request.logitBias,
  };
}

function encodeResponseFormat(format: ResponseFormat | undefined): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json-schema': {
      const { name, description, schema, strict } = format;
      return { type: 'json_schema', json_schema: defined({ name, description, schema, strict }) };
    }
  }
}

/** OpenAI refuses longer names of users, such as the JSON that Claude Code sends. */
const MAX_USER = 64;

function encodeUser(endUser: string | undefined, leftOut: LeftOut): string | undefined {
  if (endUser === undefined || endUser.length <= MAX_USER) return endUser;
  leftOut.omit('user');
  return undefined;
}
