import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { asObject, objectsIn } from '../loose.ts';

const listIn = (holder: JsonObject, name: string): readonly Json[] => {
  const value = holder[name];
  // What JSON holds as an array is a list of Json.
  return Array.isArray(value) ? (value as readonly Json[]) : [];
};

/**
 * Log probabilities as chat completions have them, which is how events do; `undefined` where there are none.
 * @see https://platform.openai.com/docs/api-reference/completions/object#completions/object-choices-logprobs
 */
export function chatLogprobs(logprobs: Json | undefined): JsonObject | undefined {
  const holder = asObject(logprobs);
  if (holder === undefined) return undefined;
  const [values, others] = [listIn(holder, 'token_logprobs'), listIn(holder, 'top_logprobs')];
  const content = listIn(holder, 'tokens').map((token, index) => ({
    token,
    logprob: values[index] ?? null,
    bytes: null,
    top_logprobs: Object.entries(asObject(others[index]) ?? {}).map(([other, logprob]) => ({
      token: other,
      logprob: logprob ?? null,
      bytes: null,
    })),
  }));
  return content.length === 0 ? undefined : { content };
}

/** The same in this format. @param offset how long the text before these tokens is */
export function legacyLogprobs(logprobs: Json | undefined, offset: number): JsonObject | undefined {
  const tokens = isJsonObject(logprobs) ? objectsIn(logprobs, 'content') : [];
  if (tokens.length === 0) return undefined;
  let at = offset;
  const offsets = tokens.map(({ token }) => {
    const start = at;
    at += String(token).length;
    return start;
  });
  return {
    tokens: tokens.map(({ token }) => token ?? ''),
    token_logprobs: tokens.map(({ logprob }) => logprob ?? null),
    top_logprobs: tokens.map((token) =>
      Object.fromEntries(
        objectsIn(token, 'top_logprobs').map((other) => [String(other['token']), other['logprob'] ?? null]),
      ),
    ),
    text_offset: offsets,
  };
}
