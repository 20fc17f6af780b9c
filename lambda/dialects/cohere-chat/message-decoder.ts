import type { BlockAddress, ChatEvent, FinishReason } from '../../domain/chat/event.ts';
import type { UpstreamError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { objectIn, textIn } from '../loose.ts';
import { invalidResponse } from '../upstream-error.ts';
import { decodeInBandError } from './errors.ts';
import { decodeFinishReason } from './finish-reason.ts';
import { decodeLogprobs } from './logprobs.ts';
import { ToolCallReader } from './tool-calls.ts';
import { decodeUsage } from './usage.ts';
import { DIALECT_ID, oneOrMoreIn } from './wire.ts';

interface OpenBlock {
  readonly type: 'text' | 'reasoning';
  readonly block: number;
}

/** The index that the tool plan, which has none, is kept under. */
const PLAN = 'plan';

/** Turns the parts of one answer into events that keep the rules of ChatEvent. An answer here has one choice. */
export class MessageDecoder {
  readonly #events: ChatEvent[] = [];
  /** Blocks of text and reasoning, by the index that the provider gave them. */
  readonly #open = new Map<number | typeof PLAN, OpenBlock>();
  readonly #tools = new ToolCallReader(() => this.#nextBlock());
  #blocks = 0;
  #isStarted = false;
  #isFinished = false;
  /** A text whose end came: citations of it may still follow. */
  #ending: number | undefined;

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** What was read since it was last asked for: nothing follows an error. */
  take(): ChatEvent[] {
    const events = this.#events.splice(0);
    const failed = events.findIndex((event) => event.type === 'error');
    return failed === -1 ? events : events.slice(0, failed + 1);
  }

  start(id: string | undefined): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#tools.answerId = id ?? '';
    this.#events.push({
      type: 'answer-start',
      upstreamId: id,
      upstreamModel: undefined,
      createdAtSeconds: undefined,
    });
  }

  /** The beginning of a block of content, with what stands in it already. */
  startContent(index: number, content: JsonObject, logprobs?: Json): void {
    this.#endBlock(PLAN);
    this.#endBlock(index);
    if (content['type'] === 'image_url') this.#readImage(content);
    else this.addContent(index, content, logprobs, textTypeOf(content));
  }

  /** More text or thinking of a block, or the first of one whose beginning was left out. */
  addContent(index: number, content: JsonObject, logprobs?: Json, type?: OpenBlock['type']): void {
    const kind = type ?? textTypeOf(content) ?? this.#open.get(index)?.type;
    if (kind === undefined) return;
    const text = textIn(content, kind === 'text' ? 'text' : 'thinking') ?? '';
    const at = this.#at(index, kind);
    if (kind === 'reasoning') {
      if (text !== '') this.#push({ type: 'reasoning-delta', text, ...at });
    } else if (text !== '' || logprobs !== undefined)
      this.#push({ type: 'text-delta', text, ...(logprobs === undefined ? {} : { logprobs }), ...at });
  }

  /** A text stays open for citations that follow its end. */
  endContent(index: number): void {
    const block = this.#open.get(index);
    if (block?.type === 'text') this.#ending = index;
    else this.#endBlock(index);
  }

  addPlan(text: string | undefined): void {
    if (text === undefined) return;
    this.#push({ type: 'reasoning-delta', text, ...this.#at(PLAN, 'reasoning') });
  }

  /**
   * A source of what was said. Sources of a plan or of a thought have no place among the events, where reasoning is not
   * cited; a source of a text that has ended opens a text of its own.
   */
  cite(citation: JsonObject): void {
    const { type, content_index: index } = citation;
    if (type === 'PLAN' || type === 'THINKING_CONTENT') return;
    const known = typeof index === 'number' ? index : undefined;
    const texts = [...this.#open].filter(([, block]) => block.type === 'text');
    const [key] = texts.find(([at]) => at === known) ?? texts.at(-1) ?? [known ?? 0];
    if (this.#open.get(key)?.type === 'reasoning') return;
    this.#push({ type: 'text-citation', dialect: DIALECT_ID, citation, ...this.#at(key, 'text') });
  }

  startCall(index: number | undefined, call: JsonObject): void {
    this.#endBlock(PLAN);
    this.#pushAll(this.#tools.start(index, call));
  }

  addCall(index: number | undefined, call: JsonObject): void {
    this.#pushAll(this.#tools.add(index, call));
  }

  endCall(index: number | undefined): void {
    this.#pushAll(this.#tools.end(index));
  }

  /** Ends what is open and the choice itself, or gives the error that the provider reports. */
  finish(end: JsonObject): void {
    this.start(undefined);
    this.settleCitations();
    const usage = decodeUsage(objectIn(end, 'usage'));
    const reason = decodeFinishReason(end, this.#tools.count > 0);
    const word = textIn(end, 'finish_reason');
    if (usage !== undefined) this.#push({ type: 'usage', usage });
    const isCut = reason !== 'length' && this.#tools.isCut;
    if (reason === undefined) this.#fail(decodeInBandError(end, word));
    else if (isCut) this.#fail(invalidResponse('The answer ended inside a tool call.'));
    else this.#end(reason, word);
  }

  #end(reason: FinishReason, upstreamReason: string | undefined): void {
    for (const key of [...this.#open.keys()]) this.#endBlock(key);
    this.#pushAll(this.#tools.endAll());
    this.#push({ type: 'finish', choice: 0, reason, upstreamReason });
    this.#isFinished = true;
  }

  /** The event that ends an answer which holds an error. */
  failInBand(body: JsonObject): void {
    this.#fail(decodeInBandError(body));
  }

  /** Called before each part that is no citation: a text whose end came has ended by then. */
  settleCitations(): void {
    if (this.#ending !== undefined) this.#endBlock(this.#ending);
    this.#ending = undefined;
  }

  #fail(error: UpstreamError): void {
    this.#push({ type: 'error', error });
  }

  /** A picture comes whole, as a data URL. Cohere's models make none; Sluice's own answers may hold some. */
  #readImage(content: JsonObject): void {
    const url = textIn(objectIn(content, 'image_url'), 'url') ?? '';
    const match = /^data:([^,]{1,200}?);base64,/.exec(url.slice(0, 220));
    if (match === null) return;
    this.start(undefined);
    const at = { choice: 0, block: this.#nextBlock() };
    this.#push({ type: 'media-start', kind: 'image', mediaType: match[1] ?? 'image/*', ...at });
    this.#push({ type: 'media-delta', base64: url.slice(match[0].length), ...at });
    this.#push({ type: 'block-end', ...at });
  }

  /** The address of an open block of this type; begins it where needed. */
  #at(key: number | typeof PLAN, type: OpenBlock['type']): BlockAddress {
    const open = this.#open.get(key);
    if (open?.type === type) return { choice: 0, block: open.block };
    this.start(undefined);
    this.#endBlock(key);
    const at = { choice: 0, block: this.#nextBlock() };
    this.#open.set(key, { type, block: at.block });
    this.#push(
      type === 'text' ? { type: 'text-start', ...at } : { type: 'reasoning-start', kind: 'raw', ...at },
    );
    return at;
  }

  #endBlock(key: number | typeof PLAN): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    this.#push({ type: 'block-end', choice: 0, block: open.block });
  }

  #nextBlock(): number {
    return this.#blocks++;
  }

  #pushAll(events: readonly ChatEvent[]): void {
    if (events.length > 0 && events[0]?.type !== 'error') this.start(undefined);
    this.#events.push(...events);
  }

  #push(event: ChatEvent): void {
    this.#events.push(event);
  }
}

