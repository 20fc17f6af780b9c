import { expect, test } from '@jest/globals';
import { decodeUsage, encodeUsage } from '../../../lambda/dialects/openai-usage.ts';

test.each(['low', 'medium', 'high'] as const)('reads and writes how much was searched: %s', (size) => {
  const usage = decodeUsage({ prompt_tokens: 1, completion_tokens: 2, search_context_size: size });
  expect(usage).toEqual({ promptTokens: 1, completionTokens: 2, searchContextSize: size });
  expect(JSON.parse(encodeUsage(usage ?? {}, undefined))).toMatchObject({ search_context_size: size });
});

test.each(['huge', 3, null])('knows no size of a search such as %p', (size) => {
  expect(decodeUsage({ prompt_tokens: 1, search_context_size: size })).toEqual({ promptTokens: 1 });
});
