import { expect, test } from '@jest/globals';
import { decodeUsage, encodeUsage } from '../../../lambda/dialects/anthropic-messages/usage.ts';

test('reads and writes a region in which answers cost more', () => {
  const usage = decodeUsage({ input_tokens: 1, output_tokens: 2, inference_geo: 'us' });
  expect(usage).toEqual({ promptTokens: 1, completionTokens: 2, region: 'us' });
  expect(encodeUsage(usage, undefined)).toMatchObject({ inference_geo: 'us' });
});

test.each(['global', 'not_available', null, 1])('reads %p as no region', (geo) => {
  expect(decodeUsage({ input_tokens: 1, inference_geo: geo })).toEqual({ promptTokens: 1 });
});
