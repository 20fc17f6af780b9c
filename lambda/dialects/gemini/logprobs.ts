import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { defined } from '../loose.ts';
import { memberOf, objectsIn } from './wire.ts';

/**
 * Log probabilities between Google's form and the one that goes through Sluice, OpenAI's; `token_id` is Google's own.
 * @see https://ai.google.dev/api/generate-content#LogprobsResult
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */
export function decodeLogprobs(result: JsonObject): JsonObject | undefined {
  const chosen = objectsIn(result, 'chosenCandidates');
  if (chosen.length === 0) return undefined;
  const steps = objectsIn(result, 'topCandidates');
  const content = chosen.map((token, index) => ({
    ...decodeToken(token),
    top_logprobs: objectsIn(steps[index] ?? {}, 'candidates').map(decodeToken),
  }));
  return { content };
}

const decodeToken = (token: JsonObject): JsonObject =>
  defined({
    token: memberOf(token, 'token') ?? '',
    logprob: memberOf(token, 'logProbability') ?? 0,
    bytes: null,
    token_id: memberOf(token, 'tokenId'),
  });

/** Google's form; `undefined` for what holds no token of the answer. */
export function encodeLogprobs(logprobs: Json): JsonObject | undefined {
  const content = isJsonObject(logprobs) ? objectsIn(logprobs, 'content') : [];
  if (content.length === 0) return undefined;
  return {
    topCandidates: content.map((token) => ({
      candidates: objectsIn(token, 'top_logprobs').map(encodeToken),
    })),
    chosenCandidates: content.map(encodeToken),
  };
}

const encodeToken = (token: JsonObject): JsonObject =>
  defined({ token: token['token'], tokenId: token['token_id'], logProbability: token['logprob'] });
