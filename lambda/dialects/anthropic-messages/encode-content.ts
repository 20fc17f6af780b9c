import type { ContentPart, MediaSource, Message } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import { present } from '../loose.ts';
import type { LeftOut, RequestFeature } from '../request-feature.ts';
import { isSafeName, safeName } from '../safe-name.ts';
import { DIALECT } from './wire.ts';

type PartOf<Type extends ContentPart['type']> = Extract<ContentPart, { type: Type }>;

/** System turns, wherever they stand, as the blocks of the one system prompt Anthropic takes. */
export function encodeSystem(messages: readonly Message[], leftOut: LeftOut): readonly JsonObject[] {
  return messages
    .filter((message) => isSystem(message))
    .flatMap((message) => message.content.flatMap((part) => encodePart(part, leftOut)));
}

/**
 * User and assistant turns: neighbours of one role become one turn, a turn left without content is left out, and tool
 * results stand first, as Anthropic asks.
 */
export function encodeMessages(messages: readonly Message[], leftOut: LeftOut): readonly JsonObject[] {
  const turns: { readonly role: string; readonly content: JsonObject[] }[] = [];
  for (const message of messages) {
    if (message.name !== undefined) leftOut.omit('participant_name');
    if (isSystem(message)) continue;
    const parts = message.role === 'assistant' ? withoutHistory(message.content, leftOut) : message.content;
    const content = parts.flatMap((part) => encodePart(part, leftOut));
    if (content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === message.role) last.content.push(...content);
    else turns.push({ role: message.role, content });
  }
  return turns.map(({ role, content }) => ({ role, content: resultsFirst(content) }));
}

const isSystem = (message: Message): boolean => message.role === 'system' || message.role === 'developer';

/** Tools that another provider ran, and what they found, are history: the answer they led to stands beside them. */
const withoutHistory = (parts: readonly ContentPart[], leftOut: LeftOut): readonly ContentPart[] =>
  parts.filter((part) => {
    const isHistory = part.type === 'native' && part.dialect !== DIALECT;
    if (isHistory) leftOut.omit('native_content', part.name);
    return !isHistory;
  });

const resultsFirst = (content: readonly JsonObject[]): readonly JsonObject[] => [
  ...content.filter((block) => block['type'] === 'tool_result'),
  ...content.filter((block) => block['type'] !== 'tool_result'),
];

/** One part as blocks: none for what is empty or another provider's own, one otherwise. */
function encodePart(part: ContentPart, leftOut: LeftOut): readonly JsonObject[] {
  switch (part.type) {
    case 'text':
      return textBlocks(part.text, part.cacheHint);
    case 'refusal':
      return textBlocks(part.text, undefined);
    case 'image':
      return withSource('image', imageSource(part.source), part, leftOut);
    case 'file':
      return withSource('document', documentSource(part.source), part, leftOut);
    case 'audio':
      leftOut.refuse('audio');
      return [];
    case 'reasoning':
    case 'reasoning-encrypted':
      return encodeReasoning(part, leftOut);
    case 'tool-call':
      return [encodeToolCall(part, leftOut)];
    case 'tool-result':
      return [encodeToolResult(part, leftOut)];
    case 'native':
      return encodeNative(part, leftOut);
  }
}

/** Only what Anthropic itself signed or closed may come back; the rest it would refuse. */
function encodeReasoning(
  part: PartOf<'reasoning' | 'reasoning-encrypted'>,
  leftOut: LeftOut,
): readonly JsonObject[] {
  if (part.dialect === DIALECT && part.type === 'reasoning-encrypted')
    return [{ type: 'redacted_thinking', data: part.data }];
  if (part.dialect === DIALECT && part.type === 'reasoning' && part.signature !== undefined)
    return [{ type: 'thinking', thinking: part.text, signature: part.signature }];
  leftOut.omit('reasoning_content');
  return [];
}

/** Anthropic refuses text blocks that hold nothing but white space. */
function textBlocks(text: string, cacheHint: JsonObject | undefined): readonly JsonObject[] {
  return text.trim() === '' ? [] : [{ type: 'text', text, ...present({ cache_control: cacheHint }) }];
}

