import type { Tool } from '../domain/chat/request.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { LeftOut } from './request-feature.ts';

/** Alternatives, which neither OpenAI nor Anthropic take at the top of a tool's schema. */
const ALTERNATIVES = ['anyOf', 'oneOf', 'allOf'] as const;

/**
 * A tool's schema as formats take it that insist on an object: without `type` it is one. Alternatives beside the object's
 * own properties ("at least one of these is required") are left out and named, as the model still knows every property;
 * where they are all there is, and where arguments are no object, the tool cannot be said.
 * @returns the schema, empty where the tool has none; `undefined` where it was refused
 */
export function argumentsSchema(
  tool: Extract<Tool, { readonly type: 'function' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  const { name, parameters = {} } = tool;
  const hasAlternatives = ALTERNATIVES.some((word) => parameters[word] !== undefined);
  const isObject = parameters['type'] === undefined || parameters['type'] === 'object';
  if (!isObject || (hasAlternatives && !isJsonObject(parameters['properties']))) {
    leftOut.refuse('tool_schema', name);
    return undefined;
  }
  if (!hasAlternatives) return parameters;
  leftOut.omit('tool_schema', name);
  return Object.fromEntries(
    Object.entries(parameters).filter(([word]) => !ALTERNATIVES.some((alternative) => alternative === word)),
  );
}

/** The same as OpenAI insists on it: with its type, and with its properties where it has none. */
export function wholeArgumentsSchema(
  tool: Extract<Tool, { readonly type: 'function' }>,
  leftOut: LeftOut,
): JsonObject | undefined {
  const schema = argumentsSchema(tool, leftOut);
  if (schema === undefined) return undefined;
  return {
    ...(schema['type'] === undefined ? { type: 'object' } : {}),
    ...schema,
    ...(schema['properties'] === undefined ? { properties: {} } : {}),
  };
}
