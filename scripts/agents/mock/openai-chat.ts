import type { JsonObject } from '../../../lambda/domain/json.ts';
import {
  dataEvent,
  inPieces,
  listAt,
  MOCK_USAGE,
  type MockFormat,
  type MockReply,
  objectAt,
  PROMPT_TOKENS,
  TOTAL_TOKENS,
  textAt,
  valueAt,
} from './turn.ts';

const USAGE = {
  prompt_tokens: PROMPT_TOKENS,
  completion_tokens: MOCK_USAGE.completion,
  total_tokens: TOTAL_TOKENS,
  prompt_tokens_details: { cached_tokens: MOCK_USAGE.cacheRead },
};

/** @see https://platform.openai.com/docs/api-reference/chat */
export const OPENAI_CHAT: MockFormat = {
  dialect: 'openai-chat',
  path: /\/chat\/completions$/,
  readTurn: (body) => ({
    tools: listAt(body, 'tools').map((tool) => ({
      name: textAt(tool, 'function', 'name'),
      schema: objectAt(tool, 'function', 'parameters'),
    })),
    toolResults: listAt(body, 'messages')
      .filter((message) => textAt(message, 'role') === 'tool')
      .map((message) => JSON.stringify(valueAt(message, 'content') ?? null)),
    // The format has no reasoning that is sent back.
    wantsProof: false,
  }),
  isStreamed: (body) => body['stream'] === true,
  wholeAnswer: (reply, model) => ({
    ...envelope(model, 'chat.completion'),
    choices: [{ index: 0, message: wholeMessage(reply), finish_reason: finishReason(reply) }],
    usage: USAGE,
  }),
  streamedAnswer(reply, model) {
    const chunk = (choices: readonly JsonObject[], more: JsonObject = {}): string =>
      dataEvent({ ...envelope(model, 'chat.completion.chunk'), choices, ...more });
    const deltas = [{ role: 'assistant', content: null }, ...contentDeltas(reply)];
    return [
      ...deltas.map((delta) => chunk([{ index: 0, delta, finish_reason: null }])),
      chunk([{ index: 0, delta: {}, finish_reason: finishReason(reply) }]),
      chunk([], { usage: USAGE }),
      'data: [DONE]\n\n',
    ];
  },
};

const envelope = (model: string, object: string): JsonObject => ({
  id: 'chatcmpl-mock',
  object,
  created: 1_700_000_000,
  model,
});

const finishReason = (reply: MockReply): string => (reply.type === 'text' ? 'stop' : 'tool_calls');

const wholeMessage = (reply: MockReply): JsonObject =>
  reply.type === 'text'
    ? { role: 'assistant', content: reply.text }
    : {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: reply.id,
            type: 'function',
            function: { name: reply.name, arguments: JSON.stringify(reply.arguments) },
          },
        ],
      };

function contentDeltas(reply: MockReply): readonly JsonObject[] {
  if (reply.type === 'text') return inPieces(reply.text).map((content) => ({ content }));
  const begun = {
    index: 0,
    id: reply.id,
    type: 'function',
    function: { name: reply.name, arguments: '' },
  };
  const pieces = inPieces(JSON.stringify(reply.arguments));
  return [
    { tool_calls: [begun] },
    ...pieces.map((piece) => ({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
  ];
}
