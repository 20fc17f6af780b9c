import type { ChatRequest, ReasoningOptions, ResponseFormat } from '../../domain/chat/request.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Given } from '../given.ts';
import { defined } from '../loose.ts';
import { jsonSchemaOf } from './open-api-schema.ts';
import { camelCase, field } from './wire.ts';

/** What `generationConfig` says, in the fields of a request. */
export interface GenerationConfig {
  readonly fields: Partial<ChatRequest>;
  /** Options only this dialect has, by the name a refusal calls them. */
  readonly nativeOptions: JsonObject;
  readonly unknownFields: readonly string[];
}

const READ_FIELDS = new Set([
  'temperature',
  'topP',
  'topK',
  'candidateCount',
  'maxOutputTokens',
  'stopSequences',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  '_responseJsonSchema',
  'presencePenalty',
  'frequencyPenalty',
  'seed',
  'responseLogprobs',
  'logprobs',
  'thinkingConfig',
  'responseModalities',
  'speechConfig',
]);

/** @see https://ai.google.dev/api/generate-content#generationconfig */
const NATIVE_FIELDS = new Set([
  'mediaResolution',
  'enableEnhancedCivicAnswers',
  'imageConfig',
  'audioTimestamp',
  'routingConfig',
  'modelSelectionConfig',
]);

/** @throws GatewayError `invalid_request` naming the parameter, for wrong types */
export function decodeGenerationConfig(config: Given): GenerationConfig {
  const names = Object.keys(config.optionalObject() ?? {}).filter((name) => !config.member(name).isMissing);
  const stop = field(config, 'stopSequences').optionalList();
  const native = names.filter((name) => NATIVE_FIELDS.has(camelCase(name)));
  return {
    fields: defined({
      temperature: config.member('temperature').optionalNumber(),
      topP: field(config, 'topP').optionalNumber(),
      topK: field(config, 'topK').optionalNumber(),
      choices: field(config, 'candidateCount').optionalInteger(1, 128),
      maxOutputTokens: decodeLimit(field(config, 'maxOutputTokens')),
      stop: stop?.map((sequence) => sequence.string()),
      presencePenalty: field(config, 'presencePenalty').optionalNumber(),
      frequencyPenalty: field(config, 'frequencyPenalty').optionalNumber(),
      seed: config.member('seed').optionalInteger(Number.MIN_SAFE_INTEGER),
      logprobs: field(config, 'responseLogprobs').optionalBoolean(),
      topLogprobs: config.member('logprobs').optionalInteger(0),
      responseFormat: decodeFormat(config),
      reasoning: decodeThinking(field(config, 'thinkingConfig')),
    }),
    nativeOptions: {
      ...decodeModalities(config),
      ...Object.fromEntries(
        native.map((name) => [`generationConfig.${camelCase(name)}`, config.member(name).value]),
      ),
    },
    unknownFields: names
      .filter((name) => !READ_FIELDS.has(camelCase(name)) && !NATIVE_FIELDS.has(camelCase(name)))
      .map((name) => `${config.path}.${name}`)
      .concat(unreadThinking(field(config, 'thinkingConfig'))),
  };
}

/** 0 is the same as nothing. @see https://protobuf.dev/programming-guides/json/#field-presence */
function decodeLimit(given: Given): number | undefined {
  const limit = given.optionalInteger(0);
  return limit === 0 ? undefined : limit;
}

/** This format gives a schema no name; formats that need one get this. */
const SCHEMA_NAME = 'response';

/** `undefined` where nothing was said, and for a format only this dialect has (`text/x.enum`). */
function decodeFormat(config: Given): ResponseFormat | undefined {
  const mimeType = field(config, 'responseMimeType').optionalString();
  const plain = field(config, 'responseJsonSchema').optionalObject();
  const schema =
    plain ??
    config.member('_responseJsonSchema').optionalObject() ??
    openApiSchema(field(config, 'responseSchema'));
  if (mimeType === 'text/plain') return { type: 'text' };
  if (mimeType !== undefined && mimeType !== 'application/json')
    return schema === undefined ? undefined : { type: 'json-schema', name: SCHEMA_NAME, schema };
  if (schema !== undefined) return { type: 'json-schema', name: SCHEMA_NAME, schema };
  return mimeType === undefined ? undefined : { type: 'json' };
}

function openApiSchema(given: Given): JsonObject | undefined {
  const schema = given.optionalObject();
  return schema === undefined ? undefined : jsonSchemaOf(schema);
}

/**
 * A level or a budget; a budget of 0 is none, of -1 the model's own choice, which a mere wish to see thoughts leaves it too.
 * @see https://ai.google.dev/gemini-api/docs/thinking
 */
function decodeThinking(config: Given): ReasoningOptions | undefined {
  if (config.optionalObject() === undefined) return undefined;
  const budgetTokens = field(config, 'thinkingBudget').optionalInteger(-1);
  const level = field(config, 'thinkingLevel').optionalString()?.toLowerCase();
  const isShown = field(config, 'includeThoughts').optionalBoolean();
  if (level !== undefined && level !== '' && !level.endsWith('unspecified'))
    return { enabled: true, effort: level };
  if (budgetTokens === 0) return { enabled: false };
  if (budgetTokens !== undefined && budgetTokens > 0) return { enabled: true, budgetTokens };
  return budgetTokens === -1 || isShown === true ? { enabled: true, adaptive: true } : undefined;
}

const THINKING_FIELDS: ReadonlySet<string> = new Set(['thinkingBudget', 'thinkingLevel', 'includeThoughts']);

const unreadThinking = (config: Given): readonly string[] =>
  Object.keys(config.optionalObject() ?? {})
    .filter((name) => !THINKING_FIELDS.has(camelCase(name)))
    .map((name) => `${config.path}.${name}`);

/** Pictures and sound as answers, by the names they have in OpenAI's format; text alone is no wish. */
function decodeModalities(config: Given): JsonObject {
  const given = field(config, 'responseModalities').optionalList() ?? [];
  const modalities = given.map((modality) => modality.string().toLowerCase());
  const speech: Json | undefined = field(config, 'speechConfig').optionalObject();
  const isTextOnly = modalities.every((modality) => modality === 'text');
  return {
    ...(!isTextOnly && { modalities }),
    ...((speech !== undefined || modalities.includes('audio')) && { audio: speech ?? {} }),
  };
}
