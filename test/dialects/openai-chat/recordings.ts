import { openaiChat } from '../../../lambda/dialects/openai-chat/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

/** What OpenAI's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly function_call?: { readonly name: string; readonly arguments: string };
  readonly finish?: string;
  readonly choices?: number;
  readonly usage?: JsonObject;
  readonly message?: string;
}

export const { RECORDINGS, STREAMS, ANSWERS, REFUSALS } = recordingsOf<Expected>('openai-chat');

export const framesOf = framesReader(openaiChat);

/** One chunk of a stream. */
export const chunk = (body: unknown): string => `data: ${JSON.stringify(body)}\n\n`;

/** A chunk with one delta. */
export const delta = (
  content: JsonObject,
  finishReason: string | null = null,
  beside: JsonObject = {},
): string =>
  chunk({
    id: 'chatcmpl-1',
    model: 'm',
    choices: [{ index: 0, delta: content, finish_reason: finishReason }],
    ...beside,
  });
