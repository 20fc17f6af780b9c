import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Cost } from '../../domain/money/cost.ts';
import { mergeUsage, type Usage } from '../../domain/money/usage.ts';
import { BlockQueue } from '../block-queue.ts';
import { type CarriedProof, carryProof, SIGNER_OF_CALLS } from '../carried-proof.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { ENDED_QUIETLY, type Finish } from '../finish.ts';
import { isProofEvent, proofOwner } from '../proof.ts';
import { stopReasonOf } from './stop-reason.ts';
import { encodeUsage } from './usage.ts';
import { DIALECT } from './wire.ts';

/** An event of an Anthropic stream; its name is its `type`. */
export interface WireEvent extends JsonObject {
  readonly type: string;
}

/** A block on its way out. */
interface Block {
  /** How it starts; unknown until its end where the whole block is sent at once. */
  start: JsonObject | undefined;
  /** Whether it is sent even if nothing follows its start. */
  readonly isAlwaysSent: boolean;
  readonly deltas: JsonObject[];
  /** What can only be sent whole, at the end. */
  held: string;
  /** Who takes back what it proves. */
  owner: string;
  /** The proof of a tool call, for which the call itself has no place. */
  callProof: string;
  /** How `held` is sent. */
  readonly finish: (block: Block) => void;
  isSent: boolean;
  isEnded: boolean;
}

type BlockStart = Pick<Block, 'start' | 'isAlwaysSent'> & Partial<Pick<Block, 'finish'>>;

/**
 * Turns events of any dialect into those of an Anthropic message. Anthropic's blocks never overlap, so a block that begins
 * while another is open waits for its end. `message_delta` waits for `end`, since other formats count usage after the
 * finish. Choices other than the first, media, and other dialects' own citations and results have no place here.
 */
export class MessageWriter {
  readonly #envelope: AnswerEnvelope;
  readonly #blocks = new BlockQueue<Block>();
  #nextIndex = 0;
  #usage: Usage = {};
  #cost: Cost | undefined;
  #finish: Finish | undefined;
  #hasFailed = false;
  #hasRefused = false;
  #isStarted = false;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  /** Usage as known so far. */
  get usage(): Usage {
    return this.#usage;
  }

