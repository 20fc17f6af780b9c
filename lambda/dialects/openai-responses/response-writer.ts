import type { ChatEvent, FinishReason } from '../../domain/chat/event.ts';
import type { GatewayError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import type { AnswerEnvelope, StreamEncoder } from '../dialect.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { eventText, failedEvent } from './errors.ts';
import { createItemWriter, proofOf } from './item-writer.ts';
import { responseText } from './response-text.ts';
import { encodeUsage } from './usage.ts';
import { itemId } from './wire.ts';
import type { BlockEvent, ItemWriter, WireEvent } from './wire-event.ts';

interface OpenItem {
  readonly index: number;
  readonly writer: ItemWriter;
}

/**
 * Events of any dialect as those of a response: each block is an output item, and items may be open at the same time. An
 * answer has one choice here; sound, files and what other providers' tools were asked have no place.
 */
export class ResponseWriter implements StreamEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #open = new Map<number, OpenItem>();
  readonly #output = new Map<number, JsonObject>();
  #items = 0;
  #sequence = 0;
  #usage: Usage | undefined;
  #cost: Cost | undefined;
  #reason: FinishReason = 'stop';
  #hasRefused = false;
  #isStarted = false;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  encode(event: ChatEvent): string {
    switch (event.type) {
      case 'answer-start':
        return this.#begin();
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        this.#cost = event.cost ?? this.#cost;
        return '';
      case 'finish':
        if (event.choice === 0) this.#reason = event.reason;
        return '';
      case 'end':
        return this.#begin() + this.#end();
      case 'error':
        return this.#fail(gatewayErrorOf(event.error));
      default:
        return event.choice === 0 ? this.#begin() + this.#writeBlock(event) : '';
    }
  }

  /** Numbered as the next event, with the items that were whole by then. */
  fail(error: GatewayError): string {
    return this.#fail(error);
  }

  /** The whole response, as it ends a stream. @throws GatewayError for an answer that failed */
  get response(): string {
    if (this.#reason === 'error') throw failedAnswer();
    const { status, members } = this.#ending();
    return this.#response(status, members);
  }

  #begin(): string {
    if (this.#isStarted) return '';
    this.#isStarted = true;
    const response = responseText(this.#envelope, { status: 'in_progress' });
    return (
      this.#responseEvent('response.created', response) +
      this.#responseEvent('response.in_progress', response)
    );
  }

  #writeBlock(event: BlockEvent): string {
    const open = this.#open.get(event.block);
    if (event.type === 'refusal-delta') this.#hasRefused = true;
    if (event.type === 'block-end') return this.#endItem(event.block, open);
    if (open !== undefined) return this.#events(open.index, open.writer.write(event));
    const place = { envelope: this.#envelope, index: this.#items };
    const writer = createItemWriter(event, place);
    if (writer === undefined) return '';
    this.#items += 1;
    this.#open.set(event.block, { index: place.index, writer });
    return this.#events(place.index, writer.begin());
  }

  #endItem(block: number, open: OpenItem | undefined): string {
    if (open === undefined) return '';
    this.#open.delete(block);
    const { events, item } = open.writer.end();
    const text = this.#events(open.index, [...events, this.#done(open.index, item)]);
    const proof = proofOf(open.writer);
    return proof === undefined ? text : text + this.#addProof(proof);
  }

  #addProof(proof: string): string {
    const index = this.#items++;
    const item = {
      id: itemId('rs', this.#envelope, index),
      type: 'reasoning',
      summary: [],
      encrypted_content: proof,
    };
    const added: WireEvent = { type: 'response.output_item.added', members: { item } };
    return this.#events(index, [added, this.#done(index, item)]);
  }

  #done(index: number, item: JsonObject): WireEvent {
    this.#output.set(index, item);
    return { type: 'response.output_item.done', members: { item } };
  }

  #events(index: number, events: readonly WireEvent[]): string {
    return events
      .map(({ type, members }) => {
        const text = JSON.stringify({ sequence_number: this.#sequence++, output_index: index, ...members });
        return eventText(type, text.slice(1, -1));
      })
      .join('');
  }

  #responseEvent(type: string, response: string): string {
    return eventText(type, `"sequence_number":${this.#sequence++},"response":${response}`);
  }

  #end(): string {
    if (this.#reason === 'error') return this.#fail(failedAnswer());
    const { status, members } = this.#ending();
    return this.#responseEvent(`response.${status}`, this.#response(status, members));
  }

  #fail(error: GatewayError): string {
    const usage = this.#usageText();
    return (
      this.#begin() +
      failedEvent(error, this.#envelope, {
        sequence: this.#sequence++,
        members: this.#written(),
        ...(usage !== undefined && { usage }),
      })
    );
  }

  /** How the answer ended. A refusal that stands in its own item is a normal end. */
  #ending(): { readonly status: 'completed' | 'incomplete'; readonly members: JsonObject } {
    const isFiltered = this.#reason === 'refusal' && !this.#hasRefused;
    if (this.#reason === 'length') return incomplete('max_output_tokens');
    if (this.#reason === 'content-filter' || isFiltered) return incomplete('content_filter');
    return { status: 'completed', members: {} };
  }

  #response(status: string, members: JsonObject): string {
    return responseText(this.#envelope, { status, ...members, ...this.#written() }, this.#usageText());
  }

  /** What there is of the answer so far: its whole items in order, and the tier that is billed. */
  #written(): JsonObject {
    const output = [...this.#output].sort(([a], [b]) => a - b).map(([, item]) => item);
    const tier = this.#usage?.serviceTier;
    return { output, ...(tier !== undefined && { service_tier: tier }) };
  }

  #usageText(): string | undefined {
    return this.#usage === undefined ? undefined : encodeUsage(this.#usage, this.#cost);
  }
}

const incomplete = (reason: string): { readonly status: 'incomplete'; readonly members: JsonObject } => ({
  status: 'incomplete',
  members: { incomplete_details: { reason } },
});
