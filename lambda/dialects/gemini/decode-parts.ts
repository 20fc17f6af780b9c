import type { ContentPart, MediaSource } from '../../domain/chat/request.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { CarriedProofs, readProofBytes } from '../carried-proof.ts';
import type { Given } from '../given.ts';
import { defined } from '../loose.ts';
import type { CallIds } from './call-ids.ts';
import { camelCase, DIALECT_ID, field } from './wire.ts';

/**
 * Thoughts come in pieces, and another dialect's proof of them behind them all: what it proves is the whole, as one part.
 */
export function joinProvenThoughts(content: readonly ContentPart[]): readonly ContentPart[] {
  const joined: ContentPart[] = [];
  for (const part of content) {
    if (part.type !== 'reasoning' || part.dialect === DIALECT_ID || part.text !== '') {
      joined.push(part);
      continue;
    }
    const start = joined.findLastIndex((before) => !isOpenThought(before)) + 1;
    const texts = joined.splice(start).map((thought) => ('text' in thought ? thought.text : ''));
    joined.push({ ...part, text: texts.join('') });
  }
  return joined;
}

const isOpenThought = (part: ContentPart): boolean =>
  part.type === 'reasoning' && part.dialect === DIALECT_ID && part.signature === undefined;

/** Fields that stand beside what a part holds, and change nothing of it for another model. */
const BESIDE = new Set(['thought', 'thoughtSignature', 'mediaResolution', 'partMetadata']);

/**
 * Reads the parts of a turn. What only Google understands (code it ran, videos with their cut) becomes a `native` part.
 * @throws GatewayError `invalid_request` naming the part
 */
export function decodeParts(parts: Given, role: 'user' | 'assistant', ids: CallIds): ContentPart[] {
  return (parts.optionalList() ?? []).flatMap((part) => decodePart(part, role, ids));
}

function decodePart(part: Given, role: 'user' | 'assistant', ids: CallIds): readonly ContentPart[] {
  const names = Object.keys(part.object()).filter((name) => !part.member(name).isMissing);
  const kinds = names.map(camelCase).filter((name) => !BESIDE.has(name));
  const [kind = 'text', other] = kinds;
  // Two things in one part are an error to Google, or one of them counts: which, it would say.
  if (other !== undefined) return [native(part, kind)];
  const signature = field(part, 'thoughtSignature').optionalString() ?? '';
  if (kinds.length === 0 && signature === '') part.refuse('a part that holds something');
  switch (kind) {
    case 'text':
      return decodeText(part, signature);
    case 'functionCall':
      if (role !== 'assistant') part.refuse('a function call in a turn of the model');
      return [{ ...decodeCall(field(part, 'functionCall'), ids), ...(signature !== '' && { signature }) }];
    case 'functionResponse':
      if (role !== 'user') part.refuse('a function response in a turn of the user');
      return [decodeResponse(field(part, 'functionResponse'), ids)];
    default:
      return [decodeMedia(part, kind) ?? native(part, kind)];
  }
}

function native(part: Given, name: string): ContentPart {
  return { type: 'native', dialect: DIALECT_ID, name, value: part.json() ?? null };
}

/** A signature of plain text stands behind the text, as one that comes by itself does. */
function decodeText(part: Given, signature: string): readonly ContentPart[] {
  const text = part.member('text').optionalString() ?? '';
  const carried = readProofBytes(signature);
  if (carried?.type === 'signature') return new CarriedProofs().parts(carried, text);
  // A proof of its own may have come to stand on the part before it.
  if (carried !== undefined)
    return [...(text === '' ? [] : decodeText(part, '')), ...new CarriedProofs().parts(carried, '')];
  if (part.member('thought').optionalBoolean() === true)
    return [{ type: 'reasoning', text, ...(signature !== '' && { signature }), dialect: DIALECT_ID }];
  const proof: ContentPart[] =
    signature === '' ? [] : [{ type: 'reasoning-encrypted', data: signature, dialect: DIALECT_ID }];
  return text === '' ? proof : [{ type: 'text', text }, ...proof];
}

