import type { Json, JsonObject } from '../../domain/json.ts';
import type { Given } from '../given.ts';
import { asObject, countOf, objectOf, objectsOf, textOf } from '../loose.ts';

/**
 * Google's generateContent, as the Gemini API and Vertex AI speak it. It is protobuf's JSON: readers take a field's name in
 * camelCase and in snake_case, writers use camelCase.
 * @see https://ai.google.dev/api/generate-content
 * @see https://protobuf.dev/programming-guides/json/
 */
export const DIALECT_ID = 'gemini';

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

/** The member if it is an object, else an empty one. */
export const objectIn = (parent: JsonObject, name: string): JsonObject => objectOf(memberOf(parent, name));

/** The object, if there is one. */
export const optionalObjectIn = (parent: JsonObject, name: string): JsonObject | undefined =>
  asObject(memberOf(parent, name));

/** The list's objects; a missing list has none. */
export const objectsIn = (parent: JsonObject, name: string): readonly JsonObject[] =>
  objectsOf(memberOf(parent, name));

/** Text that is there and not empty. */
export const textIn = (parent: JsonObject, name: string): string | undefined =>
  textOf(memberOf(parent, name));

/** A count: a whole number from 0. */
export const countIn = (parent: JsonObject, name: string): number | undefined =>
  countOf(memberOf(parent, name));
