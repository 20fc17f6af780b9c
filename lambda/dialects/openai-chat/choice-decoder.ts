import type { ChatEvent, FinishReason, MediaKind, ReasoningKind } from '../../domain/chat/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { objectIn, objectsIn, textIn } from '../loose.ts';
import { providerDialect } from './reasoning-format.ts';
import { readToolCallPiece, ToolCallReader } from './tool-calls.ts';
import { DIALECT_ID } from './wire.ts';

/** A run of text, reasoning or refusal: a choice has one at a time. `key` tells a run from the next of its type. */
interface Run {
  readonly type: 'text' | 'reasoning' | 'refusal';
  readonly key: string;
  readonly block: number;
  /** Reasoning so far. */
  text: string;
}

/** How a block of reasoning begins. */
interface ReasoningBegin {
  readonly kind: ReasoningKind;
  readonly dialect?: string;
}

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['length', 'length'],
  ['max_tokens', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool-calls'],
  ['function_call', 'tool-calls'],
  ['content_filter', 'content-filter'],
  ['error', 'error'],
]);

const REASONING_KINDS: ReadonlyMap<string, ReasoningKind> = new Map([
  ['reasoning.text', 'raw'],
  ['reasoning.summary', 'summary'],
  ['reasoning.encrypted', 'encrypted'],
]);

/**
 * Turns the deltas of one choice into events; a whole message is one large delta. Tool calls stay open until the choice
 * ends, since providers interleave their pieces. A choice ends when the answer does, not at its `finish_reason`: some
 * providers send one early, or in every chunk.
 */
export class ChoiceDecoder {
  readonly #choice: number;
  readonly #tools: ToolCallReader;
  readonly #events: ChatEvent[] = [];
  #blocks = 0;
  #run: Run | undefined;
  #audioBlock: number | undefined;
  #finishReason: string | undefined;
  #hasPlainReasoning = false;
  #hasText = false;
  #hasRefusal = false;

