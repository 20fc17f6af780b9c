import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { objectIn, objectsIn } from '../loose.ts';

const READ_OF_MESSAGES: ReadonlySet<string> = new Set([
  ...['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'function_call', 'refusal', 'audio'],
  ...['reasoning_content', 'reasoning', 'reasoning_details', 'cache_control'],
]);
const READ_OF_TOOLS: ReadonlySet<string> = new Set(['type', 'function', 'custom', 'cache_control']);
const READ_OF_FUNCTIONS: ReadonlySet<string> = new Set([
  ...['name', 'description', 'parameters', 'strict', 'cache_control'],
]);

/**
 * Names of what stands unread inside messages and tools (`messages.annotations`), each once: this dialect's providers get
 * it with the caller's own body, others do not, and the caller is told. What says nothing (SDKs send `refusal: null` and
 * `annotations: []` back) is not missed.
 */
export function unknownMembers(body: JsonObject): readonly string[] {
  const messages = objectsIn(body, 'messages').flatMap((message) =>
    unread(message, 'messages', READ_OF_MESSAGES),
  );
  // Other types of tools are kept whole.
  const plain = objectsIn(body, 'tools').filter(({ type }) => type === 'function' || type === 'custom');
  const tools = plain.flatMap((tool) => unread(tool, 'tools', READ_OF_TOOLS));
  const functions = plain.flatMap((tool) =>
    unread(objectIn(tool, 'function'), 'tools.function', READ_OF_FUNCTIONS),
  );
  return [...new Set([...messages, ...tools, ...functions])];
}

const unread = (holder: JsonObject, path: string, read: ReadonlySet<string>): readonly string[] =>
  Object.entries(holder)
    .filter(([name, value]) => !read.has(name) && saysSomething(value))
    .map(([name]) => `${path}.${name}`);

function saysSomething(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return false;
  if (Array.isArray(value)) return value.length > 0;
  return !isJsonObject(value) || Object.keys(value).length > 0;
}
