import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import {
  inPieces,
  listAt,
  MOCK_USAGE,
  type MockFormat,
  type MockReply,
  namedEvent,
  objectAt,
  textAt,
  valueAt,
} from './turn.ts';

const USAGE = {
  input_tokens: MOCK_USAGE.uncachedPrompt,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: MOCK_USAGE.cacheRead,
  output_tokens: MOCK_USAGE.completion,
};

/** @see https://docs.anthropic.com/en/api/messages-streaming */
export const ANTHROPIC_MESSAGES: MockFormat = {
  dialect: 'anthropic-messages',
  path: /\/messages$/,
  readTurn: (body) => ({
    tools: listAt(body, 'tools').map((tool) => ({
      name: textAt(tool, 'name'),
      schema: objectAt(tool, 'input_schema'),
    })),
    toolResults: listAt(body, 'messages')
      .flatMap((message) => listAt(message, 'content'))
      .filter((part) => textAt(part, 'type') === 'tool_result')
      .map((part) => JSON.stringify(valueAt(part, 'content') ?? null)),
    wantsProof: ['adaptive', 'enabled'].includes(textAt(body, 'thinking', 'type')),
  }),
  isStreamed: (body) => body['stream'] === true,
  wholeAnswer: (reply, model) => ({
    ...envelope(model),
    content: blocks(reply).map(({ whole }) => whole),
    stop_reason: stopReason(reply),
    usage: USAGE,
  }),
  streamedAnswer: (reply, model) => [
    namedEvent({
      type: 'message_start',
      message: {
        ...envelope(model),
        content: [],
        stop_reason: null,
        usage: { ...USAGE, output_tokens: 1 },
      },
    }),
    ...blocks(reply).flatMap(({ start, deltas }, index) => [
      namedEvent({ type: 'content_block_start', index, content_block: start }),
      ...deltas.map((delta) => namedEvent({ type: 'content_block_delta', index, delta })),
      namedEvent({ type: 'content_block_stop', index }),
    ]),
    namedEvent({
      type: 'message_delta',
      delta: { stop_reason: stopReason(reply), stop_sequence: null },
      usage: USAGE,
    }),
    namedEvent({ type: 'message_stop' }),
  ],
};

const envelope = (model: string): JsonObject => ({
  id: 'msg_mock',
  type: 'message',
  role: 'assistant',
  model,
  stop_sequence: null,
});

const stopReason = (reply: MockReply): string => (reply.type === 'text' ? 'end_turn' : 'tool_use');

/** A block of content as a whole, and as a stream brings it. */
interface Block {
  readonly whole: JsonObject;
  readonly start: JsonObject;
  readonly deltas: readonly JsonObject[];
}

function blocks(reply: MockReply): readonly Block[] {
  if (reply.type === 'text') return [textBlock(reply.text)];
  const { id, name } = reply;
  const call: Block = {
    whole: { type: 'tool_use', id, name, input: reply.arguments },
    start: { type: 'tool_use', id, name, input: {} },
    deltas: inPieces(JSON.stringify(reply.arguments)).map((piece) => ({
      type: 'input_json_delta',
      partial_json: piece,
    })),
  };
  return reply.proof === undefined ? [call] : [thinkingBlock(reply.proof), call];
}

const textBlock = (text: string): Block => ({
  whole: { type: 'text', text },
  start: { type: 'text', text: '' },
  deltas: inPieces(text).map((piece): Record<string, Json> => ({ type: 'text_delta', text: piece })),
});

const thinkingBlock = (signature: string): Block => ({
  whole: { type: 'thinking', thinking: 'The shell can do it.', signature },
  start: { type: 'thinking', thinking: '', signature: '' },
  deltas: [
    { type: 'thinking_delta', thinking: 'The shell can do it.' },
    { type: 'signature_delta', signature },
  ],
});
