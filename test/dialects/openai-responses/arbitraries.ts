import fc from 'fast-check';
import type { BlockAddress, ChatEvent, FinishReason } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest, ContentPart, Message, Tool } from '../../../lambda/domain/chat/request.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';

const DIALECT = 'openai-responses';

const word = fc.string({ minLength: 1, maxLength: 12 });
const identifier = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const jsonObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(identifier, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)));

/** Records without the members that are undefined. */
const record = <Fields extends object>(model: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) =>
  // Dropping undefined members gives what exactOptionalPropertyTypes asks for.
  fc.record(model).map((fields) => JSON.parse(JSON.stringify(fields)));

const text = word.map((value): ContentPart => ({ type: 'text', text: value }));
const refusal = word.map((value): ContentPart => ({ type: 'refusal', text: value }));
const image: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('image'),
  source: fc.oneof(
    fc.webUrl().map((url) => ({ type: 'url', url })),
    fc.base64String().map((data) => ({ type: 'base64', mediaType: 'image/png', data })),
  ),
  detail: optional(fc.constantFrom('low', 'high', 'auto')),
});
const file: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.tuple(identifier, fc.base64String()).map(
    ([name, data]): ContentPart => ({
      type: 'file',
      source: { type: 'base64', mediaType: 'application/pdf', data },
      name,
    }),
  ),
  fc.webUrl().map((url): ContentPart => ({ type: 'file', source: { type: 'url', url } })),
);
const audio: fc.Arbitrary<ContentPart> = fc.tuple(fc.constantFrom('wav', 'mp3'), fc.base64String()).map(
  ([format, data]): ContentPart => ({
    type: 'audio',
    source: { type: 'base64', mediaType: `audio/${format}`, data },
  }),
);
const native = (type: string): fc.Arbitrary<ContentPart> =>
  jsonObject.map((value) => ({ type: 'native', dialect: DIALECT, name: type, value: { ...value, type } }));

const toolResult: fc.Arbitrary<ContentPart> = fc
  .tuple(identifier, fc.array(fc.oneof(text, image, file), { maxLength: 2 }))
  .map(([callId, content]) => ({ type: 'tool-result', callId, content, isError: false }));
const toolCall: fc.Arbitrary<ContentPart> = fc
  .tuple(fc.constantFrom('function' as const, 'custom' as const), identifier, identifier, fc.string())
  .map(([kind, id, name, given]) => ({ type: 'tool-call', kind, id, name, arguments: given }));
const reasoning: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.tuple(word, identifier).map(
    ([value, signature]): ContentPart => ({
      type: 'reasoning',
      text: value,
      signature,
      dialect: DIALECT,
    }),
  ),
  identifier.map((data): ContentPart => ({ type: 'reasoning-encrypted', data, dialect: DIALECT })),
);

const userTurn: fc.Arbitrary<Message> = fc
  .tuple(
    fc.array(toolResult, { maxLength: 2 }),
    fc.array(fc.oneof(text, image, file, audio, native('input_hologram')), { maxLength: 3 }),
  )
  .map(([results, own]) => ({ role: 'user', content: [...results, ...own] }));
const assistantTurn: fc.Arbitrary<Message> = fc
  .array(fc.oneof(text, refusal, toolCall, reasoning, native('local_shell_call')), {
    minLength: 1,
    maxLength: 4,
  })
  .map((content) => ({ role: 'assistant', content }));
const systemTurn: fc.Arbitrary<Message> = fc
  .tuple(fc.constantFrom('system' as const, 'developer' as const), fc.array(text, { maxLength: 2 }))
  .map(([role, content]) => ({ role, content }));

/** A conversation in the one form that decoding gives: turns of user and assistant alternate. */
const messages: fc.Arbitrary<readonly Message[]> = fc
  .tuple(
    fc.array(systemTurn, { maxLength: 2 }),
    fc.array(fc.tuple(userTurn, assistantTurn, fc.array(systemTurn, { maxLength: 1 })), { maxLength: 2 }),
    userTurn,
  )
  .map(([system, turns, last]) => [
    ...system,
    ...turns.flatMap(([user, assistant, between]) => [user, assistant, ...between]),
    last,
  ]);

const tool: fc.Arbitrary<Tool> = fc.oneof(
  record<Tool>({
    type: fc.constant('function'),
    name: identifier,
    description: optional(word),
    // Whole, as OpenAI insists on it: what has no type or no properties is given them.
    parameters: jsonObject.map((properties) => ({ type: 'object', properties })),
    strict: optional(fc.boolean()),
  }),
  record<Tool>({
    type: fc.constant('custom'),
    name: identifier,
    description: optional(word),
    format: optional(fc.constant({ type: 'text' })),
  }),
  fc.constantFrom('web_search', 'file_search').map(
    (name): Tool => ({
      type: 'hosted',
      dialect: DIALECT,
      name,
      definition: { type: name },
    }),
  ),
);

