import { gemini } from '../../../lambda/dialects/gemini/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

/** What Google's own SDK makes of a recording. A call that came in pieces is one entry a piece. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly tools?: readonly { readonly name?: string; readonly args?: unknown; readonly signed: boolean }[];
  readonly finish?: string;
  readonly usage?: JsonObject;
  readonly message?: string;
}

const recordings = recordingsOf<Expected>('gemini');
export const { RECORDINGS, STREAMS, REFUSALS } = recordings;
/** The one that came as a list of chunks, as streams come without `alt=sse`: Google's SDK cannot read it. */
export const LISTS = RECORDINGS.filter(({ body }) => body.startsWith('['));
export const ANSWERS = recordings.ANSWERS.filter((recording) => !LISTS.includes(recording));

export const framesOf = framesReader(gemini);

/** One chunk of a stream. */
export const chunk = (body: unknown): string => `data: ${JSON.stringify(body)}\r\n\r\n`;

/** A chunk of one candidate with these parts. */
export const parts = (content: readonly unknown[], beside: JsonObject = {}): string =>
  chunk({
    candidates: [{ content: { parts: content, role: 'model' }, index: 0, ...beside }],
    responseId: 'r1',
    modelVersion: 'm',
  });
