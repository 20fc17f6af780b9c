import type { CacheHint, ContentPart, MediaSource, Message } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { base64FromText } from '../base64.ts';
import { CarriedProofs, readProof, readProofBytes } from '../carried-proof.ts';
import type { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { DOCUMENTS, decodeSource, IMAGES, SOUNDS } from './media.ts';
import { DIALECT_ID, isOnly, unionMembers } from './wire.ts';

/** The system prompt as the conversation's first turn. @throws GatewayError `invalid_request` */
export function decodeSystem(system: Given): readonly Message[] {
  const content = decodeBlocks(system.optionalList() ?? []);
  return content.length === 0 ? [] : [{ role: 'system', content }];
}

/** A turn; tool results stand first. @throws GatewayError `invalid_request` */
export function decodeMessage(message: Given): Message {
  message.object();
  const given = message.member('role');
  const role =
    ROLES.find((known) => known === given.value) ?? given.refuse("'user', 'assistant' or 'system'");
  const content = decodeBlocks(message.member('content').list());
  const isResult = (part: ContentPart): boolean => part.type === 'tool-result';
  return { role, content: [...content.filter(isResult), ...content.filter((part) => !isResult(part))] };
}

const ROLES = ['user', 'assistant', 'system'] as const;

/**
 * Blocks as parts. A cache point is a hint at the part before it; at the beginning of a turn, or after parts that no format
 * can mark, it stands for nothing.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
function decodeBlocks(blocks: readonly Given[]): readonly ContentPart[] {
  const parts: ContentPart[] = [];
  const proofs = new CarriedProofs();
  for (const block of blocks) {
    if (isOnly(block.object(), 'cachePoint')) markLast(parts, decodeCachePoint(block.member('cachePoint')));
    else parts.push(...decodeBlock(block, proofs));
  }
  return proofs.signed(parts);
}

/** A cache point in the shape hints have. @see https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html */
export function decodeCachePoint(cachePoint: Given): CacheHint {
  cachePoint.object();
  return { type: 'ephemeral', ...defined({ ttl: cachePoint.member('ttl').optionalString() }) };
}

function markLast(parts: ContentPart[], cacheHint: CacheHint): void {
  const index = parts.findLastIndex((part) => MARKABLE.has(part.type));
  const part = parts[index];
  // Each of the markable types has a cacheHint.
  if (part !== undefined) parts[index] = { ...part, cacheHint } as ContentPart;
}

const MARKABLE: ReadonlySet<ContentPart['type']> = new Set([
  'text',
  'image',
  'file',
  'tool-call',
  'tool-result',
]);

function decodeBlock(block: Given, proofs: CarriedProofs): readonly ContentPart[] {
  const [name, other] = unionMembers(block.object());
  if (other !== undefined) return [severalInOne(block)];
  const value = block.member(name ?? '');
  switch (name) {
    case undefined:
      return block.refuse('a content block');
    case 'toolUse':
      return [decodeToolUse(value)];
    case 'toolResult':
      return [decodeToolResult(value)];
    case 'reasoningContent':
      return decodeReasoning(value, proofs);
    case 'citationsContent':
      return decodeCitedText(value);
    case 'audio':
      return [decodeSound(value)];
    default:
      return [decodePlainBlock(name, value)];
  }
}

/** The blocks that may also stand in a tool's result. */
function decodePlainBlock(name: string, value: Given): ContentPart {
  switch (name) {
    case 'text':
      return { type: 'text', text: value.string() };
    case 'image': {
      const source = decodeSource(value, IMAGES);
      return source === undefined ? native(name, value) : { type: 'image', source };
    }
    case 'document':
      return decodeDocument(value);
    default:
      return native(name, value);
  }
}

/** What only this dialect can say: guarded content, videos, search results, and what is still to come. */
function native(name: string, value: Given): ContentPart {
  const json: Json = value.json() ?? null;
  return { type: 'native', dialect: DIALECT_ID, name, value: { [name]: json } };
}

/** Of two things in one block, Bedrock says which counts, if it takes them at all. */
function severalInOne(block: Given): ContentPart {
  const name = unionMembers(block.object()).join('+');
  return { type: 'native', dialect: DIALECT_ID, name, value: block.json() ?? null };
}

function decodeSound(value: Given): ContentPart {
  const source = decodeSource(value, SOUNDS);
  return source === undefined ? native('audio', value) : { type: 'audio', source };
}

/** A document's text is its bytes, so that any format can carry it. What asks for citations only this dialect can say. */
function decodeDocument(document: Given): ContentPart {
  const name = document.member('name').string();
  const citations = document.member('citations');
  citations.optionalObject();
  const isCited = citations.member('enabled').optionalBoolean() === true;
  if (isCited || document.member('context').optionalString() !== undefined)
    return native('document', document);
  const source = decodeDocumentSource(document);
  return source === undefined ? native('document', document) : { type: 'file', source, name };
}

function decodeDocumentSource(document: Given): MediaSource | undefined {
  const format = document.member('format').optionalString();
  const text = document.member('source').member('text').optionalString();
  if (text !== undefined)
    return { type: 'base64', mediaType: DOCUMENTS.mediaTypeOf(format ?? 'txt'), data: base64FromText(text) };
  return format === undefined ? undefined : decodeSource(document, DOCUMENTS);
}

/** A call of a tool that Bedrock ran itself is its own. */
function decodeToolUse(call: Given): ContentPart {
  if (call.member('type').optionalString() === 'server_tool_use') return native('toolUse', call);
  return {
    type: 'tool-call',
    kind: 'function',
    id: call.member('toolUseId').string(),
    name: call.member('name').string(),
    arguments: JSON.stringify(call.member('input').json() ?? {}),
  };
}

function decodeToolResult(result: Given): ContentPart {
  // Only results of tools that Bedrock ran itself have a type.
  if (result.member('type').optionalString() !== undefined) return native('toolResult', result);
  const status = result.member('status').optionalString();
  return {
    type: 'tool-result',
    callId: result.member('toolUseId').string(),
    content: result.member('content').list().map(decodeResultBlock),
    isError: status === 'error',
  };
}

function decodeResultBlock(block: Given): ContentPart {
  const [name, other] = unionMembers(block.object());
  if (name === undefined) return block.refuse('a content block');
  if (other !== undefined) return severalInOne(block);
  const value = block.member(name);
  if (name === 'json') return { type: 'text', text: JSON.stringify(value.json() ?? null) };
  return decodePlainBlock(name, value);
}

/** @param proofs reads what another dialect signed or closed, where the block holds that */
function decodeReasoning(reasoning: Given, proofs: CarriedProofs): readonly ContentPart[] {
  reasoning.object();
  const redacted = reasoning.member('redactedContent').optionalString();
  if (redacted !== undefined) {
    const carried = readProofBytes(redacted);
    if (carried !== undefined) return proofs.parts(carried, '');
    return [{ type: 'reasoning-encrypted', data: redacted, dialect: DIALECT_ID }];
  }
  const shown = reasoning.member('reasoningText');
  if (shown.isMissing) return [native('reasoningContent', reasoning)];
  const text = shown.member('text').string();
  const signature = shown.member('signature').optionalString() ?? '';
  const carried = readProof(signature);
  if (carried !== undefined) return proofs.parts(carried, text);
  return [{ type: 'reasoning', text, ...(signature !== '' && { signature }), dialect: DIALECT_ID }];
}

/** Of an earlier answer with its sources, what was said: the sources prove nothing to a model. */
function decodeCitedText(cited: Given): readonly ContentPart[] {
  const texts = (cited.member('content').optionalList() ?? []).map((block) => block.member('text').string());
  return texts.length === 0 ? [] : [{ type: 'text', text: texts.join('') }];
}

/** A part as the block it was decoded from. @param part of this dialect, whose native parts were decoded from objects */
export const nativeBlock = (part: Extract<ContentPart, { readonly type: 'native' }>): JsonObject =>
  part.value as JsonObject;
