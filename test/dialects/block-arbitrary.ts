import fc from 'fast-check';
import type { BlockAddress, ChatEvent } from '../../lambda/domain/chat/event.ts';
import type { Json, JsonObject } from '../../lambda/domain/json.ts';
import { jsonObject } from './small-arbitraries.ts';

/** An event that does not know yet where it belongs. */
export type Unplaced<Event = ChatEvent> = Event extends BlockAddress
  ? Omit<Event, keyof BlockAddress>
  : never;

/** A block from its start to its end. */
export type Block = readonly Unplaced[];

/** Whose citations, results and signatures there are: dialects that have them, and one that nobody knows. */
const FOREIGN_DIALECTS = ['openai-responses', 'gemini', 'a-dialect-to-come'] as const;

/** Any text that UTF-8 can say. */
export const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
export const identifier = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,11}$/);
const signature = fc.base64String({ minLength: 4, maxLength: 24 });

/** A text in pieces that concatenate to it; no piece splits a character. */
const pieces = (whole: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.tuple(whole, fc.array(fc.nat({ max: 8 }), { maxLength: 3 })).map(([value, lengths]) => {
    const characters = [...value];
    const cut = lengths.map((length) => characters.splice(0, length).join(''));
    return [...cut, characters.join('')].filter((piece) => piece !== '');
  });

const texts = fc.array(text, { maxLength: 3 });

/** Whose proof it is, where not the answer's own dialect's. */
const origin: fc.Arbitrary<{ readonly dialect?: string }> = fc
  .option(fc.constantFrom('anthropic-messages', 'gemini', 'openai-chat/some-format'), { nil: undefined })
  .map((dialect) => (dialect === undefined ? {} : { dialect }));

const signatures = fc.option(fc.array(signature, { minLength: 1, maxLength: 2 }), { nil: [], freq: 3 });

const signed = (parts: readonly string[], from: { readonly dialect?: string }): Unplaced[] =>
  parts.map((part) => ({ type: 'block-signature', signature: part, ...from }));

const withSignature = fc.tuple(signatures, origin).map(([parts, from]) => signed(parts, from));

/** Log probabilities as every dialect that has them is given them: OpenAI's shape. */
const logprobs = fc.option(
  fc
    .record({ token: text, logprob: fc.integer({ min: -20, max: 0 }) })
    .map((token): JsonObject => ({ content: [{ ...token, bytes: null, top_logprobs: [] }] })),
  { nil: undefined, freq: 5 },
);

const textDelta: fc.Arbitrary<Unplaced> = fc.tuple(text, logprobs).map(([value, probability]) => ({
  type: 'text-delta',
  text: value,
  ...(probability !== undefined && { logprobs: probability }),
}));

/** Sources in the shapes that the dialects who have them give them. */
const citation: fc.Arbitrary<Unplaced> = fc.tuple(fc.webUrl(), text, text).chain(([url, title, quoted]) =>
  fc.constantFrom<Unplaced>(
    {
      type: 'text-citation',
      dialect: 'openai-chat',
      citation: { type: 'url_citation', url_citation: { url, title, start_index: 0, end_index: 1 } },
    },
    {
      type: 'text-citation',
      dialect: 'anthropic-messages',
      citation: { type: 'web_search_result_location', url, title, cited_text: quoted, encrypted_index: 'x' },
    },
    {
      type: 'text-citation',
      dialect: 'anthropic-messages',
      citation: {
        type: 'char_location',
        cited_text: quoted,
        document_index: 0,
        document_title: title,
        start_char_index: 0,
        end_char_index: 1,
      },
    },
    ...FOREIGN_DIALECTS.map(
      (dialect): Unplaced => ({ type: 'text-citation', dialect, citation: { url, title } }),
    ),
  ),
);

const textBlock: fc.Arbitrary<Block> = fc
  .tuple(fc.array(fc.oneof({ arbitrary: textDelta, weight: 4 }, citation), { maxLength: 4 }), withSignature)
  .map(([deltas, signatures]) => [{ type: 'text-start' }, ...deltas, ...signatures, { type: 'block-end' }]);

const reasoningBlock: fc.Arbitrary<Block> = fc
  .record({
    kind: fc.constantFrom('raw', 'summary', 'encrypted'),
    spoken: texts,
    opaque: fc.base64String({ minLength: 4 }),
    parts: signatures,
    from: origin,
  })
  .map(({ kind, spoken, opaque, parts, from }) => [
    { type: 'reasoning-start', kind, ...from },
    ...(kind === 'encrypted' ? [opaque] : spoken).map(
      (piece): Unplaced => ({ type: 'reasoning-delta', text: piece }),
    ),
    ...signed(parts, from),
    { type: 'block-end' },
  ]);

const jsonArguments = pieces(
  fc.oneof(
    jsonObject.map((value) => JSON.stringify(value)),
    jsonObject.map((value) => JSON.stringify(value, null, 1)),
    fc.constant(''),
  ),
);

/** Ids are made unique when the block is placed. */
const toolCallBlock: fc.Arbitrary<Block> = fc
  .record({
    kind: fc.constantFrom('function', 'function', 'custom', 'hosted'),
    id: fc.oneof({ arbitrary: identifier, weight: 4 }, fc.constantFrom('call:1', 'functions.f:0', 'é')),
    name: identifier,
    given: jsonArguments,
    free: texts,
    signatures: withSignature,
  })
  .map(({ kind, id, name, given, free, signatures }) => [
    { type: 'tool-call-start', kind, id, name },
    ...(kind === 'custom' ? free : given).map(
      (piece): Unplaced => ({ type: 'tool-call-delta', arguments: piece }),
    ),
    ...signatures,
    { type: 'block-end' },
  ]);

const hostedResultBlock: fc.Arbitrary<Block> = fc
  .tuple(identifier, fc.constantFrom('anthropic-messages', ...FOREIGN_DIALECTS), jsonObject)
  .map(([callId, dialect, value]) => {
    const result: Json =
      dialect === 'anthropic-messages'
        ? { type: 'web_search_tool_result', tool_use_id: callId, content: [value] }
        : value;
    return [{ type: 'hosted-tool-result', dialect, callId, result }, { type: 'block-end' }];
  });

const MEDIA = [
  { kind: 'image', mediaType: 'image/png' },
  { kind: 'audio', mediaType: 'audio/wav' },
  { kind: 'file', mediaType: 'application/pdf' },
] as const;

const mediaBlock: fc.Arbitrary<Block> = fc
  .tuple(fc.constantFrom(...MEDIA), pieces(fc.base64String({ minLength: 4, maxLength: 24 })), withSignature)
  .map(([media, data, signatures]) => [
    { type: 'media-start', ...media },
    ...data.map((base64): Unplaced => ({ type: 'media-delta', base64 })),
    ...signatures,
    { type: 'block-end' },
  ]);

const refusalBlock: fc.Arbitrary<Block> = texts.map((said) => [
  { type: 'refusal-start' },
  ...said.map((piece): Unplaced => ({ type: 'refusal-delta', text: piece })),
  { type: 'block-end' },
]);

/** A block of any kind. */
export const block = fc.oneof(
  { arbitrary: textBlock, weight: 4 },
  { arbitrary: reasoningBlock, weight: 3 },
  { arbitrary: toolCallBlock, weight: 4 },
  { arbitrary: hostedResultBlock, weight: 1 },
  { arbitrary: mediaBlock, weight: 1 },
  { arbitrary: refusalBlock, weight: 1 },
);

/** Whether the caller has to act on a block. */
export const isCallForCaller = (events: Block): boolean =>
  events.some((event) => event.type === 'tool-call-start' && event.kind !== 'hosted');
