import type { FinishReason } from '../../domain/chat/event.ts';
import type { Finish } from '../finish.ts';

/**
 * Bedrock's stop reasons. A reason that is not listed is still to come, and ends the turn as far as callers can tell.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['tool_use', 'tool-calls'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['guardrail_intervened', 'content-filter'],
  ['content_filtered', 'content-filter'],
  ['malformed_model_output', 'error'],
  ['malformed_tool_use', 'error'],
]);

/** What a stop reason means. */
export const finishReasonOf = (stopReason: string): FinishReason => FINISH_REASONS.get(stopReason) ?? 'stop';

const STOP_REASONS: Readonly<Record<Finish['reason'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  refusal: 'content_filtered',
  pause: 'end_turn',
};

/** The stop reason for an end: the provider's own word where it is one of this format's and says the same. */
export function stopReasonOf({ reason, upstreamReason, stopSequence }: Finish): string {
  if (upstreamReason !== undefined && FINISH_REASONS.get(upstreamReason) === reason) return upstreamReason;
  return reason === 'stop' && stopSequence !== undefined ? 'stop_sequence' : STOP_REASONS[reason];
}
