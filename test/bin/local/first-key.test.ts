import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ensureFirstKey } from '../../../bin/local/first-key.ts';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const SECRET = 'sk-slu-first-00000000000000000000';

test('several servers that start at once on one store agree on one first key', async () => {
  await Promise.all(Array.from({ length: 8 }, () => ensureFirstKey(engine.store(), SECRET)));
  const { items } = await dynamoKeyStore(engine.store()).list({ limit: 10 });
  expect(items.map(({ name, state, hint }) => ({ name, state, hint }))).toEqual([
    { name: 'first key', state: 'active', hint: '0000' },
  ]);
});

test('a first key that could not be used is refused before it is stored', async () => {
  await expect(ensureFirstKey(engine.store(), 'sk-slu-short')).rejects.toThrow('SLUICE_KEY must be');
  await expect(ensureFirstKey(engine.store(), 'sk-openai-0123456789abcdef')).rejects.toThrow('SLUICE_KEY');
});
