/**
 * OpenAI's text completions, from before conversations: one prompt, and how it goes on.
 * @see https://platform.openai.com/docs/api-reference/completions
 */
export const DIALECT_ID = 'openai-completions';

/** The end of a stream, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';
