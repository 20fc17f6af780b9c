import type { ResponseFormat, Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { decodeCustomTool, decodeFunctionTool, decodeJsonSchema } from '../openai-tools.ts';
import { ToolNames } from './tool-names.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * Hosted tools whose calls the caller carries out.
 * @see https://platform.openai.com/docs/guides/tools-local-shell
 * @see https://platform.openai.com/docs/guides/tools-computer-use
 */
const RUN_BY_CALLER: ReadonlySet<string> = new Set([
  'apply_patch',
  'computer',
  'computer_use_preview',
  'local_shell',
]);

/** Tools, those of a namespace (as Codex sends) by their plain names. */
export function decodeTools(tools: Given): {
  readonly tools: readonly Tool[] | undefined;
  readonly toolNames: ToolNames;
} {
  const list = tools.optionalList();
  const plain = (list ?? []).flatMap((tool) => {
    tool.object();
    return tool.member('type').value === 'namespace' ? [] : (tool.member('name').optionalString() ?? []);
  });
  const toolNames = new ToolNames(plain);
  return { tools: list?.flatMap((tool) => decodeTool(tool, toolNames)), toolNames };
}

function decodeTool(tool: Given, toolNames: ToolNames): readonly Tool[] {
  const definition = tool.optionalJsonObject() ?? tool.refuse('an object');
  const type = tool.member('type').string();
  switch (type) {
    case 'function':
      return [decodeFunctionTool(tool)];
    case 'custom':
      return [decodeCustomTool(tool)];
    case 'namespace':
      return decodeNamespace(tool, toolNames);
    default: {
      const hosted = { type: 'hosted', dialect: DIALECT_ID, name: type, definition } as const;
      return [RUN_BY_CALLER.has(type) ? { ...hosted, runBy: 'caller' } : hosted];
    }
  }
}

/** What the whole namespace is for is said with each of its tools. */
function decodeNamespace(tool: Given, toolNames: ToolNames): readonly Tool[] {
  const namespace = tool.member('name').string();
  const purpose = tool.member('description').optionalString() ?? '';
  return tool
    .member('tools')
    .list()
    .flatMap((inner) => {
      if (inner.member('type').value === 'namespace') inner.member('type').refuse('function or custom');
      return decodeTool(inner, toolNames);
    })
    .map((inner) => {
      if (inner.type === 'hosted') return inner;
      const description = [purpose, inner.description ?? ''].filter((text) => text !== '').join('\n\n');
      const name = toolNames.plainName({ namespace, name: inner.name });
      return { ...inner, name, ...(description !== '' && { description }) };
    });
}

/** `undefined` for a choice only this dialect has (`allowed_tools`, a hosted tool). */
export function decodeToolChoice(choice: Given, toolNames: ToolNames): ToolChoice | undefined {
  if (choice.isMissing) return undefined;
  const { value } = choice;
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value };
  if (typeof value === 'string') return choice.refuse("'auto', 'none', 'required' or an object");
  choice.object();
  const type = choice.member('type').string();
  if (type !== 'function' && type !== 'custom') return undefined;
  const name = choice.member('name').string();
  const namespace = choice.member('namespace').optionalString();
  return { type: 'tool', name: namespace === undefined ? name : toolNames.plainName({ namespace, name }) };
}

/** `undefined` for a format only this dialect has. */
export function decodeResponseFormat(format: Given): ResponseFormat | undefined {
  if (format.isMissing) return undefined;
  format.object();
  switch (format.member('type').string()) {
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      return decodeJsonSchema(format);
    default:
      return undefined;
  }
}
