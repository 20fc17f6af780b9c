import type { FinishReason } from '../../domain/chat/event.ts';

/** Google's words that mean anything but a plain stop. @see https://ai.google.dev/api/generate-content#FinishReason */
const MEANINGS: ReadonlyMap<string, FinishReason> = new Map([
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content-filter'],
  ['RECITATION', 'content-filter'],
  ['BLOCKLIST', 'content-filter'],
  ['PROHIBITED_CONTENT', 'content-filter'],
  ['SPII', 'content-filter'],
  ['MODEL_ARMOR', 'content-filter'],
  ['IMAGE_SAFETY', 'content-filter'],
  ['IMAGE_PROHIBITED_CONTENT', 'content-filter'],
  ['IMAGE_RECITATION', 'content-filter'],
  ['MALFORMED_FUNCTION_CALL', 'error'],
  ['UNEXPECTED_TOOL_CALL', 'error'],
  ['TOO_MANY_TOOL_CALLS', 'error'],
  ['MALFORMED_RESPONSE', 'error'],
  ['LANGUAGE', 'error'],
  ['NO_IMAGE', 'error'],
  ['IMAGE_OTHER', 'error'],
  ['OTHER', 'error'],
  ['CONTINUATION', 'pause'],
]);

/** Why a candidate ended. Google says STOP for function calls that wait for the caller. */
export function decodeFinishReason(word: string, hasCalls: boolean): FinishReason {
  const meaning = MEANINGS.get(word) ?? 'stop';
  return meaning === 'stop' && hasCalls ? 'tool-calls' : meaning;
}

/** Google's word for it: the provider's own where it is one of Google's and means the same. */
export function encodeFinishReason(reason: FinishReason, upstreamReason: string | undefined): string {
  if (upstreamReason !== undefined && MEANINGS.get(upstreamReason) === reason) return upstreamReason;
  switch (reason) {
    case 'stop':
    case 'tool-calls':
      return 'STOP';
    case 'length':
      return 'MAX_TOKENS';
    case 'content-filter':
    case 'refusal':
      return 'SAFETY';
    case 'pause':
      return 'CONTINUATION';
    case 'error':
      return 'OTHER';
  }
}
