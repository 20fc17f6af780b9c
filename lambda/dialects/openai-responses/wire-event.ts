import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';

/** An event of one block. */
export type BlockEvent = Extract<ChatEvent, { readonly block: number }>;
/** The events of one type. */
export type StartOf<Type extends BlockEvent['type']> = Extract<BlockEvent, { readonly type: Type }>;

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
export interface Place {
  readonly envelope: AnswerEnvelope;
  readonly index: number;
}

/** Of an event that says nothing in this format. */
export const NOTHING: readonly WireEvent[] = [];

/** The event that announces an item. */
export const added = (item: JsonObject): WireEvent => ({
  type: 'response.output_item.added',
  members: { item },
});
