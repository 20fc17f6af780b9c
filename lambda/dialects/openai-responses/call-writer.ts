import { type JsonObject, parseJson } from '../../domain/json.ts';
import { carryProof, SIGNER_OF_CALLS } from '../carried-proof.ts';
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

/** A call of a function, or of a custom tool. */
export class CallWriter implements ItemWriter {
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
