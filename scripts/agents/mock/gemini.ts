import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
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
  promptTokenCount: PROMPT_TOKENS,
  cachedContentTokenCount: MOCK_USAGE.cacheRead,
  candidatesTokenCount: MOCK_USAGE.completion,
  totalTokenCount: TOTAL_TOKENS,
};

/** @see https://ai.google.dev/api/generate-content */
export const GEMINI: MockFormat = {
  dialect: 'gemini',
  path: /:(?:streamG|g)enerateContent$/,
  readTurn: (body) => ({
    tools: listAt(body, 'tools')
      .flatMap((tool) => listAt(tool, 'functionDeclarations'))
      .map((tool) => ({
        name: textAt(tool, 'name'),
        schema: { ...objectAt(tool, 'parameters'), ...objectAt(tool, 'parametersJsonSchema') },
      })),
    toolResults: listAt(body, 'contents')
      .flatMap((content) => listAt(content, 'parts'))
      .flatMap((part) => {
        const response = valueAt(part, 'functionResponse', 'response');
        return response === undefined ? [] : [JSON.stringify(response)];
      }),
    // Every function call of the newer models is signed, asked for or not.
    wantsProof: true,
  }),
  isStreamed: (_body, path) => path.endsWith(':streamGenerateContent'),
  wholeAnswer: (reply, model) => answer(model, parts(reply), true),
  streamedAnswer(reply, model) {
    const pieces = reply.type === 'text' ? inPieces(reply.text).map((text) => [{ text }]) : [parts(reply)];
    return pieces.map((piece, index) => dataEvent(answer(model, piece, index === pieces.length - 1)));
  },
};

const answer = (model: string, content: readonly Json[], isLast: boolean): JsonObject => ({
  candidates: [
    { index: 0, content: { role: 'model', parts: content }, ...(isLast && { finishReason: 'STOP' }) },
  ],
  usageMetadata: USAGE,
  modelVersion: model,
  responseId: 'mock',
});

function parts(reply: MockReply): readonly Json[] {
  if (reply.type === 'text') return [{ text: reply.text }];
  const functionCall = { name: reply.name, args: reply.arguments };
  return [{ functionCall, ...(reply.proof !== undefined && { thoughtSignature: reply.proof }) }];
}
