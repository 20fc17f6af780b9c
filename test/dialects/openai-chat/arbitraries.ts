import fc from 'fast-check';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { record } from '../any-request.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const text = word.map((value): ContentPart => ({ type: 'text', text: value }));
const schema = fc.constant<JsonObject>({ type: 'object', properties: {} });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const identifier = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);

const part: fc.Arbitrary<ContentPart> = fc.oneof(
  { arbitrary: text, weight: 4 },
  record({
    type: fc.constant('image'),
    source: fc.oneof(
      fc.record({ type: fc.constant('url'), url: fc.webUrl() }),
      fc.record({
        type: fc.constant('base64'),
        mediaType: fc.constant('image/png'),
        data: fc.base64String(),
      }),
    ),
    detail: optional(fc.constantFrom('auto', 'low', 'high')),
  }),
  fc.record({
    type: fc.constant('audio'),
    source: fc.record({
      type: fc.constant('base64'),
      mediaType: fc.constantFrom('audio/wav', 'audio/mp3'),
      data: fc.base64String(),
    }),
  }),
  fc.record({
    type: fc.constant('file'),
    source: fc.record({
      type: fc.constant('base64'),
      mediaType: fc.constant('application/pdf'),
      data: fc.base64String(),
    }),
    name: word,
  }),
  identifier.map((name) => ({
    type: 'native',
    dialect: 'openai-chat',
    name: `native_${name}`,
    value: { type: `native_${name}` },
  })),
);

const toolResult: fc.Arbitrary<ContentPart> = fc
  .tuple(word, fc.array(text, { maxLength: 1 }))
  .map(([callId, content]) => ({ type: 'tool-result', callId, content, isError: false }));

const named = (message: fc.Arbitrary<Message>): fc.Arbitrary<Message> =>
  fc
    .tuple(message, fc.option(word, { nil: undefined, freq: 4 }))
    .map(([turn, name]) => (name === undefined ? turn : { ...turn, name }));

/** Results of tools alone are turns of the tools, which have no name. */
const userTurn: fc.Arbitrary<Message> = fc.oneof(
  fc
    .array(toolResult, { minLength: 1, maxLength: 2 })
    .map((results): Message => ({ role: 'user', content: results })),
  named(
    fc
      .tuple(fc.array(toolResult, { maxLength: 2 }), fc.array(part, { minLength: 1, maxLength: 3 }))
      .map(([results, own]) => ({ role: 'user', content: [...results, ...own] })),
  ),
);

const toolCall: fc.Arbitrary<ContentPart> = fc
  .tuple(fc.constantFrom('function', 'custom'), word, identifier, fc.string())
  .map(([kind, id, name, given]) => ({ type: 'tool-call', kind, id, name, arguments: given }));

/** Plain reasoning is one text; reasoning that is signed or closed has a list of its own, of any length. */
const reasoning: fc.Arbitrary<readonly ContentPart[]> = fc.oneof(
  fc.array(
    word.map((value): ContentPart => ({ type: 'reasoning', text: value, dialect: 'openai-chat' })),
    { maxLength: 1 },
  ),
  fc.array(
    fc.oneof(
      fc.record({
        type: fc.constant('reasoning'),
        text: word,
        signature: identifier,
        dialect: fc.constantFrom('openai-chat', 'openai-chat/some-format'),
      }),
      fc.record({
        type: fc.constant('reasoning-encrypted'),
        data: identifier,
        dialect: fc.constantFrom('openai-chat', 'openai-chat/some-format'),
      }),
    ),
    { maxLength: 3 },
  ),
);

const assistantTurn: fc.Arbitrary<Message> = named(
  fc
    .tuple(
      reasoning,
      fc.array(text, { maxLength: 1 }),
      fc.array(
        word.map((value): ContentPart => ({ type: 'refusal', text: value })),
        { maxLength: 1 },
      ),
      fc.array(toolCall, { maxLength: 2 }),
    )
    .map((parts) => ({ role: 'assistant', content: parts.flat() })),
);

const systemTurn: fc.Arbitrary<Message> = named(
  fc.tuple(fc.constantFrom('system', 'developer'), text).map(([role, said]) => ({ role, content: [said] })),
);

/** A conversation in the one form that decoding gives: turns of user and assistant alternate. */
const messages = fc
  .tuple(
    fc.array(systemTurn, { maxLength: 2 }),
    fc.array(fc.tuple(userTurn, assistantTurn), { minLength: 1 }),
  )
  .map(([system, turns]) => [...system, ...turns.flat()]);

const tools = fc.array(
  fc.oneof(
    fc
      .tuple(identifier, optional(word), optional(schema), optional(fc.boolean()))
      .map(([name, description, parameters, strict]) => ({
        type: 'function',
        name,
        description,
        parameters,
        strict,
      })),
    identifier.map((name) => ({ type: 'custom', name })),
    word.map((name) => ({
      type: 'hosted',
      dialect: 'openai-chat',
      name: `hosted_${name}`,
      definition: { type: `hosted_${name}` },
    })),
  ),
  { minLength: 1 },
);

const TOOL_CHOICES = [
  ...(['auto', 'none', 'required'] as const).map((type) => ({ type })),
  { type: 'tool', name: 'f' },
] as const;

/** Requests that this dialect can express whole, in the one form that decoding gives. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = fc
  .record({
    // None of OpenAI's that reasons: those take no sampling.
    model: word.map((name) => `model-${name}`),
    messages,
    stream: fc.boolean(),
    tools: optional(tools),
    parallelToolCalls: optional(fc.boolean()),
    topP: optional(fc.double({ noNaN: true, min: 0.1, max: 1 })),
    frequencyPenalty: optional(fc.double({ noNaN: true, min: 0.1, max: 2 })),
    presencePenalty: optional(fc.double({ noNaN: true, min: 0.1, max: 2 })),
    logprobs: optional(fc.boolean()),
    topLogprobs: optional(fc.nat({ max: 20 })),
    logitBias: optional(fc.constantFrom<JsonObject>({ '1': -100 })),
    serviceTier: optional(fc.constantFrom('auto', 'default', 'flex', 'priority')),
    temperature: optional(fc.double({ noNaN: true, min: 0, max: 2 })),
    maxOutputTokens: optional(fc.integer({ min: 1 })),
    stop: optional(fc.array(word, { minLength: 1 })),
    seed: optional(fc.integer()),
    choices: optional(fc.integer({ min: 1, max: 128 })),
    responseFormat: optional(
      fc.oneof(
        fc.constantFrom({ type: 'text' }, { type: 'json' }),
        fc.record({ type: fc.constant('json-schema'), name: word, schema }),
      ),
    ),
    reasoning: optional(fc.constantFrom('low', 'high').map((effort) => ({ effort, enabled: true }))),
    verbosity: optional(word),
    endUser: optional(word),
  })
  .chain((fields) =>
    fc.record({
      fields: fc.constant(fields),
      // Without tools these options are errors.
      parallelToolCalls: fc.constant(fields.tools === undefined ? undefined : fields.parallelToolCalls),
      toolChoice:
        fields.tools === undefined ? fc.constant(undefined) : optional(fc.constantFrom(...TOOL_CHOICES)),
    }),
  )
  .map(
    // The same JSON without its undefined members is a request.
    ({ fields, toolChoice, parallelToolCalls }): ChatRequest =>
      JSON.parse(
        JSON.stringify({
          ...fields,
          toolChoice,
          parallelToolCalls,
          includeUsage: fields.stream,
          nativeOptions: {},
          unknownFields: [],
        }),
      ),
  );
