import fc from 'fast-check';
import type { BlockAddress, ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import type { Json, JsonObject } from '../../../lambda/domain/json.ts';
import type { Usage } from '../../../lambda/domain/money/usage.ts';
import { jsonObject, optional, record } from '../small-arbitraries.ts';

const DIALECT = 'gemini';
const NO_SIGNATURE_CHECK = 'skip_thought_signature_validator';

const filled = fc.string({ minLength: 1, maxLength: 12 });
const identifier = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,11}$/);
const signature = fc.base64String({ minLength: 4, maxLength: 16 });

const textPart: fc.Arbitrary<ContentPart> = fc
  .string({ maxLength: 12 })
  .map((text) => ({ type: 'text', text }));
const inline = (mediaType: string) =>
  fc.base64String({ maxLength: 12 }).map((data) => ({ type: 'base64' as const, mediaType, data }));
const url = fc.webUrl().map((address) => ({ type: 'url' as const, url: address }));
const inlineImage: fc.Arbitrary<ContentPart> = inline('image/png').map((source) => ({
  type: 'image',
  source,
}));
const media: fc.Arbitrary<ContentPart> = fc.oneof(
  inlineImage,
  url.map((source): ContentPart => ({ type: 'image', source })),
  fc.oneof(inline('audio/wav'), url).map((source): ContentPart => ({ type: 'audio', source })),
  fc.oneof(inline('application/pdf'), url).map((source): ContentPart => ({ type: 'file', source })),
  filled.map(
    (name): ContentPart => ({ type: 'file', source: { type: 'provider-file', id: `gs://b/${name}` } }),
  ),
);
const nativePart: fc.Arbitrary<ContentPart> = filled.map((code) => ({
  type: 'native',
  dialect: DIALECT,
  name: 'executableCode',
  value: { executableCode: { language: 'PYTHON', code } },
}));
const toolResult: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-result'),
  callId: identifier,
  content: fc.array(fc.oneof(textPart, inlineImage), { maxLength: 2 }),
  isError: fc.boolean(),
});
const toolCall: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-call'),
  kind: fc.constant('function'),
  id: identifier,
  name: identifier,
  arguments: fc.oneof(
    jsonObject.map((value) => JSON.stringify(value, null, 1)),
    fc.constant(''),
  ),
  signature: optional(signature),
});
const reasoning: fc.Arbitrary<ContentPart> = fc.oneof(
  record({
    type: fc.constant('reasoning'),
    text: filled,
    signature: optional(signature),
    dialect: fc.constantFrom(DIALECT, 'anthropic-messages'),
  }),
  fc.record({
    type: fc.constant('reasoning-encrypted' as const),
    data: signature,
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
    content: fc.array(fc.oneof(textPart, media, nativePart, toolResult), { maxLength: 3 }),
  }),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.array(fc.oneof(textPart, toolCall, reasoning, nativePart), { maxLength: 3 }),
  }),
);

const schema = fc.uniqueArray(identifier, { minLength: 1, maxLength: 3 }).map(
  (names): JsonObject => ({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, { type: 'string', description: name }])),
    required: names.slice(0, 1),
  }),
);

const tools = fc.array(
  fc.oneof(
    record({
      type: fc.constant('function'),
      name: identifier,
      description: optional(filled),
      parameters: optional(schema),
    }),
    fc.constant({ type: 'hosted', dialect: DIALECT, name: 'googleSearch', definition: { googleSearch: {} } }),
  ),
  { minLength: 1, maxLength: 3 },
);

const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);

