import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anthropicMessages } from '../../../lambda/dialects/anthropic-messages/dialect.ts';
import type { BlockAddress, ChatEvent } from '../../../lambda/domain/chat/event.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf, framesOf, STREAMS } from './recordings.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const DIALECT = 'anthropic-messages';
const TARGET = { model: 'upstream-model', maxOutputTokens: 9000 };

const filled = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '');
const identifier = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });
const jsonObject = fc
  .dictionary(identifier, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value): JsonObject => JSON.parse(JSON.stringify(value)));
const cacheHint = fc.constantFrom<JsonObject>({ type: 'ephemeral' }, { type: 'ephemeral', ttl: '1h' });

/** Records without the members that are undefined. */
const record = <Fields extends object>(model: { [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> }) =>
  // Dropping undefined members gives what exactOptionalPropertyTypes asks for.
  fc.record(model).map((fields) => JSON.parse(JSON.stringify(fields)));

const textPart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('text'),
  text: fc.oneof(filled, fc.constantFrom('', ' ')),
  cacheHint: optional(cacheHint),
});
const imagePart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('image'),
  source: fc.oneof(
    fc.record({ type: fc.constant('base64'), mediaType: fc.constant('image/png'), data: fc.base64String() }),
    fc.record({ type: fc.constant('url'), url: fc.webUrl() }),
  ),
  cacheHint: optional(cacheHint),
});
const filePart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('file'),
  source: fc.record({
    type: fc.constant('base64'),
    mediaType: fc.constant('application/pdf'),
    data: fc.base64String(),
  }),
  name: optional(filled),
});
const nativePart: fc.Arbitrary<ContentPart> = jsonObject.map((value) => ({
  type: 'native',
  dialect: DIALECT,
  name: 'hologram',
  value: { ...value, type: 'hologram' },
}));
const toolResult: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('tool-result'),
  callId: identifier,
  content: fc.array(fc.oneof(textPart, imagePart), { maxLength: 2 }),
  isError: fc.boolean(),
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
});
const reasoning: fc.Arbitrary<ContentPart> = fc.oneof(
  fc.record({
    type: fc.constant('reasoning' as const),
    text: fc.string(),
    signature: identifier,
    dialect: fc.constantFrom(DIALECT, 'gemini'),
  }),
  fc.record({
    type: fc.constant('reasoning-encrypted' as const),
    data: identifier,
    dialect: fc.constant(DIALECT),
  }),
);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    role: fc.constantFrom('system' as const, 'developer' as const),
    content: fc.array(textPart, { maxLength: 2 }),
  }),
  fc.record({
    role: fc.constant('user' as const),
    content: fc.array(fc.oneof(textPart, imagePart, filePart, nativePart, toolResult), { maxLength: 3 }),
  }),
  fc.record({
    role: fc.constant('assistant' as const),
    content: fc.array(fc.oneof(textPart, toolCall, reasoning, nativePart), { maxLength: 3 }),
  }),
);

