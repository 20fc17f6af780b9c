import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { isCutJson } from '../cut-json.ts';
import { objectIn, textIn } from '../loose.ts';
import { invalidAnswer } from '../upstream-error.ts';

interface OpenCall {
  readonly index: number | undefined;
  readonly block: number;
  /** All so far. */
  arguments: string;
  /** How much of it was told. */
  told: number;
  isOpen: boolean;
}

/** What Cohere's models write for no arguments at all. */
const NO_ARGUMENTS = 'null';

/**
 * The tool calls of one answer, which stay open until their own end. Arguments of `null`, which other dialects and their
 * callers cannot take, are told as the empty object; so what may become `null` is held back until it is known not to.
 */
export class ToolCallReader {
  /** From which ids of calls are made that have none. */
  answerId = '';
  readonly #calls: OpenCall[] = [];
  readonly #nextBlock: () => number;

  constructor(nextBlock: () => number) {
    this.#nextBlock = nextBlock;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Whether arguments stop in the middle of their JSON, or a call has neither arguments nor an end. */
  get isCut(): boolean {
    return this.#calls.some((call) => (call.isOpen && call.arguments === '') || isCutJson(call.arguments));
  }

  start(index: number | undefined, call: JsonObject): ChatEvent[] {
    const body = objectIn(call, 'function');
    const name = textIn(body, 'name');
    if (name === undefined) return [invalidAnswer('The provider began a tool call without a name.')];
    const ended = this.end(index);
    const block = this.#nextBlock();
    const id = textIn(call, 'id') ?? `call_${this.answerId.replace(/[^\w-]/g, '').slice(-40)}_${block}`;
    this.#calls.push({ index, block, arguments: '', told: 0, isOpen: true });
    const start: ChatEvent = { type: 'tool-call-start', kind: 'function', id, name, choice: 0, block };
    return [...ended, start, ...this.add(index, call)];
  }

  add(index: number | undefined, call: JsonObject): ChatEvent[] {
    const text = textIn(objectIn(call, 'function'), 'arguments');
    if (text === undefined) return [];
    const open = this.#find(index);
    if (open === undefined)
      return [invalidAnswer('The provider sent arguments of a tool call that is not open.')];
    open.arguments += text;
    return NO_ARGUMENTS.startsWith(open.arguments) ? [] : tell(open, open.arguments);
  }

  end(index: number | undefined): ChatEvent[] {
    const open = this.#find(index);
    return open === undefined ? [] : endCall(open);
  }

  endAll(): ChatEvent[] {
    return this.#calls.filter(({ isOpen }) => isOpen).flatMap(endCall);
  }

  #find(index: number | undefined): OpenCall | undefined {
    return this.#calls.findLast((call) => call.isOpen && (index === undefined || call.index === index));
  }
}

function endCall(call: OpenCall): ChatEvent[] {
  call.isOpen = false;
  const untold = tell(call, call.arguments === NO_ARGUMENTS ? '{}' : call.arguments);
  return [...untold, { type: 'block-end', choice: 0, block: call.block }];
}

function tell(call: OpenCall, text: string): ChatEvent[] {
  const fresh = text.slice(call.told);
  call.told = text.length;
  return fresh === '' ? [] : [{ type: 'tool-call-delta', arguments: fresh, choice: 0, block: call.block }];
}
