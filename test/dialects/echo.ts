import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { bedrockConverse } from '../../lambda/dialects/bedrock-converse/dialect.ts';
import { cohereChat } from '../../lambda/dialects/cohere-chat/dialect.ts';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { gemini } from '../../lambda/dialects/gemini/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { openaiResponses } from '../../lambda/dialects/openai-responses/dialect.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';
import { wireEvents as converseEvents } from './bedrock-converse/recordings.ts';

/** What JSON.parse gives: these readers are of formats that the tests beside them hold to. */
type Parsed = ReturnType<typeof JSON.parse>;

/** A caller that sends an answer back as it got it, whatever its format. */
export interface EchoingCaller {
  readonly dialect: Dialect;
  /** The turns of the answer, as they stand in the next request. */
  ofAnswer(answer: string): readonly JsonObject[];
  ofStream(stream: string): readonly JsonObject[];
  /** The next request. */
  request(turns: readonly JsonObject[]): JsonObject;
}

/** The data of each event of a stream. */
const dataOf = (stream: string): readonly Parsed[] =>
  stream
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice('data: '.length)));

/** Members of pieces put together: texts grow, objects are merged, anything else is replaced. */
function merged(before: Parsed, piece: Parsed): Parsed {
  if (typeof before === 'string' && typeof piece === 'string') return before + piece;
  if (typeof before !== 'object' || typeof piece !== 'object' || before === null || piece === null)
    return piece;
  if (Array.isArray(before)) return [...before, ...piece];
  const names = [...new Set([...Object.keys(before), ...Object.keys(piece)])];
  return Object.fromEntries(
    names.map((name) => [name, name in piece ? merged(before[name], piece[name]) : before[name]]),
  );
}

const SIMPLE_TURN = { role: 'user', content: 'Go.' } as const;

const openaiCaller: EchoingCaller = {
  dialect: openaiChat,
  ofAnswer: (answer) => [JSON.parse(answer).choices[0].message],
  ofStream(stream) {
    const calls: Parsed[] = [];
    let message: Parsed = {};
    for (const { choices } of dataOf(stream)) {
      const { tool_calls: pieces = [], ...delta } = choices[0]?.delta ?? {};
      message = merged(message, delta);
      for (const { index, ...piece } of pieces) calls[index] = merged(calls[index] ?? {}, piece);
    }
    return [{ ...message, tool_calls: calls }];
  },
  request: (turns) => ({ model: 'm', messages: [SIMPLE_TURN, ...turns] }),
};

const responsesCaller: EchoingCaller = {
  dialect: openaiResponses,
  ofAnswer: (answer) => JSON.parse(answer).output,
  ofStream: (stream) => dataOf(stream).at(-1).response.output,
  request: (turns) => ({ model: 'm', input: [SIMPLE_TURN, ...turns] }),
};

/** As the official SDK puts a message together. */
const anthropicCaller: EchoingCaller = {
  dialect: anthropicMessages,
  ofAnswer: (answer) => [{ role: 'assistant', content: JSON.parse(answer).content }],
  ofStream(stream) {
    const content: Parsed[] = [];
    for (const { type, index, content_block: block, delta } of dataOf(stream)) {
      if (type === 'content_block_start') content[index] = { ...block, json: '' };
      if (type !== 'content_block_delta') continue;
      const { type: kind, partial_json: json, ...piece } = delta;
      content[index] = merged(content[index], json === undefined ? piece : { json });
    }
    return [{ role: 'assistant', content: content.map(withInput) }];
  },
  request: (turns) => ({ model: 'm', max_tokens: 2000, messages: [SIMPLE_TURN, ...turns] }),
};

const withInput = ({ json, ...block }: Parsed): JsonObject =>
  block.type === 'tool_use' ? { ...block, input: JSON.parse(json) } : block;

/** As chats of the official SDK do: a streamed answer is one turn a chunk. */
const geminiCaller: EchoingCaller = {
  dialect: gemini,
  ofAnswer: (answer) => [JSON.parse(answer).candidates[0].content],
  ofStream: (stream) => dataOf(stream).flatMap(({ candidates = [] }) => candidates[0]?.content ?? []),
  request: (turns) => ({ model: 'm', contents: [{ role: 'user', parts: [{ text: 'Go.' }] }, ...turns] }),
};

const converseCaller: EchoingCaller = {
  dialect: bedrockConverse,
  ofAnswer: (answer) => [JSON.parse(answer).output.message],
  ofStream(stream) {
    const content: Parsed[] = [];
    for (const event of converseEvents(stream)) {
      const { contentBlockStart: start, contentBlockDelta: piece }: Parsed = event;
      if (start !== undefined) content[start.contentBlockIndex] = start.start;
      if (piece !== undefined)
        content[piece.contentBlockIndex] = merged(content[piece.contentBlockIndex] ?? {}, piece.delta);
    }
    return [{ role: 'assistant', content: content.map(wholeBlock) }];
  },
  request: (turns) => ({
    model: 'm',
    messages: [{ role: 'user', content: [{ text: 'Go.' }] }, ...turns],
  }),
};

function wholeBlock({ toolUse, reasoningContent: reasoning, ...other }: Parsed): JsonObject {
  if (toolUse !== undefined) return { toolUse: { ...toolUse, input: JSON.parse(toolUse.input) } };
  if (reasoning === undefined) return other;
  return {
    reasoningContent: reasoning.redactedContent === undefined ? { reasoningText: reasoning } : reasoning,
  };
}

/** The official SDK hands on members it does not know, both ways. */
const cohereCaller: EchoingCaller = {
  dialect: cohereChat,
  ofAnswer: (answer) => [JSON.parse(answer).message],
  ofStream(stream) {
    const content: Parsed[] = [];
    const calls: Parsed[] = [];
    for (const { index, delta } of dataOf(stream)) {
      const { content: item, tool_calls: call } = delta?.message ?? {};
      if (item !== undefined && index !== undefined) content[index] = merged(content[index] ?? {}, item);
      if (call !== undefined && index !== undefined) calls[index] = merged(calls[index] ?? {}, call);
    }
    return [{ role: 'assistant', content, tool_calls: calls }];
  },
  request: (turns) => ({ model: 'm', messages: [SIMPLE_TURN, ...turns] }),
};

export const ECHOING_CALLERS: readonly EchoingCaller[] = [
  openaiCaller,
  responsesCaller,
  anthropicCaller,
  geminiCaller,
  converseCaller,
  cohereCaller,
];
