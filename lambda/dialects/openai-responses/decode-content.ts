import type { ContentPart } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { decodeAudio, fileSource, urlSource } from '../openai-parts.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * Content of a message or of a tool's output: text, or parts. Parts of a type that is not known here are kept for this dialect.
 * @see https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
 */
export function decodeContent(content: Given): ContentPart[] {
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
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: part.member('text').string() };
    case 'refusal':
      return { type: 'refusal', text: part.member('refusal').string() };
    case 'input_image':
      return decodeImage(part);
    case 'input_file':
      return decodeFile(part);
    case 'input_audio':
      return decodeAudio(part.member('input_audio'));
    default:
      return { type: 'native', dialect: DIALECT_ID, name: type, value: part.json() ?? null };
  }
}

function decodeImage(part: Given): ContentPart {
  const detail = part.member('detail').optionalString();
  const id = part.member('file_id').optionalString();
  return {
    type: 'image',
    source: id === undefined ? urlSource(part.member('image_url').string()) : { type: 'provider-file', id },
    ...(detail === undefined ? {} : { detail }),
  };
}

function decodeFile(part: Given): ContentPart {
  const name = part.member('filename').optionalString();
  const url = part.member('file_url').optionalString();
  return {
    type: 'file',
    source: url === undefined ? fileSource(part) : urlSource(url),
    ...(name === undefined ? {} : { name }),
  };
}
