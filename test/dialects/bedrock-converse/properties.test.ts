import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bedrockConverse } from '../../../lambda/dialects/bedrock-converse/dialect.ts';
import { bytesFromLatin1, encodeMessage, latin1FromBytes } from '../../../lambda/dialects/event-stream.ts';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../../lambda/domain/errors.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { brokenRules } from '../event-rules.ts';
import { eventsOf } from '../recordings.ts';
import { answerArbitrary, failedAnswerArbitrary, requestArbitrary, TARGET } from './arbitraries.ts';
import { framesOf, messagesIn, STREAMS } from './recordings.ts';
import { said } from './said.ts';

const ENVELOPE = { id: 'gen-1', model: 'p/m', createdAtSeconds: 1, includeUsage: true };
const DIALECT = 'bedrock-converse';
const asJson = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value));

/** What is left of a request once it has been said in this dialect. */
function normalise(asked: ChatRequest): ChatRequest {
  const { endUser: _, toolChoice, tools, stream, ...rest } = asked;
  const messages = normaliseMessages(asked.messages);
  return {
    ...rest,
    stream,
    model: TARGET.model,
    maxOutputTokens: TARGET.maxOutputTokens,
    messages,
    ...(tools === undefined ? formerTools(asked.messages) : { tools }),
    ...(tools === undefined || toolChoice === undefined ? {} : { toolChoice }),
  };
}

/** Tools that are gone are named, as Bedrock asks for them where the conversation holds their calls. */
function formerTools(messages: readonly Message[]): Pick<ChatRequest, 'tools'> {
  const parts = messages.flatMap(({ content }) => content);
  const called = parts.flatMap((part) => (part.type === 'tool-call' ? [part.name] : []));
  const hasResults = parts.some(({ type }) => type === 'tool-result');
  const names = called.length === 0 && hasResults ? ['former_tool'] : called;
  if (names.length === 0) return {};
  return {
    tools: [...new Set(names)].map((name) => ({
      type: 'function',
      name,
      description: 'This tool is not available any more.',
      parameters: { type: 'object', properties: {} },
    })),
  };
}

function normaliseMessages(messages: readonly Message[]): readonly Message[] {
  const isSystem = ({ role }: Message): boolean => role === 'system' || role === 'developer';
  const names = new Set<string>();
  const system = messages
    .filter(isSystem)
    .flatMap(({ content }) => content.flatMap((part) => normalised(part)));
  const turns: { role: Message['role']; content: ContentPart[] }[] = [];
  for (const { role, content } of messages.filter((turn) => !isSystem(turn))) {
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content: [...content] });
  }
  const sorted = turns.map(({ role, content }) => ({
    role,
    content: [
      ...content.filter(({ type }) => type === 'tool-result'),
      ...content.filter(({ type }) => type !== 'tool-result'),
    ].flatMap((part) => normalised(part, names)),
  }));
  const merged: { role: Message['role']; content: ContentPart[] }[] = [];
  for (const turn of sorted.filter(({ content }) => content.length > 0)) {
    const last = merged.at(-1);
    if (last?.role === turn.role) last.content.push(...turn.content);
    else merged.push(turn);
  }
  const ordered = merged.map(({ role, content }) => ({
    role,
    content: [
      ...content.filter(({ type }) => type === 'tool-result'),
      ...content.filter(({ type }) => type !== 'tool-result'),
    ],
  }));
  return system.length === 0 ? ordered : [{ role: 'system', content: system }, ...ordered];
}

function normalised(part: ContentPart, names: Set<string> = new Set()): ContentPart[] {
  switch (part.type) {
    case 'text':
      return part.text.trim() === '' ? [] : [part];
    case 'reasoning':
      return part.dialect === DIALECT && part.signature !== undefined ? [part] : [];
    case 'reasoning-encrypted':
      return part.dialect === DIALECT ? [part] : [];
    case 'file':
      return [{ ...part, name: uniqueName(part.name ?? 'document', names) }];
    case 'tool-call':
      return [{ ...part, arguments: part.arguments.trim() === '' ? '{}' : asText(part.arguments) }];
    case 'tool-result':
      return [normalisedResult(part, names)];
    default:
      return [part];
  }
}