function withSource(
  type: 'image' | 'document',
  source: JsonObject | undefined,
  part: PartOf<'image' | 'file'>,
  leftOut: LeftOut,
): readonly JsonObject[] {
  if (source === undefined) {
    leftOut.refuse(refusedFeature(part));
    return [];
  }
  const title = part.type === 'file' ? part.name : undefined;
  if (part.type === 'image' && (part.detail ?? 'auto') !== 'auto') leftOut.omit('image_detail');
  return [{ type, source, ...present({ title, cache_control: part.cacheHint }) }];
}

function refusedFeature({ type, source }: PartOf<'image' | 'file'>): RequestFeature {
  if (source.type === 'provider-file') return 'provider_file';
  return type === 'file' && source.type === 'url' ? 'file_url' : type;
}

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,/i;

function imageSource(source: MediaSource): JsonObject | undefined {
  if (source.type === 'base64') return { type: 'base64', media_type: source.mediaType, data: source.data };
  if (source.type === 'provider-file') return undefined;
  const inline = inlineData(source.url);
  if (inline !== undefined) return { type: 'base64', media_type: inline.mediaType, data: inline.data };
  return isWebUrl(source.url) ? { type: 'url', url: source.url } : undefined;
}

/** Documents are PDFs. @see https://docs.anthropic.com/en/docs/build-with-claude/pdf-support */
function documentSource(source: MediaSource): JsonObject | undefined {
  if (source.type === 'provider-file') return undefined;
  const inline =
    source.type === 'url' ? inlineData(source.url) : { mediaType: source.mediaType, data: source.data };
  if (inline !== undefined)
    return inline.mediaType === 'application/pdf'
      ? { type: 'base64', media_type: inline.mediaType, data: inline.data }
      : undefined;
  // Without inline data the source is a URL; other documents than PDFs cannot be told apart by their address.
  return source.type === 'url' && isWebUrl(source.url) ? { type: 'url', url: source.url } : undefined;
}

const isWebUrl = (url: string): boolean => /^https?:\/\//i.test(url);

function inlineData(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const match = DATA_URL.exec(url.slice(0, 256));
  if (match?.[1] === undefined) return undefined;
  return { mediaType: match[1].toLowerCase(), data: url.slice(match[0].length) };
}

/** Free text of a custom tool is wrapped, as Anthropic's arguments are always an object. */
function encodeToolCall(part: PartOf<'tool-call'>, leftOut: LeftOut): JsonObject {
  const input = part.kind === 'custom' ? { input: part.arguments } : argumentsObject(part.arguments);
  if (input === undefined) leftOut.refuse('tool_arguments');
  // Only Gemini signs calls.
  if (part.signature !== undefined) leftOut.omit('reasoning_content');
  return {
    type: 'tool_use',
    id: toolId(part.id),
    name: safeName(part.name, MAX_TOOL_NAME),
    input: input ?? {},
    ...present({ cache_control: part.cacheHint }),
  };
}

function encodeToolResult(part: PartOf<'tool-result'>, leftOut: LeftOut): JsonObject {
  const content = part.content.flatMap((inner) => encodePart(inner, leftOut));
  return {
    type: 'tool_result',
    tool_use_id: toolId(part.callId),
    ...(content.length > 0 ? { content } : {}),
    ...(part.isError ? { is_error: true } : {}),
    ...present({ cache_control: part.cacheHint }),
  };
}

function encodeNative(part: PartOf<'native'>, leftOut: LeftOut): readonly JsonObject[] {
  // What this dialect kept as native were blocks, which are objects.
  if (part.dialect === DIALECT) return [part.value as JsonObject];
  if (part.text === undefined) {
    leftOut.refuse('native_content', part.name);
    return [];
  }
  leftOut.omit('native_content', part.name);
  return textBlocks(part.text, undefined);
}

/** A tool call's id as Anthropic takes it: ids of other providers may hold characters it refuses. */
export const toolId = (id: string): string => safeName(id, Number.POSITIVE_INFINITY);

/** Whether Anthropic takes an id of a tool call as it is. */
export const isToolId = (id: string): boolean => isSafeName(id, Number.POSITIVE_INFINITY);

/** How long a tool's name may be. @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use */
export const MAX_TOOL_NAME = 128;