function textTypeOf(content: JsonObject): OpenBlock['type'] | undefined {
  if (content['type'] === 'thinking') return 'reasoning';
  if (content['type'] === 'text') return 'text';
  if (typeof content['thinking'] === 'string') return 'reasoning';
  return typeof content['text'] === 'string' ? 'text' : undefined;
}

/** Reads a whole answer as the stream it would have been. */
export function readWholeMessage(decoder: MessageDecoder, answer: JsonObject): void {
  const message = objectIn(answer, 'message');
  decoder.start(textIn(answer, 'id'));
  const content = contentOf(message);
  const firstText = content.findIndex((item) => textTypeOf(item) === 'text');
  const citations = oneOrMoreIn(message, 'citations');
  const logprobs = decodeLogprobs(oneOrMoreIn(answer, 'logprobs'));
  for (const [index, item] of content.entries()) {
    decoder.startContent(index, item, index === firstText ? logprobs : undefined);
    for (const citation of citations)
      if (textTypeOf(item) === 'text' && citedIndex(citation, content, firstText) === index)
        decoder.cite(citation);
    decoder.endContent(index);
    decoder.settleCitations();
  }
  decoder.addPlan(textIn(message, 'tool_plan'));
  for (const [index, call] of oneOrMoreIn(message, 'tool_calls').entries()) {
    decoder.startCall(index, call);
    decoder.endCall(index);
  }
  decoder.finish(answer);
}

/** Text that stands where a list of blocks is expected counts as one block. */
function contentOf(message: JsonObject): readonly JsonObject[] {
  const text = textIn(message, 'content');
  return text === undefined ? oneOrMoreIn(message, 'content') : [{ type: 'text', text }];
}

function citedIndex(citation: JsonObject, content: readonly JsonObject[], firstText: number): number {
  const index = citation['content_index'];
  const cited = typeof index === 'number' ? content[index] : undefined;
  return cited !== undefined && textTypeOf(cited) === 'text' ? Number(index) : firstText;
}
