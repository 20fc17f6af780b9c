import { type JsonObject, parseJsonObject } from '../domain/json.ts';
import { isTooDeep } from './depth.ts';

/**
 * A tool call's arguments as the object they stand for, for formats that want one. No text is the empty object.
 * @returns `undefined` where they are none, or nested too deep to be written again
 */
export function argumentsObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  const value = parseJsonObject(text);
  return isTooDeep(value) ? undefined : value;
}
