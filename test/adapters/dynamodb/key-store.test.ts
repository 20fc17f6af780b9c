import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { scopeKey } from '../../../lambda/adapters/dynamodb/scope-item.ts';
import { dynamoScopeStore } from '../../../lambda/adapters/dynamodb/scope-store.ts';
import { readItem } from '../../../lambda/adapters/dynamodb/store.ts';
import { secretHash, virtualKeyId } from '../../../lambda/domain/ids.ts';
import { type Scope, scopeName } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { NO_RULES, type ScopeSettings } from '../../../lambda/domain/scope-settings.ts';
import { isUsable, type VirtualKey, withNewSecret } from '../../../lambda/domain/virtual-key.ts';
import type { KeyStore } from '../../../lambda/ports/key-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import { hard, START_MS, unique, virtualKey } from './fixtures.ts';

let engine: TestEngine;
let keys: KeyStore;
beforeAll(async () => {
  engine = await startTestEngine();
  keys = dynamoKeyStore(engine.store());
});
afterAll(() => engine.stop());

const newHash = () => secretHash(unique('hash'));
const faultyStore = (faults: readonly Fault[]): KeyStore =>
  dynamoKeyStore(engine.store(faultyClient(engine.endpoint, scriptedFaults(faults))));

/** The version of a scope's policy that reservations are fenced by. */
const versionInSpend = async (scope: Scope): Promise<string | undefined> =>
  (await readItem(engine.store(), 'spend', scopeKey(scopeName(scope))))?.['policyVersion']?.N;
/** Gives a scope settings, as often as is asked. */
const putSettings = (scope: ScopeSettings['scope'], from?: ScopeSettings) =>
  dynamoScopeStore(engine.store()).put({
    ...NO_RULES,
    name: scope.id,
    budgets: [hard(1000n, 'month')],
    metadata: {},
    policyVersion: 0,
    createdAtMs: START_MS,
    ...from,
    scope,
  });

describe('create', () => {
  test('keeps every property, and finds the key by its secret and by its id', async () => {
    const key = virtualKey({
      organization: 'acme',
      team: 'search',
      project: 'ranker',
      member: 'ada',
      tags: { stage: 'production' },
      models: ['openai/*', 'smart'],
      providers: ['openai', 'anthropic'],
      budgets: [
        hard(12_345_678_901_234_567_890n, 'month'),
        { ...hard(5n, 'day'), mode: 'soft', softLimits: [] },
      ],
      increases: [
        { amount: nanoUsd(7n), window: 'month', expiresAtMs: 1_790_000_000_000, reason: 'A launch' },
        { amount: nanoUsd(8n), expiresAtMs: 1_790_000_000_001, reason: '' },
      ],
      rateLimits: [
        { model: 'openai/*', requestsPerMinute: 60 },
        { provider: 'openai', tokensPerMinute: 1 },
      ],
      sessionLimits: { maxCost: nanoUsd(12_345_678_901_234_567_890n), maxCalls: 20 },
      endUserBudget: hard(9n, 'day'),
      cache: 'semantic',
      metadata: { note: 'für später', empty: '' },
      expiresAtMs: 1_800_000_000_000,
      revokedAtMs: 1_790_000_000_000,
    });
    const hash = newHash();
    await keys.create(key, hash);
    expect(await keys.findBySecret(hash)).toEqual({ key, scopes: [], purseShards: 1 });
    expect(await keys.find(key.id)).toEqual(key);
    const scope = { kind: 'key', id: key.id } as const;
    expect(await dynamoLedger(engine.store()).counters(scope)).toEqual({ scope, windows: {} });
    expect(await versionInSpend(scope)).toBe('1');
  });

  test('finds nothing for an unknown secret or id', async () => {
    expect(await keys.findBySecret(newHash())).toBeUndefined();
    expect(await keys.find(virtualKeyId('key_nobody'))).toBeUndefined();
  });

  test('refuses an id or a secret that is taken, and then writes nothing', async () => {
    const [key, hash] = [virtualKey(), newHash()];
    await keys.create(key, hash);
    const sameSecret = virtualKey();
    for (const attempt of [
      keys.create(sameSecret, hash),
      keys.create(key, newHash()),
      keys.create(key, hash),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: 'invalid_request' });
    }
    expect(await keys.find(sameSecret.id)).toBeUndefined();
  });

  test('succeeds once when answers are lost', async () => {
    const key = virtualKey();
    await faultyStore(['conflict', 'lost-answer', 'throttled']).create(key, newHash());
    expect(await keys.find(key.id)).toEqual(key);
  });
});

