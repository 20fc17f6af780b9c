import type { FinishReason } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { textIn } from '../loose.ts';
import { CONTENT_FILTER_TYPE } from './wire.ts';

const FINISH_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool-calls'],
]);

/**
 * Why an answer ended; `undefined` where it failed. An unknown word is a normal end, so that a new one breaks nobody.
 * @param end what holds the reason: the whole answer, or the `delta` of a `message-end`
 * @param hasCalls a normal end with calls that wait for the caller is one of those
 * @see https://docs.cohere.com/reference/chat#response.body.finish_reason
 */
export function decodeFinishReason(end: JsonObject, hasCalls: boolean): FinishReason | undefined {
  const word = textIn(end, 'finish_reason') ?? 'COMPLETE';
  if (word === 'ERROR' && end['error_type'] === CONTENT_FILTER_TYPE) return 'content-filter';
  if (word.startsWith('ERROR') || word === 'TIMEOUT') return undefined;
  const reason = FINISH_REASONS.get(word) ?? 'stop';
  return reason === 'stop' && hasCalls ? 'tool-calls' : reason;
}

/** How an answer ended. */
export interface Ending {
  readonly reason: FinishReason;
  /** Whether the provider said that a stop sequence was met. */
  readonly isStopSequence: boolean;
}

/**
 * Cohere's members for an end. What a filter cut must not look complete, and there is no word for it: it is an error, with a
 * type that says so. A refusal, and a pause of tools run elsewhere, are complete as they are.
 */
export function encodeEnding({ reason, isStopSequence }: Ending): JsonObject {
  switch (reason) {
    case 'stop':
      return { finish_reason: isStopSequence ? 'STOP_SEQUENCE' : 'COMPLETE' };
    case 'length':
      return { finish_reason: 'MAX_TOKENS' };
    case 'tool-calls':
      return { finish_reason: 'TOOL_CALL' };
    case 'content-filter':
      return {
        finish_reason: 'ERROR',
        error: 'A content filter of the provider ended the answer.',
        error_type: CONTENT_FILTER_TYPE,
      };
    case 'refusal':
    case 'pause':
      return { finish_reason: 'COMPLETE' };
    case 'error':
      return { finish_reason: 'ERROR', error: 'The provider reported an error.' };
  }
}
