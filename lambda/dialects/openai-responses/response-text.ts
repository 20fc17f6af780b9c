import type { JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';

/** What every response object has and no answer of another format says. */
const DEFAULTS: JsonObject = {
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  output: [],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: null,
  truncation: 'disabled',
};

/**
 * A response object as JSON text.
 * @param usage JSON text of its `usage`, which holds decimals that JSON.stringify would write with exponents
 * @see https://platform.openai.com/docs/api-reference/responses/object
 */
export function responseText(envelope: AnswerEnvelope, members: JsonObject, usage: string = 'null'): string {
  const text = JSON.stringify({
    id: envelope.id,
    object: 'response',
    created_at: envelope.createdAtSeconds,
    model: envelope.model,
    ...DEFAULTS,
    ...members,
  });
  return `${text.slice(0, -1)},"usage":${usage}}`;
}
