import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** Schemas may refer to themselves. */
const DEEPEST = 8;

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  time: '12:00:00Z',
  'date-time': '2026-01-31T12:00:00Z',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
};

/**
 * A value that fits a JSON schema, the same for the same schema and words. Knows types, enum, const, required and nested
 * properties, items, bounds, common formats, references within the schema and the first branch of a choice; not patterns.
 * @param words what free texts are made of
 */
export function sampleOf(schema: JsonObject, words: readonly string[]): Json {
  return sample(schema, { root: schema, words, depth: 0 });
}

interface Context {
  readonly root: JsonObject;
  readonly words: readonly string[];
  readonly depth: number;
}

function sample(schema: JsonObject, context: Context): Json {
  const fixed = schema['const'] ?? first(schema['enum']) ?? schema['default'] ?? first(schema['examples']);
  if (fixed !== undefined) return fixed;
  const deeper = { ...context, depth: context.depth + 1 };
  if (deeper.depth > DEEPEST) return null;
  const elsewhere = referenced(schema, context.root) ?? first(schema['anyOf']) ?? first(schema['oneOf']);
  if (isJsonObject(elsewhere)) return sample(elsewhere, deeper);
  if (Array.isArray(schema['allOf'])) return sample(merged(schema['allOf']), deeper);
  return ofType(schema, deeper);
}

function ofType(schema: JsonObject, context: Context): Json {
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(schema, context);
    case 'array':
      return sampleArray(schema, context);
    case 'integer':
      return sampleNumber(schema, 1);
    case 'number':
      return sampleNumber(schema, 0);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleString(schema, context.words);
  }
}

function typeOf(schema: JsonObject): Json | undefined {
  const type = Array.isArray(schema['type'])
    ? schema['type'].find((name) => name !== 'null')
    : schema['type'];
  if (type !== undefined) return type;
  if (schema['properties'] !== undefined) return 'object';
  return schema['items'] === undefined ? 'string' : 'array';
}

function sampleObject(schema: JsonObject, context: Context): Json {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : Object.keys(properties);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => required.includes(name))
      .map(([name, property]) => [name, sample(isJsonObject(property) ? property : {}, context)]),
  );
}

function sampleArray(schema: JsonObject, context: Context): Json {
  const items = isJsonObject(schema['items']) ? schema['items'] : {};
  const length = Math.max(1, numberOr(schema['minItems'], 1));
  return Array.from({ length }, () => sample(items, context));
}

function sampleNumber(schema: JsonObject, leastStep: number): number {
  const step = numberOr(schema['multipleOf'], leastStep === 0 ? 0.5 : leastStep);
  const above = numberOr(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY);
  const least = Math.max(
    numberOr(schema['minimum'], above === Number.NEGATIVE_INFINITY ? step : above),
    above,
  );
  const wanted = Math.ceil(least / step) * step;
  const value = wanted > above ? wanted : wanted + step;
  return Math.min(value, numberOr(schema['maximum'], value));
}

function sampleString(schema: JsonObject, words: readonly string[]): string {
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  if (format !== undefined) return format;
  const text = words.length === 0 ? 'something' : words.join(' ');
  const long = text.padEnd(numberOr(schema['minLength'], 0), 'x');
  return long.slice(0, numberOr(schema['maxLength'], long.length));
}

const numberOr = (value: Json | undefined, fallback: number): number =>
  typeof value === 'number' ? value : fallback;

const first = (value: Json | undefined): Json | undefined => (Array.isArray(value) ? value[0] : undefined);

function referenced(schema: JsonObject, root: JsonObject): Json | undefined {
  const reference = schema['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  let target: Json | undefined = root;
  for (const name of reference.split('/').slice(1)) target = isJsonObject(target) ? target[name] : undefined;
  return target;
}

function merged(schemas: readonly Json[]): JsonObject {
  const parts = schemas.filter(isJsonObject);
  const properties = parts.map((part) => part['properties']).filter(isJsonObject);
  const required = parts.flatMap((part) => (Array.isArray(part['required']) ? part['required'] : []));
  return { ...Object.assign({}, ...parts), properties: Object.assign({}, ...properties), required };
}
