import type { CacheHint, ContentPart } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { decodeAudio, fileSource, urlSource } from '../openai-parts.ts';
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
