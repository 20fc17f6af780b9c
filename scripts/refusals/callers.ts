import type fc from 'fast-check';
import type { DialectId } from '../../lambda/dialects/dialect.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { requestArbitrary as anthropicMessages } from '../../test/dialects/anthropic-messages/arbitraries.ts';
import { requestArbitrary as cohereChat } from '../../test/dialects/cohere-chat/arbitraries.ts';
import { requestArbitrary as gemini } from '../../test/dialects/gemini/arbitraries.ts';
import { requestArbitrary as openaiChat } from '../../test/dialects/openai-chat/arbitraries.ts';
import { requestArbitrary as openaiResponses } from '../../test/dialects/openai-responses/arbitraries.ts';

/** Requests that a dialect can say, beside those of no dialect in particular; a dialect joins by one line. */
export const OWN_REQUESTS: Readonly<Partial<Record<DialectId, fc.Arbitrary<ChatRequest>>>> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  'anthropic-messages': anthropicMessages,
  gemini,
  'cohere-chat': cohereChat,
};

/** Models of a dialect whose limits differ; where none is named, limits are the same for all. */
export const MODELS: Readonly<Partial<Record<DialectId, readonly [string, ...string[]]>>> = {
  'anthropic-messages': ['claude-opus-5', 'claude-haiku-4-5', 'claude-3-5-haiku-20241022'],
  gemini: ['gemini-3-pro', 'gemini-2.5-pro', 'gemini-2.0-flash'],
  'bedrock-converse': [
    'us.anthropic.claude-opus-5-v1:0',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    'amazon.nova-pro-v1:0',
    'meta.llama3-3-70b-instruct-v1:0',
  ],
};
