import type { JsonObject } from '../../domain/json.ts';
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

/** A picture is an item of the tool that draws it. @see https://platform.openai.com/docs/guides/tools-image-generation */
export class ImageWriter implements ItemWriter {
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
export class HostedWriter implements ItemWriter {
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
