import type { ChatEvent, ReasoningKind, ToolCallKind } from '../../domain/chat/event.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { isCutJson } from '../cut-json.ts';
import { objectIn, objectsIn, textIn } from '../loose.ts';
import { DIALECT_ID } from './wire.ts';

/** How a block of an item begins. */
type BlockStart =
  | { readonly type: 'text-start' | 'refusal-start' }
  | { readonly type: 'reasoning-start'; readonly kind: ReasoningKind }
  | {
      readonly type: 'tool-call-start';
      readonly kind: ToolCallKind;
      readonly id: string;
      readonly name: string;
    };

interface Block {
  readonly block: number;
  readonly type: BlockStart['type'];
  /** All so far. */
  text: string;
  citations: number;
  /** The part of the item that the last piece belonged to. */
  part: number;
}

/** Where the answer's events go, and how its blocks get their numbers. */
export interface EventSink {
  push(event: ChatEvent): void;
  nextBlock(): number;
}

/**
 * One output item: pieces of it as they come, then the whole, which counts. What the whole holds and no piece brought (some
 * providers send none) is added from it.
 */
export class ItemDecoder {
  readonly #sink: EventSink;
  readonly #blocks = new Map<string, Block>();
  /** A call that was announced: its arguments may come only with the whole item. */
  #call: { readonly kind: 'function' | 'custom' } | undefined;
  #isDone = false;

  constructor(sink: EventSink) {
    this.#sink = sink;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get hasCall(): boolean {
    return this.#blocks.has('call');
  }

