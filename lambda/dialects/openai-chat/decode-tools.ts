import type { ResponseFormat, Tool, ToolChoice } from '../../domain/chat/request.ts';
import type { Given } from '../given.ts';
import { decodeCustomTool, decodeFunctionTool, decodeJsonSchema } from '../openai-tools.ts';
import { cacheHint } from './decode-content.ts';
import { DIALECT_ID } from './wire.ts';

/** A tool: a function, a custom one, or (any other type) one the provider runs itself. */
export function decodeTool(tool: Given): Tool {
  const definition = tool.optionalJsonObject() ?? tool.refuse('an object');
  const type = tool.member('type').string();
  if (type === 'function') return decodeFunction(tool);
  if (type !== 'custom') return { type: 'hosted', dialect: DIALECT_ID, name: type, definition };
  const custom = tool.member('custom');
  custom.object();
  return decodeCustomTool(custom);
}

function decodeFunction(tool: Given): Tool {
  const body = tool.member('function');
  body.object();
  return { ...decodeFunctionTool(body), ...cacheHint(body), ...cacheHint(tool) };
}

/** `undefined` for a choice only this dialect has (`allowed_tools`). */
export function decodeToolChoice(choice: Given): ToolChoice | undefined {
  if (choice.isMissing) return undefined;
  if (typeof choice.value === 'string') return decodeToolMode(choice, choice.value);
  choice.object();
  const type = choice.member('type').string();
  if (type !== 'function' && type !== 'custom') return undefined;
  choice.member(type).object();
  return { type: 'tool', name: choice.member(type).member('name').string() };
}

function decodeToolMode(choice: Given, mode: string): ToolChoice {
  switch (mode) {
    case 'auto':
    case 'none':
    case 'required':
      return { type: mode };
    case 'any': // Mistral's word
      return { type: 'required' };
    default:
      return choice.refuse("'auto', 'none', 'required' or an object");
  }
}

/** `undefined` for a format only this dialect has (`grammar`). */
export function decodeResponseFormat(format: Given): ResponseFormat | undefined {
  if (format.isMissing) return undefined;
  format.object();
  switch (format.member('type').string()) {
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      format.member('json_schema').object();
      return decodeJsonSchema(format.member('json_schema'));
    default:
      return undefined;
  }
}