const fields = {
  // None of OpenAI's that reasons: those take no sampling.
  model: word.map((name) => `model-${name}`),
  messages,
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  maxOutputTokens: optional(fc.integer({ min: 1 })),
  temperature: optional(fc.double({ noNaN: true, min: 0.1, max: 2 })),
  topP: optional(fc.double({ noNaN: true, min: 0.1, max: 1 })),
  logprobs: optional(fc.constant(true)),
  topLogprobs: optional(fc.integer({ min: 0, max: 20 })),
  responseFormat: optional(
    fc.oneof(
      fc.constantFrom({ type: 'text' }, { type: 'json' }),
      record({
        type: fc.constant('json-schema'),
        name: identifier,
        schema: jsonObject,
        strict: optional(fc.boolean()),
        description: optional(word),
      }),
    ),
  ),
  reasoning: optional(
    fc.constantFrom(
      { effort: 'low', enabled: true },
      { effort: 'high', enabled: true },
      { effort: 'none', enabled: false },
    ),
  ),
  verbosity: optional(fc.constantFrom('low', 'high')),
  serviceTier: optional(fc.constantFrom('auto', 'default', 'flex', 'priority')),
  endUser: optional(word),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
};

const toolOptions = record({
  tools: fc.array(tool, { minLength: 1, maxLength: 3 }),
  toolChoice: optional(
    fc.oneof(
      fc.constantFrom({ type: 'auto' }, { type: 'none' }, { type: 'required' }),
      identifier.map((name) => ({ type: 'tool', name })),
    ),
  ),
  parallelToolCalls: optional(fc.boolean()),
});

/** Every request that the Responses format can express. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = fc
  .tuple(record(fields), fc.oneof(fc.constant({}), toolOptions))
  .map(([request, tools]) => ({ ...request, ...tools }));

/** What a block is: its first event, and the pieces between it and its end. */
interface BlockPlan {
  readonly start: (at: BlockAddress) => ChatEvent;
  readonly pieces: readonly ((at: BlockAddress) => ChatEvent)[];
}

const pieces = (
  type: 'text-delta' | 'reasoning-delta' | 'refusal-delta',
): fc.Arbitrary<BlockPlan['pieces']> =>
  fc.array(
    fc.string({ maxLength: 4 }).map((value) => (at: BlockAddress) => ({ type, text: value, ...at })),
    { maxLength: 3 },
  );
const signature = fc
  .array(identifier, { maxLength: 1 })
  .map((texts): BlockPlan['pieces'] =>
    texts.map((value) => (at: BlockAddress) => ({ type: 'block-signature', signature: value, ...at })),
  );
const logprobs = fc.array(
  fc.record({ token: word, logprob: fc.integer({ max: 0, min: -9 }) }).map(
    (token) =>
      (at: BlockAddress): ChatEvent => ({
        type: 'text-delta',
        text: token.token,
        logprobs: { content: [token] },
        ...at,
      }),
  ),
  { maxLength: 2 },
);
const citation = fc.array(
  fc.webUrl().map(
    (url) =>
      (at: BlockAddress): ChatEvent => ({
        type: 'text-citation',
        dialect: DIALECT,
        citation: { type: 'url_citation', url, title: '', start_index: 0, end_index: 1 },
        ...at,
      }),
  ),
  { maxLength: 2 },
);
const split = (value: string): readonly string[] => [value.slice(0, 3), value.slice(3)];
const argumentPieces = (value: string): BlockPlan['pieces'] =>
  split(value).map((piece) => (at) => ({ type: 'tool-call-delta', arguments: piece, ...at }));

