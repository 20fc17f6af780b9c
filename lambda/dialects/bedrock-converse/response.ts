import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import { editJson } from '../../domain/edit-json.ts';
import { GatewayError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { parseJsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import { isTooDeep } from '../depth.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { asObject, objectIn, objectsIn } from '../loose.ts';
import { failedAnswer, gatewayErrorOf } from '../upstream-error.ts';
import { costEditsOf } from '../usage-cost.ts';
import { AnswerDecoder } from './answer-decoder.ts';
import { AnswerWriter, type WireEvent } from './answer-writer.ts';
import { stringIn, unionMember } from './wire.ts';

/** A whole answer is read as the stream it could have been. */
export function decodeAnswer(body: string): Frame {
  const decoder = new AnswerDecoder();
  const answer = parseJsonObject(body);
  if (answer === undefined) return { raw: undefined, events: decoder.fail('The answer is no JSON object.') };
  const message = asObject(objectIn(answer, 'output')['message']);
  if (!Array.isArray(message?.['content']))
    return { raw: undefined, events: decoder.fail('The answer holds no message.') };
  if (isTooDeep(message)) return { raw: undefined, events: decoder.fail('The answer is nested too deep.') };
  const events: ChatEvent[] = [];
  for (const { name, body: event } of streamOf(answer, objectsIn(message, 'content')))
    events.push(...decoder.read(name, event));
  // Of an answer that turns out to be none, only the error counts.
  return decoder.isMalformed ? { raw: undefined, events: events.slice(-1) } : { raw: body, events };
}

function* streamOf(answer: JsonObject, content: readonly JsonObject[]): Generator<WireEvent> {
  yield { name: 'messageStart', body: {} };
  for (const [contentBlockIndex, block] of content.entries()) {
    const { start, deltas } = piecesOf(block);
    if (start !== undefined) yield { name: 'contentBlockStart', body: { contentBlockIndex, start } };
    for (const delta of deltas) yield { name: 'contentBlockDelta', body: { contentBlockIndex, delta } };
    yield { name: 'contentBlockStop', body: { contentBlockIndex } };
  }
  yield { name: 'messageStop', body: answer };
  yield { name: 'metadata', body: answer };
}

interface Pieces {
  readonly start?: JsonObject;
  readonly deltas: readonly JsonObject[];
}

function piecesOf(block: JsonObject): Pieces {
  const name = unionMember(block) ?? '';
  const value = objectIn(block, name);
  switch (name) {
    case 'text':
      return { deltas: [block] };
    case 'toolUse': {
      const { input, ...toolUse } = value;
      return { start: { toolUse }, deltas: [{ toolUse: { input: JSON.stringify(input ?? {}) } }] };
    }
    case 'toolResult': {
      const { content, ...toolResult } = value;
      return { start: { toolResult }, deltas: [{ toolResult: content ?? [] }] };
    }
    case 'reasoningContent':
      return { deltas: reasoningPieces(value) };
    case 'citationsContent':
      return {
        deltas: [...objectsIn(value, 'citations').map((citation) => ({ citation })), ...textsIn(value)],
      };
    case 'image': {
      const { source, ...image } = value;
      return { start: { image }, deltas: [{ image: { source } }] };
    }
    default:
      return { deltas: [] };
  }
}

function reasoningPieces(value: JsonObject): readonly JsonObject[] {
  if (value['redactedContent'] !== undefined) return [{ reasoningContent: value }];
  return Object.entries(objectIn(value, 'reasoningText')).map(([name, piece]) => ({
    reasoningContent: { [name]: piece },
  }));
}

const textsIn = (value: JsonObject): readonly JsonObject[] =>
  objectsIn(value, 'content').map((block) => ({ text: stringIn(block, 'text') ?? '' }));

/** The provider's own text but for the cost: an answer of this format has no id and names no model. */
export function patchAnswer(frame: Frame): string {
  return frame.raw === undefined ? '' : editJson(frame.raw, costEditsOf(frame.events));
}

/**
 * A whole answer from the events of one that ended well.
 * @throws GatewayError `upstream_invalid_response` for tool call arguments that are no JSON object, and what an error among
 *   the events stands for
 */
export function encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string {
  const writer = new AnswerWriter(envelope);
  const answer = new AnswerCollector();
  for (const event of events) {
    if (event.type === 'error') throw gatewayErrorOf(event.error);
    for (const wireEvent of writer.write(event)) answer.add(wireEvent);
  }
  if (writer.hasFailed) throw failedAnswer();
  return JSON.stringify(answer.whole());
}

interface CollectedBlock {
  start: JsonObject;
  readonly deltas: JsonObject[];
}

/** Puts a stream's events together as the whole answer they stand for. */
class AnswerCollector {
  readonly #blocks: CollectedBlock[] = [];
  #isOpen = false;
  #end: JsonObject = {};

  add({ name, body }: WireEvent): void {
    switch (name) {
      case 'contentBlockStart':
        this.#open().start = objectIn(body, 'start');
        return;
      case 'contentBlockDelta':
        this.#open().deltas.push(objectIn(body, 'delta'));
        return;
      case 'contentBlockStop':
        this.#isOpen = false;
        return;
      case 'messageStop':
      case 'metadata':
        this.#end = { ...this.#end, ...body };
        return;
    }
  }

  whole(): JsonObject {
    const content = this.#blocks.map(wholeBlock);
    return { output: { message: { role: 'assistant', content } }, ...this.#end };
  }

  /** Blocks come one after another, so that a piece is always the last block's. */
  #open(): CollectedBlock {
    const last = this.#blocks.at(-1);
    if (this.#isOpen && last !== undefined) return last;
    const block: CollectedBlock = { start: {}, deltas: [] };
    this.#blocks.push(block);
    this.#isOpen = true;
    return block;
  }
}

function wholeBlock({ start, deltas }: CollectedBlock): JsonObject {
  const name = unionMember(start) ?? unionMember(deltas[0] ?? {});
  switch (name) {
    case 'toolUse': {
      const text = deltas.map((delta) => stringIn(objectIn(delta, name), 'input') ?? '').join('');
      return { toolUse: { ...objectIn(start, name), input: inputOf(text) } };
    }
    case 'toolResult': {
      const content = deltas.flatMap((delta) => objectsIn(delta, name));
      return { toolResult: { ...objectIn(start, name), content } };
    }
    case 'image': {
      const source: Json | undefined = objectIn(deltas[0] ?? {}, name)['source'];
      return { image: { ...objectIn(start, name), source } };
    }
    case 'reasoningContent':
      return { reasoningContent: wholeReasoning(deltas.map((delta) => objectIn(delta, name))) };
    default:
      return wholeText(deltas);
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

function wholeReasoning(pieces: readonly JsonObject[]): JsonObject {
  const redacted = pieces.find((piece) => piece['redactedContent'] !== undefined);
  if (redacted !== undefined) return redacted;
  const text = pieces.map((piece) => stringIn(piece, 'text') ?? '').join('');
  const signature = pieces.map((piece) => stringIn(piece, 'signature') ?? '').join('');
  return { reasoningText: { text, ...(signature !== '' && { signature }) } };
}

/** Text with sources is a block of its own kind. */
function wholeText(deltas: readonly JsonObject[]): JsonObject {
  const text = deltas.map((delta) => stringIn(delta, 'text') ?? '').join('');
  const citations = deltas.map((delta) => delta['citation']).filter((citation) => citation !== undefined);
  return citations.length === 0 ? { text } : { citationsContent: { content: [{ text }], citations } };
}
