import type { FinishReason } from '../../domain/chat/event.ts';
import type { Finish } from '../finish.ts';

/**
 * Anthropic's stop reasons. A reason that is not listed is still to come, and ends the turn as far as callers can tell.
 * @see https://docs.anthropic.com/en/api/handling-stop-reasons
 */
const FINISH_REASONS = new Map<string, FinishReason>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool-calls'],
  ['pause_turn', 'pause'],
  ['compaction', 'pause'],
  ['refusal', 'refusal'],
]);

export const finishReasonOf = (stopReason: string): FinishReason => FINISH_REASONS.get(stopReason) ?? 'stop';

const STOP_REASONS: Readonly<Record<Finish['reason'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
};

/** The upstream's own word where it is one of ours and means the same; a refusal counts even if it ended like an answer. */
export function stopReasonOf(finish: Finish, hasRefused: boolean): string {
  if (hasRefused && finish.reason === 'stop') return 'refusal';
  const own = finish.upstreamReason;
  if (own !== undefined && FINISH_REASONS.get(own) === finish.reason) return own;
  return finish.stopSequence === undefined ? STOP_REASONS[finish.reason] : 'stop_sequence';
}
