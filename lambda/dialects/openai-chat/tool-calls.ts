import type { ChatEvent } from '../../domain/chat/event.ts';
import { type JsonObject, parseJson } from '../../domain/json.ts';
import { isCutJson } from '../cut-json.ts';
import { asObject, countIn, objectIn, textIn } from '../loose.ts';

/** What one entry of `tool_calls` says, however the provider spells it. */
interface ToolCallPiece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly kind: 'function' | 'custom';
  readonly arguments: string;
  /** Gemini's proof of origin, in Google's own spelling of this format. */
  readonly signature: string | undefined;
}

interface OpenCall {
  /** Given when the call begins, which it cannot before it has a name. */
  block: number | undefined;
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly kind: 'function' | 'custom';
  name: string | undefined;
  /** All so far, announced or not. */
  arguments: string;
  /** What came before the call was announced. */
  signature: string;
}

/** How a block gets its number, and a call without an id its id. */
interface BlockNumbers {
  readonly choice: number;
  next(): number;
  callId(block: number): string;
}

/** Reads an entry of `tool_calls`, function or custom; arguments that came parsed (Ollama) become text again. */
export function readToolCallPiece(wire: JsonObject): ToolCallPiece {
  const custom = asObject(wire['custom']);
  const body = custom ?? asObject(wire['function']) ?? {};
  const given = body[custom === undefined ? 'arguments' : 'input'];
  return {
    index: countIn(wire, 'index'),
    id: textIn(wire, 'id'),
    name: textIn(body, 'name'),
    kind: custom === undefined ? 'function' : 'custom',
    arguments: typeof given === 'object' && given !== null ? JSON.stringify(given) : String(given ?? ''),
    signature: callSignature(wire),
  };
}

/** Gemini's signature of a tool call. @see https://ai.google.dev/gemini-api/docs/thought-signatures#openai */
export const callSignature = (call: JsonObject): string | undefined =>
  textIn(objectIn(objectIn(call, 'extra_content'), 'google'), 'thought_signature');

/**
 * The tool calls of one choice, told apart by whatever the provider gives: index, id or only their order. Seen in the
 * wild: no index, an id repeated in (or newly made for) each delta, whole calls in one chunk, index 0 for every call,
 * indexes that do not begin at 0.
 */
export class ToolCallReader {
  readonly #calls: OpenCall[] = [];
  readonly #numbers: BlockNumbers;

  constructor(numbers: BlockNumbers) {
    this.#numbers = numbers;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Whether a function's arguments stop in the middle of their JSON, or a call has arguments but no name. */
  get isCut(): boolean {
    return this.#calls.some(
      (call) => call.name === undefined || (call.kind === 'function' && isCutJson(call.arguments)),
    );
  }

  read(piece: ToolCallPiece): ChatEvent[] {
    if (isEmptyPiece(piece)) return [];
    const call = this.#find(piece) ?? this.#add(piece);
    call.name ??= piece.name;
    call.arguments += piece.arguments;
    call.signature += piece.signature ?? '';
    if (call.name === undefined) return [];
    const { choice } = this.#numbers;
    const events: ChatEvent[] = [];
    const fresh = call.block === undefined ? call.arguments : piece.arguments;
    if (call.block === undefined) {
      call.block = this.#numbers.next();
      const id = call.id ?? this.#numbers.callId(call.block);
      const { block, kind, name } = call;
      events.push({ type: 'tool-call-start', kind, id, name, choice, block });
    }
    const at = { choice, block: call.block };
    if (fresh !== '') events.push({ type: 'tool-call-delta', arguments: fresh, ...at });
    const { signature } = call;
    call.signature = '';
    if (signature !== '') events.push({ type: 'block-signature', signature, dialect: 'gemini', ...at });
    return events;
  }

  end(): ChatEvent[] {
    const { choice } = this.#numbers;
    return this.#calls.flatMap(({ block }) =>
      block === undefined ? [] : [{ type: 'block-end', choice, block }],
    );
  }

  #find(piece: ToolCallPiece): OpenCall | undefined {
    const byId = piece.id === undefined ? undefined : this.#calls.findLast((call) => call.id === piece.id);
    if (byId !== undefined && (piece.index === undefined || byId.index === piece.index)) return byId;
    const call =
      piece.index === undefined
        ? this.#calls.at(-1)
        : this.#calls.findLast(({ index }) => index === piece.index);
    return call === undefined || isAnotherCall(piece, call) ? undefined : call;
  }

  #add(piece: ToolCallPiece): OpenCall {
    const call: OpenCall = {
      block: undefined,
      index: piece.index,
      id: piece.id,
      kind: piece.kind,
      name: undefined,
      arguments: '',
      signature: '',
    };
    this.#calls.push(call);
    return call;
  }
}

const isEmptyPiece = ({ name, id, arguments: given, signature }: ToolCallPiece): boolean =>
  name === undefined && id === undefined && given === '' && signature === undefined;

/** Whether a piece that would continue a call begins another one instead: it brings a name that is not needed any more. */
function isAnotherCall(piece: ToolCallPiece, call: OpenCall): boolean {
  if (piece.name === undefined || call.name === undefined) return false;
  if (piece.id !== undefined) return piece.id !== call.id;
  if (piece.name !== call.name) return true;
  return piece.arguments.startsWith('{') && parseJson(call.arguments) !== undefined;
}
