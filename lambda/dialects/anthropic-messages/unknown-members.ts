import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** What is read of members that are objects themselves, by where they stand. */
const READ_MEMBERS: Readonly<Record<string, ReadonlySet<string>>> = {
  thinking: new Set(['type', 'budget_tokens', 'display']),
  output_config: new Set(['effort', 'format']),
  tool_choice: new Set(['type', 'name', 'disable_parallel_tool_use']),
};

const READ_OF_TOOLS: ReadonlySet<string> = new Set([
  ...['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'],
]);

/**
 * Names of what stands unread inside the fields that are read (`tools.defer_loading`), each once: this dialect's providers
 * get it with the caller's own body, others do not, and the caller is told.
 */
export function unknownMembers(body: JsonObject): readonly string[] {
  const inOptions = Object.entries(READ_MEMBERS).flatMap(([field, read]) => unread(body[field], field, read));
  const { tools } = body;
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  const list: readonly Json[] = Array.isArray(tools) ? (tools as readonly Json[]) : [];
  const inTools = list.filter(isPlainTool).flatMap((tool) => unread(tool, 'tools', READ_OF_TOOLS));
  return [...new Set([...inOptions, ...inTools])];
}

/** Tools with a type of their own are kept whole. */
const isPlainTool = (tool: Json): boolean => isJsonObject(tool) && (tool['type'] ?? 'custom') === 'custom';

const unread = (value: Json | undefined, field: string, read: ReadonlySet<string>): readonly string[] =>
  isJsonObject(value)
    ? Object.keys(value)
        .filter((name) => !read.has(name))
        .map((name) => `${field}.${name}`)
    : [];
