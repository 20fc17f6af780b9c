import type { Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { jsonSchemaOf } from './open-api-schema.ts';
import { camelCase, DIALECT_ID, field } from './wire.ts';

/** Functions, and the tools Google runs itself; one entry of `tools` may hold several. */
export function decodeTools(tools: Given): readonly Tool[] {
  return (tools.optionalList() ?? []).flatMap((tool) => {
    const names = Object.keys(tool.object()).filter((name) => !tool.member(name).isMissing);
    return names.flatMap((name) => decodeTool(tool.member(name), name));
  });
}

function decodeTool(tool: Given, name: string): readonly Tool[] {
  const known = camelCase(name);
  if (known === 'functionDeclarations') return tool.list().map(decodeFunction);
  const definition = { [name]: tool.value };
  // What a browser does for the model, the caller does. @see https://ai.google.dev/gemini-api/docs/computer-use
  const runBy = known === 'computerUse' ? { runBy: 'caller' as const } : {};
  return [{ type: 'hosted', dialect: DIALECT_ID, name: known, definition, ...runBy }];
}

function decodeFunction(declaration: Given): Tool {
  declaration.object();
  const openApi = declaration.member('parameters').optionalJsonObject();
  const plain = field(declaration, 'parametersJsonSchema').optionalJsonObject();
  return {
    type: 'function',
    name: declaration.member('name').string(),
    ...defined({
      description: declaration.member('description').optionalString(),
      parameters: plain ?? (openApi === undefined ? undefined : jsonSchemaOf(openApi)),
    }),
  };
}

/** How tools are chosen; what another dialect cannot be told stands in `nativeOptions` under its own name. */
export interface ToolConfig {
  readonly toolChoice: ToolChoice | undefined;
  readonly nativeOptions: JsonObject;
}

/** @see https://ai.google.dev/gemini-api/docs/function-calling#function_calling_modes */
export function decodeToolConfig(config: Given): ToolConfig {
  const calling = field(config, 'functionCallingConfig');
  config.optionalObject();
  calling.optionalObject();
  const mode = calling.member('mode').optionalString()?.toUpperCase();
  const names = (field(calling, 'allowedFunctionNames').optionalList() ?? []).map((name) => name.string());
  const [name] = names;
  const isOne = mode === 'ANY' && names.length === 1 && name !== undefined;
  const others = Object.entries(config.optionalObject() ?? {}).filter(
    ([key, value]) => camelCase(key) !== 'functionCallingConfig' && value !== null,
  );
  return {
    toolChoice: isOne ? { type: 'tool', name } : choiceOf(mode),
    nativeOptions: {
      ...(names.length > 0 && !isOne && { 'toolConfig.allowedFunctionNames': names }),
      ...(isModeOfOwn(mode) && { 'toolConfig.mode': mode }),
      ...Object.fromEntries(others.map(([key, value]) => [`toolConfig.${camelCase(key)}`, value])),
    },
  };
}

function choiceOf(mode: string | undefined): ToolChoice | undefined {
  switch (mode) {
    case 'AUTO':
    case 'VALIDATED':
      return { type: 'auto' };
    case 'ANY':
      return { type: 'required' };
    case 'NONE':
      return { type: 'none' };
    default:
      return undefined;
  }
}

const MODES: ReadonlySet<string> = new Set(['AUTO', 'ANY', 'NONE', 'MODE_UNSPECIFIED', '']);
const isModeOfOwn = (mode: string | undefined): mode is string => mode !== undefined && !MODES.has(mode);
