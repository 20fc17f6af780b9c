import type { ChatRequest, Message, ResponseFormat, Tool } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { refuseAsked } from '../asked-features.ts';
import { encodeClaudeSampling } from '../claude-sampling.ts';
import { encodeThinking, traitsOf } from '../claude-thinking.ts';
import type { EncodedRequest, RequestTarget } from '../dialect.ts';
import { present } from '../loose.ts';
import { LeftOut } from '../request-feature.ts';
import { decodeContent } from './decode-content.ts';
import { encodeMessages, encodeSystem } from './encode-content.ts';
import { acceptableMessages, hasLostThinking, hasMovedHere } from './moved-messages.ts';
import { encodeTier } from './sampling.ts';
import { decodeReasoning } from './thinking.ts';
import { decodeToolChoice, decodeTools, encodeToolChoice, encodeTools, mcpServersTool } from './tools.ts';
import { unknownMembers } from './unknown-members.ts';
import {
  check,
  DIALECT,
  messageShape,
  type RequestShape,
  refusal,
  refuseDeepNesting,
  requestShape,
} from './wire.ts';

/** The bound that is sent where nobody named one: the format has no default. */
const DEFAULT_MAX_TOKENS = 4096;

/** Fields that become fields of a ChatRequest. */
const READ_FIELDS = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'tools',
  'tool_choice',
  'stop_sequences',
  'temperature',
  'top_p',
  'top_k',
  'thinking',
  'output_config',
  'output_format',
  'service_tier',
  'metadata',
  'stream',
]);

/**
 * Fields only this dialect has, those in beta included.
 * @see https://docs.anthropic.com/en/api/beta/messages/create
 */
const NATIVE_FIELDS = new Set([
  'anthropic_beta',
  'anthropic_version',
  'betas',
  'billing_policy',
  'cache_control',
  'compaction',
  'container',
  'context_management',
  'diagnostics',
  'fallback_credit_token',
  'fallbacks',
  'inference_geo',
  'mcp_servers',
  'speed',
  'thread',
  'user_profile_id',
  'workspace_id',
]);

/** Sluice's own options, and its name for the end user, which this format spells otherwise and would refuse. */
const GATEWAY_FIELDS = new Set([...OWN_FIELDS, 'user']);

/** @throws GatewayError `invalid_request` naming the parameter, for wrong types and missing fields */
export function decodeRequest(body: JsonObject): ChatRequest {
  refuseDeepNesting(body);
  const shape = check(requestShape, body, []);
  const names = Object.keys(body);
  const entriesOf = (known: ReadonlySet<string>) => names.filter((name) => known.has(name));
  return {
    model: modelOf(shape, body),
    messages: [...decodeSystem(body['system']), ...shape.messages.map(decodeMessage)],
    stream: shape.stream === true,
    includeUsage: true,
    maxOutputTokens: shape.max_tokens,
    ...decodeToolOptions(shape),
    ...decodeSampling(shape),
    ...present({
      reasoning: decodeReasoning(shape),
      responseFormat: decodeFormat(shape.output_config?.format ?? shape.output_format),
      serviceTier: shape.speed === 'fast' ? 'fast' : shape.service_tier,
      endUser: shape.metadata?.user_id,
      metadata: tagsOf(body['metadata']),
    }),
    nativeOptions: Object.fromEntries(entriesOf(NATIVE_FIELDS).map((name) => [name, body[name]])),
    unknownFields: [
      ...names.filter(
        (name) => !READ_FIELDS.has(name) && !NATIVE_FIELDS.has(name) && !GATEWAY_FIELDS.has(name),
      ),
      ...unknownMembers(body),
    ],
  };
}

function modelOf(shape: RequestShape, body: JsonObject): string {
  if (typeof shape.model === 'string' && shape.model !== '') return shape.model;
  const { models } = body;
  const first: unknown = Array.isArray(models) ? models[0] : undefined;
  if (typeof first === 'string' && first !== '') return first;
  if (first !== undefined) throw refusal(['models', 0], "a model's name", first);
  throw refusal(['model'], "a model's name", shape.model);
}

function decodeSystem(system: Json | undefined): readonly Message[] {
  if (system === undefined || system === null) return [];
  const content = decodeContent(system, 'system', ['system']);
  return content.length === 0 ? [] : [{ role: 'system', content }];
}

function decodeMessage(message: unknown, index: number): Message {
  const path = ['messages', index];
  const { role } = check(messageShape, message, path);
  // The check above passes objects only, and what came as JSON is JSON.
  const content = decodeContent((message as JsonObject)['content'], role, [...path, 'content']);
  const results = content.filter((part) => part.type === 'tool-result');
  const others = content.filter((part) => part.type !== 'tool-result');
  return { role, content: [...results, ...others] };
}

function decodeToolOptions(
  shape: RequestShape,
): Pick<ChatRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const declared = decodeTools(shape.tools ?? [], ['tools']);
  const servers = shape.mcp_servers ?? [];
  const tools: readonly Tool[] = servers.length === 0 ? declared : [...declared, mcpServersTool(servers)];
  return {
    ...(tools.length > 0 ? { tools } : {}),
    ...(shape.tool_choice ? decodeToolChoice(shape.tool_choice) : {}),
  };
}

const decodeSampling = (shape: RequestShape) =>
  present({
    temperature: shape.temperature,
    topP: shape.top_p,
    topK: shape.top_k,
    stop: shape.stop_sequences,
  });

