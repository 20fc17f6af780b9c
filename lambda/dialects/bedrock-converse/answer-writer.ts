import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import { addToBlock, type Block, type BlockEvent, type BlockStart, blockStart } from './block-encoder.ts';
import { type Finish, stopReasonOf } from './stop-reason.ts';
import { encodeUsage } from './usage.ts';

/** An event of a stream: its name stands in a header. */
export interface WireEvent {
  readonly name: string;
  readonly body: JsonObject;
}

/** An answer whose first choice never said why it ended. */
const ENDED_QUIETLY: Finish = { reason: 'stop', upstreamReason: undefined };

/**
 * Turns events of any dialect into those of a Converse stream. Blocks are sent one after another, as Bedrock sends them, so
 * that one that begins while another is open waits for its end. `messageStop` waits for `end`, since `metadata`, with the
 * usage, comes right behind it. Choices other than the first, sounds and files, and other dialects' own citations and
 * results have no place here.
 */
export class AnswerWriter {
  readonly #blocks = new Map<number, Block>();
  /** Blocks not yet sent to their end, in the order in which they began. */
  readonly #queue: Block[] = [];
  #nextIndex = 0;
  #usage: Usage = {};
  #cost: Cost | undefined;
  #finish: Finish | undefined;
  #hasFailed = false;
  #isStarted = false;

  /** Whether the choice ended with an error of its own: such an answer has no proper end in this format. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The wire events for one event; an `error` is the caller's to encode. */
  write(event: Exclude<ChatEvent, { type: 'error' }>): readonly WireEvent[] {
    switch (event.type) {
      case 'answer-start':
        return this.#start();
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        this.#cost = event.cost ?? this.#cost;
        return [];
      case 'finish':
        this.#noteFinish(event);
        return [];
      case 'end':
        return [...this.#start(), ...this.#drain(), ...this.#stop()];
      default:
        if (event.choice !== 0) return [];
        this.#writeToBlock(event);
        return [...this.#start(), ...this.#drain()];
    }
  }

  #noteFinish(event: Extract<ChatEvent, { type: 'finish' }>): void {
    if (event.choice !== 0) return;
    const { reason } = event;
    if (reason === 'error') this.#hasFailed = true;
    else this.#finish = { ...event, reason };
  }

  #start(): readonly WireEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    return [{ name: 'messageStart', body: { role: 'assistant' } }];
  }

  #stop(): readonly WireEvent[] {
    const finish = this.#finish ?? ENDED_QUIETLY;
    const { stopSequence } = finish;
    const { serviceTier } = this.#usage;
    const fields =
      stopSequence === undefined ? {} : { additionalModelResponseFields: { stop_sequence: stopSequence } };
    const metadata = {
      usage: encodeUsage(this.#usage, this.#cost),
      // The format insists on it, and nothing here measures the model alone.
      metrics: { latencyMs: 0 },
      ...(serviceTier === undefined ? {} : { serviceTier: { type: serviceTier } }),
    };
    return [
      { name: 'messageStop', body: { stopReason: stopReasonOf(finish), ...fields } },
      { name: 'metadata', body: metadata },
    ];
  }

  #writeToBlock(event: BlockEvent): void {
    const start = blockStart(event);
    if (start !== undefined) this.#openBlock(event.block, start);
    const block = this.#blocks.get(event.block);
    if (block !== undefined) addToBlock(block, event);
  }

  #openBlock(number: number, start: BlockStart): void {
    const block: Block = { deltas: [], held: '', isSent: false, isEnded: false, ...start };
    this.#blocks.set(number, block);
    this.#queue.push(block);
  }

  /** Sends what may be sent: all of the first block, and of those after it once it has ended. */
  #drain(): readonly WireEvent[] {
    const events: WireEvent[] = [];
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      events.push(...this.#send(first));
      if (!first.isEnded) break;
      if (first.isSent) {
        events.push({ name: 'contentBlockStop', body: { contentBlockIndex: this.#nextIndex } });
        this.#nextIndex += 1;
      }
      this.#queue.shift();
    }
    return events;
  }

  #send(block: Block): readonly WireEvent[] {
    const contentBlockIndex = this.#nextIndex;
    const events: WireEvent[] = [];
    if (block.start !== undefined && !block.isSent)
      events.push({ name: 'contentBlockStart', body: { start: block.start, contentBlockIndex } });
    for (const delta of block.deltas)
      events.push({ name: 'contentBlockDelta', body: { delta, contentBlockIndex } });
    block.isSent ||= events.length > 0;
    block.deltas.length = 0;
    return events;
  }
}
