import type { ContentPart, MediaSource, Message } from '../../domain/chat/request.ts';
import { isJsonObject } from '../../domain/json.ts';
import { type CarriedProof, CarriedProofs, readProof, SIGNER_OF_CALLS } from '../carried-proof.ts';
import type { Given } from '../given.ts';
import { DIALECT_ID } from './wire.ts';

type ToolResult = Extract<ContentPart, { readonly type: 'tool-result' }>;

/**
 * The conversation; messages of tools, which are turns of their own here, open the user's next turn. The citations of an
 * earlier answer, sent back, stay in this dialect: they say nothing that the text does not say.
 * @see https://docs.cohere.com/v2/docs/chat-api#message-structure
 */
export function decodeMessages(messages: Given): readonly Message[] {
  const decoded: Message[] = [];
  let results: ToolResult[] = [];
  for (const message of messages.list()) {
    message.object();
    const role = message.member('role').string();
    if (role === 'tool') {
      results.push(decodeToolResult(message));
      continue;
    }
    const turn = decodeTurn(message, role);
    if (results.length > 0 && turn.role !== 'user') decoded.push({ role: 'user', content: results });
    const isAnswered = results.length > 0 && turn.role === 'user';
    decoded.push(isAnswered ? { ...turn, content: [...results, ...turn.content] } : turn);
    results = [];
  }
  if (results.length > 0) decoded.push({ role: 'user', content: results });
  return decoded.length > 0 ? decoded : messages.refuse('at least one message');
}

function decodeTurn(message: Given, role: string): Message {
  const content = message.member('content');
  switch (role) {
    case 'system':
    case 'user':
      if (content.isMissing) return content.refuse('a string or an array');
      return { role, content: decodeContent(content) };
    case 'assistant':
      return { role, content: decodeAssistant(message) };
    default:
      return message.member('role').refuse('system, user, assistant or tool');
  }
}

/** What the model thought stands before what it said; its plan right before the calls it planned. */
function decodeAssistant(message: Given): ContentPart[] {
  const plan = message.member('tool_plan').optionalString() ?? '';
  return [
    ...decodeContent(message.member('content')),
    ...(plan === '' ? [] : [{ type: 'reasoning', text: plan, dialect: DIALECT_ID } as const]),
    ...(message.member('tool_calls').optionalList() ?? []).map(decodeToolCall),
  ];
}

/** Another dialect's proof of what a thought or a call is. */
function proofOn(holder: Given): CarriedProof | undefined {
  const signature = holder.member('signature').optionalString();
  return signature === undefined ? undefined : readProof(signature);
}

/** Cohere's models write `null` for no arguments at all, which no other dialect takes. */
function decodeToolCall(call: Given): ContentPart {
  call.object();
  const body = call.member('function');
  body.object();
  const text = body.member('arguments').optionalString() ?? '';
  const proof = proofOn(call);
  return {
    type: 'tool-call',
    kind: 'function',
    id: call.member('id').string(),
    name: body.member('name').string(),
    arguments: text.trim() === 'null' ? '{}' : text,
    ...(proof?.dialect === SIGNER_OF_CALLS && { signature: proof.data }),
  };
}

function decodeToolResult(message: Given): ToolResult {
  const callId = message.member('tool_call_id').string();
  return { type: 'tool-result', callId, content: decodeContent(message.member('content')), isError: false };
}

/** Text, or blocks. Empty text says nothing; blocks of a type that is not known here are kept for this dialect. */
function decodeContent(content: Given): ContentPart[] {
  if (content.isMissing) return [];
  if (typeof content.value === 'string') return textParts(content.value);
  return (Array.isArray(content.value) ? content.list() : content.refuse('a string or an array')).flatMap(
    decodePart,
  );
}

const textParts = (text: string): ContentPart[] => (text === '' ? [] : [{ type: 'text', text }]);

function decodePart(part: Given): readonly ContentPart[] {
  part.object();
  const type = part.member('type').string();
  switch (type) {
    case 'text':
      return textParts(part.member('text').string());
    case 'thinking': {
      const text = part.member('thinking').string();
      const proof = proofOn(part);
      if (proof !== undefined) return new CarriedProofs().parts(proof, text);
      return text === '' ? [] : [{ type: 'reasoning', text, dialect: DIALECT_ID }];
    }
    case 'image_url':
      return [decodeImage(part.member('image_url'))];
    case 'document':
      return textParts(documentText(part.member('document')));
    default:
      return [{ type: 'native', dialect: DIALECT_ID, name: type, value: part.json() ?? null }];
  }
}

function decodeImage(image: Given): ContentPart {
  image.object();
  const detail = image.member('detail').optionalString();
  return {
    type: 'image',
    source: urlSource(image.member('url').string()),
    ...(detail === undefined ? {} : { detail }),
  };
}

/** A data URL's content, or the address. */
function urlSource(url: string): MediaSource {
  const match = /^data:([^,]{1,200}?);base64,/.exec(url.slice(0, 220));
  if (match === null) return { type: 'url', url };
  return { type: 'base64', mediaType: match[1] ?? '', data: url.slice(match[0].length) };
}

/**
 * What a tool found, which is text in every other dialect: the data as it stands, together with the name that citations
 * would give it.
 * @see https://docs.cohere.com/v2/docs/tool-use-citations
 */
function documentText(document: Given): string {
  const { id, data } = document.object();
  if (id === undefined && typeof data === 'string') return data;
  if (!isJsonObject(data) && typeof data !== 'string') return document.member('data').refuse('an object');
  document.json();
  return JSON.stringify(document.value);
}