const asText = (text: string): string => JSON.stringify(JSON.parse(text));

/** Hints within a result have no place: one stands behind it. */
function normalisedResult(
  part: Extract<ContentPart, { type: 'tool-result' }>,
  names: Set<string>,
): ContentPart {
  const inner = part.content.flatMap((one) => ('cacheHint' in one && one.cacheHint ? [one.cacheHint] : []));
  const cacheHint = part.cacheHint ?? inner[0];
  const content = part.content
    .flatMap((one) => normalised(one, names))
    .map((one) => ({ ...one, cacheHint: undefined }) as unknown as ContentPart);
  return { ...part, content, ...(cacheHint !== undefined && { cacheHint }) };
}

function uniqueName(name: string, names: Set<string>): string {
  let candidate = name;
  for (let count = 2; names.has(candidate); count += 1) candidate = `${name} (${count})`;
  names.add(candidate);
  return candidate;
}

describe('requests', () => {
  test('are the same after encoding and decoding, but for what this dialect says otherwise', () => {
    fc.assert(
      fc.property(requestArbitrary, (asked) => {
        const { body, unsupported } = bedrockConverse.encodeRequest(asked, TARGET);
        expect(unsupported).toEqual([]);
        const address = { model: TARGET.model, stream: asked.stream };
        const decoded = bedrockConverse.decodeRequest(asJson(body), address);
        expect(asJson(decoded)).toEqual(asJson(normalise(asked)));
      }),
      { numRuns: 400 },
    );
  });

  test('leave out only what the dialect names', () => {
    fc.assert(
      fc.property(
        requestArbitrary,
        fc.constantFrom(
          'amazon.nova-lite-v1:0',
          'openai.gpt-oss-20b-1:0',
          'meta.llama4',
          'arn:aws:bedrock:x',
        ),
        (asked, model) => {
          const { unsupported, omitted } = bedrockConverse.encodeRequest(asked, { ...TARGET, model });
          for (const { feature } of [...unsupported, ...omitted])
            expect(bedrockConverse.inexpressible).toHaveProperty(feature);
        },
      ),
    );
  });

  test('of any shape decode or are refused, and nothing else', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => decodesOrRefuses(asJson(body))),
    );
  });

  test('with any value in any place decode or are refused, and nothing else', () => {
    const places = placesIn(WHOLE_BODY);
    const hostile = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('__proto__', 'constructor', 1e308, -1, [[[]]], { __proto__: null, text: 'a' }, {}),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, (place, value) => {
        const body = asJson(WHOLE_BODY) as Record<string, unknown>;
        // Each place was found in this very body.
        const parent = place
          .slice(0, -1)
          .reduce<Record<string, unknown>>((inner, key) => inner[key] as Record<string, unknown>, body);
        parent[place.at(-1) ?? ''] = value;
        decodesOrRefuses(body as JsonObject);
      }),
      { numRuns: 1000 },
    );
  });

  test('nested without end are refused', () => {
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
    for (const place of placesIn(WHOLE_BODY)) {
      const body = asJson(WHOLE_BODY) as Record<string, unknown>;
      const parent = place
        .slice(0, -1)
        .reduce<Record<string, unknown>>((inner, key) => inner[key] as Record<string, unknown>, body);
      parent[place.at(-1) ?? ''] = deep;
      decodesOrRefuses(body as JsonObject);
    }
  });
});

