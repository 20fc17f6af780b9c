import type { ChatRequest, Message, ReasoningOptions } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { Given } from '../given.ts';
import { decodeMetadata, decodeModel, definedOptions } from '../given-options.ts';
import { defined } from '../loose.ts';
import { decodeInput } from './decode-input.ts';
import { decodeResponseFormat, decodeToolChoice, decodeTools } from './decode-tools.ts';
import type { ToolNames } from './tool-names.ts';
import { isOwnReasoningId } from './wire.ts';

/** Fields read below. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'input', 'instructions', 'stream', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ...['max_output_tokens', 'temperature', 'top_p', 'top_logprobs', 'text', 'reasoning', 'service_tier'],
  ...['user', 'metadata', 'include'],
]);

/**
 * What only this dialect has.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
const NATIVE_FIELDS: ReadonlySet<string> = new Set([
  ...['access_programs', 'background', 'client_metadata', 'context_management', 'conversation', 'image'],
  ...['max_tool_calls', 'moderation', 'previous_response_id', 'prompt', 'prompt_cache_key'],
  ...['prompt_cache_options', 'prompt_cache_retention', 'safety_identifier', 'store', 'stream_options'],
  ...['truncation'],
]);

/** State that a provider keeps and continues, so that a request may have no input of its own. */
export const KEPT_INPUT = ['previous_response_id', 'conversation', 'prompt'] as const;

/** What `include` says where log probabilities are wanted. */
export const LOGPROBS_INCLUDED = 'message.output_text.logprobs';

/** @throws GatewayError `invalid_request` */
export function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const { tools, toolNames } = decodeTools(given.member('tools'));
  const messages = decodeMessages(given, toolNames);
  const toolChoice = decodeToolChoice(given.member('tool_choice'), toolNames);
  const options = definedOptions({
    tools,
    namespacedTools: toolNames.tools,
    toolChoice,
    parallelToolCalls: given.member('parallel_tool_calls').optionalBoolean(),
    ...decodeOutputOptions(given),
    serviceTier: given.member('service_tier').optionalString(),
    endUser: given.member('user').optionalString(),
    metadata: decodeMetadata(given.member('metadata')),
  });
  return {
    ...options,
    model: decodeModel(given),
    messages,
    stream: given.member('stream').optionalBoolean() ?? false,
    includeUsage: true,
    nativeOptions: decodeNativeOptions(body, given, options),
    ...(hasKeptReasoning(given.member('input')) && { keptContent: ['reasoning that the provider keeps'] }),
    unknownFields: Object.keys(body).filter(
      (name) => !READ_FIELDS.has(name) && !NATIVE_FIELDS.has(name) && !OWN_FIELDS.includes(name),
    ),
  };
}

/** Reasoning that is named and not given: the provider looks it up. */
const hasKeptReasoning = (input: Given): boolean =>
  Array.isArray(input.value) &&
  input.list().some((item) => {
    const id = item.member('id').value;
    const isNamed = typeof id === 'string' && id !== '' && !isOwnReasoningId(id);
    return item.member('type').value === 'reasoning' && isNamed && item.member('encrypted_content').isMissing;
  });

/** Instructions stand before all else, for this request only. */
function decodeMessages(given: Given, toolNames: ToolNames): readonly Message[] {
  const instructions = given.member('instructions').optionalString() ?? '';
  const system: readonly Message[] =
    instructions === '' ? [] : [{ role: 'system', content: [{ type: 'text', text: instructions }] }];
  const input = given.member('input');
  const isKept = KEPT_INPUT.some((name) => !given.member(name).isMissing);
  if (isKept && input.isMissing) return system;
  const messages = decodeInput(input, toolNames);
  if (messages.length === 0 && !isKept) return input.refuse('text, or at least one item');
  return [...system, ...messages];
}

function decodeOutputOptions(given: Given): Parameters<typeof definedOptions>[0] {
  const text = given.member('text');
  text.optionalObject();
  return {
    maxOutputTokens: given.member('max_output_tokens').optionalInteger(1),
    temperature: given.member('temperature').optionalNumber(),
    topP: given.member('top_p').optionalNumber(),
    topLogprobs: given.member('top_logprobs').optionalInteger(0),
    logprobs: decodeInclude(given).includes(LOGPROBS_INCLUDED) ? true : undefined,
    responseFormat: decodeResponseFormat(text.member('format')),
    verbosity: text.member('verbosity').optionalString(),
    reasoning: decodeReasoningOptions(given.member('reasoning')),
  };
}

const decodeInclude = (given: Given): readonly string[] =>
  (given.member('include').optionalList() ?? []).map((name) => name.string());

function decodeReasoningOptions(reasoning: Given): ReasoningOptions | undefined {
  reasoning.optionalObject();
  const effort = reasoning.member('effort').optionalString();
  return effort === undefined ? undefined : { effort, enabled: effort !== 'none' };
}

/** Fields of this dialect only, and the parts of common ones that no other dialect could say. */
function decodeNativeOptions(body: JsonObject, given: Given, options: Partial<ChatRequest>): JsonObject {
  const names = Object.keys(body).filter((name) => NATIVE_FIELDS.has(name));
  if (options.toolChoice === undefined) names.push('tool_choice');
  const include = decodeInclude(given).filter((name) => name !== LOGPROBS_INCLUDED);
  const format = given.member('text').member('format');
  return defined({
    ...Object.fromEntries(names.map((name) => [name, given.member(name).json()])),
    include: include.length === 0 ? undefined : include,
    'text.format': options.responseFormat === undefined ? format.json() : undefined,
    ...without(given.member('text'), ['format', 'verbosity']),
    ...without(given.member('reasoning'), ['effort']),
  });
}

/** An object's members but for those that are read, each by its path. */
function without(holder: Given, read: readonly string[]): Readonly<Record<string, Json | undefined>> {
  const names = Object.keys(holder.optionalObject() ?? {}).filter((name) => !read.includes(name));
  return Object.fromEntries(names.map((name) => [`${holder.path}.${name}`, holder.member(name).json()]));
}