/** Requests that Gemini's format can express whole, for the model of `requestTarget`. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = record<ChatRequest>({
  model: fc.constant('gemini-3-flash'),
  messages: fc
    .array(message, { minLength: 1, maxLength: 5 })
    .filter((messages) => normaliseMessages(messages).some(({ role }) => role !== 'system')),
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  tools: optional(tools),
  toolChoice: optional(
    fc.oneof(
      fc.constantFrom({ type: 'auto' }, { type: 'none' }, { type: 'required' }),
      fc.record({ type: fc.constant('tool'), name: identifier }),
    ),
  ),
  maxOutputTokens: optional(fc.integer({ min: 1 })),
  temperature: optional(share.map((value) => value * 2)),
  topP: optional(share),
  topK: optional(fc.nat()),
  presencePenalty: optional(share),
  frequencyPenalty: optional(share),
  stop: optional(fc.array(filled, { minLength: 1, maxLength: 5 })),
  seed: optional(fc.integer()),
  choices: optional(fc.integer({ min: 1, max: 8 })),
  logprobs: optional(fc.boolean()),
  topLogprobs: optional(fc.integer({ min: 0, max: 20 })),
  responseFormat: optional(
    fc.oneof(
      fc.constant({ type: 'json' }),
      fc.record({ type: fc.constant('json-schema'), name: fc.constant('response'), schema }),
    ),
  ),
  reasoning: optional(
    fc.constantFrom(
      { enabled: true, adaptive: true },
      { enabled: true, effort: 'minimal' },
      { enabled: true, effort: 'high' },
    ),
  ),
  serviceTier: optional(fc.constantFrom('standard', 'flex', 'priority')),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
});

/** What is left of a request once it has been said in this dialect. */
export function normalise(asked: ChatRequest): ChatRequest {
  const { toolChoice, tools: given, ...rest } = asked;
  const functions = given?.filter(({ type }) => type === 'function') ?? [];
  const hosted = given?.filter(({ type }) => type === 'hosted') ?? [];
  return {
    ...rest,
    messages: normaliseMessages(asked.messages),
    ...(given !== undefined && { tools: [...functions, ...hosted] }),
    ...(given !== undefined && toolChoice !== undefined && { toolChoice }),
  };
}

function normaliseMessages(messages: readonly Message[]): readonly Message[] {
  const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';
  const system = messages.filter(isSystem).flatMap(({ content }) => content.flatMap(normalisePart));
  const turns: { role: Message['role']; content: ContentPart[] }[] = [];
  for (const { role, content } of messages.filter((turn) => !isSystem(turn))) {
    const parts = content.flatMap(normalisePart);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...parts);
    else if (parts.length > 0) turns.push({ role, content: parts });
  }
  const sorted = turns.map(({ role, content }) => ({
    role,
    content: signFirstCall([
      ...content.filter(({ type }) => type === 'tool-result'),
      ...content.filter(({ type }) => type !== 'tool-result'),
    ]),
  }));
  return system.length === 0 ? sorted : [{ role: 'system', content: system }, ...sorted];
}

function signFirstCall(content: readonly ContentPart[]): readonly ContentPart[] {
  const first = content.find(({ type }) => type === 'tool-call');
  return content.map((part) =>
    part === first && part.type === 'tool-call' ? { signature: NO_SIGNATURE_CHECK, ...part } : part,
  );
}

function normalisePart(part: ContentPart): ContentPart[] {
  switch (part.type) {
    case 'text':
      return part.text === '' ? [] : [part];
    case 'reasoning':
    case 'reasoning-encrypted':
      return part.dialect === DIALECT ? [part] : [];
    case 'tool-call': {
      const value = part.arguments === '' ? {} : JSON.parse(part.arguments);
      return [{ ...part, arguments: JSON.stringify(value) }];
    }
    case 'tool-result': {
      const texts = part.content.flatMap((inner) => (inner.type === 'text' ? [inner.text] : []));
      const text = texts.join('\n');
      const others = part.content.filter(({ type }) => type !== 'text');
      return [{ ...part, content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...others] }];
    }
    default:
      return [part];
  }
}

type BlockEvent = Extract<ChatEvent, BlockAddress>;
/** An event of a block before its place is known. */
type Unplaced = BlockEvent extends infer Event
  ? Event extends BlockEvent
    ? Omit<Event, keyof BlockAddress>
    : never
  : never;

