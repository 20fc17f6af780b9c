import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { bedrockConverse } from '../../lambda/dialects/bedrock-converse/dialect.ts';
import { cohereChat } from '../../lambda/dialects/cohere-chat/dialect.ts';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { gemini } from '../../lambda/dialects/gemini/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';
import { openaiResponses } from '../../lambda/dialects/openai-responses/dialect.ts';

/** The formats that are fuzzed; one joins by a line here and a folder of recordings in `test/fixtures/<id>`. */
export const FUZZED_DIALECTS: readonly [Dialect, ...Dialect[]] = [
  openaiChat,
  openaiResponses,
  anthropicMessages,
  gemini,
  bedrockConverse,
  cohereChat,
];
