import { isJsonObject, type JsonObject, parseJsonObject } from '../json.ts';
import type { ChatEvent } from './event.ts';
import type { ChatRequest, ContentPart, Tool } from './request.ts';

/**
 * Custom tools, which take free text, for formats whose tools take a JSON object: the text becomes the one member of that
 * object, on the way there, and the text again on the way back.
 */

/** The member that holds the text. */
const INPUT = 'input';

type CustomTool = Extract<Tool, { readonly type: 'custom' }>;

/** Names of the tools whose calls are to be text again. */
export const customToolNames = ({ tools = [] }: ChatRequest): ReadonlySet<string> =>
  new Set(tools.flatMap((tool) => (tool.type === 'custom' ? [tool.name] : [])));

/** Tools whose text follows a grammar that a function's arguments cannot be held to: the model is only told of it. */
export const grammarTools = ({ tools = [] }: ChatRequest): readonly string[] =>
  tools.flatMap((tool) => (tool.type === 'custom' && grammarOf(tool) !== undefined ? [tool.name] : []));

/** The same request with functions in place of custom tools, in its earlier calls too. */
export function withoutCustomTools(request: ChatRequest): ChatRequest {
  const { tools, messages } = request;
  return {
    ...request,
    messages: messages.map((message) => ({ ...message, content: message.content.map(asFunctionCall) })),
    ...(tools !== undefined && {
      tools: tools.map((tool) => (tool.type === 'custom' ? asFunction(tool) : tool)),
    }),
  };
}

function asFunctionCall(part: ContentPart): ContentPart {
  if (part.type !== 'tool-call' || part.kind !== 'custom') return part;
  return { ...part, kind: 'function', arguments: JSON.stringify({ [INPUT]: part.arguments }) };
}

function asFunction(tool: CustomTool): Tool {
  const grammar = grammarOf(tool);
  const description = [tool.description, grammar].filter((text) => text !== undefined).join('\n\n');
  return {
    type: 'function',
    name: tool.name,
    ...(description !== '' && { description }),
    parameters: {
      type: 'object',
      properties: { [INPUT]: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
      required: [INPUT],
      additionalProperties: false,
    },
  };
}

/** @see https://platform.openai.com/docs/guides/function-calling#context-free-grammars */
function grammarOf({ format }: CustomTool): string | undefined {
  if (!isJsonObject(format) || format['type'] !== 'grammar') return undefined;
  // Chat completions hold the grammar one level deeper than responses do.
  const { syntax, definition } = isJsonObject(format['grammar']) ? format['grammar'] : format;
  if (typeof definition !== 'string') return undefined;
  return `The input must follow this grammar (${String(syntax)}):\n${definition}`;
}

/** Makes text again of the calls of these tools, event by event. One object an answer. */
export class CustomCallReader {
  readonly #names: ReadonlySet<string>;
  readonly #open = new Map<string, InputReader>();

  constructor(names: ReadonlySet<string>) {
    this.#names = names;
  }

  read(event: ChatEvent): readonly ChatEvent[] {
    if (!('block' in event)) return [event];
    const key = `${event.choice}/${event.block}`;
    if (event.type === 'tool-call-start' && event.kind === 'function' && this.#names.has(event.name)) {
      this.#open.set(key, new InputReader());
      return [{ ...event, kind: 'custom' }];
    }
    const reader = this.#open.get(key);
    if (reader === undefined) return [event];
    const { choice, block } = event;
    const delta = (text: string): readonly ChatEvent[] =>
      text === '' ? [] : [{ type: 'tool-call-delta', arguments: text, choice, block }];
    if (event.type === 'tool-call-delta') return delta(reader.read(event.arguments));
    if (event.type !== 'block-end') return [event];
    this.#open.delete(key);
    return [...delta(reader.end()), event];
  }
}

const BEGINNING = /^\s*\{\s*"input"\s*:\s*"/;
/** An object whose text does not begin within so many characters is read as a whole. */
const LONGEST_BEGINNING = 200;

/** Reads the text out of `{"input":"…"}` as its pieces come; what has another shape is read at its end. */
class InputReader {
  #state: 'beginning' | 'text' | 'over' | 'other' = 'beginning';
  /** All so far before the text begins; then what is not a whole character yet. */
  #held = '';

  read(piece: string): string {
    if (this.#state === 'over') return '';
    this.#held += piece;
    if (this.#state === 'beginning') this.#begin();
    return this.#state === 'text' ? this.#text() : '';
  }

  end(): string {
    if (this.#state === 'over' || this.#state === 'text') return '';
    const value = parseJsonObject(this.#held);
    return value === undefined ? this.#held : inputOf(value);
  }

  #begin(): void {
    const match = BEGINNING.exec(this.#held);
    if (match !== null) {
      this.#held = this.#held.slice(match[0].length);
      this.#state = 'text';
    } else if (this.#held.length > LONGEST_BEGINNING) this.#state = 'other';
  }

  /** What is whole of the text. A character of two code units that is cut in its middle waits for the other. */
  #text(): string {
    let text = '';
    let at = 0;
    for (;;) {
      const next = nextMark(this.#held, at);
      text += this.#held.slice(at, next);
      at = next;
      if (this.#held[at] === '"') {
        this.#state = 'over';
        return text;
      }
      const mark = readEscape(this.#held, at);
      if (mark === undefined) break;
      text += mark.text;
      at += mark.length;
    }
    const isCut = /[\uD800-\uDBFF]$/.test(text);
    this.#held = (isCut ? escaped(text.slice(-1)) : '') + this.#held.slice(at);
    return isCut ? text.slice(0, -1) : text;
  }
}

function nextMark(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '"' && text[at] !== '\\') at += 1;
  return at;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['b', '\b'],
  ['f', '\f'],
]);

/** The escape that stands there; `undefined` where it is not whole, or there is none. */
function readEscape(
  text: string,
  at: number,
): { readonly text: string; readonly length: number } | undefined {
  const kind = text[at + 1];
  if (kind === undefined) return undefined;
  if (kind !== 'u') return { text: ESCAPES.get(kind) ?? kind, length: 2 };
  if (text.length < at + 6) return undefined;
  return { text: String.fromCharCode(Number.parseInt(text.slice(at + 2, at + 6), 16)), length: 6 };
}

const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16)}`;

function inputOf(value: JsonObject): string {
  const input = value[INPUT];
  if (typeof input === 'string') return input;
  return JSON.stringify(input ?? value);
}
