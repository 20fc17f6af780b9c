import type { ContentPart, MediaSource, Message } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import { defined } from '../loose.ts';
import type { LeftOut, RequestFeature } from '../request-feature.ts';
import { isKeptByGoogle } from './decode-parts.ts';
import { DIALECT_ID } from './wire.ts';

type PartOf<Type extends ContentPart['type']> = Extract<ContentPart, { type: Type }>;

/**
 * What Google documents for calls its models did not make: a model of the third generation refuses the first call of a turn
 * that has no signature.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export const NO_SIGNATURE_CHECK = 'skip_thought_signature_validator';

/** Turns the messages of one request into Google's; knows the names of functions by the ids of their calls. */
export class PartEncoder {
  readonly #leftOut: LeftOut;
  readonly #isThirdGeneration: boolean;
  readonly #functionNames = new Map<string, string>();

  constructor(options: { readonly leftOut: LeftOut; readonly isThirdGeneration: boolean }) {
    this.#leftOut = options.leftOut;
    this.#isThirdGeneration = options.isThirdGeneration;
  }

  /** System turns, wherever they stand, as the parts of the one instruction Google takes, which holds text only. */
  system(messages: readonly Message[]): readonly JsonObject[] {
    return messages.filter(isSystem).flatMap(({ content }) =>
      content.flatMap((part) => {
        if (part.type !== 'image' && part.type !== 'audio' && part.type !== 'file') return this.#part(part);
        this.#leftOut.refuse(part.type);
        return [];
      }),
    );
  }

  /** Turns of user and model; neighbours of one role become one, and a turn left without parts is left out. */
  contents(messages: readonly Message[]): readonly JsonObject[] {
    const turns: { readonly role: string; readonly parts: JsonObject[] }[] = [];
    for (const message of messages) {
      if (message.name !== undefined) this.#leftOut.omit('participant_name');
      if (isSystem(message)) continue;
      const role = message.role === 'assistant' ? 'model' : 'user';
      const parts = [...this.#parts(message.content)];
      const last = turns.at(-1);
      if (last?.role === role) last.parts.push(...parts);
      else if (parts.length > 0) turns.push({ role, parts });
    }
    return turns.map(({ role, parts }) => ({
      role,
      parts: role === 'model' ? this.#signed(parts) : responsesFirst(parts),
    }));
  }

  #parts(content: readonly ContentPart[]): readonly JsonObject[] {
    return content.flatMap((part) => this.#part(part));
  }

  #part(part: ContentPart): readonly JsonObject[] {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return part.text === '' ? [] : [{ text: part.text }];
      case 'image':
      case 'audio':
      case 'file':
        return this.#media(part);
      case 'reasoning':
      case 'reasoning-encrypted':
        return this.#reasoning(part);
      case 'tool-call':
        return [this.#call(part)];
      case 'tool-result':
        return this.#response(part);
      case 'native':
        return this.#native(part);
    }
  }

