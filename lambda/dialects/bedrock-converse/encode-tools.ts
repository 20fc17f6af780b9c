import type { ChatRequest, Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { argumentsSchema } from '../arguments-schema.ts';
import { defined } from '../loose.ts';
import type { LeftOut } from '../request-feature.ts';
import type { ContentEncoder } from './encode-content.ts';
import type { ModelFamily } from './model-family.ts';
import { isValidToolName, validToolName } from './tool-ids.ts';
import { DIALECT_ID } from './wire.ts';

interface ToolContext {
  readonly family: ModelFamily;
  readonly content: ContentEncoder;
  readonly leftOut: LeftOut;
}

/**
 * `toolConfig`; `undefined` for none. Bedrock asks for it wherever the conversation holds tool calls, so that tools which
 * are gone by now are named there.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
 */
export function encodeToolConfig(request: ChatRequest, context: ToolContext): JsonObject | undefined {
  const former = formerTools(request);
  if (request.toolChoice?.type === 'none') {
    // Without tools none is called. Where they must stay, nothing forbids calling them.
    if (former.length === 0) return undefined;
    context.leftOut.refuse('tool_choice');
  }
  const tools = (request.tools ?? []).flatMap((tool) => encodeTool(tool, context));
  if (tools.length > 0) return defined({ tools, toolChoice: encodeChoice(request.toolChoice) });
  return former.length === 0 ? undefined : { tools: former };
}

function encodeTool(tool: Tool, { family, content, leftOut }: ToolContext): readonly JsonObject[] {
  if (tool.type === 'hosted' && tool.dialect === DIALECT_ID) return [tool.definition];
  if (tool.type !== 'function') {
    leftOut.refuse(tool.type === 'custom' ? 'custom_tools' : 'hosted_tools', tool.name);
    return [];
  }
  // Under another name its calls would reach a caller who knows no such tool.
  if (!isValidToolName(tool.name)) {
    leftOut.refuse('tools', tool.name);
    return [];
  }
  const schema = argumentsSchema(tool, leftOut);
  if (schema === undefined) return [];
  // Nova caches the prompt, but not its tools.
  const isCacheable = family === 'claude' || family === 'unknown';
  return [{ toolSpec: encodeFunction(tool, schema) }, ...content.cachePoint(tool.cacheHint, isCacheable)];
}

/** Bedrock insists on a schema, and on its being one of an object; a description must not be empty. */
function encodeFunction(tool: Extract<Tool, { readonly type: 'function' }>, schema: JsonObject): JsonObject {
  return defined({
    name: tool.name,
    description: tool.description === '' ? undefined : tool.description,
    inputSchema: {
      json: { type: 'object', ...(tool.parameters === undefined ? { properties: {} } : schema) },
    },
    strict: tool.strict === true ? true : undefined,
  });
}

function encodeChoice(choice: ToolChoice | undefined): JsonObject | undefined {
  switch (choice?.type) {
    case undefined:
    case 'none':
      return undefined;
    case 'auto':
      return { auto: {} };
    case 'required':
      return { any: {} };
    case 'tool':
      return { tool: { name: choice.name } };
  }
}

/** What stands for a tool of earlier turns. */
const FORMER_DESCRIPTION = 'This tool is not available any more.';

/** Of results whose calls are gone the name is not known. */
const FORMER_NAME = 'former_tool';

function formerTools({ messages }: ChatRequest): readonly JsonObject[] {
  const parts = messages.flatMap(({ content }) => content);
  const called = parts.flatMap((part) => (part.type === 'tool-call' ? [validToolName(part.name)] : []));
  const hasResults = parts.some(({ type }) => type === 'tool-result');
  const names = called.length === 0 && hasResults ? [FORMER_NAME] : new Set(called);
  return [...names].map((name) => ({
    toolSpec: {
      name,
      description: FORMER_DESCRIPTION,
      inputSchema: { json: { type: 'object', properties: {} } },
    },
  }));
}
