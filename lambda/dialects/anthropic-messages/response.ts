import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { costEditsOf } from '../usage-cost.ts';
import { MessageDecoder } from './message-decoder.ts';
import { MessageWriter, type WireEvent } from './message-writer.ts';
import { envelopeEdits } from './stream.ts';

/** A whole message is read as the stream it could have been. */
export function decodeAnswer(body: string): Frame {
  const decoder = new MessageDecoder();
  const message = parseJsonObject(body);
  if (message === undefined) return { raw: undefined, events: decoder.fail('The answer is no JSON object.') };
  const events: ChatEvent[] = [];
  for (const event of streamOf(message)) {
    events.push(...decoder.read(event.type, event));
    if (decoder.isEnded) break;
  }
  // Of an answer that turns out to be none, only the error counts.
  return decoder.isMalformed ? { raw: undefined, events: events.slice(-1) } : { raw: body, events };
}

function* streamOf(message: JsonObject): Generator<WireEvent> {
  if (message['type'] === 'error') {
    yield { ...message, type: 'error' };
    return;
  }
  const { content } = message;
  // An answer of another shape starts like a message that is none, and fails as such.
  yield { type: 'message_start', message: Array.isArray(content) ? message : undefined };
  const blocks: readonly Json[] = Array.isArray(content) ? content : [];
  for (const [index, block] of blocks.entries()) {
    yield { type: 'content_block_start', index, content_block: block };
    yield { type: 'content_block_stop', index };
  }
  yield { type: 'message_delta', delta: message };
  yield { type: 'message_stop' };
}

/** The provider's own text but for id, model and cost. */
export function patchAnswer(frame: Frame, envelope: AnswerEnvelope): string {
  if (frame.raw === undefined) return '';
  return editJson(frame.raw, [...envelopeEdits(envelope, []), ...costEditsOf(frame.events)]);
}

/**
 * A whole message from the events of an answer that ended well.
 * @throws GatewayError `upstream_invalid_response` for tool call arguments that are no JSON object, and what an error among
 *   the events stands for
 */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const writer = new MessageWriter(envelope);
  const answer = new AnswerCollector();
  for (const event of events) {
    if (event.type === 'error') throw gatewayErrorOf(event.error);
    for (const wireEvent of writer.write(event)) answer.add(wireEvent);
  }
  if (writer.hasFailed) throw failedAnswer();
  const { serviceTier } = writer.usage;
  return JSON.stringify(answer.message(serviceTier === undefined ? {} : { service_tier: serviceTier }));
}

interface CollectedBlock {
  readonly start: JsonObject;
  text: string;
  signature: string;
  readonly citations: Json[];
}

/** Puts a stream's events together as the whole message they stand for, as Anthropic's own SDKs do. */
class AnswerCollector {
  #message: JsonObject = {};
  #end: JsonObject = {};
  #usage: JsonObject = {};
  readonly #blocks: CollectedBlock[] = [];

  add(event: WireEvent): void {
    switch (event.type) {
      case 'message_start':
        this.#message = objectIn(event, 'message');
        return;
      case 'content_block_start':
        this.#blocks.push({
          start: objectIn(event, 'content_block'),
          text: '',
          signature: '',
          citations: [],
        });
        return;
      case 'content_block_delta':
        this.#addDelta(objectIn(event, 'delta'));
        return;
      case 'message_delta':
        this.#end = objectIn(event, 'delta');
        this.#usage = objectIn(event, 'usage');
        return;
    }
  }

  message(moreUsage: JsonObject): JsonObject {
    return {
      ...this.#message,
      content: this.#blocks.map(wholeBlock),
      ...this.#end,
      usage: { input_tokens: 0, ...this.#usage, ...moreUsage },
    };
  }

  /** Blocks come one after another, so that a delta is always the last block's. */
  #addDelta(delta: JsonObject): void {
    const block = this.#blocks.at(-1);
    if (block === undefined) return;
    const text = delta['text'] ?? delta['thinking'] ?? delta['partial_json'];
    if (typeof text === 'string') block.text += text;
    if (typeof delta['signature'] === 'string') block.signature += delta['signature'];
    if (delta['citation'] !== undefined) block.citations.push(delta['citation']);
  }
}

const objectIn = (value: JsonObject, name: string): JsonObject => {
  const found = value[name];
  return isJsonObject(found) ? found : {};
};

function wholeBlock(block: CollectedBlock): JsonObject {
  const { start, text, signature, citations } = block;
  switch (start['type']) {
    case 'text':
      return citations.length === 0 ? { ...start, text } : { ...start, text, citations };
    case 'thinking':
      return { ...start, thinking: text, signature };
    case 'tool_use':
    case 'server_tool_use':
      return { ...start, input: inputOf(text) };
    default:
      return start;
  }
}

function inputOf(text: string): JsonObject {
  const input = argumentsObject(text);
  if (input === undefined)
    throw new GatewayError(
      'upstream_invalid_response',
      'The model called a tool with arguments that are no JSON object.',
    );
  return input;
}
