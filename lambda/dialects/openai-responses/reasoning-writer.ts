import type { Json, JsonObject } from '../../domain/json.ts';
import { carryProof } from '../carried-proof.ts';
import { defined } from '../loose.ts';
import { proofOwner } from '../proof.ts';
import { DIALECT_ID, itemId } from './wire.ts';
import {
  added,
  type BlockEvent,
  type ItemWriter,
  NOTHING,
  type Place,
  type StartOf,
  type WireEvent,
} from './wire-event.ts';

/**
 * Reasoning. That of another format stands as a summary, which callers (Codex) send back, so that the text is there that its
 * signature proves; raw text they keep to themselves.
 */
export class ReasoningWriter implements ItemWriter {
  readonly #id: string;
  readonly #kind: 'raw' | 'summary' | 'encrypted';
  readonly #at: JsonObject;
  /** Who takes it back. */
  #owner: string;
  #text = '';
  #signature = '';

  constructor(start: StartOf<'reasoning-start'>, { envelope, index }: Place) {
    this.#id = itemId('rs', envelope, index);
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
      this.#owner = event.dialect ?? this.#owner;
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
