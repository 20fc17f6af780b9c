import type { BlockAddress, ChatEvent } from '../../domain/chat/event.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { isTooDeep } from '../depth.ts';
import { countIn, objectIn } from '../loose.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { type BlockNumbers, type OpenBlock, openStarted, openUnstarted } from './block-decoder.ts';
import { decodeException } from './errors.ts';
import { finishReasonOf } from './stop-reason.ts';
import { decodeUsage } from './usage.ts';
import { stringIn, unionMember } from './wire.ts';

/** Pieces that are passed on unread. */
const UNREAD: ReadonlySet<string | undefined> = new Set(['citation', 'toolResult']);

/** Pieces of blocks that need a start. */
const NEEDS_START: ReadonlySet<string> = new Set(['toolUse', 'toolResult', 'image']);

const TOO_DEEP = 'A piece of content is nested too deep.';

class AnswerNumbers implements BlockNumbers {
  #next = 0;

  next(): BlockAddress {
    const block = this.#next;
    this.#next += 1;
    return { choice: 0, block };
  }
}

/**
 * Turns the events of one answer into ours and keeps the rules of `ChatEvent`, whatever comes.
 *
 * Redacted reasoning is `encrypted`, its one delta the blob in base64. What a tool of Bedrock's own gave is the whole block.
 * The answer ends with `metadata` after `messageStop`; one without `metadata` ended well all the same.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export class AnswerDecoder {
  readonly #blocks = new Map<number, OpenBlock>();
  readonly #ignored = new Set<number>();
  readonly #numbers = new AnswerNumbers();
  #isStarted = false;
  #isFinished = false;
  #hasMetadata = false;
  #hasCutCall = false;
  #isEnded = false;
  #isMalformed = false;

  /** Whether the terminal event was ours, because what came broke the format. */
  get isMalformed(): boolean {
    return this.#isMalformed;
  }

  /** What one wire event means. After the terminal event nothing means anything. */
  read(name: string | undefined, event: JsonObject): readonly ChatEvent[] {
    if (this.#isEnded) return [];
    switch (name) {
      case 'messageStart':
        return this.#startMessage();
      case 'contentBlockStart':
        return this.#inMessage(() => this.#startBlock(event));
      case 'contentBlockDelta':
        return this.#inMessage(() => this.#readDelta(event));
      case 'contentBlockStop':
        return this.#inMessage(() => this.#stopBlock(event));
      case 'messageStop':
        return this.#inMessage(() => this.#stopMessage(event));
      case 'metadata':
        return this.#begun(() => this.#readMetadata(event));
      default:
        return [];
    }
  }

  /** An exception of the provider's. */
  readException(type: string | undefined, error: JsonObject): readonly ChatEvent[] {
    return this.#isEnded ? [] : this.#end({ type: 'error', error: decodeException(type, error) });
  }

  /** The bytes have ended. */
  finish(): readonly ChatEvent[] {
    if (this.#isEnded) return [];
    return this.#isFinished ? this.#end({ type: 'end' }) : this.fail('The stream ended early.');
  }

  /** Ends the answer with an error of our own. */
  fail(message: string): readonly ChatEvent[] {
    this.#isMalformed = true;
    return this.#end(invalidAnswer(message));
  }

  #end(event: ChatEvent): readonly ChatEvent[] {
    this.#isEnded = true;
    return [event];
  }

  #startMessage(): readonly ChatEvent[] {
    if (this.#isStarted) return this.fail('A second message began before the first one ended.');
    return this.#begun(() => []);
  }

  /** The answer begins with its first event, whichever it is: the start says nothing but the role. */
  #begun(read: () => readonly ChatEvent[]): readonly ChatEvent[] {
    if (this.#isStarted) return read();
    this.#isStarted = true;
    const start: ChatEvent = {
      type: 'answer-start',
      upstreamId: undefined,
      upstreamModel: undefined,
      createdAtSeconds: undefined,
    };
    return [start, ...read()];
  }

  #inMessage(read: () => readonly ChatEvent[]): readonly ChatEvent[] {
    return this.#begun(() =>
      this.#isFinished ? this.fail('More content came after the message had ended.') : read(),
    );
  }

  #startBlock(event: JsonObject): readonly ChatEvent[] {
    const index = countIn(event, 'contentBlockIndex');
    if (index === undefined) return this.fail('A content block began without an index.');
    if (this.#blocks.has(index)) return this.fail('A content block began twice.');
    const start = objectIn(event, 'start');
    // Some blocks of text are announced with an empty start.
    if (unionMember(start) === undefined) return [];
    if (UNREAD.has(unionMember(start)) && isTooDeep(start)) return this.fail(TOO_DEEP);
    const opened = openStarted(start, this.#numbers);
    if (opened === undefined) {
      this.#ignored.add(index);
      return [];
    }
    this.#blocks.set(index, opened.block);
    return opened.events;
  }

  #readDelta(event: JsonObject): readonly ChatEvent[] {
    const index = countIn(event, 'contentBlockIndex');
    const delta = objectIn(event, 'delta');
    const member = unionMember(delta);
    if (index === undefined) return this.fail('A piece of content came without an index.');
    if (member === undefined || this.#ignored.has(index)) return [];
    if (UNREAD.has(member) && isTooDeep(delta)) return this.fail(TOO_DEEP);
    const open = this.#blocks.get(index);
    const decoded = open?.add(delta) ?? 'mismatch';
    if (decoded !== 'mismatch') return decoded;
    return this.#readFirstDelta(index, delta, open);
  }

  /** A piece for which no block of its kind is open begins one, if its kind needs no start. */
  #readFirstDelta(index: number, delta: JsonObject, open: OpenBlock | undefined): readonly ChatEvent[] {
    if (NEEDS_START.has(unionMember(delta) ?? ''))
      return this.fail('A piece of content came for no open block.');
    const ended = open === undefined ? [] : this.#close(index, open);
    const opened = openUnstarted(delta, this.#numbers);
    if (opened === undefined) return ended;
    this.#blocks.set(index, opened.block);
    const decoded = opened.block.add(delta);
    return [...ended, ...opened.events, ...(decoded === 'mismatch' ? [] : decoded)];
  }

  #close(index: number, block: OpenBlock): readonly ChatEvent[] {
    this.#blocks.delete(index);
    if (block.isCut()) this.#hasCutCall = true;
    return block.end();
  }

  #stopBlock(event: JsonObject): readonly ChatEvent[] {
    const index = countIn(event, 'contentBlockIndex');
    if (index === undefined) return this.fail('A content block ended without an index.');
    this.#ignored.delete(index);
    const block = this.#blocks.get(index);
    return block === undefined ? [] : this.#close(index, block);
  }

  #stopMessage(event: JsonObject): readonly ChatEvent[] {
    const stopReason = stringIn(event, 'stopReason');
    if (stopReason === undefined) return this.fail('The message ended without a stop reason.');
    return this.#finishWith(stopReason, objectIn(event, 'additionalModelResponseFields')['stop_sequence']);
  }

  #finishWith(stopReason: string, stopSequence: Json | undefined): readonly ChatEvent[] {
    const stillOpen = [...this.#blocks].flatMap(([index, block]) => this.#close(index, block));
    const reason = finishReasonOf(stopReason);
    const isWhole = reason === 'tool-calls' || reason === 'stop';
    if (isWhole && this.#hasCutCall) return this.fail('The answer ended inside a tool call.');
    this.#isFinished = true;
    const finish: ChatEvent = {
      type: 'finish',
      choice: 0,
      reason,
      upstreamReason: stopReason,
      ...(typeof stopSequence === 'string' && { stopSequence }),
    };
    return [...stillOpen, finish, ...(this.#hasMetadata ? this.#end({ type: 'end' }) : [])];
  }

  #readMetadata(event: JsonObject): readonly ChatEvent[] {
    this.#hasMetadata = true;
    const usage = decodeUsage(event);
    const events: readonly ChatEvent[] = usage === undefined ? [] : [{ type: 'usage', usage }];
    return this.#isFinished ? [...events, ...this.#end({ type: 'end' })] : events;
  }
}
