import { cohereChat } from '../../../lambda/dialects/cohere-chat/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

/** What Cohere's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly plan?: string;
  readonly citations?: number;
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly usage?: {
    readonly billedUnits?: { readonly inputTokens: number; readonly outputTokens: number };
    readonly tokens?: { readonly reasoning_tokens?: number };
  };
  readonly message?: string;
}

export const { RECORDINGS, STREAMS, ANSWERS, REFUSALS } = recordingsOf<Expected>('cohere-chat');

export const framesOf = framesReader(cohereChat);

/** One event of a stream. */
export const sent = (type: string, members: JsonObject = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;

/** One event of a stream whose `delta` holds part of the message. */
export const part = (type: string, index: number | undefined, message: JsonObject): string =>
  sent(type, { ...(index === undefined ? {} : { index }), delta: { message } });

export const START = sent('message-start', { id: 'm-1', delta: { message: { role: 'assistant' } } });
export const DONE = 'data: [DONE]\n\n';

/** The end of a stream. */
export const ended = (finishReason: string, beside: JsonObject = {}): string =>
  sent('message-end', { delta: { finish_reason: finishReason, ...beside } }) + DONE;
