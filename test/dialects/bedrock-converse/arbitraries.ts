import fc from 'fast-check';
import type { BlockAddress, ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { asClaudeSamples } from '../any-request.ts';
import { cacheHint, filled, identifier, jsonObject, optional, record } from '../small-arbitraries.ts';

const DIALECT = 'bedrock-converse';

/** A model that takes what the requests below hold. */
export const TARGET = { model: 'us.anthropic.claude-sonnet-4-6', maxOutputTokens: 9000 };

/** Base64 as encoders write it: the bits behind the last byte are 0. */
const base64Text = fc
  .uint8Array({ minLength: 1, maxLength: 16 })
  .map((bytes) => btoa(String.fromCharCode(...bytes)));

const base64 = (mediaType: string) =>
  fc.record({
    type: fc.constant('base64' as const),
    mediaType: fc.constant(mediaType),
    data: base64Text,
  });
const inBucket = (extension: string) =>
  identifier.map((name) => ({ type: 'url' as const, url: `s3://bucket/${name}.${extension}` }));

const textPart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('text'),
  text: fc.oneof(filled, fc.constantFrom('', ' ')),
  cacheHint: optional(cacheHint),
});
const imagePart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('image'),
  source: fc.oneof(base64('image/png'), base64('image/jpeg'), inBucket('webp')),
  cacheHint: optional(cacheHint),
});
const filePart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('file'),
  source: fc.oneof(base64('application/pdf'), base64('text/markdown'), inBucket('csv')),
  name: optional(fc.stringMatching(/^[a-zA-Z0-9()[\]-]{1,12}$/)),
  cacheHint: optional(cacheHint),
});
const audioPart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('audio'),
  source: fc.oneof(base64('audio/mpeg'), base64('audio/wav'), inBucket('flac')),
});
const nativePart: fc.Arbitrary<ContentPart> = jsonObject.map((value) => ({
  type: 'native',
  dialect: DIALECT,
  name: 'guardContent',
  value: { guardContent: value },
}));
const toolResult: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-result'),
  callId: identifier,
  content: fc.array(fc.oneof(textPart, imagePart, filePart), { maxLength: 2 }),
  isError: fc.boolean(),
  cacheHint: optional(cacheHint),
});
const toolCall: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-call'),
  kind: fc.constant('function'),
  id: identifier,
  name: identifier,
  arguments: fc.oneof(
    jsonObject.map((value) => JSON.stringify(value, null, 1)),
    fc.constant(' '),
  ),
  cacheHint: optional(cacheHint),
});
const reasoning: fc.Arbitrary<ContentPart> = fc.oneof(
  record<ContentPart>({
    type: fc.constant('reasoning'),
    text: fc.string(),
    signature: optional(identifier),
    dialect: fc.constantFrom(DIALECT, 'gemini'),
  }),
  fc.record({
    type: fc.constant('reasoning-encrypted' as const),
    data: base64Text,
    dialect: fc.constantFrom(DIALECT, 'anthropic-messages'),
  }),
);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    role: fc.constantFrom('system' as const, 'developer' as const),
    content: fc.array(textPart, { maxLength: 2 }),
  }),
  fc.record({
    role: fc.constant('user' as const),
    content: fc.array(fc.oneof(textPart, imagePart, filePart, audioPart, nativePart, toolResult), {
      maxLength: 3,
    }),
  }),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.array(fc.oneof(textPart, toolCall, reasoning, nativePart), { maxLength: 3 }),
  }),
);

const tool = fc.oneof(
  record({
    type: fc.constant('function'),
    name: identifier,
    description: optional(filled),
    parameters: jsonObject.map((schema) => ({ type: 'object', ...schema })),
    strict: optional(fc.constant(true)),
    cacheHint: optional(cacheHint),
  }),
  identifier.map((name) => ({
    type: 'hosted' as const,
    dialect: DIALECT,
    name,
    definition: { systemTool: { name } },
  })),
);

