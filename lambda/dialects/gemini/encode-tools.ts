import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { isTooDeep } from '../depth.ts';
import { defined, isEmpty } from '../loose.ts';
import type { LeftOut } from '../request-feature.ts';
import { translateSchema } from './json-schema.ts';
import { DIALECT_ID } from './wire.ts';

/** @see https://ai.google.dev/api/caching#FunctionDeclaration */
const FUNCTION_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** Functions in one list, Google's own tools each by itself. */
export function encodeTools(tools: readonly Tool[], leftOut: LeftOut): readonly JsonObject[] {
  const functions: JsonObject[] = [];
  const hosted: JsonObject[] = [];
  for (const tool of tools) {
    if (tool.type === 'hosted' && tool.dialect === DIALECT_ID) hosted.push(tool.definition);
    else if (tool.type === 'hosted') leftOut.refuse('hosted_tools', tool.name);
    else if (tool.type === 'custom') leftOut.refuse('custom_tools', tool.name);
    else if (FUNCTION_NAME.test(tool.name)) functions.push(encodeFunction(tool, leftOut));
    else leftOut.refuse('tools', tool.name);
  }
  return functions.length === 0 ? hosted : [{ functionDeclarations: functions }, ...hosted];
}

/** A schema is followed as far as it goes; only a strict one has to be followed whole. */
function encodeFunction(tool: Extract<Tool, { type: 'function' }>, leftOut: LeftOut): JsonObject {
  const { name, description, parameters, strict } = tool;
  const leaveOut = (keyword: string): void => {
    if (strict === true) leftOut.refuse('tool_schema', `${name}: ${keyword}`);
    else leftOut.omit('tool_schema', `${name}: ${keyword}`);
  };
  const isDeep = isTooDeep(parameters);
  if (isDeep) leaveOut('nesting');
  const hasParameters = parameters !== undefined && !isEmpty(parameters) && !isDeep;
  return defined({
    name,
    description,
    parametersJsonSchema: hasParameters ? translateSchema(parameters, leaveOut) : undefined,
  });
}

/**
 * How functions are called; `VALIDATED` where a strict one has to be, and need not be called.
 * @see https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes
 */
export function encodeToolConfig({ tools = [], toolChoice }: ChatRequest): JsonObject | undefined {
  const isStrict = tools.some((tool) => tool.type === 'function' && tool.strict === true);
  const choice: ToolChoice | undefined = toolChoice ?? (isStrict ? { type: 'auto' } : undefined);
  return choice === undefined ? undefined : { functionCallingConfig: callingConfig(choice, isStrict) };
}

function callingConfig(choice: ToolChoice, isStrict: boolean): JsonObject {
  switch (choice.type) {
    case 'auto':
      return { mode: isStrict ? 'VALIDATED' : 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  }
}

/** The format of an answer. Models before the third generation take none beside functions. */
export function encodeFormat(
  format: ResponseFormat | undefined,
  canStand: boolean,
  leftOut: LeftOut,
): JsonObject {
  if (format?.type !== 'json' && format?.type !== 'json-schema') return {};
  if (!canStand) {
    leftOut.refuse(format.type === 'json' ? 'json_mode' : 'json_schema');
    return {};
  }
  if (format.type !== 'json-schema') return { responseMimeType: 'application/json' };
  const leaveOut = (keyword: string): void => {
    if (format.strict === true) leftOut.refuse('json_schema', keyword);
    else leftOut.omit('json_schema', keyword);
  };
  const isDeep = isTooDeep(format.schema);
  if (isDeep) leaveOut('nesting');
  const schema = isDeep ? {} : translateSchema(format.schema, leaveOut);
  return { responseMimeType: 'application/json', responseJsonSchema: schema };
}
