import type { ChatEvent, Frame } from '../../domain/chat/event.ts';
import type { ChatRequest } from '../../domain/chat/request.ts';
import { editJson, type JsonEdit } from '../../domain/edit-json.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../domain/json.ts';
import type { Dialect, RequestAddress } from '../dialect.ts';
import { decodeError, encodeError } from '../gemini/errors.ts';
import { decodeRequest as decodeGemini } from '../gemini/request.ts';
import { countIn } from '../loose.ts';
import { missingAnswer } from '../openai-errors.ts';
import {
  jsonFrame,
  operationDialect,
  ownMembers,
  textAnswer,
  textOfEvents,
  WITHOUT_OWN_FIELDS,
} from '../operation-dialect.ts';

/**
 * How many tokens a conversation has. What was counted is the answer, and no usage: counting is free.
 * @see https://ai.google.dev/api/tokens#method:-models.counttokens
 */
export const geminiCountTokens: Dialect = operationDialect({
  id: 'gemini-count-tokens',
  decodeRequest,
  patchRequest: (raw, _request, { model }) =>
    editJson(raw, [...modelEdits(raw, model), ...WITHOUT_OWN_FIELDS]),
  decodeAnswer,
  encodeAnswer: (events) => JSON.stringify({ totalTokens: Number(textOfEvents(events)) }),
  patchAnswer: ({ raw = '' }) => raw,
  decodeError,
  encodeError,
});

/**
 * Reads what is to be counted: `contents`, or a whole `generateContentRequest`.
 * @throws GatewayError `invalid_request`
 */
function decodeRequest(body: JsonObject, address?: RequestAddress): ChatRequest {
  const whole = body['generateContentRequest'];
  return {
    ...decodeGemini(isJsonObject(whole) ? whole : body, { ...address, stream: false }),
    maxOutputTokens: 0,
    work: { units: {} },
    nativeOptions: ownMembers(body),
    unknownFields: [],
  };
}

/** The model stands in the address, and once more in a request for an answer that is to be counted. */
function modelEdits(raw: string, model: string): readonly JsonEdit[] {
  const hasRequest = raw.includes('"generateContentRequest"') && hasMember(raw, 'generateContentRequest');
  return hasRequest
    ? [
        {
          path: ['generateContentRequest', 'model'],
          text: JSON.stringify(`models/${model}`),
          ifPresent: true,
        },
      ]
    : [];
}

function hasMember(raw: string, name: string): boolean {
  const body = parseJson(raw);
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name);
}

function decodeAnswer(body: string): Frame {
  return jsonFrame(body, (object: JsonObject): readonly ChatEvent[] => {
    const tokens = countIn(object, 'totalTokens');
    if (tokens !== undefined) return textAnswer({}, String(tokens), { promptTokens: 0, completionTokens: 0 });
    return [missingAnswer(object, 'count of tokens')];
  });
}