const request: fc.Arbitrary<ChatRequest> = record({
  model: filled,
  messages: fc
    .array(message, { minLength: 1, maxLength: 5 })
    .filter((messages) => normaliseMessages(messages).some(({ role }) => role !== 'system')),
  stream: fc.boolean(),
  includeUsage: fc.constant(true),
  tools: optional(
    fc.array(
      record({
        type: fc.constant('function'),
        name: identifier,
        description: optional(filled),
        parameters: jsonObject.map((schema) => ({ type: 'object', ...schema })),
        strict: optional(fc.constant(true)),
        cacheHint: optional(cacheHint),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  ),
  toolChoice: optional(
    fc.oneof(
      fc.constantFrom({ type: 'auto' }, { type: 'none' }, { type: 'required' }),
      fc.record({ type: fc.constant('tool'), name: identifier }),
    ),
  ),
  parallelToolCalls: optional(fc.boolean()),
  maxOutputTokens: optional(fc.nat()),
  temperature: optional(fc.double({ min: 0, max: 0.99, noNaN: true }).map((value) => value + 0)),
  topP: optional(fc.double({ min: 0, max: 0.99, noNaN: true })),
  topK: optional(fc.nat()),
  stop: optional(fc.array(filled, { minLength: 1, maxLength: 2 })),
  responseFormat: optional(
    record({ type: fc.constant('json-schema'), name: fc.constant('response'), schema: jsonObject }),
  ),
  reasoning: optional(
    fc.constantFrom(
      { enabled: false },
      { enabled: true, adaptive: true },
      { enabled: true, adaptive: true, effort: 'high' },
    ),
  ),
  serviceTier: optional(fc.constantFrom('auto', 'standard_only')),
  endUser: optional(filled),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
});

/** What is left of a request once it has been said in this dialect. */
function normalise(asked: ChatRequest): ChatRequest {
  const { toolChoice, parallelToolCalls, tools, ...rest } = asked;
  const isSerial = parallelToolCalls === false;
  const choice = toolChoice ?? (isSerial ? { type: 'auto' as const } : undefined);
  return {
    ...rest,
    model: TARGET.model,
    maxOutputTokens: TARGET.maxOutputTokens,
    messages: normaliseMessages(asked.messages),
    ...(tools === undefined ? {} : { tools }),
    ...(tools === undefined || choice === undefined ? {} : { toolChoice: choice }),
    ...(tools !== undefined && isSerial && choice?.type !== 'none' ? { parallelToolCalls: false } : {}),
  };
}

function normaliseMessages(messages: readonly Message[]): readonly Message[] {
  const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';
  const system = messages.filter(isSystem).flatMap(({ content }) => content.flatMap(normalisePart));
  const turns: { role: Message['role']; content: ContentPart[] }[] = [];
  for (const { role, content } of messages.filter((turn) => !isSystem(turn))) {
    const parts = content.flatMap(normalisePart);
    const last = turns.at(-1);
    if (parts.length === 0) continue;
    if (last?.role === role) last.content.push(...parts);
    else turns.push({ role, content: parts });
  }
  const sorted = turns.map(({ role, content }) => ({
    role,
    content: [
      ...content.filter(({ type }) => type === 'tool-result'),
      ...content.filter(({ type }) => type !== 'tool-result'),
    ],
  }));
  return system.length === 0 ? sorted : [{ role: 'system', content: system }, ...sorted];
}

function normalisePart(part: ContentPart): ContentPart[] {
  switch (part.type) {
    case 'text':
      return part.text.trim() === '' ? [] : [part];
    case 'reasoning':
    case 'reasoning-encrypted':
      return part.dialect === DIALECT ? [part] : [];
    case 'tool-call': {
      const value = part.arguments.trim() === '' ? {} : JSON.parse(part.arguments);
      return [{ ...part, arguments: JSON.stringify(value) }];
    }
    case 'tool-result':
      return [{ ...part, content: part.content.flatMap(normalisePart) }];
    default:
      return [part];
  }
}

describe('requests', () => {
  test('are the same after encoding and decoding, but for what this dialect says otherwise', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const { body, unsupported } = anthropicMessages.encodeRequest(asked, TARGET);
        expect(unsupported).toEqual([]);
        const wire = JSON.parse(JSON.stringify(body));
        expect(JSON.parse(JSON.stringify(anthropicMessages.decodeRequest(wire)))).toEqual(
          JSON.parse(JSON.stringify(normalise(asked))),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('of any shape decode or are refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
        decodesOrRefuses(JSON.parse(JSON.stringify(body)));
      }),
    );
  });

  test('with any value in any place decode or are refused, and nothing else', () => {
    const whole: JsonObject = {
      model: 'm',
      max_tokens: 10,
      system: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: '' } },
            { type: 'document', source: { type: 'text', data: 'a' }, citations: { enabled: true } },
            { type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'b' }] },
          ],
        },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'a', signature: 'b' },
            { type: 'tool_use', id: 'a', name: 'b', input: {} },
          ],
        },
      ],
      tools: [
        { name: 'a', input_schema: {} },
        { type: 'bash_20250124', name: 'bash' },
      ],
      tool_choice: { type: 'tool', name: 'a' },
      thinking: { type: 'enabled', budget_tokens: 1024 },
      output_config: { effort: 'low', format: { type: 'json_schema', schema: {} } },
      metadata: { user_id: 'a' },
      mcp_servers: [{}],
      stop_sequences: ['a'],
    };
    const places = placesIn(whole);
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('__proto__', 'constructor', 1e308, -1, [[[]]], { __proto__: null, type: 'text' }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, (place, value) => {
        const body = JSON.parse(JSON.stringify(whole));
        const parent = place.slice(0, -1).reduce((inner, key) => inner[key], body);
        parent[place.at(-1) ?? ''] = value;
        decodesOrRefuses(body);
      }),
      { numRuns: 500 },
    );
  });
});

function decodesOrRefuses(body: JsonObject): void {
  try {
    anthropicMessages.decodeRequest(body);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    expect(error.code).toBe('invalid_request');
    expect(error.param).toBeDefined();
  }
}

function placesIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [...path, key],
    ...placesIn(inner, [...path, key]),
  ]);
}

