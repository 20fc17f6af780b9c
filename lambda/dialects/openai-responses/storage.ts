import type { ChatRequest } from '../../domain/chat/request.ts';
import { editJson } from '../../domain/edit-json.ts';
import { type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { AnswerStorage } from '../dialect.ts';
import { parseServerSentEvent } from '../sse.ts';

/**
 * Responses that can be fetched and continued by their id. What is kept holds the whole conversation, so that it can go on with
 * any provider, and so that what it costs can be bounded.
 * @see https://platform.openai.com/docs/guides/conversation-state#passing-context-from-the-previous-response
 */
export const responseStorage: AnswerStorage = {
  wants: ({ nativeOptions }: ChatRequest) => nativeOptions['store'] !== false,

  previousOf(body) {
    const id = body['previous_response_id'];
    return typeof id === 'string' ? id : undefined;
  },

  /** Instructions of earlier turns do not go on, as with OpenAI. */
  continued(raw, kept) {
    const earlier = parseJsonObject(kept)?.['input'];
    const output = parseJsonObject(responseStorage.answerOf(kept))?.['output'];
    const input = [...listOf(earlier), ...listOf(output), ...inputOf(parseJsonObject(raw) ?? {})];
    return editJson(raw, [
      { path: ['previous_response_id'], text: undefined },
      { path: ['input'], text: JSON.stringify(input) },
    ]);
  },

  kept: (raw, answer) => JSON.stringify({ input: inputOf(parseJsonObject(raw) ?? {}), answer }),

  answerOf: (kept) => {
    const answer = parseJsonObject(kept)?.['answer'];
    return typeof answer === 'string' ? answer : '{}';
  },

  answerIn(chunk) {
    if (!/"response\.(?:completed|incomplete)"/.test(chunk)) return undefined;
    const blocks = chunk.split(/(?<=\n\n)/).map(parseServerSentEvent);
    const event = blocks.map(({ data }) => parseJsonObject(data ?? '')).findLast(isEnd);
    return event === undefined ? undefined : JSON.stringify(event['response']);
  },
};

const isEnd = (event: JsonObject | undefined): boolean =>
  event?.['type'] === 'response.completed' || event?.['type'] === 'response.incomplete';

// What JSON holds as an array is a list of Json.
const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? (value as readonly Json[]) : [];

/** The input as items. */
function inputOf({ input }: JsonObject): readonly Json[] {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : listOf(input);
}
