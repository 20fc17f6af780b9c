import type { ContentPart, MediaSource, Message } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { defined } from '../loose.ts';
import type { LeftOut, RequestFeature } from '../request-feature.ts';
import { DIALECT_ID } from './wire.ts';

type PartOf<Type extends ContentPart['type']> = Extract<ContentPart, { readonly type: Type }>;

/**
 * The conversation in Cohere's form: what a user's turn answers for tools becomes turns of their own before it. A turn
 * without content is an error there, and left out. Ids of calls are free text, so that foreign ones go on as they are.
 */
export function encodeMessages(messages: readonly Message[], leftOut: LeftOut): JsonObject[] {
  return messages.flatMap((message) => encodeMessage(message, leftOut));
}

function encodeMessage(message: Message, leftOut: LeftOut): JsonObject[] {
  if (message.name !== undefined) leftOut.refuse('participant_name');
  switch (message.role) {
    case 'system':
    case 'developer':
      return turn('system', encodeTexts(message.content, leftOut));
    case 'user':
      return encodeUser(message, leftOut);
    case 'assistant':
      return encodeAssistant(message.content, leftOut);
  }
}

const turn = (role: string, content: readonly JsonObject[]): JsonObject[] =>
  content.length === 0 ? [] : [{ role, content: simplified(content) }];

/** One text as a string; else the blocks. */
function simplified(blocks: readonly JsonObject[]): Json {
  const [first] = blocks;
  return blocks.length === 1 && first?.['type'] === 'text' ? (first['text'] ?? '') : blocks;
}

const textBlocks = (text: string): JsonObject[] => (text === '' ? [] : [{ type: 'text', text }]);

/** Messages of tools hold text only, so what else a tool gave opens the user's own message after them. */
function encodeUser(message: Message, leftOut: LeftOut): JsonObject[] {
  const results = message.content.filter((part) => part.type === 'tool-result');
  const media = results.flatMap((result) => result.content.filter((part) => part.type !== 'text'));
  const own = message.content.filter((part) => part.type !== 'tool-result');
  const content = [...media, ...own].flatMap((part) => encodePart(part, leftOut));
  return [...results.map(encodeToolResult), ...turn('user', content)];
}

function encodeToolResult(result: PartOf<'tool-result'>): JsonObject {
  const blocks = result.content.flatMap((part) => (part.type === 'text' ? textBlocks(part.text) : []));
  const isElsewhere = blocks.length === 0 && result.content.some((part) => part.type !== 'text');
  if (isElsewhere) blocks.push({ type: 'text', text: 'The result is in the next message.' });
  // This format has no sign for it, and a failure must not read as a result.
  if (result.isError) blocks.unshift({ type: 'text', text: 'The tool failed.' });
  const content = blocks.length === 0 ? '' : simplified(blocks);
  return { role: 'tool', tool_call_id: result.callId, content };
}

function encodePart(part: ContentPart, leftOut: LeftOut): JsonObject[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return textBlocks(part.text);
    case 'image':
      return encodeImage(part, leftOut);
    case 'native':
      return encodeNative(part, leftOut);
    case 'audio':
    case 'file':
      leftOut.refuse(mediaFeature(part.type, part.source));
      return [];
    case 'tool-call':
    case 'tool-result':
    case 'reasoning':
    case 'reasoning-encrypted':
      leftOut.refuse('native_content', part.type);
      return [];
  }
}

/** What another dialect's own content says in plain words goes on. */
function encodeNative(part: PartOf<'native'>, leftOut: LeftOut): JsonObject[] {
  // This dialect's native parts are decoded from objects only.
  if (part.dialect === DIALECT_ID) return [part.value as JsonObject];
  if (part.text === undefined) leftOut.refuse('native_content', part.name);
  else leftOut.omit('native_content', part.name);
  return textBlocks(part.text ?? '');
}

function mediaFeature(type: 'audio' | 'file', source: MediaSource): RequestFeature {
  if (source.type === 'provider-file') return 'provider_file';
  return type === 'file' && source.type === 'url' ? 'file_url' : type;
}

/** @see https://docs.cohere.com/v2/docs/image-inputs */
function encodeImage({ source, detail }: PartOf<'image'>, leftOut: LeftOut): JsonObject[] {
  if (source.type === 'provider-file') {
    leftOut.refuse('provider_file');
    return [];
  }
  const url = source.type === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
  return [{ type: 'image_url', image_url: defined({ url, detail }) }];
}

/** Turns of the system and of the model hold no pictures. */
function encodeTexts(parts: readonly ContentPart[], leftOut: LeftOut): JsonObject[] {
  return parts.flatMap((part) => {
    if (part.type !== 'image') return encodePart(part, leftOut);
    leftOut.refuse('image');
    return [];
  });
}

/**
 * What the model thought and planned goes back to it. Of another dialect only a plan can be made, and only of reasoning
 * that is plain text; what is signed or closed means nothing here and is left out.
 */
function encodeAssistant(parts: readonly ContentPart[], leftOut: LeftOut): JsonObject[] {
  const calls = parts.filter((part) => part.type === 'tool-call');
  const others = parts.filter((part) => part.type !== 'tool-call');
  const plans = calls.length === 0 ? [] : planOf(others);
  const content = others.flatMap((part) => {
    if (part.type !== 'reasoning' && part.type !== 'reasoning-encrypted') return encodeTexts([part], leftOut);
    if (part.type === 'reasoning' && plans.includes(part)) return [];
    if (part.type === 'reasoning' && isOwn(part)) return [{ type: 'thinking', thinking: part.text }];
    leftOut.omit('reasoning_content');
    return [];
  });
  // Only Gemini signs calls.
  if (calls.some(({ signature }) => signature !== undefined)) leftOut.omit('reasoning_content');
  const plan = plans.map(({ text }) => text).join('\n');
  if (content.length === 0 && plan === '' && calls.length === 0) return [];
  const message = {
    role: 'assistant',
    content: content.length === 0 ? undefined : simplified(content),
    tool_plan: plan === '' ? undefined : plan,
    tool_calls: calls.length === 0 ? undefined : calls.map(encodeToolCall),
  };
  return [defined(message)];
}

const isOwn = ({ dialect }: PartOf<'reasoning'>): boolean => dialect === DIALECT_ID;

/** Our own reasoning right before the calls, and all of another dialect that is open. */
function planOf(parts: readonly ContentPart[]): PartOf<'reasoning'>[] {
  return parts.flatMap((part, index) => {
    if (part.type !== 'reasoning') return [];
    const isPlan = isOwn(part) ? index === parts.length - 1 : part.signature === undefined;
    return isPlan ? [part] : [];
  });
}

/** Free text of a custom tool is wrapped, as arguments are JSON. */
function encodeToolCall(call: PartOf<'tool-call'>): JsonObject {
  const text = call.kind === 'custom' ? JSON.stringify({ input: call.arguments }) : call.arguments;
  const given = text.trim() === '' ? '{}' : text;
  return { id: call.id, type: 'function', function: { name: call.name, arguments: given } };
}
