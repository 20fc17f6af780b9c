import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Usage } from '../domain/money/usage.ts';
import { asObject, countIn, defined, objectIn, textIn } from './loose.ts';

/**
 * Reads the usage of pictures, speech and transcriptions, which share their spelling; `undefined` where there is none.
 * @param made what the tokens of the answer are, where they are not said apart
 * @see https://platform.openai.com/docs/api-reference/images/object
 * @see https://platform.openai.com/docs/api-reference/audio/json-object
 */
export function mediaUsage(body: JsonObject, made: 'audio' | 'image' | 'text'): Usage | undefined {
  const usage = asObject(body['usage']);
  if (usage === undefined) return undefined;
  if (usage['type'] === 'duration') return secondsOf(usage['seconds']);
  const completionTokens = countIn(usage, 'output_tokens');
  const promptDetails = detailsOf(usage, 'input_token');
  const completionDetails = objectIn(usage, 'output_tokens_details');
  const textTokens = countIn(completionDetails, 'text_tokens');
  const ofKind =
    completionTokens === undefined || made === 'text' ? undefined : completionTokens - (textTokens ?? 0);
  const reported = defined({
    promptTokens: countIn(usage, 'input_tokens'),
    completionTokens,
    cacheReadTokens: countIn(promptDetails, 'cached_tokens'),
    promptAudioTokens: countIn(promptDetails, 'audio_tokens'),
    promptImageTokens: countIn(promptDetails, 'image_tokens'),
    completionAudioTokens: made === 'audio' ? ofKind : undefined,
    completionImageTokens:
      made === 'image' ? (countIn(completionDetails, 'image_tokens') ?? ofKind) : undefined,
  });
  // Every member was read as the type that Usage gives it.
  return Object.keys(reported).length === 0 ? undefined : (reported as Usage);
}

/** Seconds are charged whole. @see https://platform.openai.com/docs/pricing */
export const secondsOf = (seconds: unknown): Usage | undefined =>
  typeof seconds === 'number' && seconds >= 0 && seconds < Number.MAX_SAFE_INTEGER
    ? { audioSeconds: Math.ceil(seconds) }
    : undefined;

/** `input_tokens_details` of pictures, `input_token_details` of sound. */
function detailsOf(usage: JsonObject, name: string): JsonObject {
  const details = usage[`${name}s_details`] ?? usage[`${name}_details`];
  return isJsonObject(details) ? details : {};
}

/** The picture's kind as an answer tells it: `high/1024x1024`. */
export function imageKindOf(body: JsonObject): string | undefined {
  const [quality, size] = [textIn(body, 'quality'), textIn(body, 'size')].map((word) =>
    word === 'auto' ? undefined : word,
  );
  if (size === undefined) return undefined;
  return quality === undefined ? size : `${quality}/${size}`;
}