const WHOLE_BODY: JsonObject = {
  system: [{ text: 'a' }, { cachePoint: { type: 'default', ttl: '1h' } }, { guardContent: { text: {} } }],
  messages: [
    {
      role: 'user',
      content: [
        { text: 'a' },
        { image: { format: 'png', source: { bytes: '' } } },
        { image: { format: 'png', source: { s3Location: { uri: 's3://a/b.png' } } } },
        { document: { format: 'txt', name: 'n', source: { text: 'a' } } },
        { document: { name: 'n', source: { content: [{ text: 'a' }] }, citations: { enabled: true } } },
        { video: { format: 'mp4', source: { s3Location: { uri: 's3://a/b.mp4' } } } },
        { audio: { format: 'mp3', source: { bytes: '' } } },
        { cachePoint: { type: 'default' } },
        { toolResult: { toolUseId: 'a', content: [{ json: {} }, { text: 'b' }], status: 'error' } },
      ],
    },
    {
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'a', signature: 'b' } } },
        { reasoningContent: { redactedContent: '' } },
        { citationsContent: { content: [{ text: 'a' }], citations: [{ title: 'b' }] } },
        { toolUse: { toolUseId: 'a', name: 'b', input: {} } },
        { toolUse: { toolUseId: 'a', name: 'b', input: {}, type: 'server_tool_use' } },
      ],
    },
  ],
  inferenceConfig: { maxTokens: 1, temperature: 0, topP: 1, stopSequences: ['a'] },
  toolConfig: {
    tools: [
      { toolSpec: { name: 'a', description: 'b', inputSchema: { json: {} }, strict: true } },
      { systemTool: { name: 'c' } },
      { cachePoint: { type: 'default' } },
    ],
    toolChoice: { tool: { name: 'a' } },
  },
  additionalModelRequestFields: {
    thinking: { type: 'enabled', budget_tokens: 1024 },
    reasoningConfig: { type: 'enabled', maxReasoningEffort: 'low' },
    inferenceConfig: { topK: 1 },
    output_config: { effort: 'low' },
  },
  additionalModelResponseFieldPaths: ['/a'],
  guardrailConfig: { guardrailIdentifier: 'a' },
  outputConfig: {
    textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '{}', name: 'a' } } },
  },
  performanceConfig: { latency: 'standard' },
  promptVariables: { a: { text: 'b' } },
  requestMetadata: { a: 'b' },
  serviceTier: { type: 'flex' },
};

function decodesOrRefuses(body: JsonObject): void {
  try {
    const request = bedrockConverse.decodeRequest(body, { model: 'm' });
    bedrockConverse.encodeRequest(request, TARGET);
    bedrockConverse.patchRequest(JSON.stringify(body), request, TARGET);
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
  const small = STREAMS.map(({ body }) => body).filter(({ length }) => length < 20_000);

  test('of any bytes keep the rules of events', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 50 }), keepsRules),
    );
  });

  test('of any messages in any order keep the rules of events', async () => {
    const messages = fc.array(fc.constantFrom(...small.flatMap(messagesIn)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(messages, (chosen) => keepsRules(bytesFromLatin1(chosen.join('')), 4096)),
      { numRuns: 400 },
    );
  });

  test('of any payloads under any names keep the rules of events', async () => {
    const names = fc.constantFrom(
      ...['messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop'],
      ...['metadata', 'whatIsToCome'],
    );
    const start = fc.record({
      contentBlockIndex: fc.constantFrom(0, 1, 2, -1, 'a'),
      start: fc.constantFrom<unknown>(
        {},
        null,
        { toolUse: { toolUseId: 'a', name: 'b' } },
        { toolUse: {} },
        { toolResult: { toolUseId: 'a' } },
        { image: { format: 'png' } },
        { hologram: {} },
      ),
      delta: fc.constantFrom<unknown>(
        { text: 'a' },
        { text: 1 },
        { citation: {} },
        { toolUse: { input: '{"a":' } },
        { toolResult: [{ text: 'a' }] },
        { toolResult: 1 },
        { image: { source: { bytes: 'YQ==' } } },
        { reasoningContent: { text: 'a' } },
        { reasoningContent: { signature: 'a' } },
        { reasoningContent: { redactedContent: 'YQ==' } },
        { reasoningContent: { redactedContent: '!' } },
        { hologram: {} },
        {},
      ),
      stopReason: fc.constantFrom('end_turn', 'tool_use', 'max_tokens', undefined),
      usage: fc.constantFrom<unknown>({ inputTokens: 1, outputTokens: 2 }, null, undefined),
    });
    const messages = fc.array(
      fc.tuple(names, fc.oneof({ weight: 9, arbitrary: start }, { weight: 1, arbitrary: fc.jsonValue() })),
      { maxLength: 14 },
    );
    await fc.assert(
      fc.asyncProperty(messages, (chosen) => {
        const stream = chosen.map(([name, body]) =>
          encodeMessage({ ':event-type': name, ':message-type': 'event' }, JSON.stringify(body)),
        );
        return keepsRules(bytesFromLatin1(stream.join('')), 4096);
      }),
      { numRuns: 1000 },
    );
  });

  test('that were recorded and then damaged keep the rules of events', async () => {
    const damage = fc.record({
      stream: fc.constantFrom(...small),
      at: fc.nat({ max: 20_000 }),
      length: fc.nat({ max: 60 }),
      text: fc.oneof(fc.constant(''), fc.uint8Array({ maxLength: 5 }).map(latin1FromBytes)),
    });
    await fc.assert(
      fc.asyncProperty(damage, ({ stream, at, length, text }) =>
        keepsRules(bytesFromLatin1(stream.slice(0, at) + text + stream.slice(at + length)), 977),
      ),
      { numRuns: 300 },
    );
  });
});

