import fc from 'fast-check';
import type { ChatRequest, ContentPart, Message } from '../../../lambda/domain/chat/request.ts';
import { asClaudeSamples } from '../any-request.ts';
import {
  cacheHint,
  filled,
  identifier,
  imageSource,
  jsonObject,
  optional,
  record,
} from '../small-arbitraries.ts';

const DIALECT = 'anthropic-messages';
/** Whom the requests are encoded for. */
export const TARGET = { model: 'upstream-model', maxOutputTokens: 9000 };

const textPart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('text'),
  text: fc.oneof(filled, fc.constantFrom('', ' ')),
  cacheHint: optional(cacheHint),
});
const imagePart: fc.Arbitrary<ContentPart> = record({
  type: fc.constant('image'),
  source: imageSource,
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

/** Requests that this dialect can express, but for what `normalise` says. */
export const requestArbitrary: fc.Arbitrary<ChatRequest> = record({
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
      { enabled: true, adaptive: true, display: 'omitted' },
    ),
  ),
  serviceTier: optional(fc.constantFrom('auto', 'standard_only')),
  endUser: optional(filled),
  nativeOptions: fc.constant({}),
  unknownFields: fc.constant([]),
}).map(asClaudeSamples);

/** What is left of a request once it has been said in this dialect. */
export function normalise(asked: ChatRequest): ChatRequest {
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
