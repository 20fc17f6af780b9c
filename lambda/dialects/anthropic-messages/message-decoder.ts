import type { BlockAddress, ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { isCutJson } from '../cut-json.ts';
import { isTooDeep } from '../depth.ts';
import { invalidAnswer } from '../upstream-error.ts';
import { decodeErrorEvent } from './errors.ts';
import { finishReasonOf } from './stop-reason.ts';
import { decodeUsage, overlayUsage } from './usage.ts';
import { DIALECT } from './wire.ts';

/** A content block between its start and its stop. `ignored`: of a type no event stands for. */
interface OpenBlock {
  readonly kind: 'text' | 'reasoning' | 'tool-call' | 'result' | 'ignored';
  readonly address: BlockAddress;
  /** Arguments given at the start, for blocks to which no deltas come. */
  readonly initialArguments: string | undefined;
  /** Those that came in pieces. */
  arguments: string;
}

/**
 * Turns the events of one message into ours and keeps the rules of `ChatEvent`, whatever comes.
 *
 * Thinking is `raw` reasoning with its signature; redacted thinking is `encrypted` reasoning whose one delta is the opaque
 * `data`. A hosted tool's result is the whole block as it came. Arguments are JSON text even where a tool takes none
 * (`{}`). The finish is held back until `message_stop`, as several `message_delta` may come.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/streaming
 */
export class MessageDecoder {
  readonly #blocks = new Map<number, OpenBlock>();
  #nextBlock = 0;
  #usage: JsonObject = {};
  #stopReason: string | undefined;
  #stopSequence: string | undefined;
  #isStarted = false;
  #hasCutCall = false;
  #isEnded = false;
  #isMalformed = false;

  /** Whether the terminal event has been given. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether the terminal event was ours, because what came broke the format. */
  get isMalformed(): boolean {
    return this.#isMalformed;
  }

  /** What one wire event means. After the terminal event nothing means anything. */
  read(type: string | undefined, event: JsonObject): readonly ChatEvent[] {
    if (this.#isEnded) return [];
    if (type === 'error') return this.#end({ type: 'error', error: decodeErrorEvent(event) });
    if (type === 'message_start') return this.#startMessage(event['message']);
    if (!this.#isStarted && type !== undefined && /^(content_block|message)_/.test(type))
      return this.fail(`A ${type} event came before the message began.`);
    switch (type) {
      case 'content_block_start':
        return this.#startBlock(event['index'], event['content_block']);
      case 'content_block_delta':
        return this.#readDelta(event['index'], event['delta']);
      case 'content_block_stop':
        return this.#stopBlock(event['index']);
      case 'message_delta':
        return this.#readMessageDelta(event);
      case 'message_stop':
        return this.#stopMessage();
      default:
        return [];
    }
  }

  /** Ends the message with an error of our own. */
  fail(message: string): readonly ChatEvent[] {
    this.#isMalformed = true;
    return this.#end(invalidAnswer(message));
  }

  #end(event: ChatEvent): readonly ChatEvent[] {
    this.#isEnded = true;
    return [event];
  }

  #startMessage(message: Json | undefined): readonly ChatEvent[] {
    if (this.#isStarted) return this.fail('A second message began before the first one ended.');
    if (!isJsonObject(message)) return this.fail('The message began without a message.');
    this.#isStarted = true;
    const start: ChatEvent = {
      type: 'answer-start',
      upstreamId: stringIn(message, 'id'),
      upstreamModel: stringIn(message, 'model'),
      createdAtSeconds: undefined,
    };
    return [start, ...this.#readUsage(message['usage'])];
  }

  #readUsage(usage: Json | undefined): readonly ChatEvent[] {
    if (!isJsonObject(usage)) return [];
    this.#usage = overlayUsage(this.#usage, usage);
    return [{ type: 'usage', usage: decodeUsage(this.#usage) }];
  }

  #startBlock(index: Json | undefined, block: Json | undefined): readonly ChatEvent[] {
    if (typeof index !== 'number' || !isJsonObject(block) || typeof block['type'] !== 'string')
      return this.fail('A content block began without index or type.');
    if (this.#blocks.has(index)) return this.fail('A content block began twice.');
    if (isTooDeep(block)) return this.fail('A content block is nested too deep.');
    const address: BlockAddress = { choice: 0, block: this.#nextBlock };
    const opened = openBlock(block, block['type'], address);
    this.#blocks.set(index, opened.block);
    if (opened.block.kind !== 'ignored') this.#nextBlock += 1;
    return opened.events;
  }

  #readDelta(index: Json | undefined, delta: Json | undefined): readonly ChatEvent[] {
    const block = typeof index === 'number' ? this.#blocks.get(index) : undefined;
    if (block === undefined || !isJsonObject(delta))
      return this.fail('A piece of content came for no open block.');
    if (block.kind === 'ignored') return [];
    const event = decodeDelta(block, delta);
    if (event === 'mismatch') return this.fail('A piece of content came for a block of another type.');
    if (event?.type === 'tool-call-delta') block.arguments += event.arguments;
    return event === undefined ? [] : [event];
  }

  #stopBlock(index: Json | undefined): readonly ChatEvent[] {
    const block = typeof index === 'number' ? this.#blocks.get(index) : undefined;
    if (block === undefined || typeof index !== 'number') return [];
    this.#blocks.delete(index);
    this.#hasCutCall ||= isCutJson(block.arguments);
    return closeBlock(block);
  }

  #readMessageDelta(event: JsonObject): readonly ChatEvent[] {
    const delta = event['delta'];
    if (isJsonObject(delta)) {
      this.#stopReason = stringIn(delta, 'stop_reason') ?? this.#stopReason;
      this.#stopSequence = stringIn(delta, 'stop_sequence') ?? this.#stopSequence;
    }
    return this.#readUsage(event['usage']);
  }

  #stopMessage(): readonly ChatEvent[] {
    if (this.#stopReason === undefined) return this.fail('The message ended without a stop reason.');
    const finish = {
      type: 'finish' as const,
      choice: 0,
      reason: finishReasonOf(this.#stopReason),
      upstreamReason: this.#stopReason,
      ...(this.#stopSequence === undefined ? {} : { stopSequence: this.#stopSequence }),
    };
    const open = [...this.#blocks.values()];
    const isCut = this.#hasCutCall || open.some((block) => isCutJson(block.arguments));
    if (isCut && finish.reason !== 'length') return this.fail('The message ended inside a tool call.');
    const stillOpen = open.flatMap(closeBlock);
    return [...stillOpen, finish, ...this.#end({ type: 'end' })];
  }
}

const stringIn = (value: JsonObject, name: string): string | undefined => {
  const found = value[name];
  return typeof found === 'string' ? found : undefined;
};

interface OpenedBlock {
  readonly block: OpenBlock;
  readonly events: readonly ChatEvent[];
}

function openBlock(block: JsonObject, type: string, address: BlockAddress): OpenedBlock {
  const opened = (kind: OpenBlock['kind'], events: readonly (ChatEvent | undefined)[]): OpenedBlock => ({
    block: { kind, address, initialArguments: undefined, arguments: '' },
    events: events.filter((event) => event !== undefined),
  });
  switch (type) {
    case 'text':
      return opened('text', [
        { type: 'text-start', ...address },
        textDelta('text-delta', block['text'], address),
        ...initialCitations(block['citations'], address),
      ]);
    case 'thinking':
      return opened('reasoning', [
        { type: 'reasoning-start', kind: 'raw', ...address },
        textDelta('reasoning-delta', block['thinking'], address),
        signature(block['signature'], address),
      ]);
    case 'redacted_thinking':
      return opened('reasoning', [
        { type: 'reasoning-start', kind: 'encrypted', ...address },
        textDelta('reasoning-delta', block['data'], address),
      ]);
    default:
      return openToolBlock(block, type, address) ?? opened('ignored', []);
  }
}

function openToolBlock(block: JsonObject, type: string, address: BlockAddress): OpenedBlock | undefined {
  const id = stringIn(block, 'id');
  const name = stringIn(block, 'name');
  if (type.endsWith('tool_use') && id !== undefined && name !== undefined) {
    const input = block['input'];
    return {
      block: {
        kind: 'tool-call',
        address,
        initialArguments: JSON.stringify(isJsonObject(input) ? input : {}),
        arguments: '',
      },
      events: [
        { type: 'tool-call-start', kind: type === 'tool_use' ? 'function' : 'hosted', id, name, ...address },
      ],
    };
  }
  if (!type.endsWith('_tool_result')) return undefined;
  const callId = stringIn(block, 'tool_use_id') ?? '';
  return {
    block: { kind: 'result', address, initialArguments: undefined, arguments: '' },
    events: [{ type: 'hosted-tool-result', dialect: DIALECT, callId, result: block, ...address }],
  };
}

function closeBlock(block: OpenBlock): readonly ChatEvent[] {
  const { kind, address, initialArguments } = block;
  if (kind === 'ignored') return [];
  const end: ChatEvent = { type: 'block-end', ...address };
  if (initialArguments === undefined || block.arguments !== '') return [end];
  return [{ type: 'tool-call-delta', arguments: initialArguments, ...address }, end];
}

/** Which kind of block each delta belongs to. */
const BLOCK_KINDS = new Map<Json | undefined, OpenBlock['kind']>([
  ['text_delta', 'text'],
  ['citations_delta', 'text'],
  ['thinking_delta', 'reasoning'],
  ['signature_delta', 'reasoning'],
  ['input_json_delta', 'tool-call'],
]);

/** `undefined` for what says nothing, and for types of deltas that are still to come. */
function decodeDelta(block: OpenBlock, delta: JsonObject): ChatEvent | undefined | 'mismatch' {
  const { address } = block;
  const expectedKind = BLOCK_KINDS.get(delta['type']);
  if (expectedKind !== undefined && expectedKind !== block.kind) return 'mismatch';
  switch (delta['type']) {
    case 'text_delta':
      return textDelta('text-delta', delta['text'], address);
    case 'thinking_delta':
      return textDelta('reasoning-delta', delta['thinking'], address);
    case 'signature_delta':
      return signature(delta['signature'], address);
    case 'citations_delta':
      return citation(delta['citation'], address);
    case 'input_json_delta':
      return argumentsDelta(delta['partial_json'], address);
    default:
      return undefined;
  }
}

function argumentsDelta(json: Json | undefined, address: BlockAddress): ChatEvent | undefined {
  return typeof json === 'string' && json !== ''
    ? { type: 'tool-call-delta', arguments: json, ...address }
    : undefined;
}

function textDelta(
  type: 'text-delta' | 'reasoning-delta',
  text: Json | undefined,
  address: BlockAddress,
): ChatEvent | undefined {
  return typeof text === 'string' && text !== '' ? { type, text, ...address } : undefined;
}

function signature(value: Json | undefined, address: BlockAddress): ChatEvent | undefined {
  return typeof value === 'string' && value !== ''
    ? { type: 'block-signature', signature: value, ...address }
    : undefined;
}

function citation(value: Json | undefined, address: BlockAddress): ChatEvent | undefined {
  return value === undefined || value === null
    ? undefined
    : { type: 'text-citation', dialect: DIALECT, citation: value, ...address };
}

const initialCitations = (
  citations: Json | undefined,
  address: BlockAddress,
): readonly (ChatEvent | undefined)[] =>
  Array.isArray(citations) ? citations.map((value: Json) => citation(value, address)) : [];
