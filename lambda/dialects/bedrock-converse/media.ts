import type { MediaSource } from '../../domain/chat/request.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Given } from '../given.ts';

/** What Bedrock calls a kind of media's formats, and their media types; the first of several names of a type counts. */
export class MediaFormats {
  readonly #kind: string;
  readonly #types: ReadonlyMap<string, string>;
  readonly #formats: ReadonlyMap<string, string>;

  constructor(
    kind: string,
    types: Readonly<Record<string, string>>,
    aliases: Readonly<Record<string, string>> = {},
  ) {
    this.#kind = kind;
    this.#types = new Map(Object.entries(types));
    const formats = Object.entries(types).map(([format, type]) => [type, format] as const);
    this.#formats = new Map([...Object.entries(aliases), ...formats.reverse()]);
  }

  /** Formats that are still to come are named as their kind's subtype. */
  mediaTypeOf(format: string): string {
    return this.#types.get(format) ?? `${this.#kind}/${format}`;
  }

  /** `undefined` for a type that Bedrock does not take. @param mediaType parameters (`;charset=…`) do not count */
  formatOf(mediaType: string): string | undefined {
    return this.#formats.get(mediaType.split(';')[0]?.trim().toLowerCase() ?? '');
  }

  /** The format that a file's name says. */
  formatOfName(name: string): string | undefined {
    const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
    if (extension === undefined) return undefined;
    if (this.#types.has(extension)) return extension;
    return EXTENSIONS.get(extension);
  }
}

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['jpg', 'jpeg'],
  ['htm', 'html'],
]);

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html */
export const IMAGES = new MediaFormats(
  'image',
  { png: 'image/png', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp' },
  { 'image/jpg': 'jpeg' },
);

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html */
export const DOCUMENTS = new MediaFormats(
  'application',
  {
    pdf: 'application/pdf',
    csv: 'text/csv',
    doc: 'application/msword',
    docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    xls: 'application/vnd.ms-excel',
    xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    html: 'text/html',
    txt: 'text/plain',
    md: 'text/markdown',
  },
  { 'text/x-markdown': 'md' },
);

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_AudioBlock.html */
export const SOUNDS = new MediaFormats(
  'audio',
  {
    mp3: 'audio/mpeg',
    wav: 'audio/wav',
    flac: 'audio/flac',
    ogg: 'audio/ogg',
    opus: 'audio/opus',
    aac: 'audio/aac',
    m4a: 'audio/x-m4a',
    mp4: 'audio/mp4',
    webm: 'audio/webm',
    mka: 'audio/x-matroska',
    pcm: 'audio/pcm',
    'x-aac': 'audio/x-aac',
  },
  { 'audio/mp3': 'mp3', 'audio/x-wav': 'wav', 'audio/wave': 'wav', 'audio/m4a': 'm4a' },
);

/**
 * A block's source as every dialect knows it; `undefined` for what only this one can say (a bucket's owner, an object
 * whose name does not say its format).
 * @throws GatewayError `invalid_request` for bytes or addresses that are no text
 */
export function decodeSource(block: Given, formats: MediaFormats): MediaSource | undefined {
  const format = block.member('format').string();
  const source = block.member('source');
  source.object();
  const bytes = source.member('bytes').optionalString();
  if (bytes !== undefined) return { type: 'base64', mediaType: formats.mediaTypeOf(format), data: bytes };
  const location = source.member('s3Location');
  if (location.isMissing) return undefined;
  const url = location.member('uri').string();
  const isPlain = isJsonObject(location.value) && Object.keys(location.value).length === 1;
  return isPlain && formats.formatOfName(url) === format ? { type: 'url', url } : undefined;
}

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,/i;

/** `format` and `source` of a block; `undefined` for a format or an address that Bedrock does not take. */
export function encodeSource(source: MediaSource, formats: MediaFormats): JsonObject | undefined {
  switch (source.type) {
    case 'base64':
      return withBytes(source.mediaType, source.data, formats);
    case 'url': {
      const inline = DATA_URL.exec(source.url.slice(0, 256));
      if (inline?.[1] !== undefined) return withBytes(inline[1], source.url.slice(inline[0].length), formats);
      if (!source.url.startsWith('s3://')) return undefined;
      const format = formats.formatOfName(source.url);
      return format === undefined ? undefined : { format, source: { s3Location: { uri: source.url } } };
    }
    case 'provider-file':
      return undefined;
  }
}

function withBytes(mediaType: string, bytes: string, formats: MediaFormats): JsonObject | undefined {
  const format = formats.formatOf(mediaType);
  return format === undefined ? undefined : { format, source: { bytes } };
}