/** This format gives a schema no name; formats that need one get this. */
const SCHEMA_NAME = 'response';

function decodeFormat(format: RequestShape['output_format']): ResponseFormat | undefined {
  if (!format) return undefined;
  return { type: 'json-schema', name: format.name ?? SCHEMA_NAME, schema: format.schema };
}

/** Anthropic knows `user_id` only: whatever else stands in `metadata` are tags for Sluice. */
function tagsOf(metadata: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(metadata)) return undefined;
  const tags = Object.entries(metadata).filter(([name]) => name !== 'user_id');
  return tags.length === 0 ? undefined : Object.fromEntries(tags);
}

/** A request of another dialect, for a provider of this one. */
export function encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest {
  const leftOut = new LeftOut();
  refuseAsked(request, WITHOUT_EQUIVALENT, leftOut);
  const maxTokens = target.maxOutputTokens ?? target.modelMaxOutputTokens ?? DEFAULT_MAX_TOKENS;
  const system = encodeSystem(request.messages, leftOut);
  const tools = encodeTools(request.tools ?? [], leftOut);
  const { thinking, effort, isUnsupported } = encodeThinking(request, {
    model: target.model,
    maxTokens,
    dialect: DIALECT,
  });
  if (isUnsupported) leftOut.refuse('reasoning');
  const outputConfig = present({ effort, format: encodeFormat(request.responseFormat) });
  const body: JsonObject = {
    model: target.model,
    max_tokens: maxTokens,
    ...(system.length > 0 ? { system } : {}),
    messages: encodeMessages(request.messages, leftOut),
    ...(tools.length > 0 ? { tools } : {}),
    ...(Object.keys(outputConfig).length > 0 ? { output_config: outputConfig } : {}),
    ...present({
      tool_choice: encodeToolChoice(request, tools, leftOut),
      thinking: withDisplay(thinking, request.reasoning?.display),
      stop_sequences: encodeStop(request.stop, leftOut),
      metadata: encodeUser(request.endUser, leftOut),
    }),
    ...encodeClaudeSampling(
      request,
      {
        takesSampling: traitsOf(target.model).takesSampling,
        thinks: thinking !== undefined && thinking['type'] !== 'disabled',
      },
      leftOut,
    ),
    ...encodeTier(request.serviceTier, leftOut),
    ...(request.stream ? { stream: true } : {}),
  };
  return { body, unsupported: leftOut.unsupported, omitted: leftOut.omitted };
}

/** @see https://docs.anthropic.com/en/api/messages#body-metadata-user-id */
const MAX_USER_ID = 256;

function encodeUser(endUser: string | undefined, leftOut: LeftOut): JsonObject | undefined {
  if (endUser === undefined || endUser.length <= MAX_USER_ID)
    return endUser === undefined ? undefined : { user_id: endUser };
  leftOut.omit('user');
  return undefined;
}

/** Whether thinking is shown can be said only where there is some. */
function withDisplay(thinking: JsonObject | undefined, display: string | undefined): JsonObject | undefined {
  const isShown = thinking !== undefined && thinking['type'] !== 'disabled' && display !== undefined;
  return isShown ? { ...thinking, display } : thinking;
}

/** What has no word here. */
const WITHOUT_EQUIVALENT = [
  'n',
  'logprobs',
  'top_logprobs',
  'frequency_penalty',
  'presence_penalty',
  'seed',
  'logit_bias',
  'json_mode',
  'verbosity',
] as const;

function encodeFormat(format: ResponseFormat | undefined): JsonObject | undefined {
  return format?.type === 'json-schema' ? { type: 'json_schema', schema: format.schema } : undefined;
}

/** Stop sequences must hold more than white space. */
function encodeStop(stop: readonly string[] | undefined, leftOut: LeftOut): readonly string[] | undefined {
  const usable = stop?.filter((sequence) => sequence.trim() !== '');
  if (usable?.length !== stop?.length) leftOut.refuse('stop');
  return usable === undefined || usable.length === 0 ? undefined : usable;
}

/**
 * The caller's own body, for a provider of this dialect. Beyond model, bound and removed fields two things change: tags for
 * Sluice leave `metadata`, and what other providers left in `messages` (reasoning that Anthropic never signed, ids it does
 * not take) is made acceptable, since either makes Anthropic refuse the request.
 */
export function patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string {
  const edits: JsonEdit[] = [...GATEWAY_FIELDS].map((name) => ({ path: [name], text: undefined }));
  edits.push({ path: ['model'], text: JSON.stringify(target.model) });
  if (request.maxOutputTokens === undefined && target.maxOutputTokens !== undefined)
    edits.push({ path: ['max_tokens'], text: String(target.maxOutputTokens) });
  if (Object.keys(request.metadata ?? {}).length > 0) edits.push(metadataEdit(request));
  if (hasMovedHere(request)) edits.push(...movedEdits(raw, request));
  return editJson(raw, edits);
}

const movedEdits = (raw: string, request: ChatRequest): readonly JsonEdit[] => [
  { path: ['messages'], text: acceptableMessages(raw) },
  ...(hasLostThinking(request) ? [{ path: ['thinking'], text: undefined }] : []),
];

/** Of `metadata` only the end user is Anthropic's; the rest are tags for the gateway. */
const metadataEdit = ({ endUser }: ChatRequest): JsonEdit => ({
  path: ['metadata'],
  text: endUser === undefined ? undefined : JSON.stringify({ user_id: endUser }),
});