const logprobs = fc
  .array(
    fc.record({
      token: filled,
      logprob: fc.constantFrom(-1.5, -0.25),
      bytes: fc.constant(null),
      top_logprobs: fc.constant([]),
    }),
    { maxLength: 2 },
  )
  .map((content): Json => ({ content }));
const text = fc.string({ maxLength: 6 });
const signatures = fc
  .array(signature, { maxLength: 1 })
  .map((all) => all.map((value): Unplaced => ({ type: 'block-signature', signature: value })));

const textDelta = fc.record({ text, logprobs: optional(logprobs) }).map(
  ({ text: piece, logprobs: given }): Unplaced => ({
    type: 'text-delta',
    text: piece,
    ...(given !== undefined && { logprobs: given }),
  }),
);
const citation = fc.oneof(
  filled.map(
    (uri): Unplaced => ({
      type: 'text-citation',
      dialect: DIALECT,
      citation: { groundingMetadata: { groundingChunks: [{ web: { uri } }] } },
    }),
  ),
  fc.constant<Unplaced>({
    type: 'text-citation',
    dialect: 'openai-chat',
    citation: { type: 'url_citation', url_citation: { url: 'https://a.example' } },
  }),
);

const block = (
  start: fc.Arbitrary<Unplaced>,
  delta: fc.Arbitrary<Unplaced>,
): fc.Arbitrary<readonly Unplaced[]> =>
  fc
    .tuple(start, fc.array(delta, { maxLength: 3 }), signatures)
    .map(([begin, deltas, proofs]) => [begin, ...deltas, ...proofs, { type: 'block-end' }]);

/** Text cut into two pieces. */
const cutArguments = (whole: fc.Arbitrary<string>) =>
  fc.tuple(whole, fc.nat({ max: 20 })).map(([given, at]): readonly Unplaced[] => [
    { type: 'tool-call-delta', arguments: given.slice(0, at) },
    { type: 'tool-call-delta', arguments: given.slice(at) },
  ]);

const call = (
  start: fc.Arbitrary<Unplaced>,
  whole: fc.Arbitrary<string>,
): fc.Arbitrary<readonly Unplaced[]> =>
  fc
    .tuple(start, cutArguments(whole), signatures)
    .map(([begin, deltas, proofs]) => [begin, ...deltas, ...proofs, { type: 'block-end' }]);

const callStart = (kind: 'function' | 'custom' | 'hosted', name: fc.Arbitrary<string>) =>
  fc.record({ id: identifier, name }).map((named): Unplaced => ({ type: 'tool-call-start', kind, ...named }));

const anyBlock = fc.oneof(
  block(fc.constant<Unplaced>({ type: 'text-start' }), fc.oneof(textDelta, textDelta, citation)),
  block(
    fc.constantFrom<Unplaced>(
      { type: 'reasoning-start', kind: 'raw' },
      { type: 'reasoning-start', kind: 'summary' },
      { type: 'reasoning-start', kind: 'encrypted' },
    ),
    text.map((piece): Unplaced => ({ type: 'reasoning-delta', text: piece })),
  ),
  block(
    fc.constant<Unplaced>({ type: 'refusal-start' }),
    text.map((piece): Unplaced => ({ type: 'refusal-delta', text: piece })),
  ),
  block(
    fc.constantFrom<Unplaced>(
      { type: 'media-start', kind: 'image', mediaType: 'image/png' },
      { type: 'media-start', kind: 'audio', mediaType: 'audio/wav' },
      { type: 'media-start', kind: 'file', mediaType: 'application/pdf' },
    ),
    fc.base64String({ maxLength: 8 }).map((base64): Unplaced => ({ type: 'media-delta', base64 })),
  ),
  call(
    callStart('function', identifier),
    fc.oneof(
      jsonObject.map((value) => JSON.stringify(value)),
      fc.constant(''),
    ),
  ),
  call(callStart('custom', identifier), text),
  call(
    callStart('hosted', fc.constant('code_execution')),
    filled.map((code) => JSON.stringify({ language: 'PYTHON', code })),
  ),
  call(callStart('hosted', fc.constantFrom('web_search', 'GOOGLE_SEARCH_WEB')), fc.constant('{"query":"a"}')),
  fc
    .tuple(identifier, text, fc.constantFrom(DIALECT, 'anthropic-messages'), signatures)
    .map(([callId, output, dialect, proofs]): readonly Unplaced[] => [
      {
        type: 'hosted-tool-result',
        dialect,
        callId,
        result: { codeExecutionResult: { outcome: 'OUTCOME_OK', output, id: callId } },
      },
      ...proofs,
      { type: 'block-end' },
    ]),
);

