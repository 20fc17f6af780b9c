import type { ContentPart, Message } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { defined } from '../loose.ts';
import { encodeAudio, urlOf } from '../openai-parts.ts';
import { MAX_TOOL_NAME } from '../openai-tools.ts';
import type { LeftOut } from '../request-feature.ts';
import { safeName } from '../safe-name.ts';
import { CallIds } from './call-ids.ts';
import { DIALECT_ID } from './wire.ts';

type PartOf<Type extends ContentPart['type']> = Extract<ContentPart, { readonly type: Type }>;

/** The conversation as items: each call, output and piece of reasoning is one of its own. */
export function encodeInput(messages: readonly Message[], leftOut: LeftOut): JsonObject[] {
  const encoder = new InputEncoder(messages, leftOut);
  return messages.flatMap((message) => encoder.encode(message));
}

class InputEncoder {
  readonly #leftOut: LeftOut;
  readonly #callIds: CallIds;
  readonly #customCalls: ReadonlySet<string>;

  constructor(messages: readonly Message[], leftOut: LeftOut) {
    this.#leftOut = leftOut;
    const calls = messages.flatMap(({ content }) => content.filter((part) => part.type === 'tool-call'));
    this.#callIds = new CallIds(calls.map(({ id }) => id));
    this.#customCalls = new Set(calls.filter(({ kind }) => kind === 'custom').map(({ id }) => id));
  }

  encode({ role, content, name }: Message): JsonObject[] {
    if (name !== undefined) this.#leftOut.refuse('participant_name');
    if (role === 'assistant') return this.#encodeAnswer(content);
    const items = content.filter(isItem).flatMap((part) => this.#encodeItem(part));
    const own = content.filter((part) => !isItem(part)).flatMap((part) => this.#encodePart(part));
    if (items.length > 0 && own.length === 0) return items;
    return [...items, { type: 'message', role, content: simplified(own) }];
  }

  /** Text and refusals that follow each other are one message; all else stands where it stood. */
  #encodeAnswer(content: readonly ContentPart[]): JsonObject[] {
    const items: JsonObject[] = [];
    let spoken: JsonObject[] = [];
    const endMessage = (): void => {
      if (spoken.length > 0) items.push({ type: 'message', role: 'assistant', content: spoken });
      spoken = [];
    };
    for (const part of content) {
      if (part.type === 'text') spoken.push({ type: 'output_text', text: part.text });
      else if (part.type === 'refusal') spoken.push({ type: 'refusal', refusal: part.text });
      else {
        endMessage();
        items.push(...this.#encodeItem(part));
      }
    }
    endMessage();
    return items;
  }

  /** A part that is an item of its own; none for what is another provider's, or has no place in an answer. */
  #encodeItem(part: ContentPart): JsonObject[] {
    switch (part.type) {
      case 'tool-call':
        return [this.#encodeCall(part)];
      case 'tool-result':
        return [this.#encodeResult(part)];
      case 'reasoning':
      case 'reasoning-encrypted':
        return this.#encodeReasoning(part);
      case 'native':
        return isItem(part) ? this.#encodeNative(part) : [];
      case 'image':
      case 'audio':
      case 'file':
        this.#leftOut.refuse(part.type);
        return [];
      case 'text':
      case 'refusal':
        return [];
    }
  }

  #encodeCall({ id, kind, name: called, arguments: given, signature }: PartOf<'tool-call'>): JsonObject {
    // Only Gemini signs calls.
    if (signature !== undefined) this.#leftOut.omit('reasoning_content');
    const name = safeName(called, MAX_TOOL_NAME);
    const call_id = this.#callIds.idOf(id);
    return kind === 'custom'
      ? { type: 'custom_tool_call', call_id, name, input: given }
      : { type: 'function_call', call_id, name, arguments: given };
  }

  #encodeResult({ callId, content, isError }: PartOf<'tool-result'>): JsonObject {
    const isCustom = this.#customCalls.has(callId);
    const parts = content.flatMap((part) => this.#encodePart(part));
    // This format has no sign for it, and a failure must not read as a result.
    if (isError) parts.unshift({ type: 'input_text', text: 'The tool failed:' });
    return {
      type: isCustom ? 'custom_tool_call_output' : 'function_call_output',
      call_id: this.#callIds.idOf(callId),
      output: simplified(parts),
    };
  }

  /** Only what OpenAI itself closed may come back. */
  #encodeReasoning(part: PartOf<'reasoning' | 'reasoning-encrypted'>): JsonObject[] {
    const proof = part.type === 'reasoning' ? part.signature : part.data;
    if (part.dialect !== DIALECT_ID || proof === undefined) {
      this.#leftOut.omit('reasoning_content');
      return [];
    }
    const summary = part.type === 'reasoning' ? [{ type: 'summary_text', text: part.text }] : [];
    return [{ type: 'reasoning', summary, encrypted_content: proof }];
  }

  #encodeNative(part: PartOf<'native'>): JsonObject[] {
    // This dialect's native parts are decoded from objects only.
    if (part.dialect === DIALECT_ID) return [part.value as JsonObject];
    this.#leftOut.refuse('native_content', part.name);
    return [];
  }

  #encodePart(part: ContentPart): JsonObject[] {
    switch (part.type) {
      case 'text':
      case 'refusal':
        return [{ type: 'input_text', text: part.text }];
      case 'image':
        return this.#encodeImage(part);
      case 'file':
        return this.#encodeFile(part);
      case 'audio': {
        const audio = encodeAudio(part.source, this.#leftOut);
        return audio === undefined ? [] : [audio];
      }
      case 'native':
        return this.#encodeNative(part);
      default:
        this.#leftOut.refuse('native_content', part.type);
        return [];
    }
  }

  #encodeImage({ source, detail }: PartOf<'image'>): JsonObject[] {
    if (source.type === 'provider-file') return this.#refuseFile();
    return [defined({ type: 'input_image', image_url: urlOf(source), detail })];
  }

  #encodeFile({ source, name }: PartOf<'file'>): JsonObject[] {
    if (source.type === 'provider-file') return this.#refuseFile();
    if (source.type === 'url') return [defined({ type: 'input_file', file_url: source.url, filename: name })];
    return [{ type: 'input_file', filename: name ?? 'file', file_data: urlOf(source) }];
  }

  #refuseFile(): JsonObject[] {
    this.#leftOut.refuse('provider_file');
    return [];
  }
}

/** Parts of this dialect that are items; other parts stand within a message. */
const CONTENT_TYPE = /^(input|output)_|_text$/;

/** Whether a part is an item of its own beside messages. */
function isItem(part: ContentPart): boolean {
  switch (part.type) {
    case 'tool-call':
    case 'tool-result':
    case 'reasoning':
    case 'reasoning-encrypted':
      return true;
    case 'native':
      return part.dialect !== DIALECT_ID || !CONTENT_TYPE.test(part.name);
    default:
      return false;
  }
}

/** One text as a string; else the parts. */
function simplified(parts: readonly JsonObject[]): Json {
  const [first] = parts;
  if (first === undefined) return '';
  return parts.length === 1 && first['type'] === 'input_text' ? (first['text'] ?? '') : parts;
}
