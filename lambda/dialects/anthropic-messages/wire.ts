import * as z from 'zod/mini';
import { GatewayError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { isTooDeep, MAX_DEPTH } from '../depth.ts';

/**
 * What callers may send in Anthropic's Messages format: the fields that are read, and their types. Everything else is
 * kept where it stands.
 * @see https://docs.anthropic.com/en/api/messages
 */

/** The name under which native parts and signatures of this dialect are kept. */
export const DIALECT = 'anthropic-messages';

/** Where a value stands in the caller's body: `['messages', 2, 'content']`. */
export type Path = readonly (string | number)[];

const jsonObject = z.custom<JsonObject>(isJsonObject);
const cacheControl = z.nullish(jsonObject);
const tokens = z.int().check(z.gte(0));

export const textBlock = z.looseObject({ text: z.string(), cache_control: cacheControl });
export const imageBlock = z.looseObject({ source: jsonObject, cache_control: cacheControl });
export const documentBlock = z.looseObject({
  source: jsonObject,
  title: z.nullish(z.string()),
  context: z.nullish(z.string()),
  citations: z.nullish(z.looseObject({ enabled: z.optional(z.boolean()) })),
  cache_control: cacheControl,
});
export const base64Source = z.looseObject({ media_type: z.string(), data: z.string() });
export const urlSource = z.looseObject({ url: z.string() });
export const fileSource = z.looseObject({ file_id: z.string() });
export const plainTextSource = z.looseObject({ data: z.string() });
export const toolUseBlock = z.looseObject({
  id: z.string(),
  name: z.string(),
  input: jsonObject,
  cache_control: cacheControl,
});
export const toolResultBlock = z.looseObject({
  tool_use_id: z.string(),
  is_error: z.nullish(z.boolean()),
  cache_control: cacheControl,
});
export const thinkingBlock = z.looseObject({ thinking: z.string(), signature: z.nullish(z.string()) });
export const redactedThinkingBlock = z.looseObject({ data: z.string() });

export const messageShape = z.looseObject({ role: z.enum(['user', 'assistant', 'system']) });
export const typedBlock = z.looseObject({ type: z.string() });

export const customTool = z.looseObject({
  name: z.string(),
  description: z.nullish(z.string()),
  input_schema: jsonObject,
  strict: z.nullish(z.boolean()),
  cache_control: cacheControl,
});
export const toolShape = z.looseObject({ type: z.nullish(z.string()), name: z.nullish(z.string()) });

const outputFormat = z.looseObject({
  type: z.literal('json_schema'),
  name: z.nullish(z.string()),
  schema: jsonObject,
});

export const requestShape = z.looseObject({
  model: z.nullish(z.string()),
  messages: z.array(z.unknown()).check(z.minLength(1)),
  max_tokens: tokens,
  tools: z.nullish(z.array(z.unknown())),
  tool_choice: z.nullish(
    z.looseObject({
      type: z.enum(['auto', 'any', 'tool', 'none']),
      name: z.optional(z.string()),
      disable_parallel_tool_use: z.nullish(z.boolean()),
    }),
  ),
  stop_sequences: z.nullish(z.array(z.string())),
  temperature: z.nullish(z.number()),
  top_p: z.nullish(z.number()),
  top_k: z.nullish(z.int()),
  thinking: z.nullish(
    z.looseObject({ type: z.string(), budget_tokens: z.nullish(tokens), display: z.nullish(z.string()) }),
  ),
  output_config: z.nullish(z.looseObject({ effort: z.nullish(z.string()), format: z.nullish(outputFormat) })),
  output_format: z.nullish(outputFormat),
  service_tier: z.nullish(z.string()),
  speed: z.nullish(z.string()),
  metadata: z.nullish(z.looseObject({ user_id: z.nullish(z.string()) })),
  mcp_servers: z.nullish(z.array(z.unknown())),
  stream: z.nullish(z.boolean()),
});

export type RequestShape = z.infer<typeof requestShape>;

/**
 * The value as the schema types it.
 * @throws GatewayError `invalid_request` that names the parameter, what was expected and what kind of value was given
 */
export function check<Shape>(schema: z.ZodMiniType<Shape>, value: unknown, path: Path): Shape {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const inner = (issue?.path ?? []).filter((key) => typeof key !== 'symbol');
  throw refusal([...path, ...inner], expectation(issue), valueAt(value, inner));
}

/** A value of the wrong kind, named by its place. The value itself is never repeated: it may be a prompt. */
export function refusal(path: Path, expected: string, given: unknown): GatewayError {
  const param = pathText(path);
  return new GatewayError('invalid_request', `${param}: expected ${expected}, got ${kindOf(given)}.`, {
    param,
  });
}

/** @throws GatewayError for a body nested deeper than any request needs */
export function refuseDeepNesting(body: JsonObject): void {
  for (const [name, value] of Object.entries(body))
    if (isTooDeep(value))
      throw new GatewayError('invalid_request', `${name}: expected at most ${MAX_DEPTH} levels of nesting.`, {
        param: name,
      });
}

function pathText(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    // Indexing any object by a key of its own kind is safe; what is not there is undefined.
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as JsonObject)[key] : undefined),
    value,
  );
}

const ARTICLES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

function expectation(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'invalid_type':
      return ARTICLES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map((value) => `"${String(value)}"`).join(', ')}`;
    case 'too_small':
      return issue.origin === 'array'
        ? `at least ${issue.minimum} element`
        : `a number of at least ${issue.minimum}`;
    case 'too_big':
      return `a number of at most ${issue.maximum}`;
    default:
      return 'an object';
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
