import type { ContentPart, Message } from '../../domain/chat/request.ts';
import { CarriedProofs, readProof } from '../carried-proof.ts';
import type { Given } from '../given.ts';
import { decodeContent } from './decode-content.ts';
import type { ToolNames } from './tool-names.ts';
import { DIALECT_ID } from './wire.ts';

interface Turn {
  readonly role: Message['role'];
  readonly content: ContentPart[];
}

/**
 * The conversation as turns. Items of an answer that follow each other are one turn, as are outputs of tools, which open
 * the user's next turn.
 * @param toolNames gives the plain names of tools that are called by namespace
 */
export function decodeInput(input: Given, toolNames: ToolNames): readonly Message[] {
  if (typeof input.value === 'string') return [{ role: 'user', content: decodeContent(input) }];
  const turns: Turn[] = [];
  for (const item of Array.isArray(input.value) ? input.list() : input.refuse('a string or an array')) {
    item.object();
    const type = item.member('type').optionalString() ?? 'message';
    if (type === 'message') addMessage(turns, item);
    else addItem(turns, item, { type, toolNames });
  }
  return turns;
}

function addMessage(turns: Turn[], item: Given): void {
  const role = item.member('role').string();
  const content = item.member('content');
  switch (role) {
    case 'system':
    case 'developer':
      turns.push({ role, content: decodeContent(content) });
      return;
    case 'user':
      if (!awaitsUser(turns.at(-1))) turns.push({ role, content: [] });
      turns.at(-1)?.content.push(...decodeContent(content));
      return;
    case 'assistant':
      turnOf(turns, 'assistant').push(...decodeContent(content));
      return;
    default:
      item.member('role').refuse('system, developer, user or assistant');
  }
}

/** Whether a turn holds nothing but what tools gave, so that the user's own words belong to it. */
const awaitsUser = (turn: Turn | undefined): boolean =>
  turn?.role === 'user' &&
  turn.content.length > 0 &&
  turn.content.every((part) => part.type === 'tool-result');

/** The content of the last turn, if it is this role's, else of a new one. */
function turnOf(turns: Turn[], role: 'user' | 'assistant'): ContentPart[] {
  const last = turns.at(-1);
  if (last?.role === role) return last.content;
  const turn: Turn = { role, content: [] };
  turns.push(turn);
  return turn.content;
}

/** An item that is no message. Items of hosted tools and others that are not known here are kept for this dialect. */
function addItem(
  turns: Turn[],
  item: Given,
  { type, toolNames }: { readonly type: string; readonly toolNames: ToolNames },
): void {
  switch (type) {
    case 'function_call':
    case 'custom_tool_call':
      turnOf(turns, 'assistant').push(decodeCall(item, toolNames));
      return;
    case 'function_call_output':
    case 'custom_tool_call_output':
      addResult(turns, decodeResult(item));
      return;
    case 'reasoning':
      addReasoning(turnOf(turns, 'assistant'), item);
      return;
    default: {
      const role = /_output$|_response$|^additional_tools$/.test(type) ? 'user' : 'assistant';
      const value = item.json() ?? null;
      turnOf(turns, role).push({ type: 'native', dialect: DIALECT_ID, name: type, value });
    }
  }
}

function addResult(turns: Turn[], result: ContentPart): void {
  if (awaitsUser(turns.at(-1))) turns.at(-1)?.content.push(result);
  else turns.push({ role: 'user', content: [result] });
}

function decodeCall(item: Given, toolNames: ToolNames): ContentPart {
  const isCustom = item.member('type').value === 'custom_tool_call';
  const name = item.member('name').string();
  const namespace = item.member('namespace').optionalString();
  return {
    type: 'tool-call',
    kind: isCustom ? 'custom' : 'function',
    id: item.member('call_id').string(),
    name: namespace === undefined ? name : toolNames.plainName({ namespace, name }),
    arguments: item.member(isCustom ? 'input' : 'arguments').string(),
  };
}

function decodeResult(item: Given): ContentPart {
  return {
    type: 'tool-result',
    callId: item.member('call_id').string(),
    content: decodeContent(item.member('output')),
    isError: false,
  };
}

/** Reasoning sent back: its text, and its proof, which may be another provider's. The proof of a call joins its call. */
function addReasoning(content: ContentPart[], item: Given): void {
  const text = reasoningText(item);
  const closed = item.member('encrypted_content').optionalString();
  const carried = closed === undefined ? undefined : readProof(closed);
  if (carried !== undefined) {
    const proofs = new CarriedProofs();
    content.push(...proofs.parts(carried, text));
    content.splice(0, content.length, ...proofs.signed(content));
    return;
  }
  if (closed !== undefined && text === '')
    content.push({ type: 'reasoning-encrypted', data: closed, dialect: DIALECT_ID });
  else if (closed !== undefined)
    content.push({ type: 'reasoning', text, signature: closed, dialect: DIALECT_ID });
  else if (text !== '') content.push({ type: 'reasoning', text, dialect: DIALECT_ID });
}

function reasoningText(item: Given): string {
  const read = (name: 'summary' | 'content'): readonly string[] =>
    (item.member(name).optionalList() ?? []).map((part) => {
      part.object();
      return part.member('text').optionalString() ?? '';
    });
  const summary = read('summary');
  const content = read('content');
  return summary.length > 0 ? summary.join('\n\n') : content.join('');
}
