import type { ChatRequest, ResponseFormat } from '../../domain/chat/request.ts';
import { type JsonObject, parseJsonObject } from '../../domain/json.ts';
import { OWN_FIELDS } from '../../domain/request-options.ts';
import type { RequestAddress } from '../dialect.ts';
import { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { decodeMessage, decodeSystem } from './decode-content.ts';
import { decodeToolChoice, decodeTools } from './decode-tools.ts';
import { decodeModelOptions } from './model-options.ts';

/** Fields read below. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...['messages', 'system', 'inferenceConfig', 'toolConfig', 'additionalModelRequestFields'],
  ...['requestMetadata', 'serviceTier', 'outputConfig'],
]);

/**
 * What only this dialect has.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
const NATIVE_FIELDS = [
  'additionalModelResponseFieldPaths',
  'guardrailConfig',
  'performanceConfig',
  'promptVariables',
] as const;

/** Sluice's own options, in its own spelling: none of them is Bedrock's. */
export const GATEWAY_FIELDS: readonly string[] = [...OWN_FIELDS, 'metadata', 'modelId', 'user'];

const KNOWN_FIELDS: ReadonlySet<string> = new Set([...READ_FIELDS, ...NATIVE_FIELDS, ...GATEWAY_FIELDS]);

/**
 * The model and whether the answer is streamed stand in the address (`/model/{modelId}/converse-stream`).
 * @throws GatewayError `invalid_request`
 */
export function decodeRequest(body: JsonObject, address: RequestAddress = {}): ChatRequest {
  const given = new Given(body, '');
  const fields = given.member('additionalModelRequestFields');
  const { rest, ...modelOptions } = decodeModelOptions(fields.optionalJsonObject() ?? {});
  const options = { ...decodeTooling(given), ...decodeInference(given), ...decodeOutput(given) };
  return {
    ...options,
    ...modelOptions,
    model: decodeModel(given, address),
    messages: [...decodeSystem(given.member('system')), ...decodeMessages(given)],
    stream: address.stream ?? false,
    includeUsage: true,
    nativeOptions: {
      ...decodeNativeOptions(given, options),
      ...defined({ additionalModelRequestFields: rest }),
    },
    unknownFields: [
      ...Object.keys(body).filter((name) => !KNOWN_FIELDS.has(name)),
      ...unreadMembers(given.member('inferenceConfig'), INFERENCE_FIELDS),
      ...unreadMembers(given.member('toolConfig'), TOOLING_FIELDS),
    ],
  };
}

const INFERENCE_FIELDS: ReadonlySet<string> = new Set(['maxTokens', 'temperature', 'topP', 'stopSequences']);
const TOOLING_FIELDS: ReadonlySet<string> = new Set(['tools', 'toolChoice']);

const unreadMembers = (holder: Given, read: ReadonlySet<string>): readonly string[] =>
  Object.keys(holder.optionalObject() ?? {})
    .filter((name) => !read.has(name))
    .map((name) => `${holder.path}.${name}`);

function decodeModel(given: Given, address: RequestAddress): string {
  const model = given.member('modelId');
  const name = address.model ?? model.optionalString();
  if (name !== undefined && name !== '') return name;
  const fallback = given.member('models').optionalList()?.[0]?.string();
  return fallback === undefined || fallback === '' ? model.refuse('the name of a model') : fallback;
}

/** Only a prompt that Bedrock keeps goes without messages. */
function decodeMessages(given: Given): ChatRequest['messages'] {
  const messages = given.member('messages');
  const isKept = !given.member('promptVariables').isMissing;
  return (isKept ? (messages.optionalList() ?? []) : messages.list()).map(decodeMessage);
}

function decodeTooling(given: Given): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const config = given.member('toolConfig');
  config.optionalObject();
  const tools = decodeTools(config.member('tools').optionalList() ?? []);
  return defined({
    tools: tools.length === 0 ? undefined : tools,
    toolChoice: decodeToolChoice(config.member('toolChoice')),
  });
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InferenceConfiguration.html */
function decodeInference(
  given: Given,
): Pick<ChatRequest, 'maxOutputTokens' | 'temperature' | 'topP' | 'stop'> {
  const config = given.member('inferenceConfig');
  config.optionalObject();
  const stop = config
    .member('stopSequences')
    .optionalList()
    ?.map((sequence) => sequence.string());
  return defined({
    maxOutputTokens: config.member('maxTokens').optionalInteger(1),
    temperature: config.member('temperature').optionalNumber(),
    topP: config.member('topP').optionalNumber(),
    stop: stop?.length === 0 ? undefined : stop,
  });
}

function decodeOutput(
  given: Given,
): Pick<ChatRequest, 'responseFormat' | 'serviceTier' | 'metadata' | 'endUser'> {
  const tier = given.member('serviceTier');
  tier.optionalObject();
  const labels = {
    ...decodeLabels(given.member('metadata')),
    ...decodeLabels(given.member('requestMetadata')),
  };
  return defined({
    responseFormat: decodeFormat(given.member('outputConfig')),
    serviceTier: tier.member('type').optionalString(),
    metadata: Object.keys(labels).length === 0 ? undefined : labels,
    endUser: given.member('user').optionalString(),
  });
}

function decodeLabels(labels: Given): JsonObject {
  const object = labels.optionalObject() ?? {};
  for (const name of Object.keys(object)) labels.member(name).string();
  return object;
}

/** Formats that need a name for a schema get this where there is none. */
const SCHEMA_NAME = 'response';

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html */
function decodeFormat(config: Given): ResponseFormat | undefined {
  config.optionalObject();
  const format = config.member('textFormat');
  format.optionalObject();
  if (format.member('type').optionalString() !== 'json_schema') return undefined;
  const definition = format.member('structure').member('jsonSchema');
  const text = definition.member('schema');
  const schema = parseJsonObject(text.string()) ?? text.refuse('the JSON text of a schema');
  // Checked for its depth like every other value that is passed on unread.
  new Given(schema, text.path).json();
  return {
    type: 'json-schema',
    name: definition.member('name').optionalString() ?? SCHEMA_NAME,
    schema,
    ...defined({ description: definition.member('description').optionalString() }),
  };
}

/** Fields of this dialect only, and the values of common ones that no other dialect could say. */
function decodeNativeOptions(given: Given, options: Partial<ChatRequest>): JsonObject {
  const { toolChoice, responseFormat } = options;
  const choice = given.member('toolConfig').member('toolChoice');
  return defined({
    ...Object.fromEntries(NATIVE_FIELDS.map((name) => [name, given.member(name).json()])),
    toolChoice: toolChoice === undefined ? choice.json() : undefined,
    outputConfig: responseFormat === undefined ? given.member('outputConfig').json() : undefined,
  });
}
