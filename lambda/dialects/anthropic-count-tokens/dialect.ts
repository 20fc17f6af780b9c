import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { decodeError, decodeErrorEvent, encodeError } from '../anthropic-messages/errors.ts';
import { decodeRequest as decodeMessages } from '../anthropic-messages/request.ts';
import type { Dialect } from '../dialect.ts';
import { countIn } from '../loose.ts';
import { jsonFrame, operationDialect, ownMembers, textAnswer, textOfEvents } from '../operation-dialect.ts';
import { invalidAnswer } from '../upstream-error.ts';

/**
 * How many tokens a conversation has. What was counted is the answer, and no usage: counting is free.
 * @see https://docs.anthropic.com/en/api/messages-count-tokens
 */
export const anthropicCountTokens: Dialect = operationDialect({
  id: 'anthropic-count-tokens',
  decodeRequest: (body) => ({
    // The same conversation as for an answer, but for the limit of an answer, which Messages demand.
    ...decodeMessages({ ...body, max_tokens: 1 }),
    stream: false,
    maxOutputTokens: 0,
    work: { units: {} },
    nativeOptions: ownMembers(body),
    unknownFields: [],
  }),
  decodeAnswer,
  encodeAnswer: (events) => JSON.stringify({ input_tokens: Number(textOfEvents(events)) }),
  patchAnswer: ({ raw = '' }) => raw,
  decodeError,
  encodeError,
});

function decodeAnswer(body: string): Frame {
  return jsonFrame(body, (object: JsonObject): readonly ChatEvent[] => {
    const tokens = countIn(object, 'input_tokens');
    if (tokens !== undefined) return textAnswer({}, String(tokens), { promptTokens: 0, completionTokens: 0 });
    if (object['error'] === undefined) return [invalidAnswer('The answer holds no count of tokens.')];
    return [{ type: 'error', error: decodeErrorEvent(object) }];
  });
}