describe('streams', () => {
  test('of any bytes keep the rules of events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), keepsRules),
    );
  });

  test('of any events in any order keep the rules of events', async () => {
    const small = STREAMS.filter(({ stream }) => stream.length < 10_000);
    const blocks = small.flatMap(({ stream }) => stream.split(/(?<=\r?\n\r?\n)/));
    const anyBlocks = fc.array(fc.constantFrom(...blocks), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyBlocks, (chosen) => keepsRules(new TextEncoder().encode(chosen.join('')), 4096)),
      { numRuns: 300 },
    );
  });

  test('that were recorded and then damaged keep the rules of events', async () => {
    const small = STREAMS.filter(({ stream }) => stream.length < 10_000).map(({ stream }) => stream);
    const damage = fc.record({
      stream: fc.constantFrom(...small),
      at: fc.nat({ max: 10_000 }),
      length: fc.nat({ max: 60 }),
      text: fc.oneof(fc.constant(''), fc.string({ maxLength: 5 }), fc.constantFrom('\n\n', '{', '"', 'null')),
    });
    await fc.assert(
      fc.asyncProperty(damage, ({ stream, at, length, text }) => {
        const damaged = stream.slice(0, at) + text + stream.slice(at + length);
        return keepsRules(new TextEncoder().encode(damaged), 977);
      }),
      { numRuns: 300 },
    );
  });
});

async function keepsRules(bytes: Uint8Array, chunkSize: number): Promise<void> {
  const frames = await framesOf(bytes, chunkSize);
  expect(brokenRules(eventsOf(frames))).toEqual([]);
  const raw = frames.map((frame) => frame.raw ?? '').join('');
  expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).startsWith(raw)).toBe(true);
}

describe('answers of other dialects', () => {
  type Piece = { readonly block: number; readonly text: string };
  const kinds = fc.array(fc.constantFrom('text', 'reasoning', 'tool-call'), { minLength: 1, maxLength: 4 });

  test('reach the caller whole, however their blocks interleave', async () => {
    await fc.assert(
      fc.asyncProperty(
        kinds,
        fc.array(fc.record({ block: fc.nat({ max: 3 }), text: filled }), { maxLength: 12 }),
        async (blocks, drawn) => {
          const pieces = drawn.filter(({ block }) => block < blocks.length);
          const encoder = anthropicMessages.createStreamEncoder(ENVELOPE);
          const text = interleaved(blocks, pieces).map((event) => encoder.encode(event));
          const events = eventsOf(await framesOf(text.join('')));
          expect(brokenRules(events)).toEqual([]);
          expect(contents(events)).toEqual(expectedContents(blocks, pieces));
        },
      ),
      { numRuns: 200 },
    );
  });

  function interleaved(blocks: readonly string[], pieces: readonly Piece[]): readonly ChatEvent[] {
    return [
      { type: 'answer-start', upstreamId: undefined, upstreamModel: undefined, createdAtSeconds: undefined },
      ...blocks.map((kind, block) => startOf(kind, { choice: 0, block })),
      ...pieces.map(({ block, text }) => pieceOf(blocks[block], text, { choice: 0, block })),
      ...blocks.map((_kind, block): ChatEvent => ({ type: 'block-end', choice: 0, block })).reverse(),
      { type: 'finish', choice: 0, reason: 'stop', upstreamReason: undefined },
      { type: 'end' },
    ];
  }

  function startOf(kind: string, address: BlockAddress): ChatEvent {
    if (kind === 'text') return { type: 'text-start', ...address };
    if (kind === 'reasoning') return { type: 'reasoning-start', kind: 'raw', ...address };
    return { type: 'tool-call-start', kind: 'function', id: `c${address.block}`, name: 'f', ...address };
  }

  function pieceOf(kind: string | undefined, text: string, address: BlockAddress): ChatEvent {
    if (kind === 'text') return { type: 'text-delta', text, ...address };
    if (kind === 'reasoning') return { type: 'reasoning-delta', text, ...address };
    return { type: 'tool-call-delta', arguments: text, ...address };
  }

  /** What each block says; blocks of text or reasoning that say nothing are not sent. */
  const expectedContents = (blocks: readonly string[], pieces: readonly Piece[]): readonly string[] =>
    blocks.flatMap((kind, block) => {
      const text = pieces.map((piece) => (piece.block === block ? piece.text : '')).join('');
      if (kind === 'tool-call') return [`${kind} ${text === '' ? '{}' : text}`];
      return text === '' ? [] : [`${kind} ${text}`];
    });

  function contents(events: readonly ChatEvent[]): readonly string[] {
    const result: string[] = [];
    for (const event of events) {
      const begun = /^(text|reasoning|tool-call)-start$/.exec(event.type);
      if (begun !== null) result.push(`${begun[1]} `);
      const text = textOf(event);
      if (text !== '') result.push((result.pop() ?? '') + text);
    }
    return result;
  }

  function textOf(event: ChatEvent): string {
    if (event.type === 'tool-call-delta') return event.arguments;
    return event.type === 'text-delta' || event.type === 'reasoning-delta' ? event.text : '';
  }
});