/** Requests that this dialect can say to TARGET. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = record<ChatRequest>({
  model: filled,
  messages: fc
    .array(message, { maxLength: 4 })
    .map((messages): readonly Message[] => [
      { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      ...messages,
    ]),
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  tools: optional(fc.array(tool, { minLength: 1, maxLength: 2 })),
  toolChoice: optional(
    fc.oneof(
      fc.constantFrom({ type: 'auto' as const }, { type: 'required' as const }),
      fc.record({ type: fc.constant('tool' as const), name: identifier }),
    ),
  ),
  maxOutputTokens: optional(fc.integer({ min: 1, max: 100_000 })),
  temperature: optional(fc.double({ min: 0, max: 0.99, noNaN: true }).map((value) => value + 0)),
  topP: optional(fc.double({ min: 0, max: 0.99, noNaN: true }).map((value) => value + 0)),
  topK: optional(fc.nat()),
  stop: optional(fc.array(filled, { minLength: 1, maxLength: 2 })),
  responseFormat: optional(
    record({
      type: fc.constant('json-schema'),
      name: filled,
      description: optional(filled),
      schema: jsonObject,
    }),
  ),
  reasoning: optional(
    fc.constantFrom(
      { enabled: false },
      { enabled: true, adaptive: true },
      { enabled: true, adaptive: true, effort: 'high' },
    ),
  ),
  serviceTier: optional(fc.constantFrom('default', 'flex', 'priority')),
  endUser: optional(filled),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
}).map(asClaudeSamples);

/** One block of an answer, whole. */
type BlockPlan = (address: BlockAddress) => readonly ChatEvent[];

/** Splits a text in pieces, some of them empty. */
const pieces = (text: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.tuple(text, fc.array(fc.nat({ max: 20 }), { maxLength: 3 })).map(([whole, cuts]) => {
    const sorted = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b)];
    return sorted.map((cut, index) => whole.slice(cut, sorted[index + 1] ?? whole.length));
  });

const words = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.toWellFormed());
const citation = fc.record({ title: words, source: words });

const textBlock: fc.Arbitrary<BlockPlan> = fc
  .record({
    texts: pieces(words),
    citations: fc.array(fc.tuple(fc.constantFrom(DIALECT, 'openai-chat'), citation), { maxLength: 2 }),
  })
  .map(({ texts, citations }) => (address) => [
    { type: 'text-start', ...address },
    ...citations.map(
      ([dialect, value]): ChatEvent => ({ type: 'text-citation', dialect, citation: value, ...address }),
    ),
    ...texts.map((text): ChatEvent => ({ type: 'text-delta', text, ...address })),
    { type: 'block-end', ...address },
  ]);

const reasoningBlock: fc.Arbitrary<BlockPlan> = fc
  .record({
    kind: fc.constantFrom('raw' as const, 'summary' as const),
    texts: pieces(words),
    signature: pieces(identifier),
    isSigned: fc.boolean(),
  })
  .map(({ kind, texts, signature, isSigned }) => (address) => [
    { type: 'reasoning-start', kind, ...address },
    ...texts.map((text): ChatEvent => ({ type: 'reasoning-delta', text, ...address })),
    ...(isSigned ? signature : []).map(
      (piece): ChatEvent => ({ type: 'block-signature', signature: piece, ...address }),
    ),
    { type: 'block-end', ...address },
  ]);

const encryptedBlock: fc.Arbitrary<BlockPlan> = pieces(base64Text).map((texts) => (address) => [
  { type: 'reasoning-start', kind: 'encrypted', ...address },
  ...texts.map((text): ChatEvent => ({ type: 'reasoning-delta', text, ...address })),
  { type: 'block-end', ...address },
]);

const callBlock: fc.Arbitrary<BlockPlan> = fc
  .record({
    call: fc.oneof(
      fc.record({
        kind: fc.constantFrom('function' as const, 'hosted' as const),
        texts: pieces(
          fc.oneof(
            jsonObject.map((value) => JSON.stringify(value)),
            fc.constant(''),
          ),
        ),
      }),
      fc.record({ kind: fc.constant('custom' as const), texts: pieces(words) }),
    ),
    id: identifier,
    name: identifier,
    signature: optional(identifier),
  })
  .map(({ call, id, name, signature }) => (address) => [
    { type: 'tool-call-start', kind: call.kind, id, name, ...address },
    ...call.texts.map((text): ChatEvent => ({ type: 'tool-call-delta', arguments: text, ...address })),
    ...(signature === undefined ? [] : [{ type: 'block-signature' as const, signature, ...address }]),
    { type: 'block-end', ...address },
  ]);

const resultBlock: fc.Arbitrary<BlockPlan> = fc
  .record({ dialect: fc.constantFrom(DIALECT, 'anthropic-messages'), callId: identifier, json: jsonObject })
  .map(({ dialect, callId, json }) => (address) => [
    {
      type: 'hosted-tool-result',
      dialect,
      callId,
      result: {
        toolUseId: callId,
        type: 'nova_code_interpreter_result',
        status: 'success',
        content: [{ json }],
      },
      ...address,
    },
    { type: 'block-end', ...address },
  ]);

