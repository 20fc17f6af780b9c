import type { ChatRequest } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { defined } from '../loose.ts';

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

/** What the request said, where a response says it again. */
const asked = ({ maxOutputTokens, parallelToolCalls, ...request }: Partial<ChatRequest>): JsonObject =>
  defined({
    max_output_tokens: maxOutputTokens,
    metadata: request.metadata,
    parallel_tool_calls: parallelToolCalls,
    temperature: request.temperature,
    top_p: request.topP,
    user: request.endUser,
  });

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
    ...asked(envelope.request ?? {}),
    ...members,
  });
  return `${text.slice(0, -1)},"usage":${usage}}`;
}
