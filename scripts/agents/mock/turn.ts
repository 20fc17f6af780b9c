import { isJsonObject, type Json, type JsonObject } from '../../../lambda/domain/json.ts';

/** A tool that an agent offers, whatever the format. */
export interface OfferedTool {
  readonly name: string;
  /** JSON Schema of its arguments; empty where the format sends none. */
  readonly schema: JsonObject;
}

/** What a mock reads of a request. */
export interface AskedTurn {
  readonly tools: readonly OfferedTool[];
  /** What tools answered so far, each as JSON text. */
  readonly toolResults: readonly string[];
  /** Whether reasoning was asked for in a form that has to be sent back with the next turn. */
  readonly wantsProof: boolean;
}

/** What a mock answers. A proof stands for signed reasoning: an opaque text that the next turn should bring back. */
export type MockReply =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'tool-call';
      readonly id: string;
      readonly name: string;
      readonly arguments: JsonObject;
      readonly proof: string | undefined;
    };

/** One provider's format, as far as an agent's tool loop needs it. */
export interface MockFormat {
  readonly dialect: 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini';
  /** Where it is spoken. */
  readonly path: RegExp;
  readTurn(body: JsonObject): AskedTurn;
  isStreamed(body: JsonObject, path: string): boolean;
  wholeAnswer(reply: MockReply, model: string): JsonObject;
  /** Server-sent events, in order; text and arguments come in more than one piece. */
  streamedAnswer(reply: MockReply, model: string): readonly string[];
}

/** What every answer counts, in disjoint buckets, so that the price of any number of turns is known. */
export const MOCK_USAGE = { uncachedPrompt: 1_000, cacheRead: 200, completion: 40 } as const;

/** All that was sent, cached or not. */
export const PROMPT_TOKENS = MOCK_USAGE.uncachedPrompt + MOCK_USAGE.cacheRead;
export const TOTAL_TOKENS = PROMPT_TOKENS + MOCK_USAGE.completion;

/** A list at a place in a body; empty where there is none. */
export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const found = valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A value at a place in a body. */
export function valueAt(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) found = isJsonObject(found) ? found[name] : undefined;
  return found;
}

/** An object at a place in a body; empty where there is none. */
export function objectAt(value: Json | undefined, ...path: readonly string[]): JsonObject {
  const found = valueAt(value, ...path);
  return isJsonObject(found) ? found : {};
}

/** Text at a place in a body; '' where there is none. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** A text in two pieces, as streams send it. */
export function inPieces(text: string): readonly string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '');
}

/** One event of a stream that has no names. */
export const dataEvent = (data: JsonObject): string => `data: ${JSON.stringify(data)}\n\n`;

/** One event of a stream that names each by its `type`. */
export const namedEvent = (data: JsonObject & { readonly type: string }): string =>
  `event: ${data.type}\n${dataEvent(data)}`;
