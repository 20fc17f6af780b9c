import type { ChatRequest, ContentPart } from '../../domain/chat/request.ts';
import { editJson, elementTexts, memberText } from '../../domain/edit-json.ts';
import { type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { isCarried } from '../carried-proof.ts';
import { isToolId, toolId } from './encode-content.ts';
import { DIALECT } from './wire.ts';

/**
 * What stands in a conversation that other providers answered before, and makes Anthropic refuse it: thinking that it did
 * not sign, and ids of tool calls with characters it does not take.
 */
export const hasMovedHere = (request: ChatRequest): boolean =>
  request.messages.some(({ content }) =>
    content.some((part) => isForeignThinking(part) || hasForeignId(part)),
  );

const isForeignThinking = (part: ContentPart): boolean =>
  (part.type === 'reasoning' && (part.signature === undefined || part.dialect !== DIALECT)) ||
  (part.type === 'reasoning-encrypted' && part.dialect !== DIALECT) ||
  (part.type === 'tool-call' && part.signature !== undefined);

const hasForeignId = (part: ContentPart): boolean =>
  (part.type === 'tool-call' && !isToolId(part.id)) ||
  (part.type === 'tool-result' && !isToolId(part.callId));

/**
 * Whether a loop over tools has lost the thinking that Anthropic asks for under a budget, another provider having called
 * the tool: then the model goes on without, as it does for requests of other dialects.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking#preserving-thinking-blocks
 */
export function hasLostThinking({ messages, reasoning }: ChatRequest): boolean {
  const content = messages.findLast(({ role }) => role === 'assistant')?.content ?? [];
  const hasOwn = content.some((part) => isReasoning(part) && !isForeignThinking(part));
  const hasCall = content.some(({ type }) => type === 'tool-call');
  return reasoning?.budgetTokens !== undefined && hasCall && !hasOwn;
}

const isReasoning = ({ type }: ContentPart): boolean =>
  type === 'reasoning' || type === 'reasoning-encrypted';

/** The caller's own messages, as JSON text, as Anthropic takes them: what needs no change stays byte for byte. */
export function acceptableMessages(raw: string): string {
  const messages = elementTexts(memberText(raw, 'messages') ?? '[]') ?? [];
  return `[${messages.flatMap(acceptableMessage).join(',')}]`;
}

/** A turn left without content is left out. */
function acceptableMessage(text: string): readonly string[] {
  const blocks = elementTexts(memberText(text, 'content') ?? '');
  if (blocks === undefined) return [text];
  const content = blocks.flatMap(acceptableBlock);
  if (content.length === 0) return [];
  const isUnchanged = content.length === blocks.length && content.every((block, at) => block === blocks[at]);
  return isUnchanged ? [text] : [editJson(text, [{ path: ['content'], text: `[${content.join(',')}]` }])];
}

function acceptableBlock(text: string): readonly string[] {
  const block = parseJsonObject(text);
  if (block === undefined) return [text];
  if (isForeignThinkingBlock(block)) return [];
  const member = ID_MEMBERS.get(block['type']);
  const id = member === undefined ? undefined : block[member];
  if (member === undefined || typeof id !== 'string' || isToolId(id)) return [text];
  return [editJson(text, [{ path: [member], text: JSON.stringify(toolId(id)) }])];
}

const ID_MEMBERS: ReadonlyMap<Json | undefined, string> = new Map([
  ['tool_use', 'id'],
  ['tool_result', 'tool_use_id'],
]);

function isForeignThinkingBlock(block: JsonObject): boolean {
  const { type, signature, data } = block;
  if (type !== 'thinking' && type !== 'redacted_thinking') return false;
  const proof = type === 'thinking' ? signature : data;
  return typeof proof !== 'string' || proof === '' || isCarried(proof);
}
