import type { DialectId } from '../lambda/dialects/dialect.ts';

/** How a caller asks for a stream in a dialect. */
export interface ChunkCaller {
  readonly dialect: DialectId;
  /** The provider of the bench's configuration that speaks it. */
  readonly provider: string;
  path(model: string): string;
  body(model: string): object;
}

const PROMPT = 'Count on.';
const TURN = { role: 'user', content: PROMPT };

/** One caller and one provider of each dialect. */
export const CHUNK_CALLERS: readonly ChunkCaller[] = [
  {
    dialect: 'openai-chat',
    provider: 'openai',
    path: () => '/v1/chat/completions',
    body: (model) => ({ model, messages: [TURN], stream: true, stream_options: { include_usage: true } }),
  },
  {
    dialect: 'openai-responses',
    provider: 'openai',
    path: () => '/v1/responses',
    body: (model) => ({ model, input: PROMPT, stream: true, store: false }),
  },
  {
    dialect: 'anthropic-messages',
    provider: 'anthropic',
    path: () => '/v1/messages',
    body: (model) => ({ model, messages: [TURN], max_tokens: 4_000, stream: true }),
  },
  {
    dialect: 'gemini',
    provider: 'gemini',
    path: (model) => `/v1beta/models/${encodeURIComponent(model)}:streamGenerateContent?alt=sse`,
    body: () => ({ contents: [{ role: 'user', parts: [{ text: PROMPT }] }] }),
  },
  {
    dialect: 'bedrock-converse',
    provider: 'bedrock',
    path: (model) => `/model/${encodeURIComponent(model)}/converse-stream`,
    body: () => ({ messages: [{ role: 'user', content: [{ text: PROMPT }] }] }),
  },
  {
    dialect: 'cohere-chat',
    provider: 'cohere',
    path: () => '/v2/chat',
    body: (model) => ({ model, messages: [TURN], stream: true }),
  },
];

const PATHS: readonly (readonly [RegExp, DialectId])[] = [
  [/\/chat\/completions$/, 'openai-chat'],
  [/\/responses$/, 'openai-responses'],
  [/\/messages$/, 'anthropic-messages'],
  [/:streamGenerateContent/, 'gemini'],
  [/\/converse-stream$/, 'bedrock-converse'],
  [/\/v2\/chat$/, 'cohere-chat'],
];

/** What is spoken at a provider's path. */
export const dialectOfPath = (path: string): DialectId | undefined =>
  PATHS.find(([pattern]) => pattern.test(path))?.[1];