  get hasText(): boolean {
    return [...this.#blocks.values()].some(({ type, text }) => type === 'text-start' && text !== '');
  }

  get hasRefusal(): boolean {
    return [...this.#blocks.values()].some(({ type }) => type === 'refusal-start');
  }

  /** Whether a call stops in the middle of its arguments, or before them. */
  get isCut(): boolean {
    if (this.#call === undefined) return false;
    const given = this.#blocks.get('call')?.text ?? '';
    if (!this.#isDone && given === '') return true;
    return this.#call.kind === 'function' ? isCutJson(given) : !this.#isDone;
  }

  /** The item is announced: of a call, its name is known. */
  begin(item: JsonObject): void {
    if (!this.#isDone) this.#beginCall(item);
  }

  text(part: number, text: string, logprobs?: Json): void {
    if (this.#isDone || (text === '' && logprobs === undefined)) return;
    const { block } = this.#append(`text ${part}`, { type: 'text-start' }, { text, part });
    const delta = { type: 'text-delta', text, choice: 0, block } as const;
    this.#sink.push(logprobs === undefined ? delta : { ...delta, logprobs });
  }

  cite(part: number, citation: Json): void {
    if (this.#isDone) return;
    const block = this.#append(`text ${part}`, { type: 'text-start' }, { text: '', part });
    block.citations += 1;
    const event = { dialect: DIALECT_ID, citation, choice: 0, block: block.block };
    this.#sink.push({ type: 'text-citation', ...event });
  }

  refusal(part: number, text: string): void {
    if (this.#isDone || text === '') return;
    const { block } = this.#append(`refusal ${part}`, { type: 'refusal-start' }, { text, part });
    this.#sink.push({ type: 'refusal-delta', text, choice: 0, block });
  }

  /** Parts of a summary are paragraphs of one block. */
  reasoning(kind: 'raw' | 'summary', part: number, text: string): void {
    if (this.#isDone || text === '') return;
    const known = this.#blocks.get(kind);
    const isNext = kind === 'summary' && known !== undefined && known.part !== part;
    const piece = isNext ? `\n\n${text}` : text;
    const { block } = this.#append(kind, { type: 'reasoning-start', kind }, { text: piece, part });
    this.#sink.push({ type: 'reasoning-delta', text: piece, choice: 0, block });
  }

  arguments(text: string): void {
    const call = this.#blocks.get('call');
    if (this.#isDone || call === undefined || text === '') return;
    call.text += text;
    this.#sink.push({ type: 'tool-call-delta', arguments: text, choice: 0, block: call.block });
  }

  /** The whole item: what is missing of it is added, and its blocks end. */
  end(item: JsonObject): void {
    if (this.#isDone) return;
    this.#complete(item);
    this.#isDone = true;
    this.#endBlocks();
  }

  /** The answer ended before the item did. */
  close(): void {
    if (!this.#isDone) this.#endBlocks();
  }

  #endBlocks(): void {
    for (const { block } of this.#blocks.values()) this.#sink.push({ type: 'block-end', choice: 0, block });
  }

  #complete(item: JsonObject): void {
    switch (item['type']) {
      case 'message':
        objectsIn(item, 'content').forEach((part, index) => {
          this.#completePart(part, index);
        });
        return;
      case 'reasoning':
        this.#completeReasoning(item);
        return;
      case 'function_call':
      case 'custom_tool_call':
        this.#beginCall(item);
        this.arguments(this.#rest('call', argumentsOf(item)));
        return;
      case 'image_generation_call':
        this.#completeImage(item);
        return;
      default:
        this.#completeHosted(item);
    }
  }

  #completePart(part: JsonObject, index: number): void {
    if (part['type'] === 'refusal') {
      this.refusal(index, this.#rest(`refusal ${index}`, textIn(part, 'refusal') ?? ''));
      return;
    }
    const isNew = !this.#blocks.has(`text ${index}`);
    const logprobs = isNew ? chatLogprobs(part['logprobs']) : undefined;
    this.text(index, this.#rest(`text ${index}`, textIn(part, 'text') ?? ''), logprobs);
    const known = this.#blocks.get(`text ${index}`)?.citations ?? 0;
    for (const citation of objectsIn(part, 'annotations').slice(known)) this.cite(index, citation);
  }

  #completeReasoning(item: JsonObject): void {
    const told = [...this.#blocks.keys()];
    if (!told.includes('summary'))
      objectsIn(item, 'summary').forEach((part, index) => {
        this.reasoning('summary', index, textIn(part, 'text') ?? '');
      });
    if (!told.includes('raw'))
      objectsIn(item, 'content').forEach((part, index) => {
        this.reasoning('raw', index, textIn(part, 'text') ?? '');
      });
    const closed = textIn(item, 'encrypted_content');
    if (closed !== undefined) this.#prove(closed);
  }

  /** What is closed proves the text beside it; alone it is the reasoning. */
  #prove(closed: string): void {
    const shown = this.#blocks.get('summary') ?? this.#blocks.get('raw');
    if (shown !== undefined) {
      const { block } = shown;
      this.#sink.push({ type: 'block-signature', signature: closed, choice: 0, block });
      return;
    }
    const start = { type: 'reasoning-start', kind: 'encrypted' } as const;
    const { block } = this.#append('closed', start, { text: closed, part: 0 });
    this.#sink.push({ type: 'reasoning-delta', text: closed, choice: 0, block });
  }

  #completeImage(item: JsonObject): void {
    const base64 = textIn(item, 'result');
    if (base64 === undefined) return;
    const at = { choice: 0, block: this.#sink.nextBlock() };
    const mediaType = `image/${textIn(item, 'output_format') ?? 'png'}`;
    this.#sink.push({ type: 'media-start', kind: 'image', mediaType, ...at });
    this.#sink.push({ type: 'media-delta', base64, ...at });
    this.#sink.push({ type: 'block-end', ...at });
  }

  #completeHosted(item: JsonObject): void {
    if (textIn(item, 'type') === undefined) return;
    const at = { choice: 0, block: this.#sink.nextBlock() };
    const callId = textIn(item, 'call_id') ?? textIn(item, 'id') ?? '';
    this.#sink.push({ type: 'hosted-tool-result', dialect: DIALECT_ID, callId, result: item, ...at });
    this.#sink.push({ type: 'block-end', ...at });
  }

  #beginCall(item: JsonObject): void {
    const isCustom = item['type'] === 'custom_tool_call';
    if (this.#call !== undefined || (item['type'] !== 'function_call' && !isCustom)) return;
    this.#call = { kind: isCustom ? 'custom' : 'function' };
    const id = textIn(item, 'call_id') ?? textIn(item, 'id') ?? '';
    const name = textIn(item, 'name') ?? '';
    this.#append('call', { type: 'tool-call-start', ...this.#call, id, name }, { text: '', part: 0 });
  }

  /** What a text has beyond the pieces that came. */
  #rest(key: string, whole: string): string {
    const known = this.#blocks.get(key)?.text ?? '';
    return whole.startsWith(known) ? whole.slice(known.length) : '';
  }

  #append(key: string, start: BlockStart, piece: { readonly text: string; readonly part: number }): Block {
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = { block: this.#sink.nextBlock(), type: start.type, text: '', citations: 0, part: piece.part };
      this.#blocks.set(key, block);
      this.#sink.push({ ...start, choice: 0, block: block.block });
    }
    block.text += piece.text;
    block.part = piece.part;
    return block;
  }
}

const argumentsOf = (item: JsonObject): string => {
  const given = item[item['type'] === 'custom_tool_call' ? 'input' : 'arguments'];
  return typeof given === 'object' && given !== null ? JSON.stringify(given) : String(given ?? '');
};

/** Log probabilities as chat completions have them, which is how events do; `undefined` where there are none. */
export function chatLogprobs(logprobs: Json | undefined): Json | undefined {
  const tokens = objectsIn({ logprobs }, 'logprobs');
  return tokens.length === 0 ? undefined : { content: tokens };
}

/** The item that an event is about, where the event holds it. */
export const itemOf = (event: JsonObject): JsonObject => objectIn(event, 'item');