describe('update', () => {
  test('replaces the key and bumps its version in both tables', async () => {
    const key = virtualKey({ team: 'search' });
    await keys.create(key, newHash());
    const { team, ...rest } = key;
    const changed: VirtualKey = { ...rest, state: 'revoked', revokedAtMs: 1_763_700_000_000 };
    const updated = await keys.update(changed);
    expect(updated).toEqual({ ...changed, policyVersion: 2 });
    expect(await keys.find(key.id)).toEqual(updated);
    expect(await versionInSpend({ kind: 'key', id: key.id })).toBe('2');
  });

  test('is refused where somebody else changed the key in between', async () => {
    const key = virtualKey();
    await keys.create(key, newHash());
    await keys.update({ ...key, name: 'First' });
    await expect(keys.update({ ...key, name: 'Second' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    expect(await keys.find(key.id)).toMatchObject({ name: 'First', policyVersion: 2 });
  });

  test('knows its own change after a lost answer, and no other', async () => {
    const key = virtualKey();
    await keys.create(key, newHash());
    const updated = await faultyStore(['lost-answer', 'conflict']).update({ ...key, name: 'First' });
    expect(updated).toMatchObject({ name: 'First', policyVersion: 2 });
    await expect(faultyStore(['refused']).update({ ...key, name: 'Second' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });
});

describe('a key with the scopes above it', () => {
  test('is found with the settings of those that have any, by its secret and again', async () => {
    const [organization, team, project, tag] = ['org', 'team', 'project', 'acme'].map(unique);
    const key = virtualKey({
      ...(organization !== undefined && { organization }),
      ...(team !== undefined && { team }),
      ...(project !== undefined && { project }),
      tags: { customer: tag ?? '', stage: 'nobody-set' },
    });
    const hash = newHash();
    await keys.create(key, hash);
    const set = [
      await putSettings({ kind: 'organization', id: organization ?? '' }),
      await putSettings({ kind: 'team', id: team ?? '' }),
      await putSettings({ kind: 'tag', id: `customer=${tag}` }),
    ];
    expect(await keys.findBySecret(hash)).toEqual({ key, scopes: set, purseShards: 1 });
    expect(await keys.again(key, [])).toEqual({ key, scopes: set, tags: [], purseShards: 1 });
    const [, , named] = set;
    expect((await keys.again(key, named === undefined ? [] : [named.scope]))?.tags).toEqual([named]);
    const [first] = set;
    const changed = await putSettings({ kind: 'organization', id: organization ?? '' }, first);
    expect(changed.policyVersion).toBe(2);
    expect((await keys.again(key, []))?.scopes).toEqual([changed, ...set.slice(1)]);
  });

  test('is read again as it is now', async () => {
    const key = virtualKey();
    await keys.create(key, newHash());
    const changed = await keys.update({ ...key, name: 'Changed' });
    expect(await keys.again(key, [])).toEqual({ key: changed, scopes: [], tags: [], purseShards: 1 });
    expect(await keys.again(virtualKey(), [])).toBeUndefined();
  });

  test('has the scopes of its new team when it is read again after a move', async () => {
    const [from, to] = [unique('team'), unique('team')];
    const key = virtualKey({ team: from });
    await keys.create(key, newHash());
    await putSettings({ kind: 'team', id: from });
    const settings = await putSettings({ kind: 'team', id: to });
    const moved = await keys.update({ ...key, team: to });
    expect(await keys.again(key, [])).toEqual({ key: moved, scopes: [settings], tags: [], purseShards: 1 });
  });
});

describe('tags', () => {
  test('are those that have settings, and no other scopes', async () => {
    const tag = await putSettings({ kind: 'tag', id: `customer=${unique('acme')}` });
    const team = await putSettings({ kind: 'team', id: unique('team') });
    const all = await keys.tags();
    expect(all).toContainEqual(tag);
    expect(all).not.toContainEqual(team);
  });
});

describe('rotate', () => {
  const made = async (changes: Partial<VirtualKey> = {}) => {
    const [key, hash] = [virtualKey(changes), newHash()];
    await keys.create(key, hash);
    return { key, hash };
  };
  const NOW_MS = 1_763_700_000_000;
  const rotated = (key: VirtualKey, graceMs: number) =>
    withNewSecret(key, { hint: 'wxyz', graceMs, nowMs: NOW_MS });

  test('finds the key by the new secret, and by the old one until its grace ends', async () => {
    const { key, hash } = await made();
    const next = newHash();
    const after = await keys.rotate(rotated(key, 60_000), next);
    expect(after).toMatchObject({ hint: 'wxyz', policyVersion: 2 });
    expect(await keys.findBySecret(next)).toEqual({ key: after, scopes: [], purseShards: 1 });
    const throughOld = (await keys.findBySecret(hash))?.key;
    expect(throughOld).toEqual({ ...after, expiresAtMs: NOW_MS + 60_000 });
    expect(throughOld && isUsable(throughOld, NOW_MS + 59_999)).toBe(true);
    expect(throughOld && isUsable(throughOld, NOW_MS + 60_000)).toBe(false);
    expect(await keys.find(key.id)).toEqual(after);
  });

  test('without grace the old secret finds nothing', async () => {
    const { key, hash } = await made();
    await keys.rotate(rotated(key, 0), newHash());
    expect(await keys.findBySecret(hash)).toBeUndefined();
  });

  test("never makes a key's own expiry later, nor an older secret's", async () => {
    const { key, hash } = await made({ expiresAtMs: NOW_MS + 1_000 });
    const second = newHash();
    const once = await keys.rotate(rotated(key, 60_000), second);
    expect((await keys.findBySecret(hash))?.key.expiresAtMs).toBe(NOW_MS + 1_000);
    await keys.rotate(rotated({ ...once, expiresAtMs: NOW_MS + 90_000 }, 30_000), newHash());
    expect((await keys.findBySecret(hash))?.key.expiresAtMs).toBe(NOW_MS + 30_000);
    expect((await keys.findBySecret(second))?.key.expiresAtMs).toBe(NOW_MS + 30_000);
  });

  test('bumps the version in both tables, so that no reservation under the old one succeeds', async () => {
    const { key } = await made();
    await keys.rotate(rotated(key, 0), newHash());
    const item = await readItem(engine.store(), 'spend', scopeKey(`key#${key.id}`));
    expect(item).toMatchObject({ policyVersion: { N: '2' } });
    await expect(keys.rotate(rotated(key, 0), newHash())).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });

  test('refuses a secret that is taken, and then changes nothing', async () => {
    const [{ key }, other] = [await made(), await made()];
    await expect(keys.rotate(rotated(key, 0), other.hash)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await keys.find(key.id)).toEqual(key);
    expect((await keys.findBySecret(other.hash))?.key.id).toBe(other.key.id);
  });

  test('succeeds once when answers are lost', async () => {
    const { key, hash } = await made();
    const next = newHash();
    const after = await faultyStore(['conflict', 'lost-answer', 'throttled']).rotate(rotated(key, 0), next);
    expect(after.secretNumber).toBe(2);
    expect((await keys.findBySecret(next))?.key).toEqual(after);
    expect(await keys.findBySecret(hash)).toBeUndefined();
  });

  test('keeps no more than ten replaced secrets alive', () => {
    let key = virtualKey();
    for (let times = 0; times < 14; times += 1) key = rotated(key, 60_000);
    expect(key.earlierSecrets.map(({ number }) => number)).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5]);
  });
});

test('a key of an earlier version, of which less was kept, is read whole', async () => {
  const [key, hash] = [virtualKey(), newHash()];
  await keys.create(key, hash);
  const { client, tables } = engine.store();
  const strip = (pk: string, ...names: readonly string[]) =>
    client.send(
      new UpdateItemCommand({
        TableName: tables.keys,
        Key: { pk: { S: pk } },
        UpdateExpression: `REMOVE ${names.join(', ')}`,
      }),
    );
  await strip(`key#${key.id}`, 'increases', 'rateLimits', 'secretNumber', 'earlierSecrets');
  await strip(`secret#${hash}`, 'secretNumber');
  expect((await keys.findBySecret(hash))?.key).toEqual(key);
});

describe('list', () => {
  test('gives every key once, newest first, page by page', async () => {
    const own = await startTestEngine();
    const store = dynamoKeyStore(own.store());
    const made = Array.from({ length: 7 }, (_, index) =>
      virtualKey({ createdAtMs: 1_763_600_000_000 + index }),
    );
    for (const key of made) await store.create(key, newHash());
    const listed: VirtualKey[] = [];
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list({ limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      listed.push(...page.items);
      sizes.push(page.items.length);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(sizes).toEqual([3, 3, 1]);
    expect(listed).toEqual(made.toReversed());
    expect((await store.list({ limit: 7 })).nextCursor).toBeUndefined();
    await own.stop();
  });

  test('refuses a cursor that names a place of another list', async () => {
    for (const place of ['settings#team#search', 'a#b', 'secret#abc']) {
      const cursor = Buffer.from(`${Date.now()} ${place}`).toString('base64url');
      await expect(keys.list({ limit: 10, cursor })).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  test.each([
    ['', 'nothing'],
    ['e30', 'an empty object'],
    [Buffer.from('1 key#key_1\n').toString('base64url'), 'a control character'],
    [Buffer.from('1').toString('base64url'), 'no id'],
    [Buffer.from('-1 key_1').toString('base64url'), 'a negative time'],
    [Buffer.from(`1 ${'k'.repeat(3000)}`).toString('base64url'), 'a long id'],
    ['%00\ud800', 'no base64'],
  ])('refuses the cursor %j: %s', async (cursor) => {
    await expect(keys.list({ limit: 3, cursor })).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'cursor',
    });
  });
});
