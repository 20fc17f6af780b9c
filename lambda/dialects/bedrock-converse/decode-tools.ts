import type { Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { decodeCachePoint } from './decode-content.ts';
import { DIALECT_ID, isOnly, unionMember, unionMembers } from './wire.ts';

/**
 * The tools; a cache point is a hint at the tool before it.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Tool.html
 * @throws GatewayError `invalid_request`
 */
export function decodeTools(entries: readonly Given[]): readonly Tool[] {
  const tools: Tool[] = [];
  for (const entry of entries) {
    const cachePoint = entry.member('cachePoint');
    if (!isOnly(entry.object(), 'cachePoint')) {
      tools.push(decodeTool(entry));
      continue;
    }
    const last = tools.at(-1);
    if (last?.type === 'function')
      tools[tools.length - 1] = { ...last, cacheHint: decodeCachePoint(cachePoint) };
  }
  return tools;
}

function decodeTool(entry: Given): Tool {
  const [name = entry.refuse('a tool'), other] = unionMembers(entry.object());
  if (other !== undefined)
    return { type: 'hosted', dialect: DIALECT_ID, name: `${name}+${other}`, definition: entry.object() };
  const value = entry.member(name);
  if (name === 'toolSpec') return decodeFunction(value);
  // A tool that Bedrock runs, or one of a kind that is still to come.
  const ownName = value.member('name').optionalString() ?? name;
  return { type: 'hosted', dialect: DIALECT_ID, name: ownName, definition: { [name]: value.json() ?? null } };
}

function decodeFunction(tool: Given): Tool {
  const schema = tool.member('inputSchema');
  schema.object();
  return {
    type: 'function',
    name: tool.member('name').string(),
    ...defined({
      description: tool.member('description').optionalString(),
      parameters: schema.member('json').optionalJsonObject(),
      strict: tool.member('strict').optionalBoolean(),
    }),
  };
}

/** `undefined` for none, and for a choice that only this dialect knows. @throws GatewayError `invalid_request` */
export function decodeToolChoice(choice: Given): ToolChoice | undefined {
  const given = choice.optionalObject();
  switch (given === undefined ? undefined : unionMember(given)) {
    case 'auto':
      return { type: 'auto' };
    case 'any':
      return { type: 'required' };
    case 'tool':
      return { type: 'tool', name: choice.member('tool').member('name').string() };
    default:
      return undefined;
  }
}
