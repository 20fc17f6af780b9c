import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/*
 * How answers of providers are read: only what is used, and loosely. A field of another type counts as absent, since
 * providers of one format differ in all the rest.
 */

/** The value if it is an object. */
export const asObject = (value: Json | undefined): JsonObject | undefined =>
  isJsonObject(value) ? value : undefined;

const NOTHING: JsonObject = {};

/** The value if it is an object, else an empty one: for reading on without asking. */
export const objectOf = (value: Json | undefined): JsonObject => asObject(value) ?? NOTHING;

/** The list's objects; what is no list has none. */
export const objectsOf = (value: Json | undefined): readonly JsonObject[] =>
  // Array.isArray does not narrow readonly arrays; what JSON holds as an array is a list of Json.
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

/** Text that is not empty: providers send '' where they mean nothing. */
export const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A count: a whole number from 0. */
export const countOf = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

/** The member if it is an object, else an empty one. */
export const objectIn = (parent: JsonObject, name: string): JsonObject => objectOf(parent[name]);

/** The objects of the member that is a list. */
export const objectsIn = (parent: JsonObject, name: string): readonly JsonObject[] => objectsOf(parent[name]);

/** The member if it is text, and not empty. */
export const textIn = (parent: JsonObject, name: string): string | undefined => textOf(parent[name]);

/** The member if it is a count. */
export const countIn = (parent: JsonObject, name: string): number | undefined => countOf(parent[name]);

/** The same members without those that have no value. */
export type Defined<Members, Missing = undefined> = {
  readonly [Name in keyof Members]?: Exclude<Members[Name], Missing | undefined>;
};

/** The object without its undefined members: what is unknown is not written. */
export function defined<Members extends object>(members: Members): Defined<Members> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  // The entries are the object's own, less exactly what the type leaves out.
  return Object.fromEntries(entries) as Defined<Members>;
}

/** The object without its members that are `undefined` or `null`. */
export function present<Members extends object>(members: Members): Defined<Members, null> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  // As above.
  return Object.fromEntries(entries) as Defined<Members, null>;
}

export const isEmpty = (object: object): boolean => Object.keys(object).length === 0;