type ToolCall = Extract<ContentPart, { readonly type: 'tool-call' }>;

function decodeCall(call: Given, ids: CallIds): ToolCall {
  call.object();
  const name = call.member('name').string();
  const id = ids.ofCall(name, call.member('id').optionalString());
  const given = call.member('args').optionalJsonObject() ?? {};
  return { type: 'tool-call', kind: 'function', id, name, arguments: JSON.stringify(given) };
}

/**
 * `output` and `error` are the keys that mean something; any other object is the output itself.
 * @see https://ai.google.dev/api/caching#FunctionResponse
 */
function decodeResponse(response: Given, ids: CallIds): ContentPart {
  response.object();
  const name = response.member('name').optionalString() ?? '';
  const callId = ids.ofResponse(name, response.member('id').optionalString());
  const result = response.member('response').optionalJsonObject() ?? {};
  const [[key, value] = [], ...others] = Object.entries(result);
  const isNamed = others.length === 0 && (key === 'output' || key === 'error');
  const told = isNamed ? value : result;
  const text = typeof told === 'string' ? told : JSON.stringify(told ?? null);
  const isNothing = text === '' || Object.keys(result).length === 0;
  const media = (response.member('parts').optionalList() ?? []).map(decodeResponseMedia);
  return {
    type: 'tool-result',
    callId,
    content: [...(isNothing ? [] : [{ type: 'text' as const, text }]), ...media],
    isError: isNamed && key === 'error',
  };
}

function decodeResponseMedia(part: Given): ContentPart {
  const [name, other] = Object.keys(part.object());
  if (name === undefined || other !== undefined) return part.refuse('inlineData or fileData');
  const kind = camelCase(name);
  return decodeMedia(part, kind) ?? native(part, kind);
}

/** Pictures, sound and files; `undefined` for what is none of these, and for videos, which no other format has. */
function decodeMedia(part: Given, kind: string): ContentPart | undefined {
  if (kind !== 'inlineData' && kind !== 'fileData') return undefined;
  const body = field(part, kind);
  body.object();
  const mediaType = (field(body, 'mimeType').optionalString() ?? '').toLowerCase();
  const name = field(body, 'displayName').optionalString();
  const source: MediaSource =
    kind === 'inlineData'
      ? { type: 'base64', mediaType, data: body.member('data').string() }
      : uriSource(field(body, 'fileUri').string());
  if (mediaType.startsWith('video/') || (source.type === 'url' && VIDEO_SITE.test(source.url)))
    return undefined;
  if (mediaType.startsWith('image/'))
    return { type: 'image', source, ...defined({ detail: detailOf(part) }) };
  if (mediaType.startsWith('audio/')) return { type: 'audio', source };
  return { type: 'file', source, ...defined({ name }) };
}

const VIDEO_SITE = /^https?:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\//i;

/** Addresses of files that Google keeps. @see https://ai.google.dev/gemini-api/docs/file-input-methods */
export const isKeptByGoogle = (uri: string): boolean =>
  /^(?:gs:\/\/|https:\/\/generativelanguage\.googleapis\.com\/)/i.test(uri);

const uriSource = (uri: string): MediaSource =>
  /^https?:\/\//i.test(uri) && !isKeptByGoogle(uri)
    ? { type: 'url', url: uri }
    : { type: 'provider-file', id: uri };

/** How closely a picture is looked at, in the words other formats have. */
function detailOf(part: Given): string | undefined {
  const { value } = field(part, 'mediaResolution');
  const level: JsonObject = isJsonObject(value) ? value : {};
  return { MEDIA_RESOLUTION_LOW: 'low', MEDIA_RESOLUTION_HIGH: 'high' }[String(level['level'])];
}
