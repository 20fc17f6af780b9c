import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { defined, textIn } from '../loose.ts';
import { oneOrMoreIn } from './wire.ts';

/**
 * Cohere's log probabilities in the form that events carry them, which is OpenAI's: one entry a piece of text, whose
 * probability is that of all its tokens. The numbers of the tokens have no place there.
 * @see https://docs.cohere.com/reference/chat#response.body.logprobs
 * @see https://platform.openai.com/docs/api-reference/chat/object#chat-object-choices-logprobs
 */
export function decodeLogprobs(items: readonly JsonObject[]): Json | undefined {
  const content = items.flatMap(({ text, logprobs }) => {
    const values = numbersIn(logprobs);
    if (values.length === 0) return [];
    const logprob = values.reduce((sum, value) => sum + value, 0);
    return [{ token: typeof text === 'string' ? text : '', logprob, bytes: null, top_logprobs: [] }];
  });
  return content.length === 0 ? undefined : { content, refusal: null };
}

/** The same in Cohere's form, an item a token; the numbers of tokens, which its SDK insists on, are not known. */
export function encodeLogprobs(logprobs: Json | undefined): JsonObject[] {
  if (!isJsonObject(logprobs)) return [];
  return oneOrMoreIn(logprobs, 'content').flatMap(({ token, logprob }) =>
    typeof logprob === 'number'
      ? [defined({ text: typeof token === 'string' ? token : undefined, token_ids: [], logprobs: [logprob] })]
      : [],
  );
}

/** Several items as one: an event has room for one. */
export function joinLogprobs(items: readonly JsonObject[]): JsonObject | undefined {
  if (items.length === 0) return undefined;
  const text = items.map((item) => textIn(item, 'text') ?? '').join('');
  return { text, token_ids: [], logprobs: items.flatMap((item) => numbersIn(item['logprobs'])) };
}

const numbersIn = (value: Json | undefined): readonly number[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'number') : [];
