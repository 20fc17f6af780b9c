import type { AnswerEnvelope } from '../../../lambda/dialects/dialect.ts';
import { openaiResponses } from '../../../lambda/dialects/openai-responses/dialect.ts';
import type { JsonObject } from '../../../lambda/domain/json.ts';
import { framesReader, recordingsOf } from '../recordings.ts';

export const ENVELOPE: AnswerEnvelope = {
  id: 'gen-1',
  model: 'sim/echo',
  createdAtSeconds: 1_700_000_000,
  includeUsage: true,
};

/** What OpenAI's own SDK makes of a recording. */
export interface Expected {
  readonly outcome: 'ok' | 'error';
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly item_types?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[];
  readonly finish?: string;
  readonly incomplete?: string;
  readonly usage?: JsonObject;
  readonly message?: string;
}

const recordings = recordingsOf<Expected>('openai-responses');
export const { RECORDINGS, STREAMS, REFUSALS } = recordings;
/** Labelled as a response where it was recorded, but its bytes are a chat completion. */
export const OTHER_FORMAT = 'azure--responses-azure-deepseek-reasoning.1';

export const ANSWERS = recordings.ANSWERS.filter(({ name }) => name !== OTHER_FORMAT);

export const framesOf = framesReader(openaiResponses);

/** One event of a stream. */
export const wireEvent = (body: JsonObject): string =>
  `event: ${String(body['type'])}\ndata: ${JSON.stringify(body)}\n\n`;

/** The data of each event of a stream. */
export const wireEvents = (stream: string): readonly JsonObject[] =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => JSON.parse(line.slice(6)));
