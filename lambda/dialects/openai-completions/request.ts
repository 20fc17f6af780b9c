import type { ChatRequest, ContentPart, Message } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { refuseAsked } from '../asked-features.ts';
import { hasCacheHints } from '../cache-hints.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { Given } from '../given.ts';
import { decodeMetadata, decodeModel, definedOptions } from '../given-options.ts';
import { defined } from '../loose.ts';
import { includeUsageEdit } from '../openai-chat/encode-request.ts';
import { decodeIncludeUsage, decodeStop } from '../openai-chat/request.ts';
import { LeftOut, type RequestFeature } from '../request-feature.ts';

/** The most completions OpenAI gives of one prompt. */
const MAX_CHOICES = 128;
/** How many tokens this format's servers give where nobody says. */
const DEFAULT_MAX_TOKENS = 16;

/** Fields read below. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'prompt', 'max_tokens', 'temperature', 'top_p', 'n', 'stream', 'stream_options', 'logprobs'],
  ...['stop', 'presence_penalty', 'frequency_penalty', 'logit_bias', 'user', 'seed', 'metadata'],
]);

/** What only this format has. */
const NATIVE_FIELDS: ReadonlySet<string> = new Set(['best_of', 'echo', 'suffix']);

/** @throws GatewayError `invalid_request` */
export function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const logprobs = given.member('logprobs').optionalInteger(0);
  const stop = given.member('stop');
  return {
    ...definedOptions({
      maxOutputTokens: given.member('max_tokens').optionalInteger(0),
      temperature: given.member('temperature').optionalNumber(),
      topP: given.member('top_p').optionalNumber(),
      choices: given.member('n').optionalInteger(1, MAX_CHOICES),
      logprobs: logprobs === undefined ? undefined : true,
      topLogprobs: logprobs,
      stop: decodeStop(stop),
      presencePenalty: given.member('presence_penalty').optionalNumber(),
      frequencyPenalty: given.member('frequency_penalty').optionalNumber(),
      logitBias: given.member('logit_bias').optionalJsonObject(),
      seed: given.member('seed').optionalNumber(),
      endUser: given.member('user').optionalString(),
      metadata: decodeMetadata(given.member('metadata')),
    }),
    model: decodeModel(given),
    messages: [{ role: 'user', content: decodePrompt(given.member('prompt')) }],
    stream: given.member('stream').optionalBoolean() ?? false,
    includeUsage: decodeIncludeUsage(given),
    nativeOptions: defined(
      Object.fromEntries([...NATIVE_FIELDS].map((name) => [name, given.member(name).json()])),
    ),
    unknownFields: Object.keys(body).filter(
      (name) => !READ_FIELDS.has(name) && !NATIVE_FIELDS.has(name) && !OWN_FIELDS.includes(name),
    ),
  };
}

/** One prompt as text. Several, or the numbers of tokens, mean something to the model's own server only. */
function decodePrompt(prompt: Given): readonly ContentPart[] {
  const expected = 'one prompt as text (send several prompts one by one, and text in place of token ids)';
  const list = Array.isArray(prompt.value) ? prompt.list() : [prompt];
  const [only] = list;
  if (only === undefined || list.length > 1 || typeof only.value !== 'string') return prompt.refuse(expected);
  return only.value === '' ? [] : [{ type: 'text', text: only.value }];
}

/**
 * The caller's own body for a provider of this format: the model and the wish for usage set, Sluice's own fields taken out. Where
 * the caller gave no bound, the format's own default is said, as far as money was reserved for it.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const { maxOutputTokens } = target;
  const edits: JsonEdit[] = [{ path: ['model'], text: JSON.stringify(target.model) }];
  if (request.maxOutputTokens === undefined && maxOutputTokens !== undefined)
    edits.push({ path: ['max_tokens'], text: String(Math.min(maxOutputTokens, DEFAULT_MAX_TOKENS)) });
  if (request.stream) edits.push(includeUsageEdit(raw));
  edits.push(...OWN_FIELDS.map((name) => ({ path: [name], text: undefined })));
  return editJson(raw, edits);
}

/** Options of a conversation that a prompt has no place for. */
const REFUSED: Parameters<typeof refuseAsked>[1] = [
  'json_mode',
  'json_schema',
  'parallel_tool_calls',
  'reasoning',
  'service_tier',
  'top_k',
  'verbosity',
];

/** A request of another dialect: instructions and one turn of the user make a prompt, a conversation does not. */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  const { logprobs, topLogprobs, tools = [] } = request;
  if (logprobs === true && (topLogprobs ?? 0) > 5)
    throw new GatewayError('unsupported_parameter', 'This model gives at most 5 "top_logprobs".', {
      param: 'top_logprobs',
    });
  const leftOut = new LeftOut();
  const body = defined({
    model: target.model,
    prompt: encodePrompt(request.messages, leftOut),
    ...(request.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    max_tokens: target.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    n: request.choices,
    logprobs: logprobs === true ? (topLogprobs ?? 0) : undefined,
    stop: request.stop,
    presence_penalty: request.presencePenalty,
    frequency_penalty: request.frequencyPenalty,
    logit_bias: request.logitBias,
    seed: request.seed,
    user: request.endUser,
  });
  for (const tool of tools) leftOut.refuse(TOOL_FEATURES[tool.type], tool.name);
  if (request.toolChoice !== undefined && request.toolChoice.type !== 'auto') leftOut.refuse('tool_choice');
  refuseAsked(request, REFUSED, leftOut);
  if (hasCacheHints(request)) leftOut.omit('cache_hints');
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

const TOOL_FEATURES = { function: 'tools', custom: 'custom_tools', hosted: 'hosted_tools' } as const;

function encodePrompt(messages: readonly Message[], leftOut: LeftOut): string {
  const users = messages.filter(({ role }) => role === 'user');
  const isOneTurn = users.length === 1 && messages.at(-1)?.role === 'user';
  if (!isOneTurn || messages.some(({ role }) => role === 'assistant')) leftOut.refuse('conversation');
  if (messages.some(({ name }) => name !== undefined)) leftOut.refuse('participant_name');
  return messages.map(({ content }) => textOf(content, leftOut)).join('\n\n');
}

function textOf(content: readonly ContentPart[], leftOut: LeftOut): string {
  return content.map((part) => textOfPart(part, leftOut)).join('');
}

function textOfPart(part: ContentPart, leftOut: LeftOut): string {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text;
    case 'reasoning':
    case 'reasoning-encrypted':
      leftOut.omit('reasoning_content');
      return '';
    case 'native':
      leftOut.refuse('native_content', part.name);
      return '';
    case 'tool-call':
    case 'tool-result':
      leftOut.refuse('tools');
      return '';
    case 'image':
    case 'audio':
    case 'file':
      leftOut.refuse(mediaFeature(part));
      return '';
  }
}

function mediaFeature(part: Extract<ContentPart, { type: 'image' | 'audio' | 'file' }>): RequestFeature {
  if (part.source.type === 'provider-file') return 'provider_file';
  if (part.type === 'audio' || part.source.type === 'base64') return part.type;
  return part.type === 'image' ? 'image_url' : 'file_url';
}
