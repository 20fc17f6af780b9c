import type { ChatRequest, Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { argumentsSchema } from '../arguments-schema.ts';
import { present } from '../loose.ts';
import type { LeftOut } from '../request-feature.ts';
import { isSafeName } from '../safe-name.ts';
import { MAX_TOOL_NAME } from './encode-content.ts';
import { check, customTool, DIALECT, type Path, type RequestShape, refusal, toolShape } from './wire.ts';

/**
 * Tools whose shape Anthropic defines and whose calls the caller runs. Every other tool with a type of its own runs at
 * Anthropic.
 * @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview#client-tools
 */
const CALLER_RUN_TOOL = /^(bash|text_editor|computer|computer_toolset|memory|browser_toolset)_\d{8}$/;

/** @throws GatewayError `invalid_request` for wrong types */
export function decodeTools(tools: readonly unknown[], path: Path): readonly Tool[] {
  return tools.map((tool, index) => decodeTool(tool, [...path, index]));
}

function decodeTool(tool: unknown, path: Path): Tool {
  const { type, name } = check(toolShape, tool, path);
  if (typeof type === 'string' && type !== 'custom') {
    return {
      type: 'hosted',
      dialect: DIALECT,
      name: name ?? type,
      // The check above passes objects only, and what came as JSON is JSON.
      definition: tool as JsonObject,
      ...(CALLER_RUN_TOOL.test(type) ? { runBy: 'caller' as const } : {}),
    };
  }
  const custom = check(customTool, tool, path);
  return {
    type: 'function',
    name: custom.name,
    parameters: custom.input_schema,
    ...present({
      description: custom.description,
      strict: custom.strict,
      cacheHint: custom.cache_control,
    }),
  };
}

/** Servers named in `mcp_servers` are called by Anthropic: a tool it hosts, though it is no member of `tools`. */
export function mcpServersTool(servers: readonly unknown[]): Tool {
  // What came as JSON is JSON.
  const definition: JsonObject = { mcp_servers: servers as readonly Json[] };
  return { type: 'hosted', dialect: DIALECT, name: 'mcp_servers', definition };
}

/** @throws GatewayError `invalid_request` for a named tool without a name */
export function decodeToolChoice(
  choice: NonNullable<RequestShape['tool_choice']>,
): Pick<ChatRequest, 'toolChoice' | 'parallelToolCalls'> {
  const parallel = choice.disable_parallel_tool_use;
  return {
    toolChoice: toolChoiceOf(choice.type, choice.name),
    ...(typeof parallel === 'boolean' ? { parallelToolCalls: !parallel } : {}),
  };
}

function toolChoiceOf(type: 'auto' | 'any' | 'tool' | 'none', name: string | undefined): ToolChoice {
  if (type === 'any') return { type: 'required' };
  if (type !== 'tool') return { type };
  if (name === undefined) throw refusal(['tool_choice', 'name'], 'a string', name);
  return { type: 'tool', name };
}

/** The tools as Anthropic takes them; what it cannot take is refused. */
export function encodeTools(tools: readonly Tool[], leftOut: LeftOut): readonly JsonObject[] {
  return tools.flatMap((tool) => {
    if (tool.type === 'function') return encodeFunction(tool, leftOut);
    if (tool.type === 'hosted' && tool.dialect === DIALECT && tool.name !== 'mcp_servers')
      return [tool.definition];
    leftOut.refuse(tool.type === 'custom' ? 'custom_tools' : 'hosted_tools', tool.name);
    return [];
  });
}

/**
 * Anthropic insists on a schema, and on its being one of an object. A name it does not take is refused: under another one
 * the model would call a tool that the caller does not know.
 */
function encodeFunction(tool: Extract<Tool, { type: 'function' }>, leftOut: LeftOut): readonly JsonObject[] {
  if (!isSafeName(tool.name, MAX_TOOL_NAME)) {
    leftOut.refuse('tools', tool.name);
    return [];
  }
  const schema = argumentsSchema(tool, leftOut);
  if (schema === undefined) return [];
  const encoded = {
    name: tool.name,
    ...present({ description: tool.description }),
    input_schema: { type: 'object', ...(tool.parameters === undefined ? { properties: {} } : schema) },
    ...(tool.strict === true ? { strict: true } : {}),
    ...present({ cache_control: tool.cacheHint }),
  };
  return [encoded];
}

/**
 * `undefined` where nothing has to be said.
 * @param tools as they are sent: a choice among none is an error, and so is one of a tool that is not there
 */
export function encodeToolChoice(
  request: ChatRequest,
  tools: readonly JsonObject[],
  leftOut: LeftOut,
): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request;
  if (tools.length === 0) return undefined;
  if (toolChoice?.type === 'tool' && !isSafeName(toolChoice.name, MAX_TOOL_NAME)) {
    leftOut.refuse('tool_choice', toolChoice.name);
    return undefined;
  }
  const isSerial = parallelToolCalls === false;
  if (toolChoice === undefined && !isSerial) return undefined;
  const choice = wireChoice(toolChoice ?? { type: 'auto' });
  return isSerial && choice['type'] !== 'none' ? { ...choice, disable_parallel_tool_use: true } : choice;
}

function wireChoice(choice: ToolChoice): JsonObject {
  if (choice.type === 'tool') return { type: 'tool', name: choice.name };
  return { type: choice.type === 'required' ? 'any' : choice.type };
}
