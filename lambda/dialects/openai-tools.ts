import type { ResponseFormat, Tool } from '../domain/chat/request.ts';
import type { Given } from './given.ts';
import { defined } from './loose.ts';
import type { LeftOut } from './request-feature.ts';
import { isSafeName } from './safe-name.ts';

/*
 * What tools, and schemas of answers, say of themselves is the same in all of OpenAI's formats, wherever it stands in them.
 */

/**
 * How long a tool's name may be.
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools
 * @see https://platform.openai.com/docs/api-reference/responses/create#responses-create-tools
 */
export const MAX_TOOL_NAME = 64;

/** Under another name the model would call a tool that the caller does not know. */
export function isNameTaken(name: string, leftOut: LeftOut): boolean {
  const isTaken = isSafeName(name, MAX_TOOL_NAME);
  if (!isTaken) leftOut.refuse('tools', name);
  return isTaken;
}

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