  /** @param answerId from which ids of calls are made that have none; they must differ between the turns of a conversation */
  constructor(choice: number, answerId: string) {
    this.#choice = choice;
    this.#tools = new ToolCallReader({
      choice,
      next: () => this.#nextBlock(),
      callId: (block) => `call_${answerId.replace(/[^\w-]/g, '').slice(-24)}_${choice}_${block}`,
    });
  }

  /** The reason the provider gave so far; `undefined` before it gave any. */
  get finishReason(): string | undefined {
    return this.#finishReason;
  }

  /** Whether the choice would end with a tool call cut in its middle. A call cut by the token limit is no surprise. */
  get isCut(): boolean {
    return this.#tools.isCut && FINISH_REASONS.get(this.#finishReason ?? '') !== 'length';
  }

  /** Reads one entry of `choices`, with its `delta` or its `message`. */
  read(wire: JsonObject, delta: JsonObject): ChatEvent[] {
    this.#readReasoning(delta);
    this.#readContent(delta, usableLogprobs(wire['logprobs']));
    const refusal = textIn(delta, 'refusal');
    if (refusal !== undefined) {
      this.#hasRefusal = true;
      this.#push({ type: 'refusal-delta', text: refusal, ...this.#at('refusal', 'refusal') });
    }
    this.#readTools(delta);
    this.#readMedia(delta);
    this.#readAnnotations(delta);
    this.#finishReason = textIn(wire, 'finish_reason') ?? this.#finishReason;
    return this.#events.splice(0);
  }

  /** Ends what is open and the choice itself. */
  end(): ChatEvent[] {
    this.#endRun();
    this.#events.push(...this.#tools.end());
    if (this.#audioBlock !== undefined)
      this.#push({ type: 'block-end', choice: this.#choice, block: this.#audioBlock });
    this.#push({
      type: 'finish',
      choice: this.#choice,
      reason: this.#reason(),
      upstreamReason: this.#finishReason,
    });
    return this.#events.splice(0);
  }

  /** Some providers say `stop` for calls that wait for the caller, and OpenAI for a refusal. */
  #reason(): FinishReason {
    const known = FINISH_REASONS.get(this.#finishReason ?? '') ?? 'stop';
    if (known !== 'stop') return known;
    if (this.#tools.count > 0) return 'tool-calls';
    return this.#hasRefusal && !this.#hasText ? 'refusal' : 'stop';
  }

  /**
   * Text in the details is the same as beside them. Where it came without details first, details that come alone repeat
   * it: Sluice's own streams give a block piece by piece and once more, whole, with its signature.
   */
  #readReasoning(delta: JsonObject): void {
    const details = objectsIn(delta, 'reasoning_details').filter(({ type }) =>
      REASONING_KINDS.has(String(type)),
    );
    const isTold = details.some((detail) => detail['text'] !== undefined || detail['summary'] !== undefined);
    const plain = textIn(delta, 'reasoning_content') ?? textIn(delta, 'reasoning');
    if (!isTold && plain !== undefined) {
      this.#hasPlainReasoning = true;
      this.#addReasoning(plain);
    }
    const isRepeat = this.#hasPlainReasoning && plain === undefined;
    for (const detail of details) this.#readReasoningDetail(detail, isRepeat);
  }

  /** @see https://openrouter.ai/docs/use-cases/reasoning-tokens */
  #readReasoningDetail(detail: JsonObject, isRepeat: boolean): void {
    const type = String(detail['type']);
    const kind = REASONING_KINDS.get(type) ?? 'raw';
    const text = textIn(detail, 'text') ?? textIn(detail, 'summary');
    const signature = textIn(detail, 'signature');
    const key = `${type} ${String(detail['index'] ?? detail['id'] ?? '')}`;
    const dialect = providerDialect(textIn(detail, 'format'));
    const origin = dialect === undefined ? {} : { dialect };
    if (kind === 'encrypted') this.#addReasoning(textIn(detail, 'data'), { kind, key, ...origin });
    else if (!isRepeat) this.#addReasoning(text, { kind, key, ...origin });
    const isOpenRun = isRepeat && this.#run?.type === 'reasoning' && this.#run.text === text;
    if (signature !== undefined) {
      const at = this.#at('reasoning', isOpenRun ? (this.#run?.key ?? key) : key, { kind, ...origin });
      this.#push({ type: 'block-signature', signature, ...origin, ...at });
    }
    if (isOpenRun) this.#endRun();
  }

  #addReasoning(
    text: string | undefined,
    { key, ...begin }: ReasoningBegin & { readonly key: string } = { key: 'reasoning', kind: 'raw' },
  ): void {
    if (text === undefined) return;
    this.#push({ type: 'reasoning-delta', text, ...this.#at('reasoning', key, begin) });
    if (this.#run !== undefined) this.#run.text += text;
  }

  #readContent(delta: JsonObject, logprobs: Json | undefined): void {
    const content = delta['content'];
    if (typeof content === 'string') this.#addText(content, logprobs);
    // Cloudflare answers a JSON schema with the object itself.
    if (isJsonObject(content)) this.#addText(JSON.stringify(content), logprobs);
    for (const part of objectsIn(delta, 'content')) this.#readPart(part, logprobs);
  }

  /** Mistral's content parts. @see https://docs.mistral.ai/capabilities/reasoning */
  #readPart(part: JsonObject, logprobs: Json | undefined): void {
    const { type } = part;
    if (type === 'text') this.#addText(textIn(part, 'text') ?? '', logprobs);
    if (type === 'thinking') {
      this.#addReasoning(textIn(part, 'thinking'));
      for (const piece of objectsIn(part, 'thinking')) this.#addReasoning(textIn(piece, 'text'));
    }
    if (type === 'reference') this.#cite(part);
    if (type === 'image_url') this.#readImage(part);
  }

  #addText(text: string, logprobs: Json | undefined): void {
    if (text === '' && logprobs === undefined) return;
    this.#hasText ||= text !== '';
    const delta = { type: 'text-delta', text, ...this.#at('text', 'text') } as const;
    this.#push(logprobs === undefined ? delta : { ...delta, logprobs });
  }

  #readTools(delta: JsonObject): void {
    const pieces = objectsIn(delta, 'tool_calls').map(readToolCallPiece);
    const legacy = delta['function_call'];
    if (isJsonObject(legacy)) pieces.push(readToolCallPiece({ index: 0, function: legacy }));
    for (const piece of pieces) {
      const events = this.#tools.read(piece);
      if (events.some(({ type }) => type === 'tool-call-start')) this.#endRun();
      this.#events.push(...events);
    }
  }

  /** Sound comes in pieces beside its transcript, pictures (OpenRouter) whole. */
  #readMedia(delta: JsonObject): void {
    const audio = objectIn(delta, 'audio');
    const transcript = textIn(audio, 'transcript');
    if (transcript !== undefined) this.#addText(transcript, undefined);
    const base64 = textIn(audio, 'data');
    if (base64 !== undefined) {
      this.#audioBlock ??= this.#startMedia('audio', 'audio/*');
      this.#push({ type: 'media-delta', base64, choice: this.#choice, block: this.#audioBlock });
    }
    for (const image of objectsIn(delta, 'images')) this.#readImage(image);
  }

  #readImage(image: JsonObject): void {
    const url = textIn(objectIn(image, 'image_url'), 'url') ?? textIn(image, 'image_url');
    const match = /^data:([^,]{1,200}?);base64,/.exec(url ?? '');
    if (url === undefined || match === null) return;
    this.#endRun();
    const block = this.#startMedia('image', match[1] ?? 'image/*');
    const at = { choice: this.#choice, block };
    this.#push({ type: 'media-delta', base64: url.slice(match[0].length), ...at });
    this.#push({ type: 'block-end', ...at });
  }

  #startMedia(kind: MediaKind, mediaType: string): number {
    const block = this.#nextBlock();
    this.#push({ type: 'media-start', kind, mediaType, choice: this.#choice, block });
    return block;
  }

  #readAnnotations(delta: JsonObject): void {
    for (const citation of objectsIn(delta, 'annotations')) this.#cite(citation);
  }

  #cite(citation: JsonObject): void {
    const at = this.#at('text', 'text');
    this.#push({ type: 'text-citation', dialect: DIALECT_ID, citation, ...at });
  }

  /** The address in the open run of this kind; ends another one and begins it where needed. */
  #at(
    type: Run['type'],
    key: string,
    begin: ReasoningBegin = { kind: 'raw' },
  ): { readonly choice: number; readonly block: number } {
    const choice = this.#choice;
    if (this.#run?.type === type && this.#run.key === key) return { choice, block: this.#run.block };
    this.#endRun();
    const block = this.#nextBlock();
    this.#run = { type, key, block, text: '' };
    if (type === 'reasoning') this.#push({ type: 'reasoning-start', ...begin, choice, block });
    else this.#push({ type: `${type}-start`, choice, block });
    return { choice, block };
  }

  #endRun(): void {
    if (this.#run !== undefined)
      this.#push({ type: 'block-end', choice: this.#choice, block: this.#run.block });
    this.#run = undefined;
  }

  #nextBlock(): number {
    return this.#blocks++;
  }

  #push(event: ChatEvent): void {
    this.#events.push(event);
  }
}

/** Log probabilities that say something; providers send the object with nothing in it. */
function usableLogprobs(logprobs: Json | undefined): Json | undefined {
  if (!isJsonObject(logprobs)) return undefined;
  const { content, refusal } = logprobs;
  return (Array.isArray(content) && content.length > 0) || (Array.isArray(refusal) && refusal.length > 0)
    ? logprobs
    : undefined;
}
