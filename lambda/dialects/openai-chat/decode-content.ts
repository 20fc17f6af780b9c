import type { CacheHint, ContentPart, MediaSource } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * Content of a message: text, or parts. Parts of a type that is not known here are kept for this dialect.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
 */
export function decodeContent(content: Given): ContentPart[] {
  if (content.isMissing) return [];
  if (typeof content.value === 'string')
    return content.value === '' ? [] : [{ type: 'text', text: content.value }];
  return (Array.isArray(content.value) ? content.list() : content.refuse('a string or an array')).map(
    decodePart,
  );
}

function decodePart(part: Given): ContentPart {
  part.object();
  const type = part.member('type').string();
  switch (type) {
    case 'text':
      return { type: 'text', text: part.member('text').string(), ...cacheHint(part) };
    case 'image_url':
      return decodeImage(part);
    case 'input_audio':
      return decodeAudio(part.member('input_audio'));
    case 'file':
      return decodeFile(part);
    case 'refusal':
      return { type: 'refusal', text: part.member('refusal').string() };
    default:
      return { type: 'native', dialect: DIALECT_ID, name: type, value: part.json() ?? null };
  }
}

/** Anthropic's cache hint rides on parts and tools, as OpenRouter and others take it. */
export function cacheHint(holder: Given): { readonly cacheHint?: CacheHint } {
  const hint = holder.member('cache_control').optionalJsonObject();
  return hint === undefined ? {} : { cacheHint: hint };
}

function decodeImage(part: Given): ContentPart {
  const image = part.member('image_url');
  if (typeof image.value === 'string')
    return { type: 'image', source: urlSource(image.value), ...cacheHint(part) };
  image.object();
  const detail = image.member('detail').optionalString();
  return {
    type: 'image',
    source: urlSource(image.member('url').string()),
    ...(detail === undefined ? {} : { detail }),
    ...cacheHint(part),
  };
}

/** Sound in its own bytes. */
export function decodeAudio(audio: Given): ContentPart {
  audio.object();
  const format = audio.member('format').string();
  return {
    type: 'audio',
    source: { type: 'base64', mediaType: `audio/${format}`, data: audio.member('data').string() },
  };
}

function decodeFile(part: Given): ContentPart {
  const file = part.member('file');
  file.object();
  const name = file.member('filename').optionalString();
  return {
    type: 'file',
    source: fileSource(file),
    ...(name === undefined ? {} : { name }),
    ...cacheHint(part),
  };
}

/** A file in its own bytes, or one the provider keeps. */
export function fileSource(file: Given): MediaSource {
  const id = file.member('file_id').optionalString();
  if (id !== undefined) return { type: 'provider-file', id };
  const data = file.member('file_data').string();
  const source = urlSource(data);
  if (source.type === 'base64' || /^[a-z][a-z0-9+.-]*:/i.test(data.slice(0, 20))) return source;
  return { type: 'base64', mediaType: 'application/octet-stream', data };
}

/** A data URL's content, or the address. */
export function urlSource(url: string): MediaSource {
  const match = /^data:([^,]{1,200}?);base64,/.exec(url.slice(0, 220));
  if (match === null) return { type: 'url', url };
  return { type: 'base64', mediaType: match[1] ?? '', data: url.slice(match[0].length) };
}
