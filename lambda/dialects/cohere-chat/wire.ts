import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * Cohere's Chat API, version 2. Of answers only what is used is read, loosely: a field of another type counts as absent.
 * @see https://docs.cohere.com/reference/chat
 */
export const DIALECT_ID = 'cohere-chat';

/** What follows a stream's `message-end`, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';

/** What Sluice writes beside an end that a content filter made: the format has no word of its own for it. */
export const CONTENT_FILTER_TYPE = 'CONTENT_FILTER';

export const asObject = (value: Json | undefined): JsonObject | undefined =>
  isJsonObject(value) ? value : undefined;

const NOTHING: JsonObject = {};

/** The member if it is an object, else an empty one: for reading on without asking. */
export const objectIn = (parent: JsonObject, name: string): JsonObject => asObject(parent[name]) ?? NOTHING;

/** The objects of a list, or the one object that stands where a list could; none where there is neither. */
export function objectsIn(parent: JsonObject, name: string): readonly JsonObject[] {
  const value = parent[name];
  // Array.isArray does not narrow readonly arrays; what JSON holds as an array is a list of Json.
  if (Array.isArray(value)) return (value as readonly Json[]).filter(isJsonObject);
  return isJsonObject(value) ? [value] : [];
}

/** Text that is there and not empty. */
export function textIn(parent: JsonObject, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A count: a whole number from 0. A fraction, which Cohere's own types allow, counts as one more. */
export function countIn(parent: JsonObject, name: string): number | undefined {
  const value = parent[name];
  if (typeof value !== 'number' || value < 0 || value > Number.MAX_SAFE_INTEGER) return undefined;
  return Math.ceil(value);
}

/** The object without its undefined members. */
export function defined(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/**
 * One event of a stream. Cohere's SDK takes any data that holds the terminator for the stream's end, also where a model
 * wrote it: in our own events its bracket is escaped.
 * @param json the event's data; its `type` is the event's name too
 * @see https://github.com/cohere-ai/cohere-typescript/blob/main/src/core/stream/Stream.ts
 */
export const streamEvent = (type: string, json: string): string =>
  `event: ${type}\ndata: ${json.replaceAll('[DONE]', '\\u005bDONE]')}\n\n`;
