import type { JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';

/**
 * OpenAI's chat completions as providers speak it.
 * @see https://platform.openai.com/docs/api-reference/chat
 */
export const DIALECT_ID = 'openai-chat';

/** The end of a stream, framing included. */
export const DONE_FRAME = 'data: [DONE]\n\n';

/** A chunk of a stream, framing included. @param usage JSON text of the `usage` member */
export function chunkText(envelope: AnswerEnvelope, members: JsonObject, usage?: string): string {
  const text = JSON.stringify({
    id: envelope.id,
    object: 'chat.completion.chunk',
    created: envelope.createdAtSeconds,
    model: envelope.model,
    ...members,
  });
  return `data: ${usage === undefined ? text : `${text.slice(0, -1)},"usage":${usage}}`}\n\n`;
}
