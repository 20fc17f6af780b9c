import { expect, test } from '@jest/globals';
import { costEditsOf } from '../../lambda/dialects/usage-cost.ts';
import { editJson } from '../../lambda/domain/edit-json.ts';
import { nanoUsd } from '../../lambda/domain/money/nano.ts';

test('a cost of nearly nothing is added to a usage without an exponent', () => {
  const cost = { total: nanoUsd(150n), prompt: nanoUsd(100n), completion: nanoUsd(50n) };
  const edits = costEditsOf([{ type: 'usage', usage: {}, cost }]);
  expect(editJson('{"usage":{}}', edits)).toBe(
    '{"usage":{"cost":0.00000015,"cost_details":{"upstream_inference_prompt_cost":0.0000001,"upstream_inference_completions_cost":0.00000005}}}',
  );
});
