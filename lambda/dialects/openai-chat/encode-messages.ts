import type { ContentPart, Message } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { RequestTarget } from '../dialect.ts';
import { defined } from '../loose.ts';
import { encodeAudio, urlOf } from '../openai-parts.ts';
import { MAX_TOOL_NAME } from '../openai-tools.ts';
import type { LeftOut, RequestFeature } from '../request-feature.ts';
import { safeName } from '../safe-name.ts';
import { formatOf, isOwnReasoning } from './reasoning-format.ts';
import { DIALECT_ID } from './wire.ts';

type ToolResult = Extract<ContentPart, { readonly type: 'tool-result' }>;

/** The conversation in OpenAI's form: what a user's turn answers for tools becomes turns of their own before it. */
export function encodeMessages(
  messages: readonly Message[],
  target: RequestTarget,
  leftOut: LeftOut,
): JsonObject[] {
  return messages.flatMap((message) => encodeMessage(message, target, leftOut));
}

function encodeMessage(message: Message, target: RequestTarget, leftOut: LeftOut): JsonObject[] {
  const name = message.name === undefined ? {} : { name: message.name };
  switch (message.role) {
    case 'system':
    case 'developer':
      return [{ role: message.role, content: joinText(message.content, '\n\n', leftOut), ...name }];
    case 'user':
      return encodeUser(message, leftOut).map((turn) =>
        turn['role'] === 'user' ? { ...turn, ...name } : turn,
      );
    case 'assistant':
      return [{ ...encodeAssistant(message.content, target, leftOut), ...name }];
  }
}

/** Messages of tools hold text only, so what else a tool gave opens the user's own message after them. */
function encodeUser(message: Message, leftOut: LeftOut): JsonObject[] {
  const results = message.content
    .filter((part) => part.type === 'tool-result')
    .map((result) => ({ ...result, content: result.content.map((part) => inPlainWords(part, leftOut)) }));
  const media = results.flatMap((result) => result.content.filter((part) => part.type !== 'text'));
  const own = message.content.filter((part) => part.type !== 'tool-result');
  const content = [...media, ...own]
    .map((part) => encodePart(inPlainWords(part, leftOut), leftOut))
    .filter((part) => part !== undefined);
  const isOnlyTools = results.length > 0 && content.length === 0;
  return [
    ...results.map(encodeToolResult),
    ...(isOnlyTools ? [] : [{ role: 'user', content: simplified(content) }]),
  ];
}

/** What another dialect's part says, as text, where it says it. */
function inPlainWords(part: ContentPart, leftOut: LeftOut): ContentPart {
  if (part.type !== 'native' || part.dialect === DIALECT_ID || part.text === undefined) return part;
  leftOut.omit('native_content', part.name);
  return { type: 'text', text: part.text };
}

function encodeToolResult(result: ToolResult): JsonObject {
  const texts = result.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  const isElsewhere = texts.length === 0 && result.content.length > 0;
  const text = isElsewhere ? 'The result is in the next message.' : texts.join('\n');
  // This format has no sign for it, and a failure must not read as a result.
  const content = result.isError ? `The tool failed: ${text}` : text;
  return { role: 'tool', tool_call_id: callId(result.callId), content };
}

/** One text as a string, which every compatible provider takes; else the parts. */
function simplified(parts: readonly JsonObject[]): Json {
  const [first] = parts;
  if (first === undefined) return '';
  return parts.length === 1 && first['type'] === 'text' ? (first['text'] ?? '') : parts;
}

function encodePart(part: ContentPart, leftOut: LeftOut): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text };
    case 'image':
      return encodeImage(part, leftOut);
    case 'audio':
      return encodeAudio(part.source, leftOut);
    case 'file':
      return encodeFile(part, leftOut);
    case 'native':
      return encodeNative(part, leftOut);
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'tool-call':
    case 'tool-result':
    case 'reasoning':
    case 'reasoning-encrypted':
      leftOut.refuse('native_content', part.type);
      return undefined;
  }
}

