import fc from 'fast-check';
import type { ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import { optional, word } from '../small-arbitraries.ts';

const DIALECT = 'cohere-chat';
const schema = fc
  .dictionary(word, fc.constantFrom<Json>('a', 1, true), { maxKeys: 2 })
  .map((members): JsonObject => JSON.parse(JSON.stringify({ type: 'object', ...members })));

const text: fc.Arbitrary<ContentPart> = word.map((value) => ({ type: 'text', text: value }));
const thought: fc.Arbitrary<ContentPart> = word.map((value) => ({
  type: 'reasoning',
  text: value,
  dialect: DIALECT,
}));
const native: fc.Arbitrary<ContentPart> = word.map((value) => ({
  type: 'native',
  dialect: DIALECT,
  name: `hologram_${value}`,
  value: { type: `hologram_${value}` },
}));

const image: fc.Arbitrary<ContentPart> = fc
  .tuple(
    fc.oneof(
      fc.webUrl().map((url) => ({ type: 'url', url }) as const),
      fc.base64String().map((data) => ({ type: 'base64', mediaType: 'image/png', data }) as const),
    ),
    optional(fc.constantFrom('auto', 'low', 'high')),
  )
  .map(([source, detail]) => ({ type: 'image', source, ...(detail === undefined ? {} : { detail }) }));

const toolResult: fc.Arbitrary<ContentPart> = fc
  .tuple(word, fc.array(text, { maxLength: 2 }))
  .map(([callId, content]) => ({ type: 'tool-result', callId, content, isError: false }));

const toolCall: fc.Arbitrary<ContentPart> = fc
  .tuple(
    word,
    word,
    fc.oneof(
      schema.map((value) => JSON.stringify(value)),
      fc.constantFrom('{', '{}'),
    ),
  )
  .map(([id, name, given]) => ({ type: 'tool-call', kind: 'function', id, name, arguments: given }));

const userTurn: fc.Arbitrary<Message> = fc
  .tuple(
    fc.array(toolResult, { maxLength: 2 }),
    fc.array(fc.oneof(text, image, native), { minLength: 1, maxLength: 3 }),
  )
  .map(([results, own]) => ({ role: 'user', content: [...results, ...own] }));

/** What was thought, said and planned, then the calls: the one order that this dialect tells. */
const assistantTurn: fc.Arbitrary<Message> = fc
  .tuple(
    fc.array(fc.oneof(thought, text, native), { minLength: 1, maxLength: 3 }),
    fc.array(toolCall, { maxLength: 2 }),
  )
  .map(([spoken, calls]) => ({ role: 'assistant', content: [...spoken, ...calls] }));

const systemTurn: fc.Arbitrary<Message> = fc
  .array(text, { minLength: 1, maxLength: 2 })
  .map((content) => ({ role: 'system', content }));

/** Results of tools open the user's own turn, and none follow each other without one between. */
const messages = fc
  .tuple(
    fc.array(systemTurn, { maxLength: 2 }),
    fc.array(fc.tuple(userTurn, assistantTurn, fc.array(systemTurn, { maxLength: 1 })), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([system, turns]) => [...system, ...turns.flat(2)]);

const tool = fc
  .tuple(word, optional(word), schema)
  .map(([name, description, parameters]) => ({ type: 'function', name, description, parameters }));
const tools = fc
  .tuple(
    fc.array(tool, { minLength: 1, maxLength: 3 }),
    fc.boolean(),
    fc.array(
      word.map((name) => ({
        type: 'hosted',
        dialect: DIALECT,
        name: `hosted_${name}`,
        definition: { type: `hosted_${name}` },
      })),
      { maxLength: 1 },
    ),
  )
  .map(([functions, isStrict, hosted]) =>
    isStrict ? functions.map((one) => ({ ...one, strict: true })) : [...functions, ...hosted],
  );

const responseFormat = fc.oneof(
  fc.constantFrom({ type: 'text' }, { type: 'json' }),
  schema.map((value) => ({ type: 'json-schema', name: 'response', schema: value })),
);
const between = (min: number, max: number) => fc.double({ noNaN: true, min, max }).map((value) => value + 0);

/** Requests in the form that decoding gives, of which this dialect can say all. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = fc
  .record({
    model: word,
    messages,
    stream: fc.boolean(),
    maxOutputTokens: optional(fc.integer({ min: 1, max: 100_000 })),
    temperature: optional(between(0, 1)),
    topP: optional(between(0.01, 0.99)),
    topK: optional(fc.integer({ min: 1, max: 500 })),
    frequencyPenalty: optional(between(0, 1)),
    presencePenalty: optional(between(0, 1)),
    stop: optional(fc.array(word, { minLength: 1, maxLength: 5 })),
    seed: optional(fc.integer()),
    logprobs: optional(fc.boolean()),
    reasoning: optional(
      fc.oneof(
        fc.constantFrom({ enabled: true }, { enabled: false }),
        fc.integer({ min: 1 }).map((budgetTokens) => ({ enabled: true, budgetTokens })),
      ),
    ),
    withTools: fc.oneof(
      fc.record({ responseFormat: optional(responseFormat) }),
      fc.record({
        tools,
        toolChoice: optional(fc.constantFrom({ type: 'required' }, { type: 'none' })),
      }),
    ),
  })
  .map(
    // The same JSON without its undefined members is a request.
    ({ withTools, ...fields }): ChatRequest =>
      JSON.parse(
        JSON.stringify({ ...fields, ...withTools, includeUsage: true, nativeOptions: {}, unknownFields: [] }),
      ),
  );

type Block = (at: { readonly choice: number; readonly block: number }) => readonly ChatEvent[];

const json = fc.constantFrom<Json>(
  { url: 'https://a.example', title: 'A' },
  {
    type: 'url_citation',
    url_citation: { url: 'https://b.example', title: 'B', start_index: 0, end_index: 1 },
  },
  { cited_text: 'c', document_title: 'C' },
  { start: 0, end: 1, text: 'd', sources: [], type: 'TEXT_CONTENT' },
  'nothing',
);
const pieces = fc.array(fc.string({ maxLength: 8 }), { maxLength: 3 });
const logprobs = fc
  .array(fc.tuple(word, fc.double({ noNaN: true, min: -9, max: 0 })), { minLength: 1, maxLength: 2 })
  .map((entries) => ({ content: entries.map(([token, logprob]) => ({ token, logprob })) }));

const textBlock: fc.Arbitrary<Block> = fc
  .tuple(
    pieces,
    fc.array(fc.tuple(fc.constantFrom(DIALECT, 'openai-chat'), json), { maxLength: 2 }),
    optional(logprobs),
  )
  .map(([texts, citations, odds]) => (at) => [
    { type: 'text-start', ...at },
    ...texts.map((value): ChatEvent => ({ type: 'text-delta', text: value, ...at })),
    ...(odds === undefined ? [] : [{ type: 'text-delta', text: 'x', logprobs: odds, ...at } as const]),
    ...citations.map(
      ([dialect, citation]): ChatEvent => ({ type: 'text-citation', dialect, citation, ...at }),
    ),
    { type: 'block-end', ...at },
  ]);
const refusalBlock: fc.Arbitrary<Block> = pieces.map((texts) => (at) => [
  { type: 'refusal-start', ...at },
  ...texts.map((value): ChatEvent => ({ type: 'refusal-delta', text: value, ...at })),
  { type: 'block-end', ...at },
]);
const reasoningBlock: fc.Arbitrary<Block> = fc
  .tuple(fc.constantFrom('raw', 'summary', 'encrypted'), pieces, optional(word))
  .map(([kind, texts, signature]) => (at) => [
    { type: 'reasoning-start', kind, ...at },
    ...texts.map((value): ChatEvent => ({ type: 'reasoning-delta', text: value, ...at })),
    ...(signature === undefined ? [] : [{ type: 'block-signature', signature, ...at } as const]),
    { type: 'block-end', ...at },
  ]);
const callBlock: fc.Arbitrary<Block> = fc
  .tuple(fc.constantFrom('function', 'custom', 'hosted'), word, word, schema, pieces, fc.nat(3))
  .map(([kind, id, name, given, free, cut]) => (at) => {
    const whole = JSON.stringify(given);
    const texts = kind === 'custom' ? free : cut === 0 ? [] : [whole.slice(0, cut), whole.slice(cut)];
    return [
      { type: 'tool-call-start', kind, id, name, ...at },
      ...texts.map((value): ChatEvent => ({ type: 'tool-call-delta', arguments: value, ...at })),
      { type: 'block-end', ...at },
    ];
  });
const hostedResultBlock: fc.Arbitrary<Block> = word.map((callId) => (at) => [
  { type: 'hosted-tool-result', dialect: 'anthropic-messages', callId, result: { found: 1 }, ...at },
  { type: 'block-end', ...at },
]);
const mediaBlock: fc.Arbitrary<Block> = fc
  .tuple(fc.constantFrom('image', 'audio', 'file'), fc.base64String())
  .map(([kind, base64]) => (at) => [
    { type: 'media-start', kind, mediaType: `${kind}/x`, ...at },
    { type: 'media-delta', base64, ...at },
    { type: 'block-end', ...at },
  ]);

const count = optional(fc.nat({ max: 100_000 }));
const usage = fc
  .record({ promptTokens: count, completionTokens: count, reasoningTokens: count, cacheReadTokens: count })
  .map((counts): ChatEvent => ({ type: 'usage', usage: JSON.parse(JSON.stringify(counts)) }));

const REASONS: readonly FinishReason[] = [
  ...(['stop', 'length', 'tool-calls', 'content-filter', 'refusal', 'pause', 'error'] as const),
];
const answerEnd = fc.tuple(fc.constantFrom(...REASONS), optional(word)).map(
  ([reason, stopSequence]) =>
    (choice: number): ChatEvent => ({
      type: 'finish',
      choice,
      reason,
      upstreamReason: undefined,
      ...(stopSequence === undefined ? {} : { stopSequence }),
    }),
);

const block = fc.oneof(
  ...[textBlock, refusalBlock, reasoningBlock, callBlock, hostedResultBlock, mediaBlock],
);

/** Blocks of a choice, whose events interleave as the seed has it: each block begins after those before it. */
function interleaved(blocks: readonly Block[], choice: number, seed: readonly number[]): ChatEvent[] {
  const waiting = blocks.map((make, index) => [...make({ choice, block: index })]);
  const events: ChatEvent[] = [];
  let begun = 0;
  for (let turn = 0; waiting.some((rest) => rest.length > 0); turn += 1) {
    const open = waiting.slice(0, begun).filter((rest) => rest.length > 0);
    const draw = (seed[turn % Math.max(1, seed.length)] ?? 0) % (open.length + 1);
    const from = open[draw] ?? (begun < waiting.length ? waiting[begun++] : open[0]);
    const event = from?.shift();
    if (event !== undefined) events.push(event);
  }
  return events;
}

/** All that an answer which ends well can hold: every member of the union, one choice or two, blocks that interleave. */
export const answerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .record({
    choices: fc.array(fc.tuple(fc.array(block, { maxLength: 4 }), answerEnd), { minLength: 1, maxLength: 2 }),
    seed: fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
    reports: fc.array(usage, { maxLength: 2 }),
  })
  .map(({ choices, seed, reports }) => [
    { type: 'answer-start', upstreamId: 'x', upstreamModel: undefined, createdAtSeconds: undefined },
    ...choices.flatMap(([blocks, end], choice) => [...interleaved(blocks, choice, seed), end(choice)]),
    ...reports,
    { type: 'end' },
  ]);

/** The events that stand for answers which fail. */
export const errorArbitrary: fc.Arbitrary<ChatEvent> = fc
  .constantFrom('upstream_overloaded', 'upstream_error', 'rate_limit_exceeded')
  .map((code) => ({
    type: 'error',
    error: { code, status: undefined, message: 'No.', providerCode: undefined, retryAfterSeconds: undefined },
  }));