  /** Whether the choice ended with an error of its own: such an answer has no proper end in this format. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The wire events for one event; an `error` is the caller's to encode. */
  write(event: Exclude<ChatEvent, { type: 'error' }>): readonly WireEvent[] {
    switch (event.type) {
      case 'answer-start':
        return [];
      case 'usage':
        this.#usage = mergeUsage(this.#usage, event.usage);
        this.#cost = event.cost ?? this.#cost;
        return [];
      case 'finish':
        this.#noteFinish(event);
        return this.#start();
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

  /** `message_start` waits for the event after the first usage, so that it can tell the prompt's size. */
  #start(): readonly WireEvent[] {
    if (this.#isStarted) return [];
    this.#isStarted = true;
    const message = {
      id: this.#envelope.id,
      type: 'message',
      role: 'assistant',
      model: this.#envelope.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: 0, ...encodeUsage(this.#usage, undefined) },
    };
    return [{ type: 'message_start', message }];
  }

  #stop(): readonly WireEvent[] {
    const stop_reason = stopReasonOf(this.#finish ?? ENDED_QUIETLY, this.#hasRefused);
    const stop_sequence = this.#finish?.stopSequence ?? null;
    const usage = encodeUsage(this.#usage, this.#cost);
    return [
      { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage },
      { type: 'message_stop' },
    ];
  }

  #writeToBlock(event: BlockEvent): void {
    const start = blockStart(event);
    if (start !== undefined) this.#blocks.open(event.block, newBlock(start));
    const block = this.#blocks.get(event.block);
    if (block === undefined) return;
    if (event.type === 'refusal-start') this.#hasRefused = true;
    if (isProofEvent(event)) block.owner = proofOwner(event, this.#envelope, DIALECT);
    if (event.type === 'block-end' || event.type === 'hosted-tool-result') this.#endBlock(block);
    else addToBlock(block, event);
  }

  /** The proof of a call stands behind it as thinking that is closed: that much every caller sends back as it came. */
  #endBlock(block: Block): void {
    block.finish(block);
    block.isEnded = true;
    const callId = block.start?.['id'];
    if (block.callProof === '' || typeof callId !== 'string') return;
    const data = carryProof({ type: 'call', dialect: SIGNER_OF_CALLS, callId, data: block.callProof });
    const start = { type: 'redacted_thinking', data };
    this.#blocks.openBehind(block, newBlock({ start, isAlwaysSent: true }, true));
  }

  #drain(): readonly WireEvent[] {
    const events: WireEvent[] = [];
    for (const block of this.#blocks.sendable()) {
      events.push(...this.#send(block));
      if (!block.isEnded || !block.isSent) continue;
      events.push({ type: 'content_block_stop', index: this.#nextIndex });
      this.#nextIndex += 1;
    }
    return events;
  }

  #send(block: Block): readonly WireEvent[] {
    if (block.start === undefined || (block.deltas.length === 0 && !block.isAlwaysSent)) return [];
    const index = this.#nextIndex;
    const events: WireEvent[] = [];
    if (!block.isSent) events.push({ type: 'content_block_start', index, content_block: block.start });
    block.isSent = true;
    events.push(...block.deltas.map((delta) => ({ type: 'content_block_delta', index, delta })));
    block.deltas.length = 0;
    return events;
  }
}

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;

const newBlock = (start: BlockStart, isEnded: boolean = false): Block => ({
  deltas: [],
  held: '',
  owner: DIALECT,
  callProof: '',
  finish: () => {},
  isSent: false,
  isEnded,
  ...start,
});

/** How a block begins in Anthropic's words; `undefined` for events that begin none, and blocks it has no word for. */
function blockStart(event: BlockEvent): BlockStart | undefined {
  switch (event.type) {
    case 'text-start':
    case 'refusal-start':
      return { start: { type: 'text', text: '' }, isAlwaysSent: false };
    case 'reasoning-start':
      return event.kind === 'encrypted'
        ? { start: undefined, isAlwaysSent: true, finish: startRedacted }
        : {
            start: { type: 'thinking', thinking: '', signature: '' },
            isAlwaysSent: false,
            finish: addSignature,
          };
    case 'tool-call-start': {
      const type = event.kind === 'hosted' ? 'server_tool_use' : 'tool_use';
      return {
        start: { type, id: event.id, name: event.name, input: {} },
        isAlwaysSent: true,
        ...(event.kind === 'custom' ? { finish: addWrappedInput } : {}),
      };
    }
    case 'hosted-tool-result':
      // The decoder of this dialect keeps the whole block, which is an object.
      return event.dialect === DIALECT
        ? { start: event.result as JsonObject, isAlwaysSent: true }
        : undefined;
    default:
      return undefined;
  }
}

function addToBlock(block: Block, event: BlockEvent): void {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      if (event.text !== '') block.deltas.push({ type: 'text_delta', text: event.text });
      return;
    case 'reasoning-delta':
      if (block.start === undefined) block.held += event.text;
      else if (event.text !== '') block.deltas.push({ type: 'thinking_delta', thinking: event.text });
      return;
    case 'tool-call-delta':
      addArguments(block, event.arguments);
      return;
    case 'text-citation':
      if (event.dialect === DIALECT) block.deltas.push({ type: 'citations_delta', citation: event.citation });
      return;
    case 'block-signature':
      addProof(block, event.signature);
      return;
    default:
      return;
  }
}

function addArguments(block: Block, text: string): void {
  if (block.finish === addWrappedInput) block.held += text;
  else if (text !== '') block.deltas.push({ type: 'input_json_delta', partial_json: text });
}

function addProof(block: Block, signature: string): void {
  const isCall = block.start?.['type'] === 'tool_use';
  if (block.finish === addSignature) block.held += signature;
  else if (isCall && block.owner === SIGNER_OF_CALLS) block.callProof += signature;
}

/** What proves something: Anthropic's own as it is, another's with its owner's name. */
const proofText = (type: Exclude<CarriedProof['type'], 'call'>, { owner, held }: Block): string =>
  owner === DIALECT ? held : carryProof({ type, dialect: owner, data: held });

function startRedacted(block: Block): void {
  if (block.held !== '') block.start = { type: 'redacted_thinking', data: proofText('closed', block) };
}

/**
 * SDKs take the last `signature_delta` for the whole signature, so its pieces are sent as one. Of another dialect even what
 * is not signed gets the mark of its owner, who may want it back (DeepSeek does, inside a loop over tools).
 */
function addSignature(block: Block): void {
  const signature = proofText('signature', block);
  const isShown = block.isSent || block.deltas.length > 0 || block.held !== '';
  if (signature !== '' && isShown) block.deltas.push({ type: 'signature_delta', signature });
}

/** A custom tool's free text, as the object Anthropic's arguments always are. */
function addWrappedInput(block: Block): void {
  block.deltas.push({ type: 'input_json_delta', partial_json: JSON.stringify({ input: block.held }) });
}