const block: fc.Arbitrary<BlockPlan> = fc.oneof(
  fc.tuple(pieces('text-delta'), logprobs, citation).map(
    ([texts, probable, cited]): BlockPlan => ({
      start: (at: BlockAddress) => ({ type: 'text-start', ...at }),
      pieces: [...texts, ...probable, ...cited],
    }),
  ),
  fc.tuple(fc.constantFrom('raw', 'summary', 'encrypted'), pieces('reasoning-delta'), signature).map(
    ([kind, texts, signed]): BlockPlan => ({
      start: (at: BlockAddress) => ({ type: 'reasoning-start', kind, ...at }),
      pieces: [...texts, ...signed],
    }),
  ),
  fc
    .tuple(
      fc.constantFrom('function', 'hosted'),
      identifier,
      identifier,
      fc.oneof(jsonObject, fc.constant('')),
    )
    .map(
      ([kind, id, name, given]): BlockPlan => ({
        start: (at: BlockAddress) => ({ type: 'tool-call-start', kind, id, name, ...at }),
        pieces: argumentPieces(given === '' ? '' : JSON.stringify(given)),
      }),
    ),
  fc.tuple(identifier, identifier, fc.string()).map(
    ([id, name, given]): BlockPlan => ({
      start: (at: BlockAddress) => ({ type: 'tool-call-start', kind: 'custom', id, name, ...at }),
      pieces: argumentPieces(given),
    }),
  ),
  fc.tuple(fc.constantFrom(DIALECT, 'anthropic-messages'), identifier).map(
    ([dialect, callId]): BlockPlan => ({
      start: (at: BlockAddress) => ({
        type: 'hosted-tool-result',
        dialect,
        callId,
        result: { type: 'file_search_call', id: callId, status: 'completed' },
        ...at,
      }),
      pieces: [],
    }),
  ),
  fc.tuple(fc.constantFrom('image', 'audio', 'file'), fc.base64String()).map(
    ([kind, data]): BlockPlan => ({
      start: (at: BlockAddress) => ({ type: 'media-start', kind, mediaType: `${kind}/png`, ...at }),
      pieces: split(data).map((base64) => (at: BlockAddress) => ({ type: 'media-delta', base64, ...at })),
    }),
  ),
  pieces('refusal-delta').map(
    (texts): BlockPlan => ({
      start: (at: BlockAddress) => ({ type: 'refusal-start', ...at }),
      pieces: texts,
    }),
  ),
);

/** The events of one choice: its blocks begin in order, and go on in any. */
function interleave(choice: number, plans: readonly BlockPlan[], picks: readonly number[]): ChatEvent[] {
  const events: ChatEvent[] = [];
  const open: { readonly at: BlockAddress; readonly left: ((at: BlockAddress) => ChatEvent)[] }[] = [];
  let begun = 0;
  for (let step = 0; begun < plans.length || open.length > 0; step += 1) {
    const pick = (picks[step % picks.length] ?? 0) % (open.length + 1);
    const current = open[pick];
    const plan = plans[begun];
    if (current === undefined && plan !== undefined) {
      const at = { choice, block: begun };
      begun += 1;
      events.push(plan.start(at));
      const end = (address: BlockAddress): ChatEvent => ({ type: 'block-end', ...address });
      open.push({ at, left: [...plan.pieces, end] });
      continue;
    }
    const taken = current ?? open[0];
    const next = taken?.left.shift();
    if (taken !== undefined && next !== undefined) events.push(next(taken.at));
    if (taken?.left.length === 0) open.splice(open.indexOf(taken), 1);
  }
  return events;
}

const count = fc.nat({ max: 1000 });
const usage: fc.Arbitrary<ChatEvent> = record({
  type: fc.constant('usage'),
  usage: record({
    promptTokens: count,
    completionTokens: count,
    cacheReadTokens: optional(count),
    cacheWriteTokens: optional(count),
    reasoningTokens: optional(count),
    promptAudioTokens: optional(count),
    completionAudioTokens: optional(count),
    serviceTier: optional(identifier),
    webSearchRequests: optional(fc.integer({ min: 1, max: 9 })),
  }),
});

const choice = fc.tuple(
  fc.array(block, { maxLength: 4 }),
  fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 20 }),
  fc.constantFrom<FinishReason>(
    ...(['stop', 'length', 'tool-calls', 'content-filter', 'refusal', 'pause', 'error'] as const),
  ),
);

/** Any whole answer that keeps the rules of events, with every member of the union. */
export const answerArbitrary: fc.Arbitrary<readonly ChatEvent[]> = fc
  .tuple(fc.array(choice, { minLength: 1, maxLength: 2 }), fc.array(usage, { maxLength: 2 }), fc.boolean())
  .map(([choices, usages, isFailed]) => [
    { type: 'answer-start', upstreamId: 'a', upstreamModel: 'm', createdAtSeconds: 1 },
    ...choices.flatMap(([plans, picks, reason], index): ChatEvent[] => [
      ...interleave(index, plans, picks),
      { type: 'finish', choice: index, reason, upstreamReason: undefined },
    ]),
    ...usages,
    isFailed && usages.length === 0
      ? {
          type: 'error',
          error: {
            code: 'upstream_overloaded',
            status: undefined,
            message: 'Overloaded.',
            providerCode: 'overloaded',
            retryAfterSeconds: undefined,
          },
        }
      : { type: 'end' },
  ]);
