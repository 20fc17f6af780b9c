import type { ChatRequest, ContentPart, Message } from '../../domain/chat/request.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { RequestAddress } from '../dialect.ts';
import { Given } from '../given.ts';
import { ownMembers } from '../operation-dialect.ts';

/**
 * Reads what is to be counted: `contents`, or a whole `generateContentRequest`. Texts and pictures are read as such; other
 * parts count as they stand.
 * @throws GatewayError `invalid_request`
 */
export function decodeRequest(body: JsonObject, address?: RequestAddress): ChatRequest {
  if (address?.model === undefined)
    throw new GatewayError('invalid_request', 'The path names no model.', { param: 'model' });
  const given = new Given(body, '');
  const whole = given.member('generateContentRequest');
  const request = whole.isMissing ? given : whole;
  if (!whole.isMissing) whole.object();
  const system = request.member('systemInstruction');
  const contents = request.member('contents');
  const turns = typeof contents.value === 'object' ? (contents.optionalListOf(() => true) ?? [contents]) : contents.list();
  const tools = request.member('tools').optionalList() ?? [];
  return {
    model: address.model,
    messages: [
      ...(system.isMissing ? [] : [messageOf(system, 'system')]),
      ...turns.map((turn) => messageOf(turn, roleOf(turn))),
      ...tools.map((tool): Message => ({ role: 'system', content: [native(tool, 'tool')] })),
    ],
    stream: false,
    includeUsage: true,
    maxOutputTokens: 0,
    work: { units: {} },
    nativeOptions: ownMembers(body),
    unknownFields: [],
  };
}

const roleOf = (turn: Given): Message['role'] =>
  turn.member('role').optionalString() === 'model' ? 'assistant' : 'user';

function messageOf(turn: Given, role: Message['role']): Message {
  turn.object();
  return { role, content: (turn.member('parts').optionalList() ?? []).map(partOf) };
}

function partOf(part: Given): ContentPart {
  part.object();
  const text = part.member('text').optionalString();
  if (text !== undefined) return { type: 'text', text };
  const inline = part.member('inlineData');
  if (inline.isMissing) return native(part, 'part');
  const mediaType = inline.member('mimeType').optionalString() ?? '';
  const source = { type: 'base64', mediaType, data: inline.member('data').string() } as const;
  return mediaType.startsWith('image/') ? { type: 'image', source } : { type: 'file', source };
}

const native = (given: Given, name: string): ContentPart => ({
  type: 'native',
  dialect: 'gemini-count-tokens',
  name,
  value: given.optionalJsonObject() ?? {},
});
