import { anthropicMessages } from '../../lambda/dialects/anthropic-messages/dialect.ts';
import { cohereChat } from '../../lambda/dialects/cohere-chat/dialect.ts';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import { openaiChat } from '../../lambda/dialects/openai-chat/dialect.ts';

/** The formats that are fuzzed; one joins by a line here and a folder of recordings in `test/fixtures/<id>`. */
export const FUZZED_DIALECTS: readonly [Dialect, ...Dialect[]] = [openaiChat, anthropicMessages, cohereChat];
