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

/** What is read of each block; other blocks are kept whole. */
const READ_OF_BLOCKS: ReadonlyMap<Json | undefined, ReadonlySet<string>> = new Map([
  ['text', new Set(['type', 'text', 'cache_control'])],
  ['image', new Set(['type', 'source', 'cache_control'])],
  ['tool_use', new Set(['type', 'id', 'name', 'input', 'cache_control'])],
  ['tool_result', new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control'])],
]);

/**
 * Names of what stands unread inside the fields that are read (`tools.defer_loading`), each once: this dialect's providers
 * get it with the caller's own body, others do not, and the caller is told.
 */
export function unknownMembers(body: JsonObject): readonly string[] {
  const inOptions = Object.entries(READ_MEMBERS).flatMap(([field, read]) => unread(body[field], field, read));
  const inTools = listIn(body['tools'])
    .filter(isPlainTool)
    .flatMap((tool) => unread(tool, 'tools', READ_OF_TOOLS));
  const contents = listIn(body['messages']).flatMap((message) =>
    isJsonObject(message) ? listIn(message['content']) : [],
  );
  const inContent = contents.flatMap((block) => {
    const read = isJsonObject(block) ? READ_OF_BLOCKS.get(block['type']) : undefined;
    return read === undefined ? [] : unread(block, 'messages.content', read);
  });
  return [...new Set([...inOptions, ...inTools, ...inContent])];
}

/** The list's values; anything else has none. */
function listIn(value: Json | undefined): readonly Json[] {
  // Array.isArray loses the element's type; what stands in a Json array is Json.
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

/** Tools with a type of their own are kept whole. */
const isPlainTool = (tool: Json): boolean => isJsonObject(tool) && (tool['type'] ?? 'custom') === 'custom';

const unread = (value: Json | undefined, field: string, read: ReadonlySet<string>): readonly string[] =>
  isJsonObject(value)
    ? Object.entries(value)
        .filter(([name, member]) => !read.has(name) && member !== null)
        .map(([name]) => `${field}.${name}`)
    : [];
