import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { answerCipher } from '../../../lambda/adapters/dynamodb/answer-cipher.ts';
import { dynamoClaimStore } from '../../../lambda/adapters/dynamodb/claim-store.ts';
import type { Store } from '../../../lambda/adapters/dynamodb/store.ts';
import { requestId } from '../../../lambda/domain/ids.ts';
import type { Claim, ClaimStore } from '../../../lambda/ports/claim-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { faultyClient, scriptedFaults } from '../../support/faulty-client.ts';

const cipher = answerCipher('master-secret');
const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const claims = (nowMs = NOW_MS, store: Store = engine.store()): ClaimStore =>
  dynamoClaimStore({ ...store, clock: { ...store.clock, now: () => nowMs } }, async () => cipher);

let names = 0;
function newClaim(): { readonly mine: Claim; readonly theirs: Claim; readonly another: Claim } {
  names += 1;
  const mine = { scope: 'key:one', name: `name ${names}`, fingerprint: 'asked', owner: requestId('gen-1') };
  const theirs = { ...mine, owner: requestId('gen-2') };
  return { mine, theirs, another: { ...theirs, fingerprint: 'something else' } };
}

test('one of fifty takes the name', async () => {
  const { mine } = newClaim();
  const store = claims();
  const states = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      store.take({ ...mine, owner: requestId(`gen-${index}`) }, NOW_MS + MINUTE_MS),
    ),
  );
  expect(states.filter((state) => state === 'own')).toHaveLength(1);
  expect(states.filter((state) => state === 'running')).toHaveLength(49);
});

test('a name that is taken tells the same request from another one', async () => {
  const { mine, theirs, another } = newClaim();
  expect(await claims().look(mine)).toBe('free');
  await claims().take(mine, NOW_MS + MINUTE_MS);
  expect(await claims().take(mine, NOW_MS + MINUTE_MS)).toBe('own');
  expect(await claims().take(theirs, NOW_MS + MINUTE_MS)).toBe('running');
  expect(await claims().take(another, NOW_MS + MINUTE_MS)).toBe('other-request');
  expect(await claims().look(theirs)).toBe('running');
});

test('what was answered stays answered until it expires', async () => {
  const { mine, theirs, another } = newClaim();
  await claims().take(mine, NOW_MS + MINUTE_MS);
  await claims().close(mine, 'kept', NOW_MS + 3 * MINUTE_MS);
  expect(await claims(NOW_MS + 2 * MINUTE_MS).take(theirs, NOW_MS + 9 * MINUTE_MS)).toBe('kept');
  expect(await claims().take(another, NOW_MS + MINUTE_MS)).toBe('other-request');
  expect(await claims(NOW_MS + 3 * MINUTE_MS).look(theirs)).toBe('free');
  expect(await claims(NOW_MS + 3 * MINUTE_MS).take(another, NOW_MS + 9 * MINUTE_MS)).toBe('own');
});

test('a name that was given back is free; nobody gives back what is not theirs', async () => {
  const { mine, theirs } = newClaim();
  await claims().take(mine, NOW_MS + MINUTE_MS);
  await claims().release(theirs);
  await claims().close(theirs, 'kept', NOW_MS + MINUTE_MS);
  expect(await claims().look(theirs)).toBe('running');
  await claims().release(mine);
  expect(await claims().take(theirs, NOW_MS + MINUTE_MS)).toBe('own');
});

test('whose owner died is free once it has expired, and the dead one changes nothing any more', async () => {
  const { mine, theirs } = newClaim();
  await claims().take(mine, NOW_MS + MINUTE_MS);
  const later = claims(NOW_MS + MINUTE_MS);
  expect(await later.take(theirs, NOW_MS + 2 * MINUTE_MS)).toBe('own');
  await later.close(mine, 'not-kept', NOW_MS + 9 * MINUTE_MS);
  await later.release(mine);
  expect(await later.look(mine)).toBe('running');
});

test('a taking whose answer was lost is still one’s own', async () => {
  const { mine } = newClaim();
  const client = faultyClient(engine.endpoint, scriptedFaults(['lost-answer']));
  expect(await claims(NOW_MS, engine.store(client)).take(mine, NOW_MS + MINUTE_MS)).toBe('own');
});

test('a store that nobody reaches says so', async () => {
  const { mine } = newClaim();
  const client = faultyClient(engine.endpoint, () => 'refused');
  await expect(claims(NOW_MS, engine.store(client)).take(mine, NOW_MS)).rejects.toMatchObject({
    code: 'store_unavailable',
  });
});
