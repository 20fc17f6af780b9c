import type { Json } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';

/**
 * OpenAI's text completions, from before conversations: one prompt, and how it goes on.
 * @see https://platform.openai.com/docs/api-reference/completions
 */
export const DIALECT_ID = 'openai-completions';

/** The end of a stream, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';

/** A completion, or a chunk of one. @param usage JSON text of the `usage` member */
export function completion(envelope: AnswerEnvelope, choices: readonly Json[], usage?: string): string {
  const text = JSON.stringify({
    id: envelope.id,
    object: 'text_completion',
    created: envelope.createdAtSeconds,
    model: envelope.model,
    choices,
  });
  return usage === undefined ? text : `${text.slice(0, -1)},"usage":${usage}}`;
}
