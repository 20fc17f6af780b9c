import fc from 'fast-check';
import type { ChatRequest, ContentPart, Message } from '../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';
import { cacheHint, identifier, jsonObject, optional, record, word } from './small-arbitraries.ts';

/**
 * Requests of no dialect in particular: every feature a request can have, in any combination, also those that no single
 * format can say. For properties that hold for whatever a caller of another dialect asks.
 */

const DIALECTS = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini',
  'bedrock-converse',
  'cohere-chat',
] as const;

const dialect = fc.constantFrom<string[]>(...DIALECTS);

const hint = optional(cacheHint);

const sourceOf = (...mediaTypes: readonly string[]) =>
  fc.oneof(
    fc.record({
      type: fc.constant('base64'),
      mediaType: fc.constantFrom(...mediaTypes),
      data: fc.base64String(),
    }),
    fc.record({ type: fc.constant('url'), url: fc.oneof(fc.webUrl(), fc.constant('gs://bucket/file')) }),
    fc.record({ type: fc.constant('provider-file'), id: identifier }),
  );

const text: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('text'),
  text: fc.oneof(word, fc.constantFrom('', ' ')),
  cacheHint: hint,
});

const media: fc.Arbitrary<ContentPart> = fc.oneof(
  record({
    type: fc.constant('image'),
    source: sourceOf('image/png', 'image/svg+xml'),
    detail: optional(fc.constantFrom('low', 'auto')),
    cacheHint: hint,
  }),
  record({ type: fc.constant('audio'), source: sourceOf('audio/wav', 'audio/mpeg') }),
  record({
    type: fc.constant('file'),
    source: sourceOf('application/pdf', 'text/csv'),
    name: optional(word),
    cacheHint: hint,
  }),
);

const native: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('native'),
  dialect,
  name: identifier,
  value: fc.tuple(identifier, jsonObject).map(([type, value]) => ({ ...value, type })),
  text: optional(word),
});

const reasoning: fc.Arbitrary<ContentPart> = fc.oneof(
  record({
    type: fc.constant('reasoning'),
    text: fc.oneof(word, fc.constant('')),
    signature: optional(identifier),
    dialect: optional(dialect),
  }),
  record({ type: fc.constant('reasoning-encrypted'), data: identifier, dialect }),
);

const anyId = fc.oneof(identifier, fc.constantFrom('call:1', 'functions.f:0', `${'long'.repeat(40)}`));

const toolName = fc.oneof(
  { arbitrary: identifier, weight: 5 },
  fc.constantFrom('with.dot', 'with space', `${'long'.repeat(40)}`),
);

const toolCall: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-call'),
  kind: fc.constantFrom('function', 'custom'),
  id: anyId,
  name: toolName,
  arguments: fc.oneof(
    jsonObject.map((value) => JSON.stringify(value)),
    fc.constantFrom('', '[1]', '{"cut":', 'free text'),
  ),
  signature: optional(identifier),
  cacheHint: hint,
});

const toolResult: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-result'),
  callId: anyId,
  content: fc.array(fc.oneof(text, media, native), { maxLength: 2 }),
  isError: fc.boolean(),
  cacheHint: hint,
});

const refusal: fc.Arbitrary<ContentPart> = fc.record({ type: fc.constant('refusal'), text: word });

const messageOf = (
  roles: readonly Message['role'][],
  ...parts: readonly fc.Arbitrary<ContentPart>[]
): fc.Arbitrary<Message> =>
  record({
    role: fc.constantFrom(...roles),
    content: fc.array(fc.oneof(...parts), { maxLength: 3 }),
    name: fc.option(identifier, { nil: undefined, freq: 5 }),
  });

const tool = fc.oneof(
  record({
    type: fc.constant('function'),
    name: toolName,
    description: optional(word),
    parameters: optional(
      fc.oneof(
        jsonObject,
        jsonObject.map((schema) => ({ type: 'object', ...schema })),
        fc.constantFrom<JsonObject>(
          {},
          { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
          { type: 'string' },
          { anyOf: [{ type: 'object' }] },
          { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { type: 'string' } } },
        ),
      ),
    ),
    strict: optional(fc.boolean()),
    cacheHint: hint,
  }),
  record({ type: fc.constant('custom'), name: identifier, description: optional(word) }),
  record({
    type: fc.constant('hosted'),
    dialect,
    name: identifier,
    definition: identifier.map((type) => ({ type })),
    runBy: optional(fc.constant('caller')),
  }),
);

const unit = fc.double({ min: 0, max: 2, noNaN: true }).map((value) => value + 0);

/** Any request. Its options of one dialect only are none, as encoders leave those to whoever calls them. */
export const anyRequest: fc.Arbitrary<ChatRequest> = record({
  model: word,
  messages: fc.array(
    fc.oneof(
      messageOf(['system', 'developer'], text, text, text, media, native),
      messageOf(['user'], text, media, native, toolResult),
      messageOf(['assistant'], text, toolCall, toolCall, reasoning, refusal, native, media),
    ),
    { minLength: 1, maxLength: 5 },
  ),
  stream: fc.boolean(),
  includeUsage: fc.boolean(),
  tools: optional(fc.array(tool, { minLength: 1, maxLength: 3 })),
  toolChoice: optional(
    fc.oneof(
      fc.record({ type: fc.constantFrom('auto', 'none', 'required') }),
      fc.record({ type: fc.constant('tool'), name: toolName }),
    ),
  ),
  parallelToolCalls: optional(fc.boolean()),
  maxOutputTokens: optional(fc.integer({ min: 1, max: 100_000 })),
  temperature: optional(unit),
  topP: optional(unit.map((value) => value / 2)),
  topK: optional(fc.nat({ max: 100 })),
  frequencyPenalty: optional(unit),
  presencePenalty: optional(unit),
  stop: optional(fc.array(fc.oneof(word, fc.constant(' ')), { minLength: 1, maxLength: 6 })),
  seed: optional(fc.oneof(fc.nat(), fc.constant(2 ** 40))),
  choices: optional(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(9))),
  logprobs: optional(fc.boolean()),
  topLogprobs: optional(fc.nat({ max: 20 })),
  logitBias: optional(fc.constantFrom<JsonObject>({}, { '1': 5 })),
  responseFormat: optional(
    fc.oneof(
      fc.record({ type: fc.constantFrom('text', 'json') }),
      record({
        type: fc.constant('json-schema'),
        name: identifier,
        description: optional(word),
        schema: jsonObject,
        strict: optional(fc.boolean()),
      }),
    ),
  ),
  reasoning: optional(
    record({
      enabled: optional(fc.boolean()),
      effort: optional(fc.constantFrom('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'hardly')),
      budgetTokens: optional(fc.nat({ max: 50_000 })),
      adaptive: optional(fc.constant(true)),
      display: optional(fc.constantFrom('summarized', 'omitted')),
    }),
  ),
  verbosity: optional(fc.constantFrom('low', 'high')),
  serviceTier: optional(
    fc.constantFrom('auto', 'default', 'flex', 'priority', 'standard_only', 'fast', 'odd'),
  ),
  endUser: optional(fc.oneof(word, fc.constant('u'.repeat(300)))),
  metadata: optional(fc.constantFrom<JsonObject>({}, { team: 'blue' })),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
});

/** A request as Claude takes it: one that is to think has no sampling. */
export function asClaudeSamples(request: ChatRequest): ChatRequest {
  if (request.reasoning?.enabled !== true) return request;
  const { temperature: _temperature, topP: _topP, topK: _topK, ...rest } = request;
  return rest;
}
