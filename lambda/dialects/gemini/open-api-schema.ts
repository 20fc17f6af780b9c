import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { camelCase } from './wire.ts';

/** Keywords whose value is one schema, a list of them, or a map of them. */
const SCHEMA = new Set(['items', 'additionalProperties']);
const SCHEMA_LIST = new Set(['anyOf', 'prefixItems']);
const SCHEMA_MAP = new Set(['properties', 'defs', '$defs']);
/** Whole numbers of 64 bits, which protobuf's JSON writes as text. */
const COUNT = new Set(['maxItems', 'minItems', 'maxLength', 'minLength', 'maxProperties', 'minProperties']);

/**
 * Google's `Schema`, a subset of OpenAPI's, as JSON Schema: types in small letters, `nullable` as a type, counts as numbers.
 * @see https://ai.google.dev/api/caching#Schema
 */
export function jsonSchemaOf(schema: JsonObject): JsonObject {
  const members = Object.entries(schema).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [translated(camelCase(name), value)],
  );
  const { nullable, ...rest }: JsonObject = Object.fromEntries(members);
  return nullable === true ? withNull(rest) : rest;
}

function translated(name: string, value: Json): readonly [string, Json] {
  if (name === 'type') return [name, lowerCase(value)];
  if (name === 'example') return ['examples', [value]];
  if (COUNT.has(name)) return [name, typeof value === 'string' ? Number(value) : value];
  if (SCHEMA.has(name)) return [name, inner(value)];
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  if (SCHEMA_LIST.has(name) && Array.isArray(value)) return [name, (value as readonly Json[]).map(inner)];
  if (SCHEMA_MAP.has(name) && isJsonObject(value))
    return [
      name === 'defs' ? '$defs' : name,
      Object.fromEntries(Object.entries(value).map(([key, child]) => [key, inner(child ?? {})])),
    ];
  return [name, value];
}

const inner = (value: Json): Json => (isJsonObject(value) ? jsonSchemaOf(value) : value);

function lowerCase(type: Json): Json {
  if (Array.isArray(type)) return (type as readonly Json[]).map(lowerCase);
  return typeof type === 'string' ? type.toLowerCase() : type;
}

function withNull(schema: JsonObject): JsonObject {
  const { type, enum: allowed } = schema;
  if (typeof type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return {
    ...schema,
    type: [type, 'null'],
    ...(Array.isArray(allowed) && !allowed.includes(null) && { enum: [...allowed, null] }),
  };
}