async function keepsRules(bytes: Uint8Array, chunkSize: number): Promise<void> {
  const frames = await framesOf(bytes, chunkSize);
  expect(brokenRules(eventsOf(frames))).toEqual([]);
  const raw = frames.map((frame) => frame.raw ?? '').join('');
  expect(latin1FromBytes(bytes).startsWith(raw)).toBe(true);
  for (const frame of frames) expect(typeof bedrockConverse.patchFrame(frame, ENVELOPE)).toBe('string');
}

describe('answers of any dialect', () => {
  test('reach the caller whole as a stream, and break no rule', async () => {
    await fc.assert(
      fc.asyncProperty(answerArbitrary, fc.constantFrom(1, 7, 65_536), async (events, size) => {
        expect(brokenRules(events)).toEqual([]);
        const encoder = bedrockConverse.createStreamEncoder(ENVELOPE);
        const stream = events.map((event) => encoder.encode(event)).join('');
        const read = eventsOf(await framesOf(stream, size));
        expect(brokenRules(read)).toEqual([]);
        expect(said(read)).toEqual(said(events));
      }),
      { numRuns: 500 },
    );
  });

  test('reach the caller whole in one piece, and break no rule', () => {
    fc.assert(
      fc.property(answerArbitrary, (events) => {
        const whole = bedrockConverse.encodeAnswer(events, ENVELOPE);
        const read = bedrockConverse.decodeAnswer(whole).events;
        expect(brokenRules(read)).toEqual([]);
        expect(said(read)).toEqual(said(events));
      }),
      { numRuns: 500 },
    );
  });

  test('that fail end with one exception, which this dialect reads as the same error', async () => {
    await fc.assert(
      fc.asyncProperty(failedAnswerArbitrary, async (events) => {
        const encoder = bedrockConverse.createStreamEncoder(ENVELOPE);
        const stream = events.map((event) => encoder.encode(event)).join('');
        const read = eventsOf(await framesOf(stream));
        expect(brokenRules(read)).toEqual([]);
        const last = events.at(-1);
        expect(read.at(-1)).toMatchObject({
          type: 'error',
          error: { message: 'It failed.', ...(last?.type === 'error' && { code: last.error.code }) },
        });
        expect(() => bedrockConverse.encodeAnswer(events, ENVELOPE)).toThrow(GatewayError);
      }),
    );
  });

  test('are generated with every member of the union', () => {
    const seen = new Set<string>();
    for (const answer of [...fc.sample(answerArbitrary, 200), ...fc.sample(failedAnswerArbitrary, 20)])
      for (const { type } of answer) seen.add(type);
    expect([...seen].toSorted()).toEqual([
      ...['answer-start', 'block-end', 'block-signature', 'end', 'error', 'finish', 'hosted-tool-result'],
      ...[
        'media-delta',
        'media-start',
        'reasoning-delta',
        'reasoning-start',
        'refusal-delta',
        'refusal-start',
      ],
      ...['text-citation', 'text-delta', 'text-start', 'tool-call-delta', 'tool-call-start', 'usage'],
    ]);
  });
});
