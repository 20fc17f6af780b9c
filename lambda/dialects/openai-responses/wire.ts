import type { AnswerEnvelope } from '../dialect.ts';

/**
 * OpenAI's Responses format. What is read of answers is read as loosely as chat completions are: a field of another type
 * counts as absent.
 * @see https://platform.openai.com/docs/api-reference/responses
 */
export const DIALECT_ID = 'openai-responses';

/** OpenAI's prefixes of items' ids. */
type ItemPrefix = 'msg' | 'rs' | 'fc' | 'ctc' | 'ig';

/** Marks an item's id as made by Sluice: its provider knows nothing of it. */
const OWN_ID = 'slu';

/** The id of an item of an answer that another format made. */
export const itemId = (prefix: ItemPrefix, { id }: AnswerEnvelope, index: number): string =>
  `${prefix}_${OWN_ID}_${id}_${index}`;

/** Whether an id of reasoning was made here. */
export const isOwnReasoningId = (id: string): boolean => id.startsWith(`rs_${OWN_ID}_`);
