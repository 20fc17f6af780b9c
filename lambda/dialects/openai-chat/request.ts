import type { ChatRequest, ReasoningOptions } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { Given } from '../given.ts';
import { decodeMetadata, decodeModel, definedOptions } from '../given-options.ts';
import { countIn, defined, objectIn } from '../loose.ts';
import { decodeMessages } from './decode-messages.ts';
import { decodeResponseFormat, decodeTool, decodeToolChoice } from './decode-tools.ts';
import { unknownMembers } from './unknown-members.ts';

/** The most choices OpenAI gives. @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-n */
const MAX_CHOICES = 128;

/** Fields read below. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'frequency_penalty'],
  ...['presence_penalty', 'stop', 'seed', 'n', 'logprobs', 'top_logprobs', 'logit_bias', 'response_format'],
  ...['reasoning_effort', 'reasoning', 'thinking', 'verbosity', 'service_tier', 'user', 'metadata'],
]);

/**
 * What only this dialect has: OpenAI's own, then OpenRouter's and others' additions to it.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 * @see https://openrouter.ai/docs/api-reference/parameters
 */
const NATIVE_FIELDS: ReadonlySet<string> = new Set([
  ...['store', 'prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options', 'modalities', 'audio'],
  ...['prediction', 'web_search_options', 'functions', 'function_call', 'safety_identifier', 'moderation'],
  ...['min_p', 'top_a', 'repetition_penalty', 'plugins', 'route', 'transforms', 'trace', 'image_config'],
  ...['debug', 'stop_server_tools_when', 'cache_control', 'best_of', 'cached_content', 'enable_search'],
  ...['extra_body', 'max_new_tokens', 'num_predict', 'search_parameters', 'thinking_budget'],
]);

/** @throws GatewayError `invalid_request` */
export function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const options = {
    ...decodeToolOptions(given),
    ...decodeSampling(given),
    ...decodeOutputOptions(given),
    ...decodeCallerOptions(given),
  };
  return {
    ...options,
    model: decodeModel(given),
    messages: decodeMessages(given.member('messages')),
    stream: given.member('stream').optionalBoolean() ?? false,
    includeUsage: decodeIncludeUsage(given),
    nativeOptions: decodeNativeOptions(body, given, options),
    unknownFields: [
      ...Object.keys(body).filter(
        (name) => !READ_FIELDS.has(name) && !NATIVE_FIELDS.has(name) && !OWN_FIELDS.includes(name),
      ),
      ...unknownMembers(body),
    ],
  };
}

/** Whether usage is wanted in a stream: OpenAI’s way, or OpenRouter’s. */
export function decodeIncludeUsage(given: Given): boolean {
  const streamOptions = given.member('stream_options');
  streamOptions.optionalObject();
  const usage = given.member('usage');
  usage.optionalObject();
  const asked = streamOptions.member('include_usage').optionalBoolean() ?? false;
  return (usage.member('include').optionalBoolean() ?? false) || asked;
}

function decodeToolOptions(given: Given): Partial<ChatRequest> {
  return definedOptions({
    tools: given.member('tools').optionalList()?.map(decodeTool),
    toolChoice: decodeToolChoice(given.member('tool_choice')),
    parallelToolCalls: given.member('parallel_tool_calls').optionalBoolean(),
  });
}

function decodeSampling(given: Given): Partial<ChatRequest> {
  return definedOptions({
    temperature: given.member('temperature').optionalNumber(),
    topP: given.member('top_p').optionalNumber(),
    topK: given.member('top_k').optionalNumber(),
    frequencyPenalty: given.member('frequency_penalty').optionalNumber(),
    presencePenalty: given.member('presence_penalty').optionalNumber(),
    seed: given.member('seed').optionalNumber(),
    choices: given.member('n').optionalInteger(1, MAX_CHOICES),
    logitBias: given.member('logit_bias').optionalJsonObject(),
  });
}

function decodeOutputOptions(given: Given): Partial<ChatRequest> {
  return definedOptions({
    maxOutputTokens: decodeMaxOutputTokens(given),
    stop: decodeStop(given.member('stop')),
    logprobs: given.member('logprobs').optionalBoolean(),
    topLogprobs: given.member('top_logprobs').optionalInteger(0),
    responseFormat: decodeResponseFormat(given.member('response_format')),
    reasoning: decodeReasoningOptions(given),
    verbosity: given.member('verbosity').optionalString(),
  });
}

function decodeCallerOptions(given: Given): Partial<ChatRequest> {
  return definedOptions({
    serviceTier: given.member('service_tier').optionalString(),
    endUser: given.member('user').optionalString(),
    metadata: decodeMetadata(given.member('metadata')),
  });
}

/** The larger one where both are given: money is reserved for whichever the provider honours. */
function decodeMaxOutputTokens(given: Given): number | undefined {
  const limits = [given.member('max_completion_tokens'), given.member('max_tokens')].flatMap(
    (limit) => limit.optionalInteger(1) ?? [],
  );
  return limits.length === 0 ? undefined : Math.max(...limits);
}

/** One stop sequence or several. */
export function decodeStop(stop: Given): readonly string[] | undefined {
  if (stop.isMissing) return undefined;
  if (typeof stop.value === 'string') return [stop.value];
  if (!Array.isArray(stop.value)) return stop.refuse('a string or an array of strings');
  return stop.list().map((sequence) => sequence.string());
}

/**
 * OpenAI's `reasoning_effort`, or OpenRouter's `reasoning` object, whose members win, or Anthropic's `thinking`, as LiteLLM's
 * callers and several providers spell it. (Its other shapes are left to the provider they are meant for.)
 * @see https://docs.litellm.ai/docs/reasoning_content
 */
function decodeReasoningOptions(given: Given): ReasoningOptions | undefined {
  const reasoning = given.member('reasoning');
  reasoning.optionalObject();
  const plainEffort = given.member('reasoning_effort').optionalString();
  const effort = reasoning.member('effort').optionalString() ?? plainEffort;
  const thinking = objectIn(given.object(), 'thinking');
  const options = defined({
    effort,
    budgetTokens: reasoning.member('max_tokens').optionalInteger(0) ?? countIn(thinking, 'budget_tokens'),
    display: reasoning.member('exclude').optionalBoolean() === true ? 'omitted' : undefined,
    enabled:
      reasoning.member('enabled').optionalBoolean() ??
      (effort === undefined ? isThinking(thinking) : effort !== 'none'),
  });
  return Object.keys(options).length === 0 ? undefined : options;
}

const isThinking = ({ type }: JsonObject): boolean | undefined =>
  typeof type === 'string' ? type !== 'disabled' : undefined;

/** Fields of this dialect only, and the values of common ones that no other dialect could say. */
function decodeNativeOptions(body: JsonObject, given: Given, options: Partial<ChatRequest>): JsonObject {
  const names = Object.keys(body).filter((name) => NATIVE_FIELDS.has(name));
  // Text alone is what everyone answers anyway.
  if (JSON.stringify(body['modalities']) === '["text"]') names.splice(names.indexOf('modalities'), 1);
  if (options.toolChoice === undefined) names.push('tool_choice');
  if (options.responseFormat === undefined) names.push('response_format');
  const native: (readonly [string, Json | undefined])[] = names.map((name) => [
    name,
    given.member(name).json(),
  ]);
  return defined(Object.fromEntries(native));
}
