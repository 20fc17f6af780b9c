import type { ResponseFormat, Tool } from '../domain/chat/request.ts';
import type { Given } from './given.ts';
import { defined } from './loose.ts';

/*
 * What tools, and schemas of answers, say of themselves is the same in all of OpenAI's formats, wherever it stands in them.
 */

/** @throws GatewayError `invalid_request` */
export function decodeFunctionTool(tool: Given): Extract<Tool, { readonly type: 'function' }> {
  return {
    type: 'function',
    name: tool.member('name').string(),
    ...defined({
      description: tool.member('description').optionalString(),
      parameters: tool.member('parameters').optionalObject(),
      strict: tool.member('strict').optionalBoolean(),
    }),
  };
}

/** @throws GatewayError `invalid_request` */
export function decodeCustomTool(tool: Given): Extract<Tool, { readonly type: 'custom' }> {
  return {
    type: 'custom',
    name: tool.member('name').string(),
    ...defined({
      description: tool.member('description').optionalString(),
      format: tool.member('format').value,
    }),
  };
}

/** @throws GatewayError `invalid_request` */
export function decodeJsonSchema(format: Given): ResponseFormat {
  return {
    type: 'json-schema',
    name: format.member('name').string(),
    schema: format.member('schema').optionalJsonObject() ?? {},
    ...defined({
      description: format.member('description').optionalString(),
      strict: format.member('strict').optionalBoolean(),
    }),
  };
}
