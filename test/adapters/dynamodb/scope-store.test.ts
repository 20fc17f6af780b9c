import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readNumber } from '../../../lambda/adapters/dynamodb/attributes.ts';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { addToCounters, readCounters, scopeKey } from '../../../lambda/adapters/dynamodb/scope-item.ts';
import { dynamoScopeStore } from '../../../lambda/adapters/dynamodb/scope-store.ts';
import { readItem, updateItem } from '../../../lambda/adapters/dynamodb/store.ts';
import { updateBuilder } from '../../../lambda/adapters/dynamodb/update.ts';
import { secretHash } from '../../../lambda/domain/ids.ts';
import { scopeName } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { windowIdAt } from '../../../lambda/domain/money/window.ts';
import { NO_RULES, type ScopeSettings } from '../../../lambda/domain/scope-settings.ts';
import { tagScope } from '../../../lambda/domain/scopes-of-request.ts';
import type { ScopeStore } from '../../../lambda/ports/key-store.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type Fault, faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import { hard, unique, virtualKey } from './fixtures.ts';

let engine: TestEngine;
let scopes: ScopeStore;
beforeAll(async () => {
  engine = await startTestEngine();
  scopes = dynamoScopeStore(engine.store());
});
afterAll(() => engine.stop());

const faultyStore = (faults: readonly Fault[]): ScopeStore =>
  dynamoScopeStore(engine.store(faultyClient(engine.endpoint, scriptedFaults(faults))));

const settingsOf = (scope: ScopeSettings['scope'], changes: Partial<ScopeSettings> = {}): ScopeSettings => ({
  scope,
  ...NO_RULES,
  name: 'A scope',
  metadata: {},
  policyVersion: 0,
  createdAtMs: 1_763_600_000_000,
  ...changes,
});
const team = (changes: Partial<ScopeSettings> = {}) =>
  settingsOf({ kind: 'team', id: unique('team') }, changes);

const versionInSpend = async (settings: ScopeSettings) => {
  const item = await readItem(engine.store(), 'spend', scopeKey(scopeName(settings.scope)));
  return item && readNumber(item, 'policyVersion');
};

describe('put', () => {
  test('keeps every property, and the version in both tables', async () => {
    const settings = team({
      models: ['openai/*'],
      providers: ['openai'],
      budgets: [
        hard(12_345_678_901_234_567_890n, 'month'),
        { ...hard(5n, 'day'), model: 'openai/gpt-5', provider: 'openai', mode: 'soft', softLimits: [] },
      ],
      increases: [
        { amount: nanoUsd(7n), window: 'month', expiresAtMs: 1_800_000_000_000, reason: 'für Tests' },
      ],
      rateLimits: [
        { requestsPerMinute: 60 },
        { tokensPerMinute: 1_000, concurrentRequests: 2, model: 'sim/*' },
      ],
      metadata: { note: '' },
    });
    const put = await scopes.put(settings);
    expect(put).toEqual({ ...settings, policyVersion: 1 });
    expect(await scopes.find(settings.scope)).toEqual(put);
    expect(await versionInSpend(settings)).toBe(1);
  });

  test('is refused where somebody else changed the settings in between, or made them', async () => {
    const settings = team();
    const first = await scopes.put(settings);
    await expect(scopes.put({ ...settings, name: 'Second' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    await scopes.put({ ...first, name: 'Third' });
    await expect(scopes.put({ ...first, name: 'Fourth' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
    expect(await scopes.find(settings.scope)).toMatchObject({ name: 'Third', policyVersion: 2 });
    expect(await versionInSpend(settings)).toBe(2);
  });

  test('of many at once lets one win each version', async () => {
    const first = await scopes.put(team());
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => scopes.put({ ...first, name: `Writer ${index}` })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await versionInSpend(first)).toBe(2);
  });

  test('knows its own change after a lost answer, and no other', async () => {
    const settings = team();
    const made = await faultyStore(['lost-answer', 'conflict', 'throttled']).put(settings);
    expect(made.policyVersion).toBe(1);
    const changed = await faultyStore(['lost-answer', 'lost-answer']).put({ ...made, name: 'Changed' });
    expect(changed).toMatchObject({ name: 'Changed', policyVersion: 2 });
    await expect(faultyStore(['refused']).put({ ...made, name: 'Other' })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });

  test('leaves the counters of a scope that was counted before', async () => {
    const settings = team();
    const store = engine.store();
    const counted = { committed: nanoUsd(5n), spent: nanoUsd(3n) };
    const windows = [windowIdAt('total', 0)];
    const update = updateBuilder();
    addToCounters(update, windows, counted);
    await updateItem(store, scopeKey(scopeName(settings.scope)), update.build());
    await scopes.put(settings);
    expect(await readCounters(store, settings.scope)).toEqual({
      scope: settings.scope,
      windows: { total: counted },
    });
  });
});

describe('settings that are cleared', () => {
  test('are found with their version, and stand in no list', async () => {
    const made = await scopes.put(settingsOf(tagScope(unique('customer'), 'a|b #=c/ü')));
    const listed = async () =>
      (await scopes.list('tag', { limit: 100 })).items.some(({ scope }) => scope.id === made.scope.id);
    const tags = async () =>
      (await dynamoKeyStore(engine.store()).tags()).some(({ scope }) => scope.id === made.scope.id);
    expect([await listed(), await tags()]).toEqual([true, true]);
    const cleared = await scopes.put({ ...made, clearedAtMs: 1_763_700_000_000 });
    expect([await listed(), await tags()]).toEqual([false, false]);
    expect(await scopes.find(made.scope)).toEqual({ ...cleared, policyVersion: 2 });
    const { clearedAtMs, ...again } = cleared;
    expect((await scopes.put(again)).policyVersion).toBe(3);
    expect(await listed()).toBe(true);
  });
});

test('a key comes with the settings of what it names, as far as there are any', async () => {
  const [organization, project] = [unique('org'), unique('project')];
  const made = await scopes.put(settingsOf({ kind: 'organization', id: organization }));
  const tag = await scopes.put(settingsOf(tagScope('env', organization)));
  await scopes.put(settingsOf({ kind: 'team', id: organization }));
  const key = virtualKey({ organization, project, tags: { env: organization } });
  const hash = secretHash(unique('hash'));
  const keys = dynamoKeyStore(engine.store());
  await keys.create(key, hash);
  expect(await keys.findBySecret(hash)).toEqual({ key, scopes: [made, tag], purseShards: 1 });
});

describe('list', () => {
  test('gives every scope of a kind once, newest first, page by page', async () => {
    const own = await startTestEngine();
    const store = dynamoScopeStore(own.store());
    const made: ScopeSettings[] = [];
    for (let index = 0; index < 7; index += 1)
      made.push(await store.put(team({ createdAtMs: 1_763_600_000_000 + index })));
    await store.put(settingsOf({ kind: 'project', id: 'p' }));
    const listed: ScopeSettings[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list('team', { limit: 3, ...(cursor === undefined ? {} : { cursor }) });
      listed.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(listed).toEqual(made.toReversed());
    await own.stop();
  });

  test('refuses the cursor of another kind', async () => {
    await scopes.put(settingsOf({ kind: 'member', id: unique('m') }));
    await scopes.put(settingsOf({ kind: 'member', id: unique('m') }));
    const { nextCursor = '' } = await scopes.list('member', { limit: 1 });
    await expect(scopes.list('project', { limit: 1, cursor: nextCursor })).rejects.toMatchObject({
      code: 'invalid_request',
      param: 'cursor',
    });
  });
});
