import type {
  ChatRequest,
  ReasoningOptions,
  ResponseFormat,
  Tool,
  ToolChoice,
} from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import { Given } from '../given.ts';
import { decodeModel } from '../given-options.ts';
import { defined } from '../loose.ts';
import { decodeMessages } from './decode-messages.ts';
import { DIALECT_ID } from './wire.ts';

/** Fields read below. `user` and `metadata` are no fields of Cohere's: Sluice reads them in every dialect. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...['model', 'messages', 'stream', 'tools', 'strict_tools', 'tool_choice', 'response_format', 'max_tokens'],
  ...['stop_sequences', 'temperature', 'seed', 'frequency_penalty', 'presence_penalty', 'k', 'p', 'logprobs'],
  ...['thinking', 'user', 'metadata'],
]);

/** What only this dialect has. @see https://docs.cohere.com/reference/chat */
const NATIVE_FIELDS: ReadonlySet<string> = new Set([
  ...['documents', 'citation_options', 'safety_mode', 'priority', 'raw_prompting'],
]);

/** What an answer's schema is called elsewhere: it has no name here. */
export const SCHEMA_NAME = 'response';

/** @throws GatewayError `invalid_request` */
export function decodeRequest(body: JsonObject): ChatRequest {
  const given = new Given(body, '');
  const options = {
    ...decodeToolOptions(given),
    ...decodeSampling(given),
    ...decodeOutputOptions(given),
  };
  return {
    ...options,
    model: decodeModel(given),
    messages: decodeMessages(given.member('messages')),
    stream: given.member('stream').optionalBoolean() ?? false,
    includeUsage: true,
    nativeOptions: decodeNativeOptions(body, given, options),
    unknownFields: Object.keys(body).filter(
      (name) => !READ_FIELDS.has(name) && !NATIVE_FIELDS.has(name) && !OWN_FIELDS.includes(name),
    ),
  };
}

function decodeToolOptions(given: Given): Partial<ChatRequest> {
  const isStrict = given.member('strict_tools').optionalBoolean() === true;
  return definedOptions({
    tools: given
      .member('tools')
      .optionalList()
      ?.map((tool) => decodeTool(tool, isStrict)),
    toolChoice: decodeToolChoice(given.member('tool_choice')),
  });
}

/** A tool: a function, or (any other type) one that only this dialect knows. */
function decodeTool(tool: Given, isStrict: boolean): Tool {
  const definition = tool.optionalJsonObject() ?? tool.refuse('an object');
  const type = tool.member('type').string();
  if (type !== 'function') return { type: 'hosted', dialect: DIALECT_ID, name: type, definition };
  const body = tool.member('function');
  body.object();
  const description = body.member('description').optionalString();
  const parameters = body.member('parameters').optionalObject();
  return {
    type: 'function',
    name: body.member('name').string(),
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(isStrict ? { strict: true } : {}),
  };
}

function decodeToolChoice(choice: Given): ToolChoice | undefined {
  switch (choice.optionalString()) {
    case undefined:
      return undefined;
    case 'REQUIRED':
      return { type: 'required' };
    case 'NONE':
      return { type: 'none' };
    default:
      return choice.refuse("'REQUIRED' or 'NONE'");
  }
}

function decodeSampling(given: Given): Partial<ChatRequest> {
  const k = given.member('k').optionalNumber();
  return definedOptions({
    temperature: given.member('temperature').optionalNumber(),
    topP: given.member('p').optionalNumber(),
    // 0 is its default and turns it off.
    topK: k === 0 ? undefined : k,
    frequencyPenalty: given.member('frequency_penalty').optionalNumber(),
    presencePenalty: given.member('presence_penalty').optionalNumber(),
    seed: given.member('seed').optionalNumber(),
    logprobs: given.member('logprobs').optionalBoolean(),
  });
}

function decodeOutputOptions(given: Given): Partial<ChatRequest> {
  return definedOptions({
    maxOutputTokens: given.member('max_tokens').optionalInteger(1),
    stop: given
      .member('stop_sequences')
      .optionalList()
      ?.map((sequence) => sequence.string()),
    responseFormat: decodeResponseFormat(given.member('response_format')),
    reasoning: decodeThinking(given.member('thinking')),
    endUser: given.member('user').optionalString(),
    metadata: decodeMetadata(given.member('metadata')),
  });
}

function decodeMetadata(metadata: Given): JsonObject | undefined {
  const object = metadata.optionalObject();
  for (const name of Object.keys(object ?? {})) metadata.member(name).string();
  return object;
}

/**
 * A schema makes the answer follow it. It is spelled `schema` in version 1, which version 2 still takes; `undefined` for a
 * format only this dialect has.
 * @see https://docs.cohere.com/v2/docs/structured-outputs
 */
function decodeResponseFormat(format: Given): ResponseFormat | undefined {
  if (format.isMissing) return undefined;
  format.object();
  const type = format.member('type').string();
  if (type === 'text') return { type };
  if (type !== 'json_object') return undefined;
  const schema =
    format.member('json_schema').optionalJsonObject() ?? format.member('schema').optionalJsonObject();
  return schema === undefined ? { type: 'json' } : { type: 'json-schema', name: SCHEMA_NAME, schema };
}

/** @see https://docs.cohere.com/v2/docs/reasoning */
function decodeThinking(thinking: Given): ReasoningOptions | undefined {
  if (thinking.isMissing) return undefined;
  thinking.object();
  const type = thinking.member('type').string();
  if (type !== 'enabled' && type !== 'disabled')
    return thinking.member('type').refuse("'enabled' or 'disabled'");
  const budgetTokens = thinking.member('token_budget').optionalInteger(1);
  return { enabled: type === 'enabled', ...(budgetTokens === undefined ? {} : { budgetTokens }) };
}

/** Fields of this dialect only, and a format that no other dialect could say. */
function decodeNativeOptions(body: JsonObject, given: Given, options: Partial<ChatRequest>): JsonObject {
  const names = Object.keys(body).filter((name) => NATIVE_FIELDS.has(name));
  if (options.responseFormat === undefined) names.push('response_format');
  const native: (readonly [string, Json | undefined])[] = names.map((name) => [
    name,
    given.member(name).json(),
  ]);
  return defined(Object.fromEntries(native));
}

// Only members without a value are left out.
const definedOptions = (
  options: {
    readonly [Name in keyof ChatRequest]?: ChatRequest[Name] | undefined;
  },
): Partial<ChatRequest> => defined(options as JsonObject) as Partial<ChatRequest>;