const mediaBlock: fc.Arbitrary<BlockPlan> = fc
  .record({
    media: fc.constantFrom(
      { kind: 'image' as const, mediaType: 'image/png' },
      { kind: 'image' as const, mediaType: 'image/bmp' },
      { kind: 'audio' as const, mediaType: 'audio/wav' },
    ),
    data: pieces(base64Text),
  })
  .map(({ media, data }) => (address) => [
    { type: 'media-start', ...media, ...address },
    ...data.map((piece): ChatEvent => ({ type: 'media-delta', base64: piece, ...address })),
    { type: 'block-end', ...address },
  ]);

const refusalBlock: fc.Arbitrary<BlockPlan> = pieces(words).map((texts) => (address) => [
  { type: 'refusal-start', ...address },
  ...texts.map((text): ChatEvent => ({ type: 'refusal-delta', text, ...address })),
  { type: 'block-end', ...address },
]);

const blocks = fc.array(
  fc.oneof(textBlock, reasoningBlock, encryptedBlock, callBlock, resultBlock, mediaBlock, refusalBlock),
  { maxLength: 5 },
);

const usage = fc
  .record({
    fresh: fc.nat({ max: 1000 }),
    completionTokens: fc.nat({ max: 1000 }),
    cacheReadTokens: optional(fc.nat({ max: 1000 })),
    cacheWriteTokens: optional(fc.nat({ max: 1000 })),
    isOneHour: fc.boolean(),
    serviceTier: optional(fc.constantFrom('default', 'flex')),
  })
  .map(
    ({ fresh, isOneHour, ...counts }): ChatEvent => ({
      type: 'usage',
      usage: JSON.parse(
        JSON.stringify({
          ...counts,
          promptTokens: fresh + (counts.cacheReadTokens ?? 0) + (counts.cacheWriteTokens ?? 0),
          ...(isOneHour && { cacheWriteOneHourTokens: counts.cacheWriteTokens }),
        }),
      ),
    }),
  );

const EARLIER_USAGE: ChatEvent = { type: 'usage', usage: { completionTokens: 0 } };

const finish = fc
  .record({
    reason: fc.constantFrom(
      'stop' as const,
      'length' as const,
      'tool-calls' as const,
      'content-filter' as const,
      'refusal' as const,
      'pause' as const,
    ),
    upstreamReason: fc.constantFrom(undefined, 'end_turn', 'guardrail_intervened', 'tool_calls'),
    stopSequence: optional(filled),
  })
  .map(
    ({ reason, upstreamReason, stopSequence }): ChatEvent => ({
      type: 'finish',
      choice: 0,
      reason,
      upstreamReason,
      ...(stopSequence !== undefined && { stopSequence }),
    }),
  );

/** The order in which the events of blocks come: their own order is kept, others may stand between. */
function interleaved(lists: readonly (readonly ChatEvent[])[], picks: readonly number[]): ChatEvent[] {
  const waiting = lists.map((list) => [...list]);
  const result: ChatEvent[] = [];
  let begun = 0;
  for (const pick of picks) {
    // A block begins only after the one before it.
    const index = pick % (begun + 1);
    const list = waiting[index];
    const event = list?.shift();
    if (event === undefined) continue;
    if (index === begun) begun += 1;
    result.push(event);
  }
  return [...result, ...waiting.flat()];
}

/** Answers that keep the rules of `ChatEvent` and end well: every member of the union but `error`. */
export const answerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .record({
    plans: blocks,
    picks: fc.array(fc.nat({ max: 60 }), { maxLength: 30 }),
    usages: fc.oneof(
      fc.constant([]),
      usage.map((last) => [last]),
      // An earlier report counts less of the same.
      usage.map((last) => [EARLIER_USAGE, last]),
    ),
    isUsageLast: fc.boolean(),
    finish,
  })
  .map(({ plans, picks, usages, isUsageLast, finish: finished }) => {
    const lists = plans.map((plan, block) => plan({ choice: 0, block }));
    return [
      { type: 'answer-start', upstreamId: 'up', upstreamModel: 'm', createdAtSeconds: 1 },
      ...(isUsageLast ? [] : usages),
      ...interleaved(lists, picks),
      finished,
      ...(isUsageLast ? usages : []),
      { type: 'end' },
    ];
  });

/** Answers that fail at any point after they began. */
export const failedAnswerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .tuple(
    answerArbitrary,
    fc.nat({ max: 40 }),
    fc.constantFrom(
      'rate_limit_exceeded' as const,
      'upstream_overloaded' as const,
      'upstream_error' as const,
    ),
  )
  .map(([events, at, code]) => [
    ...events.slice(0, Math.max(1, Math.min(at, events.length - 1))),
    {
      type: 'error',
      error: {
        code,
        status: undefined,
        message: 'It failed.',
        providerCode: undefined,
        retryAfterSeconds: 3,
      },
    },
  ]);
