import { localVectorIndex } from '../../../lambda/adapters/dynamodb/local-vectors.ts';
import { startTestEngine } from '../../support/engine.ts';
import { testVectorIndex } from '../vector-index-contract.ts';

testVectorIndex(async () => {
  const engine = await startTestEngine();
  return { index: localVectorIndex(engine.store()), close: engine.stop };
});
