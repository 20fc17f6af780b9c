import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { objectsIn } from '../loose.ts';
import { citationAnnotation } from './citation.ts';
import { itemId } from './wire.ts';
import {
  added,
  type BlockEvent,
  type ItemWriter,
  NOTHING,
  type Place,
  type StartOf,
  type WireEvent,
} from './wire-event.ts';

/** A text: a message with one part. */
export class TextWriter implements ItemWriter {
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

/** A refusal: a message with one part. */
export class RefusalWriter implements ItemWriter {
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