  #native(part: PartOf<'native'>): readonly JsonObject[] {
    // This dialect's native parts are decoded from objects only.
    if (part.dialect === DIALECT_ID) return [part.value as JsonObject];
    this.#leftOut.refuse('native_content', part.name);
    return [];
  }

  /** Only what Google's own models thought may come back. */
  #reasoning(part: PartOf<'reasoning' | 'reasoning-encrypted'>): readonly JsonObject[] {
    if (part.dialect !== DIALECT_ID) {
      this.#leftOut.omit('reasoning_content');
      return [];
    }
    if (part.type === 'reasoning-encrypted') return [{ text: '', thoughtSignature: part.data }];
    return [{ text: part.text, thought: true, ...defined({ thoughtSignature: part.signature }) }];
  }

  /** Free text of a custom tool is wrapped, as Google's arguments are always an object. */
  #call(part: PartOf<'tool-call'>): JsonObject {
    const { id, name, kind, signature } = part;
    this.#functionNames.set(id, name);
    const args = kind === 'custom' ? { input: part.arguments } : argumentsObject(part.arguments);
    if (args === undefined) this.#leftOut.refuse('tool_arguments');
    const call = { id, name, args: args ?? { input: part.arguments } };
    return { functionCall: call, ...defined({ thoughtSignature: signature }) };
  }

  #signed(parts: readonly JsonObject[]): readonly JsonObject[] {
    const first = parts.findIndex((part) => part['functionCall'] !== undefined);
    if (!this.#isThirdGeneration || parts[first]?.['thoughtSignature'] !== undefined) return parts;
    return parts.map((part, index) =>
      index === first ? { ...part, thoughtSignature: NO_SIGNATURE_CHECK } : part,
    );
  }

  /**
   * Media of a result stand in it where the model takes them there, else behind it.
   * @see https://ai.google.dev/gemini-api/docs/function-calling#multimodal
   */
  #response(part: PartOf<'tool-result'>): readonly JsonObject[] {
    const texts = part.content.flatMap((inner) => (inner.type === 'text' ? [inner.text] : []));
    const others = this.#parts(part.content.filter((inner) => inner.type !== 'text'));
    const response = { [part.isError ? 'error' : 'output']: texts.join('\n') };
    const name = this.#functionNames.get(part.callId) ?? UNKNOWN_FUNCTION;
    const base = { id: part.callId, name, response };
    const isMedia = (other: JsonObject): boolean => other['inlineData'] !== undefined;
    const inside = this.#isThirdGeneration ? others.filter(isMedia) : [];
    const behind = others.filter((other) => !inside.includes(other));
    return [{ functionResponse: inside.length === 0 ? base : { ...base, parts: inside } }, ...behind];
  }

  #media(part: PartOf<'image' | 'audio' | 'file'>): readonly JsonObject[] {
    const { source } = part;
    if (part.type === 'image' && (part.detail ?? 'auto') !== 'auto') this.#leftOut.omit('image_detail');
    if (source.type === 'base64') return [inlineData(source.mediaType, source.data)];
    if (source.type === 'url') {
      const inline = DATA_URL.exec(source.url.slice(0, 256));
      if (inline?.[1] !== undefined)
        return [inlineData(inline[1].toLowerCase(), source.url.slice(inline[0].length))];
      if (/^https?:\/\//i.test(source.url))
        return [{ fileData: { mimeType: mediaTypeOf(source.url, part.type), fileUri: source.url } }];
    } else if (isKeptByGoogle(source.id)) return [{ fileData: { fileUri: source.id } }];
    this.#leftOut.refuse(refusedFeature(part.type, source));
    return [];
  }
}

/** The name of a function nobody called: Google asks for one. */
const UNKNOWN_FUNCTION = 'unknown_function';

const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';

const responsesFirst = (parts: readonly JsonObject[]): readonly JsonObject[] => [
  ...parts.filter((part) => part['functionResponse'] !== undefined),
  ...parts.filter((part) => part['functionResponse'] === undefined),
];

const inlineData = (mimeType: string, data: string): JsonObject => ({ inlineData: { mimeType, data } });

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64,/i;

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['wav', 'audio/wav'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
]);

const USUAL_TYPES = { image: 'image/jpeg', audio: 'audio/mpeg', file: 'application/pdf' } as const;

/** Google asks for the media type of an address: by its extension, else the usual one. */
function mediaTypeOf(url: string, kind: keyof typeof USUAL_TYPES): string {
  const extension = /\.([a-z0-9]{2,4})(?:[?#]|$)/i.exec(url.slice(0, 4096))?.[1]?.toLowerCase();
  const known = MEDIA_TYPES.get(extension ?? '');
  const isOfKind = kind === 'file' ? known?.startsWith('text/') : known?.startsWith(`${kind}/`);
  return known !== undefined && isOfKind === true ? known : USUAL_TYPES[kind];
}

function refusedFeature(type: 'image' | 'audio' | 'file', source: MediaSource): RequestFeature {
  if (source.type === 'provider-file') return 'provider_file';
  if (type === 'audio') return 'audio';
  return type === 'image' ? 'image_url' : 'file_url';
}
