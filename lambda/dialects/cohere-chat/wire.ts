import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { objectsOf } from '../loose.ts';

/**
 * Cohere's Chat API, version 2.
 * @see https://docs.cohere.com/reference/chat
 */
export const DIALECT_ID = 'cohere-chat';

/** What follows a stream's `message-end`, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';

/** What Sluice writes beside an end that a content filter made: the format has no word of its own for it. */
export const CONTENT_FILTER_TYPE = 'CONTENT_FILTER';

/** The objects of a list, or the one object that stands where a list could; none where there is neither. */
export function oneOrMoreIn(parent: JsonObject, name: string): readonly JsonObject[] {
  const value = parent[name];
  return isJsonObject(value) ? [value] : objectsOf(value);
}

/** A count: a whole number from 0. A fraction, which Cohere's own types allow, counts as one more. */
export function roundedUpIn(parent: JsonObject, name: string): number | undefined {
  const value = parent[name];
  if (typeof value !== 'number' || value < 0 || value > Number.MAX_SAFE_INTEGER) return undefined;
  return Math.ceil(value);
}

/**
 * One event of a stream. Cohere's SDK takes any data that holds the terminator for the stream's end, also where a model
 * wrote it: in our own events its bracket is escaped.
 * @param json the event's data; its `type` is the event's name too
 * @see https://github.com/cohere-ai/cohere-typescript/blob/main/src/core/stream/Stream.ts
 */
export const streamEvent = (type: string, json: string): string =>
  `event: ${type}\ndata: ${json.replaceAll('[DONE]', '\\u005bDONE]')}\n\n`;
