import type { ContentPart, MediaSource } from '../domain/chat/request.ts';
import type { JsonObject } from '../domain/json.ts';
import type { Given } from './given.ts';
import type { LeftOut } from './request-feature.ts';

/** Sound in its own bytes. */
export function decodeAudio(audio: Given): ContentPart {
  audio.object();
  const format = audio.member('format').string();
  return {
    type: 'audio',
    source: { type: 'base64', mediaType: `audio/${format}`, data: audio.member('data').string() },
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

/** @see https://platform.openai.com/docs/guides/audio */
export function encodeAudio(source: MediaSource, leftOut: LeftOut): JsonObject | undefined {
  if (source.type !== 'base64') {
    leftOut.refuse(source.type === 'url' ? 'audio' : 'provider_file');
    return undefined;
  }
  const subtype = source.mediaType.split('/')[1] ?? '';
  const format = AUDIO_FORMATS.get(subtype) ?? subtype;
  return { type: 'input_audio', input_audio: { data: source.data, format } };
}

const AUDIO_FORMATS: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
  ['wave', 'wav'],
]);

/** The address, or the bytes as a data URL. */
export const urlOf = (source: Exclude<MediaSource, { readonly type: 'provider-file' }>): string =>
  source.type === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
