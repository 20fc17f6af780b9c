import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * OpenAI's chat completions as providers speak it. Of answers only what is used is read, loosely: a field of another
 * type counts as absent, since compatible providers differ in all the rest.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export const DIALECT_ID = 'openai-chat';

/** The end of a stream, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';

export const asObject = (value: Json | undefined): JsonObject | undefined =>
  isJsonObject(value) ? value : undefined;

const NOTHING: JsonObject = {};

/** The member if it is an object, else an empty one: for reading on without asking. */
export const objectIn = (parent: JsonObject, name: string): JsonObject => asObject(parent[name]) ?? NOTHING;

/** The list's objects; a missing list has none. */
export function objectsIn(parent: JsonObject, name: string): readonly JsonObject[] {
  const value = parent[name];
  // Array.isArray does not narrow readonly arrays; what JSON holds as an array is a list of Json.
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

/** Text that is there and not empty: providers send '' where they mean nothing. */
export function textIn(parent: JsonObject, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A count: a whole number from 0. */
export function countIn(parent: JsonObject, name: string): number | undefined {
  const value = parent[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The object without its undefined members. */
export function defined(members: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
