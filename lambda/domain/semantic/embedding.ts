import * as z from 'zod/mini';
import { parseJson } from '../json.ts';
import { isDirection } from './similarity.ts';

const usageSchema = z.looseObject({
  usage: z.looseObject({ prompt_tokens: z.int().check(z.nonnegative()) }),
});
const vectorSchema = z.looseObject({
  data: z.array(z.looseObject({ embedding: z.array(z.number()) })).check(z.minLength(1)),
});

/** What a provider answered to a call for a vector. */
export interface EmbeddingAnswer {
  /** `undefined` where the answer holds none that can be compared. */
  readonly vector: readonly number[] | undefined;
  /** `undefined`: not reported. */
  readonly promptTokens: number | undefined;
}

/**
 * Reads an answer in OpenAI's embedding format.
 * @param dimensions how many numbers a vector must have
 * @see https://platform.openai.com/docs/api-reference/embeddings/object
 */
export function decodeEmbedding(text: string, dimensions: number): EmbeddingAnswer {
  const body = parseJson(text);
  const usage = usageSchema.safeParse(body);
  const found = vectorSchema.safeParse(body);
  const vector = found.success ? found.data.data[0]?.embedding : undefined;
  return {
    vector: vector !== undefined && isDirection(vector, dimensions) ? vector : undefined,
    promptTokens: usage.success ? usage.data.usage.prompt_tokens : undefined,
  };
}
