import type { ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../domain/json.ts';
import { carryProof, SIGNER_OF_CALLS } from '../carried-proof.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { defined, objectsIn } from '../loose.ts';
import { proofOwner } from '../proof.ts';
import { citationAnnotation } from './citation.ts';
import { DIALECT_ID, itemId } from './wire.ts';

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;
type StartOf<Type extends BlockEvent['type']> = Extract<BlockEvent, { readonly type: Type }>;

/** A stream's event without its number. */
export interface WireEvent {
  readonly type: `response.${string}`;
  readonly members: JsonObject;
}

/** One output item on its way to the caller. */
export interface ItemWriter {
  /** The events that announce it. */
  begin(): readonly WireEvent[];
  /** The events for a piece of it. */
  write(event: BlockEvent): readonly WireEvent[];
  /** The events that end it, but for `output_item.done`, and the whole item. */
  end(): { readonly events: readonly WireEvent[]; readonly item: JsonObject };
}

/** Where an item stands in the answer. */
interface Place {
  readonly envelope: AnswerEnvelope;
  readonly index: number;
}

/** The writer of the item that a block becomes; `undefined` for a block that has no place in this format. */
export function createItemWriter(event: BlockEvent, place: Place): ItemWriter | undefined {
  switch (event.type) {
    case 'text-start':
      return new TextWriter(place);
    case 'refusal-start':
      return new RefusalWriter(place);
    case 'reasoning-start':
      return new ReasoningWriter(event, place);
    case 'tool-call-start':
      // What another provider's own tools were asked stands in no item of this format; what they found is in the text.
      return event.kind === 'hosted' ? undefined : new CallWriter(event, place);
    case 'media-start':
      return event.kind === 'image' ? new ImageWriter(event, place) : undefined;
    case 'hosted-tool-result':
      return event.dialect === DIALECT_ID && isJsonObject(event.result)
        ? new HostedWriter(event.result)
        : undefined;
    default:
      return undefined;
  }
}

const NOTHING: readonly WireEvent[] = [];

class TextWriter implements ItemWriter {
  readonly #id: string;
  readonly #at: JsonObject;
  readonly #annotations: JsonObject[] = [];
  readonly #logprobs: JsonObject[] = [];
  #text = '';

  constructor({ envelope, index }: Place) {
    this.#id = itemId('msg', envelope, index);
    this.#at = { item_id: this.#id, content_index: 0 };
  }

  begin(): readonly WireEvent[] {
    const item = { id: this.#id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] };
    return [added(item), { type: 'response.content_part.added', members: { ...this.#at, part } }];
  }

  write(event: BlockEvent): readonly WireEvent[] {
    if (event.type === 'text-citation') return this.#cite(event);
    if (event.type !== 'text-delta' || (event.text === '' && event.logprobs === undefined)) return NOTHING;
    const logprobs = isJsonObject(event.logprobs) ? objectsIn(event.logprobs, 'content') : [];
    this.#text += event.text;
    this.#logprobs.push(...logprobs);
    const members = { ...this.#at, delta: event.text, logprobs };
    return [{ type: 'response.output_text.delta', members }];
  }

  end(): ReturnType<ItemWriter['end']> {
    const [text, logprobs] = [this.#text, this.#logprobs];
    const part = { type: 'output_text', text, annotations: this.#annotations, logprobs };
    return {
      events: [
        { type: 'response.output_text.done', members: { ...this.#at, text, logprobs } },
        { type: 'response.content_part.done', members: { ...this.#at, part } },
      ],
      item: { id: this.#id, type: 'message', status: 'completed', role: 'assistant', content: [part] },
    };
  }

  #cite(event: StartOf<'text-citation'>): readonly WireEvent[] {
    const annotation = citationAnnotation(event, this.#text.length);
    if (annotation === undefined) return NOTHING;
    const members = { ...this.#at, annotation_index: this.#annotations.length, annotation };
    this.#annotations.push(annotation);
    return [{ type: 'response.output_text.annotation.added', members }];
  }
}

class RefusalWriter implements ItemWriter {
  readonly #id: string;
  readonly #at: JsonObject;
  #text = '';

  constructor({ envelope, index }: Place) {
    this.#id = itemId('msg', envelope, index);
    this.#at = { item_id: this.#id, content_index: 0 };
  }

  begin(): readonly WireEvent[] {
    const item = { id: this.#id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    const part = { type: 'refusal', refusal: '' };
    return [added(item), { type: 'response.content_part.added', members: { ...this.#at, part } }];
  }

  write(event: BlockEvent): readonly WireEvent[] {
    if (event.type !== 'refusal-delta' || event.text === '') return NOTHING;
    this.#text += event.text;
    return [{ type: 'response.refusal.delta', members: { ...this.#at, delta: event.text } }];
  }

  end(): ReturnType<ItemWriter['end']> {
    const part = { type: 'refusal', refusal: this.#text };
    return {
      events: [
        { type: 'response.refusal.done', members: { ...this.#at, refusal: this.#text } },
        { type: 'response.content_part.done', members: { ...this.#at, part } },
      ],
      item: { id: this.#id, type: 'message', status: 'completed', role: 'assistant', content: [part] },
    };
  }
}

/**
 * Reasoning. That of another format stands as a summary, which callers (Codex) send back, so that the text is there that its
 * signature proves; raw text they keep to themselves.
 */
class ReasoningWriter implements ItemWriter {
  readonly #id: string;
  readonly #kind: 'raw' | 'summary' | 'encrypted';
  readonly #envelope: AnswerEnvelope;
  readonly #at: JsonObject;
  /** Who takes the proof back. */
  #owner: string;
  #text = '';
  #signature = '';

  constructor(start: StartOf<'reasoning-start'>, { envelope, index }: Place) {
    this.#id = itemId('rs', envelope, index);
    this.#envelope = envelope;
    this.#owner = proofOwner(start, envelope, DIALECT_ID);
    this.#kind = start.kind === 'raw' && this.#owner !== DIALECT_ID ? 'summary' : start.kind;
    this.#at = { item_id: this.#id, [this.#kind === 'raw' ? 'content_index' : 'summary_index']: 0 };
  }

  begin(): readonly WireEvent[] {
    const item = added(this.#item([], []));
    if (this.#kind === 'encrypted') return [item];
    return [item, { type: this.#partType('added'), members: { ...this.#at, part: this.#part('') } }];
  }

  write(event: BlockEvent): readonly WireEvent[] {
    if (event.type === 'block-signature') {
      this.#signature += event.signature;
      this.#owner = proofOwner(event, this.#envelope, DIALECT_ID);
    }
    if (event.type !== 'reasoning-delta' || event.text === '') return NOTHING;
    this.#text += event.text;
    if (this.#kind === 'encrypted') return NOTHING;
    return [{ type: this.#textType('delta'), members: { ...this.#at, delta: event.text } }];
  }

  end(): ReturnType<ItemWriter['end']> {
    const part = this.#part(this.#text);
    const item = this.#item(
      this.#kind === 'summary' ? [part] : [],
      this.#kind === 'raw' ? [part] : [],
      this.#closed(),
    );
    if (this.#kind === 'encrypted') return { events: [], item };
    return {
      events: [
        { type: this.#textType('done'), members: { ...this.#at, text: this.#text } },
        { type: this.#partType('done'), members: { ...this.#at, part } },
      ],
      item,
    };
  }

  #partType(verb: 'added' | 'done'): WireEvent['type'] {
    return this.#kind === 'raw' ? `response.content_part.${verb}` : `response.reasoning_summary_part.${verb}`;
  }

  #textType(verb: 'delta' | 'done'): WireEvent['type'] {
    return this.#kind === 'raw'
      ? `response.reasoning_text.${verb}`
      : `response.reasoning_summary_text.${verb}`;
  }

  #part(text: string): JsonObject {
    return { type: this.#kind === 'raw' ? 'reasoning_text' : 'summary_text', text };
  }

  #item(summary: readonly Json[], content: readonly Json[], closed?: string): JsonObject {
    return defined({
      id: this.#id,
      type: 'reasoning',
      summary,
      content: content.length === 0 ? undefined : content,
      encrypted_content: closed,
    });
  }

  /** The proof of this reasoning, or the reasoning itself where its provider closed it. */
  #closed(): string | undefined {
    const isClosed = this.#kind === 'encrypted';
    const data = isClosed ? this.#text + this.#signature : this.#signature;
    if (data === '') return undefined;
    if (this.#owner === DIALECT_ID) return data;
    return carryProof({ type: isClosed ? 'closed' : 'signature', dialect: this.#owner, data });
  }
}

class CallWriter implements ItemWriter {
  readonly #start: StartOf<'tool-call-start'>;
  readonly #place: Place;
  readonly #id: string;
  #text = '';
  #signature = '';

  constructor(start: StartOf<'tool-call-start'>, place: Place) {
    this.#start = start;
    this.#place = place;
    this.#id = itemId(start.kind === 'custom' ? 'ctc' : 'fc', place.envelope, place.index);
  }

  /** The proof of another provider's call, as reasoning of its own beside it: calls hold none in this format. */
  get proof(): string | undefined {
    if (this.#signature === '') return undefined;
    const { id: callId } = this.#start;
    return carryProof({ type: 'call', dialect: SIGNER_OF_CALLS, data: this.#signature, callId });
  }

  begin(): readonly WireEvent[] {
    return [added(this.#item('', 'in_progress'))];
  }

  write(event: BlockEvent): readonly WireEvent[] {
    if (event.type === 'block-signature') this.#sign(event);
    if (event.type !== 'tool-call-delta' || event.arguments === '') return NOTHING;
    this.#text += event.arguments;
    return [this.#delta(event.arguments)];
  }

  #sign(event: StartOf<'block-signature'>): void {
    if (proofOwner(event, this.#place.envelope, DIALECT_ID) === SIGNER_OF_CALLS)
      this.#signature += event.signature;
  }

  /** A function without arguments is called with an empty object: callers parse what they get. */
  end(): ReturnType<ItemWriter['end']> {
    const isFunction = this.#start.kind !== 'custom';
    const missing = isFunction && this.#text.trim() === '' ? '{}' : '';
    this.#text += missing;
    const isWhole = !isFunction || parseJson(this.#text) !== undefined;
    const done: WireEvent = isFunction
      ? {
          type: 'response.function_call_arguments.done',
          members: { item_id: this.#id, name: this.#name['name'], arguments: this.#text },
        }
      : { type: 'response.custom_tool_call_input.done', members: { item_id: this.#id, input: this.#text } };
    return {
      events: [...(missing === '' ? [] : [this.#delta(missing)]), done],
      item: this.#item(this.#text, isWhole ? 'completed' : 'incomplete'),
    };
  }

  #delta(delta: string): WireEvent {
    const kind = this.#start.kind === 'custom' ? 'custom_tool_call_input' : 'function_call_arguments';
    return { type: `response.${kind}.delta`, members: { item_id: this.#id, delta } };
  }

  /** The tool as the caller knows it. */
  get #name(): JsonObject {
    const { name } = this.#start;
    const known = this.#place.envelope.namespacedTools;
    const tool = known !== undefined && Object.hasOwn(known, name) ? known[name] : undefined;
    return tool === undefined ? { name } : { name: tool.name, namespace: tool.namespace };
  }

  #item(text: string, status: string): JsonObject {
    const { id, kind } = this.#start;
    const call = { id: this.#id, status, call_id: id, ...this.#name };
    return kind === 'custom'
      ? { type: 'custom_tool_call', ...call, input: text }
      : { type: 'function_call', ...call, arguments: text };
  }
}

/** A picture is an item of the tool that draws it. @see https://platform.openai.com/docs/guides/tools-image-generation */
class ImageWriter implements ItemWriter {
  readonly #id: string;
  readonly #format: string;
  #base64 = '';

  constructor({ mediaType }: StartOf<'media-start'>, { envelope, index }: Place) {
    this.#id = itemId('ig', envelope, index);
    this.#format = mediaType.replace(/^image\//, '');
  }

  begin(): readonly WireEvent[] {
    const members = { item_id: this.#id };
    return [
      added(this.#item('in_progress', null)),
      { type: 'response.image_generation_call.in_progress', members },
    ];
  }

  write(event: BlockEvent): readonly WireEvent[] {
    if (event.type === 'media-delta') this.#base64 += event.base64;
    return NOTHING;
  }

  end(): ReturnType<ItemWriter['end']> {
    return {
      events: [{ type: 'response.image_generation_call.completed', members: { item_id: this.#id } }],
      item: this.#item('completed', this.#base64),
    };
  }

  #item(status: string, result: string | null): JsonObject {
    return { type: 'image_generation_call', id: this.#id, status, output_format: this.#format, result };
  }
}

/** An item of OpenAI's own tools, as it was. */
class HostedWriter implements ItemWriter {
  readonly #item: JsonObject;

  constructor(item: JsonObject) {
    this.#item = item;
  }

  begin(): readonly WireEvent[] {
    return [added(this.#item)];
  }

  write(): readonly WireEvent[] {
    return NOTHING;
  }

  end(): ReturnType<ItemWriter['end']> {
    return { events: [], item: this.#item };
  }
}

const added = (item: JsonObject): WireEvent => ({ type: 'response.output_item.added', members: { item } });
export const proofOf = (writer: ItemWriter): string | undefined =>
  writer instanceof CallWriter ? writer.proof : undefined;
