import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { showFetchAgent } from '../support/fetch-agent.ts';
import { type Matrix, startMatrix } from './matrix.ts';
import { MATRIX_DIALECTS, SCENARIOS } from './scenarios.ts';

showFetchAgent();

let matrix: Matrix;

beforeAll(async () => {
  matrix = await startMatrix();
});
afterAll(() => matrix.close());

describe.each(MATRIX_DIALECTS)('a caller of %s', (caller) => {
  describe.each(MATRIX_DIALECTS)('with a provider of %s', (provider) => {
    test.each(SCENARIOS)('%s', async (scenario) => {
      const verdict = await matrix.run(caller, provider, scenario);
      expect(verdict).not.toMatchObject({ type: 'red' });
    });
  });
});
