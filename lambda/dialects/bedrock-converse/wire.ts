import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * Amazon Bedrock's Converse and ConverseStream. Blobs are base64 in JSON. Of answers only what is used is read, loosely: a
 * field of another type counts as absent.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export const DIALECT_ID = 'bedrock-converse';

/** The value if it is an object. */
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

/** The member if it is text, the empty one too. */
export function textIn(parent: JsonObject, name: string): string | undefined {
  const value = parent[name];
  return typeof value === 'string' ? value : undefined;
}

/** A count: a whole number from 0. */
export function countIn(parent: JsonObject, name: string): number | undefined {
  const value = parent[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** The same fields without those that are not there. */
type Defined<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The fields without their undefined ones: what is unknown is not written. */
export function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  // The entries are the object's own, less exactly what the type leaves out.
  return Object.fromEntries(entries) as Defined<Fields>;
}

/** The names of a union's members: one (`{"text": "…"}`), none where it says nothing, more where it is none of Bedrock's. */
export const unionMembers = (union: JsonObject): readonly string[] =>
  Object.keys(union).filter((name) => union[name] !== undefined && union[name] !== null);

/** The name of a union's one member; `undefined` for an object that says nothing. */
export const unionMember = (union: JsonObject): string | undefined => unionMembers(union)[0];

/** Whether a union has this one member and no other. */
export function isOnly(union: JsonObject, name: string): boolean {
  const [first, other] = unionMembers(union);
  return first === name && other === undefined;
}

/** How deep what is passed on unread may be nested: far below what breaks JSON.stringify. */
const MAX_DEPTH = 256;

/** Whether a value cannot safely be written again. */
export function isTooDeep(value: Json | undefined): boolean {
  let level = childrenOf(value);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap(childrenOf);
  }
  return false;
}

const childrenOf = (value: Json | undefined): readonly Json[] =>
  typeof value === 'object' && value !== null
    ? Object.values(value).filter((child) => typeof child === 'object' && child !== null)
    : [];
