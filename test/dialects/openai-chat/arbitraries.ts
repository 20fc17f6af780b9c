import fc from 'fast-check';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const word = fc.string({ minLength: 1, maxLength: 12 });
const text = word.map((value): ContentPart => ({ type: 'text', text: value }));
const schema = fc.constant<JsonObject>({ type: 'object', properties: {} });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const image: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.webUrl().map((url): ContentPart => ({ type: 'image', source: { type: 'url', url } })),
  fc.base64String().map(
    (data): ContentPart => ({
      type: 'image',
      source: { type: 'base64', mediaType: 'image/png', data },
    }),
  ),
);

const toolResult: fc.Arbitrary<ContentPart> = fc
  .tuple(word, fc.array(text, { maxLength: 1 }))
  .map(([callId, content]) => ({ type: 'tool-result', callId, content, isError: false }));

const userTurn: fc.Arbitrary<Message> = fc
  .tuple(fc.array(toolResult, { maxLength: 2 }), fc.array(fc.oneof(text, image), { maxLength: 3 }))
  .map(([results, own]) => ({ role: 'user', content: [...results, ...own] }));

const toolCall: fc.Arbitrary<ContentPart> = fc
  .tuple(fc.constantFrom('function', 'custom'), word, word, fc.string())
  .map(([kind, id, name, given]) => ({ type: 'tool-call', kind, id, name, arguments: given }));

const assistantTurn: fc.Arbitrary<Message> = fc
  .tuple(
    fc.array(
      word.map((value): ContentPart => ({ type: 'reasoning', text: value, dialect: 'openai-chat' })),
      { maxLength: 1 },
    ),
    fc.array(text, { maxLength: 1 }),
    fc.array(
      word.map((value): ContentPart => ({ type: 'refusal', text: value })),
      { maxLength: 1 },
    ),
    fc.array(toolCall, { maxLength: 2 }),
  )
  .map((parts) => ({ role: 'assistant', content: parts.flat() }));

const systemTurn: fc.Arbitrary<Message> = fc
  .tuple(fc.constantFrom('system', 'developer'), text)
  .map(([role, part]) => ({ role, content: [part] }));

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
      .tuple(word, optional(word), optional(schema), optional(fc.boolean()))
      .map(([name, description, parameters, strict]) => ({
        type: 'function',
        name,
        description,
        parameters,
        strict,
      })),
    word.map((name) => ({ type: 'custom', name })),
    word.map((name) => ({
      type: 'hosted',
      dialect: 'openai-chat',
      name: `hosted_${name}`,
      definition: { type: `hosted_${name}` },
    })),
  ),
  { minLength: 1 },
);

/** Requests that this dialect can express whole, in the one form that decoding gives. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = fc
  .record({
    model: word,
    messages,
    stream: fc.boolean(),
    tools: optional(tools),
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
      toolChoice:
        fields.tools === undefined
          ? fc.constant(undefined)
          : optional(fc.constantFrom({ type: 'auto' }, { type: 'tool', name: 'f' })),
    }),
  )
  .map(
    // The same JSON without its undefined members is a request.
    ({ fields, toolChoice }): ChatRequest =>
      JSON.parse(
        JSON.stringify({
          ...fields,
          toolChoice,
          includeUsage: fields.stream,
          nativeOptions: {},
          unknownFields: [],
        }),
      ),
  );