/** Blocks side by side: each step goes on with a block that is open, or begins the next one. */
function interleaved(
  choice: number,
  blocks: readonly (readonly Unplaced[])[],
  steps: readonly number[],
): ChatEvent[] {
  const left = blocks.map((events) => [...events]);
  const result: ChatEvent[] = [];
  for (let step = 0, begun = 0; left.some((events) => events.length > 0); step += 1) {
    const usable = left.flatMap((events, index) => (events.length > 0 && index <= begun ? [index] : []));
    const chosen = usable[(steps[step % Math.max(1, steps.length)] ?? 0) % usable.length] ?? 0;
    const event = left[chosen]?.shift();
    if (chosen === begun) begun += 1;
    // An event with its place is what it was made for.
    if (event !== undefined) result.push({ ...event, choice, block: chosen } as ChatEvent);
  }
  return result;
}

const count = fc.nat({ max: 1000 });
const usage: fc.Arbitrary<Usage> = record<Usage>({
  promptTokens: optional(count),
  completionTokens: optional(count),
  cacheReadTokens: optional(count),
  cacheWriteTokens: optional(count),
  reasoningTokens: optional(count),
  promptAudioTokens: optional(count),
  completionAudioTokens: optional(count),
  serviceTier: optional(fc.constantFrom('standard', 'flex')),
});

const finish = fc.record({
  reason: fc.constantFrom<FinishReason>(
    ...(['stop', 'length', 'tool-calls', 'content-filter', 'refusal', 'pause', 'error'] as const),
  ),
  upstreamReason: fc.constantFrom(undefined, 'end_turn', 'RECITATION', 'MAX_TOKENS'),
});

const choices = fc.array(
  fc.record({
    blocks: fc.array(anyBlock, { maxLength: 4 }),
    steps: fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 12 }),
    finish,
  }),
  { minLength: 1, maxLength: 2 },
);

const ERROR: ChatEvent = {
  type: 'error',
  error: {
    code: 'upstream_overloaded',
    status: undefined,
    message: 'Too much to do.',
    providerCode: 'overloaded_error',
    retryAfterSeconds: undefined,
  },
};

/** Answers that end well, of all members of the union: blocks interleave within a choice. */
export const answerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .record({ choices, usages: fc.array(usage, { maxLength: 2 }) })
  .map(({ choices: given, usages }) => [
    { type: 'answer-start', upstreamId: 'u', upstreamModel: 'm', createdAtSeconds: undefined },
    ...given.flatMap(({ blocks, steps }, choice) => interleaved(choice, blocks, steps)),
    ...given.map(({ finish: end }, choice): ChatEvent => ({ type: 'finish', choice, ...end })),
    ...usages.map((counted): ChatEvent => ({ type: 'usage', usage: counted })),
    { type: 'end' },
  ]);

/** Answers that fail somewhere on the way. */
export const failedAnswerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .tuple(answerArbitrary, fc.nat())
  .map(([events, at]) => [...events.slice(0, 1 + (at % (events.length - 1))), ERROR]);
