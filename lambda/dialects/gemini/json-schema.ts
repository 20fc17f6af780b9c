import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * The keywords of JSON Schema that Google follows.
 * @see https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
 */
const FOLLOWED = new Set([
  ...['$id', '$defs', '$ref', '$anchor', 'type', 'format', 'title', 'description', 'enum', 'items'],
  ...['prefixItems', 'minItems', 'maxItems', 'minimum', 'maximum', 'anyOf', 'oneOf', 'properties'],
  ...['additionalProperties', 'required', 'propertyOrdering'],
]);

/** Keywords that say something about a value and forbid none. */
const ANNOTATIONS = new Set([
  ...['$schema', '$comment', '$vocabulary', 'default', 'examples', 'example', 'deprecated', 'readOnly'],
  ...['writeOnly', 'contentEncoding', 'contentMediaType', 'strict'],
]);

const SCHEMA_LIST = new Set(['anyOf', 'oneOf', 'prefixItems']);
const SCHEMA_MAP = new Set(['properties', '$defs']);

/**
 * A JSON Schema in the words Google follows: constants become enumerations, open bounds of whole numbers closed ones, parts
 * of an `allOf` one schema.
 * @param leaveOut told each keyword that forbids values and cannot be said
 */
export function translateSchema(schema: JsonObject, leaveOut: (keyword: string) => void): JsonObject {
  return translate(schema, leaveOut);
}

function translate(given: JsonObject, leaveOut: (keyword: string) => void): JsonObject {
  const schema = withoutNullInEnum(withoutOpenBounds(withoutConst(withoutAllOf(withDefs(given)))));
  const isReference = typeof schema['$ref'] === 'string';
  const result: Record<string, Json> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || ANNOTATIONS.has(name)) continue;
    // Beside a reference Google takes nothing else.
    const isFollowed = isFollowedWord(name, value) && (!isReference || name.startsWith('$'));
    if (isFollowed) result[name] = translatedValue(name, value, leaveOut);
    else if (!isReference || !DESCRIBING.has(name)) leaveOut(name);
  }
  return result;
}

const DESCRIBING = new Set(['title', 'description']);

function translatedValue(name: string, value: Json, leaveOut: (keyword: string) => void): Json {
  const inner = (child: Json): Json => (isJsonObject(child) ? translate(child, leaveOut) : child);
  if (name === 'items' || name === 'additionalProperties') return inner(value);
  if (name === '$ref' && typeof value === 'string') return value.replace(/^#\/definitions\//, '#/$defs/');
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  if (SCHEMA_LIST.has(name) && Array.isArray(value)) return (value as readonly Json[]).map(inner);
  if (SCHEMA_MAP.has(name) && isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, inner(child ?? {})]));
  return name === 'enum' ? usableEnum(value, leaveOut) : value;
}

const isUsableInEnum = (item: Json): boolean => typeof item === 'string' || typeof item === 'number';

/** An enumeration that nothing usable is left of would allow nothing. */
function isFollowedWord(name: string, value: Json): boolean {
  const isEmptied = name === 'enum' && Array.isArray(value) && !value.some(isUsableInEnum);
  return FOLLOWED.has(name) && !isEmptied;
}

/** Google knows enumerations of texts and numbers. */
function usableEnum(value: Json, leaveOut: (keyword: string) => void): Json {
  if (!Array.isArray(value)) return value;
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  const usable = (value as readonly Json[]).filter(isUsableInEnum);
  if (usable.length < value.length) leaveOut('enum');
  return usable;
}

/** The name definitions had before 2019. */
function withDefs(schema: JsonObject): JsonObject {
  const { definitions, ...rest } = schema;
  return isJsonObject(definitions) && rest['$defs'] === undefined ? { ...rest, $defs: definitions } : schema;
}

function withoutConst(schema: JsonObject): JsonObject {
  const { const: constant, ...rest } = schema;
  if (typeof constant !== 'string' && typeof constant !== 'number') return schema;
  return { type: typeof constant, ...rest, enum: [constant] };
}

function withoutOpenBounds(schema: JsonObject): JsonObject {
  const { exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  if (schema['type'] !== 'integer') return schema;
  return {
    ...rest,
    ...(typeof exclusiveMinimum === 'number' && { minimum: Math.floor(exclusiveMinimum) + 1 }),
    ...(typeof exclusiveMaximum === 'number' && { maximum: Math.ceil(exclusiveMaximum) - 1 }),
  };
}

/** An enumeration that allows null is one of two things. */
function withoutNullInEnum(schema: JsonObject): JsonObject {
  const { enum: allowed, type, ...rest } = schema;
  if (!Array.isArray(allowed) || !allowed.includes(null) || rest['anyOf'] !== undefined) return schema;
  const others: readonly Json[] = allowed.filter((item) => item !== null);
  const types: Json = Array.isArray(type) ? type.filter((item) => item !== 'null') : (type ?? null);
  const only = Array.isArray(types) && types.length === 1 ? (types[0] ?? null) : types;
  const ofOthers = { ...(only !== null && { type: only }), enum: others };
  return { ...rest, anyOf: [...(others.length === 0 ? [] : [ofOthers]), { type: 'null' }] };
}

/** Parts of an `allOf` as one schema, where no two say different things of the same. */
function withoutAllOf(schema: JsonObject): JsonObject {
  const { allOf, ...rest } = schema;
  if (!Array.isArray(allOf) || !allOf.every(isJsonObject)) return schema;
  const merged = [rest, ...allOf.map(withoutAllOf)].reduce<JsonObject | undefined>(
    (whole, part) => (whole === undefined ? undefined : mergedSchema(whole, part)),
    {},
  );
  return merged ?? schema;
}

function mergedSchema(first: JsonObject, second: JsonObject): JsonObject | undefined {
  const result: Record<string, Json | undefined> = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const before = result[name];
    if (before === undefined || DESCRIBING.has(name)) result[name] ??= value;
    else if (name === 'required' && Array.isArray(before) && Array.isArray(value))
      result[name] = [...new Set([...before, ...value])];
    else if (name === 'properties' && areDisjoint(before, value))
      result[name] = { ...Object(before), ...Object(value) };
    else if (JSON.stringify(before) !== JSON.stringify(value)) return undefined;
  }
  return result;
}

const areDisjoint = (first: Json, second: Json | undefined): boolean =>
  isJsonObject(first) &&
  isJsonObject(second) &&
  Object.keys(second).every((name) => !Object.hasOwn(first, name));