function encodeNative(
  part: Extract<ContentPart, { readonly type: 'native' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  // This dialect's native parts are decoded from objects only.
  if (part.dialect === DIALECT_ID) return part.value as JsonObject;
  leftOut.refuse('native_content', part.name);
  return undefined;
}

function encodeImage(
  { source, detail }: Extract<ContentPart, { readonly type: 'image' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  if (source.type === 'provider-file') {
    leftOut.refuse('provider_file');
    return undefined;
  }
  return { type: 'image_url', image_url: defined({ url: urlOf(source), detail }) };
}

/** @see https://platform.openai.com/docs/guides/pdf-files?api-mode=chat */
function encodeFile(
  { source, name }: Extract<ContentPart, { readonly type: 'file' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  if (source.type !== 'base64') {
    leftOut.refuse(source.type === 'url' ? 'file_url' : 'provider_file');
    return undefined;
  }
  return { type: 'file', file: { filename: name ?? 'file', file_data: urlOf(source) } };
}

/**
 * Reasoning goes back only in this dialect's own form; signed or opaque reasoning of another provider means nothing here
 * and is left out, as its own provider would do with a model that does not think. Tools that another provider ran, and
 * what they found, are history: the answer they led to stands beside them as text.
 */
function encodeAssistant(parts: readonly ContentPart[], target: RequestTarget, leftOut: LeftOut): JsonObject {
  if (parts.some(isForeignProof)) leftOut.omit('reasoning_content');
  const calls = parts.flatMap((part) => (part.type === 'tool-call' ? [encodeToolCall(part)] : []));
  const refusals = parts.flatMap((part) => (part.type === 'refusal' ? [part.text] : []));
  const spoken = parts.filter((part) => !ASSISTANT_FIELDS.has(part.type) && !isHistory(part));
  for (const part of parts.filter(isHistory)) leftOut.omit(...featureOf(part));
  const text = joinText(spoken, '', leftOut);
  const hasOther = calls.length > 0 || refusals.length > 0;
  return defined({
    role: 'assistant',
    content: text === '' && hasOther ? null : text,
    refusal: refusals.length === 0 ? undefined : refusals.join(''),
    ...encodeReasoning(
      parts.filter(isReasoning).filter(({ dialect }) => isOwnReasoning(dialect)),
      target,
      leftOut,
    ),
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}

type ReasoningPart = Extract<ContentPart, { readonly type: 'reasoning' | 'reasoning-encrypted' }>;

const isReasoning = (part: ContentPart): part is ReasoningPart =>
  part.type === 'reasoning' || part.type === 'reasoning-encrypted';

const isHistory = (part: ContentPart): boolean => part.type === 'native' && part.dialect !== DIALECT_ID;

/**
 * As its provider takes it, exactly as it came where it takes OpenRouter's form. Others take plain text, and some (Groq,
 * Cerebras, Mistral) refuse what they do not know.
 */
function encodeReasoning(
  parts: readonly ReasoningPart[],
  { reasoningField }: RequestTarget,
  leftOut: LeftOut,
): JsonObject {
  if (parts.length === 0) return {};
  if (reasoningField === 'reasoning_details') return { reasoning_details: parts.map(encodeDetail) };
  const plain = parts.filter(isPlainReasoning);
  if (reasoningField === undefined || plain.length < parts.length) leftOut.omit('reasoning_content');
  if (reasoningField === undefined || plain.length === 0) return {};
  return { [reasoningField]: plain.map(({ text }) => text).join('') };
}

const isPlainReasoning = (
  part: ReasoningPart,
): part is Extract<ContentPart, { readonly type: 'reasoning' }> =>
  part.type === 'reasoning' && part.signature === undefined && part.dialect === DIALECT_ID;

function encodeDetail(part: ReasoningPart, index: number): JsonObject {
  const format = formatOf(part.dialect ?? DIALECT_ID);
  if (part.type === 'reasoning-encrypted')
    return defined({ type: 'reasoning.encrypted', data: part.data, format, index });
  return defined({ type: 'reasoning.text', text: part.text, signature: part.signature, format, index });
}

/** Parts of an assistant's turn that are fields of their own, or have no place. */
const ASSISTANT_FIELDS: ReadonlySet<ContentPart['type']> = new Set([
  'tool-call',
  'refusal',
  'reasoning',
  'reasoning-encrypted',
]);

/** OpenAI takes ids of up to 40 characters, whatever they are; other providers' may be longer. */
const callId = (id: string): string => (id.length <= 40 ? id : safeName(id, 40));

function encodeToolCall(call: Extract<ContentPart, { readonly type: 'tool-call' }>): JsonObject {
  const id = callId(call.id);
  const name = safeName(call.name, MAX_TOOL_NAME);
  if (call.kind === 'custom') return { id, type: 'custom', custom: { name, input: call.arguments } };
  return { id, type: 'function', function: { name, arguments: call.arguments } };
}

function joinText(parts: readonly ContentPart[], separator: string, leftOut: LeftOut): string {
  const texts = parts.flatMap((given) => {
    const part = inPlainWords(given, leftOut);
    if (part.type === 'text') return [part.text];
    leftOut.refuse(...featureOf(part));
    return [];
  });
  return texts.join(separator);
}

/** What only another provider reads; signatures of tool calls are Gemini's. */
const isForeignProof = (part: ContentPart): boolean =>
  (isReasoning(part) && !isOwnReasoning(part.dialect)) ||
  (part.type === 'tool-call' && part.signature !== undefined);

/** What a part is called that stands where only text can. */
function featureOf(part: ContentPart): [feature: RequestFeature, detail?: string] {
  switch (part.type) {
    case 'image':
    case 'audio':
    case 'file':
      return [part.type];
    case 'native':
      return ['native_content', part.name];
    default:
      return ['native_content', part.type];
  }
}
