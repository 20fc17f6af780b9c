import { isJsonObject, type Json, type JsonObject, parseJsonObject } from '../../domain/json.ts';
import type { Given } from '../given.ts';

/**
 * Google's generateContent, as the Gemini API and Vertex AI speak it. It is protobuf's JSON: readers take a field's name in
 * camelCase and in snake_case, writers use camelCase.
 * @see https://ai.google.dev/api/generate-content
 * @see https://protobuf.dev/programming-guides/json/
 */
export const DIALECT_ID = 'gemini';

const NOTHING: JsonObject = {};

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A field's name in camelCase, whichever of the two spellings it has; any other spelling is another name. */
export function camelCase(name: string): string {
  const written = name.replace(/(?<=[^_])_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
  return snakeCase(written) === name ? written : name;
}

/**
 * A member a caller sent, in either spelling. In both it is refused: whoever reads on may believe the other one.
 * @throws GatewayError `invalid_request`
 */
export function field(parent: Given, name: string): Given {
  const plain = parent.member(name);
  const spelling = snakeCase(name);
  if (spelling === name) return plain;
  const other = parent.member(spelling);
  if (other.isMissing) return plain;
  return plain.isMissing ? other : other.refuse(`"${name}" in one spelling`);
}

/** A member of an upstream's object, in either spelling. */
export const memberOf = (parent: JsonObject, name: string): Json | undefined =>
  parent[name] ?? parent[snakeCase(name)];

export function objectIn(parent: JsonObject, name: string): JsonObject {
  const value = memberOf(parent, name);
  return isJsonObject(value) ? value : NOTHING;
}

/** The object, if there is one. */
export function optionalObjectIn(parent: JsonObject, name: string): JsonObject | undefined {
  const value = memberOf(parent, name);
  return isJsonObject(value) ? value : undefined;
}

/** The list's objects; a missing list has none. */
export function objectsIn(parent: JsonObject, name: string): readonly JsonObject[] {
  const value = memberOf(parent, name);
  // Array.isArray does not narrow readonly arrays; what JSON holds as an array is a list of Json.
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
}

/** Text that is there and not empty. */
export function textIn(parent: JsonObject, name: string): string | undefined {
  const value = memberOf(parent, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A count: a whole number from 0. */
export function countIn(parent: JsonObject, name: string): number | undefined {
  const value = memberOf(parent, name);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The members that are not undefined. */
export type Defined<Members> = { [Name in keyof Members]?: Exclude<Members[Name], undefined> };

/** The object without its undefined members. */
export function defined<Members extends object>(members: Members): Defined<Members> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  // What was filtered is what the type leaves out.
  return Object.fromEntries(entries) as Defined<Members>;
}

export const isEmpty = (object: object): boolean => Object.keys(object).length === 0;

/** Far beyond any schema or argument, far below what breaks JSON.stringify. */
const MAX_DEPTH = 256;

/** Whether a value is nested so deep that writing it could overflow the stack. */
export function isTooDeep(value: Json | undefined, depth: number = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth >= MAX_DEPTH) return true;
  return Object.values(value).some((child: Json | undefined) => isTooDeep(child, depth + 1));
}

/** Arguments of a function as the object they stand for; `undefined` where they are none. No text is the empty object. */
export function argumentsObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return {};
  const value = parseJsonObject(text);
  return isTooDeep(value) ? undefined : value;
}
