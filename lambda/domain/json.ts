import { withPlainNames } from './json-text.ts';

/** Any value JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** Whether a parsed value is an object (not an array, not null). */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses text; `undefined` where it is not JSON. (JSON itself has no undefined, so nothing is confused.) */
export function parseJson(text: string): Json | undefined {
  try {
    // JSON.parse answers nothing but JSON values.
    return JSON.parse(withPlainNames(text)) as Json;
  } catch {
    return undefined;
  }
}

/** Parses text that should hold an object; `undefined` where it does not. */
export function parseJsonObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isJsonObject(value) ? value : undefined;
}
