import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import { BlockQueue } from '../block-queue.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { ENDED_QUIETLY, type Finish } from '../finish.ts';
import { isProofEvent, proofOwner } from '../proof.ts';
import {
  addToBlock,
  type Block,
  type BlockEvent,
  blockStart,
  callProofBlock,
  newBlock,
} from './block-encoder.ts';
import { stopReasonOf } from './stop-reason.ts';
import { encodeUsage } from './usage.ts';
import { DIALECT_ID } from './wire.ts';

/** An event of a stream: its name stands in a header. */
export interface WireEvent {
  readonly name: string;
  readonly body: JsonObject;
}

/**
 * Turns events of any dialect into those of a Converse stream. Blocks are sent one after another, as Bedrock sends them, so
 * that one that begins while another is open waits for its end. `messageStop` waits for `end`, since `metadata`, with the
 * usage, comes right behind it. Choices other than the first, sounds and files, and other dialects' own citations and
 * results have no place here.
 */
export class AnswerWriter {
  readonly #envelope: AnswerEnvelope;
  readonly #blocks = new BlockQueue<Block>();
  #nextIndex = 0;
  #usage: Usage = {};
  #cost: Cost | undefined;
  #finish: Finish | undefined;
  #hasFailed = false;
  #isStarted = false;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

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
    if (start !== undefined) this.#blocks.open(event.block, newBlock(start));
    const block = this.#blocks.get(event.block);
    if (block === undefined) return;
    if (isProofEvent(event)) block.owner = proofOwner(event, this.#envelope, DIALECT_ID);
    addToBlock(block, event);
    const proof = event.type === 'block-end' ? callProofBlock(block) : undefined;
    if (proof !== undefined) this.#blocks.openBehind(block, proof);
  }

  #drain(): readonly WireEvent[] {
    const events: WireEvent[] = [];
    for (const block of this.#blocks.sendable()) {
      events.push(...this.#send(block));
      if (!block.isEnded || !block.isSent) continue;
      events.push({ name: 'contentBlockStop', body: { contentBlockIndex: this.#nextIndex } });
      this.#nextIndex += 1;
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
