import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { windowIdAt, windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type { BudgetNotice } from '../../../lambda/ports/ledger.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { faultyClient, scriptedFaults } from '../../support/faulty-client.ts';
import {
  FOLD_DUE_MS,
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  START_MS,
  scopeWith,
  standingClock,
  sweepAt,
} from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const notice = (policy: ScopePolicy, threshold = 0.8): BudgetNotice => ({
  scope: policy.scope,
  scopeLabel: 'A key',
  window: windowIdAt('day', START_MS),
  threshold,
  limit: nanoUsd(1000n),
  spent: nanoUsd(850n),
  atMs: START_MS,
});

describe('notices', () => {
  test('are queued once per threshold and window, and told apart from a lost answer', async () => {
    const policy = await scopeWith(engine.store(), [hard(1000n)]);
    const ledger = dynamoLedger(engine.store());
    const faulty = dynamoLedger(
      engine.store(faultyClient(engine.endpoint, scriptedFaults(['lost-answer', 'conflict', 'lost-answer']))),
    );
    expect(await faulty.queueNotice(notice(policy))).toBe(true);
    expect(await ledger.queueNotice(notice(policy))).toBe(false);
    expect(await faulty.queueNotice(notice(policy))).toBe(false);
    expect(await ledger.queueNotice(notice(policy, 0.5))).toBe(true);
    const tomorrow = { ...notice(policy), window: windowIdAt('day', START_MS + 86_400_000) };
    expect(await ledger.queueNotice(tomorrow)).toBe(true);
    await dynamoLedgerUpkeep(engine.store()).sendNotices(async () => {});
  });

  test('of a scope that does not exist are not queued', async () => {
    const nobody = {
      ...notice(await scopeWith(engine.store(), [])),
      scope: { kind: 'team', id: 'nobody' } as const,
    };
    expect(await dynamoLedger(engine.store()).queueNotice(nobody)).toBe(false);
  });

  test('stay until they could be sent, and are sent whole', async () => {
    const [first, second] = await Promise.all([scopeWith(engine.store(), []), scopeWith(engine.store(), [])]);
    const ledger = dynamoLedger(engine.store());
    const upkeep = dynamoLedgerUpkeep(engine.store());
    for (const policy of [first, second]) await ledger.queueNotice(notice(policy));
    const refuse = async (told: BudgetNotice) => {
      if (told.scope.id === first.scope.id) throw new Error('Nobody listens.');
    };
    await expect(upkeep.sendNotices(refuse)).rejects.toThrow('Nobody listens.');
    const told: BudgetNotice[] = [];
    expect(await upkeep.sendNotices(async (each) => void told.push(each))).toBe(1);
    expect(told).toEqual([notice(first)]);
    expect(await upkeep.sendNotices(async (each) => void told.push(each))).toBe(0);
  });

  test('are no purses for the sweep', async () => {
    const policy = await scopeWith(engine.store(), []);
    await dynamoLedger(engine.store()).queueNotice(notice(policy));
    const swept = await dynamoLedgerUpkeep(engine.store()).sweep(START_MS + 3_600_000, Date.now() + 60_000);
    expect(swept).toMatchObject({ swept: 0, folded: 0, open: 0 });
  });
});

describe('pruneWindows', () => {
  test('takes off what ended more than two hours ago, and nothing else', async () => {
    const policy = await scopeWith(engine.store(), [hard(1_000_000n, 'hour')]);
    const clock = standingClock();
    const store = { ...engine.store(), clock };
    const ledger = dynamoLedger(store);
    const firstMs = Date.UTC(2026, 9, 31, 23);
    // A fold prunes too, by its own clock.
    clock.pass(firstMs - START_MS);
    const momentsMs = [firstMs, Date.UTC(2026, 10, 1, 9), Date.UTC(2026, 10, 1, 10), START_MS];
    const live = async (atMs: number) => {
      const request = facts(policy, { startedAtMs: atMs });
      const held = reserved(
        await ledger.reserve(request, reservation([policy], 10n, { windows: windowIdsAt(atMs) })),
      );
      await ledger.settle(request, held, outcome(10n));
    };
    for (const atMs of momentsMs) await live(atMs);
    await sweepAt(store, FOLD_DUE_MS);
    await ledger.queueNotice({ ...notice(policy), window: windowIdAt('hour', Date.UTC(2026, 10, 1, 9)) });
    const upkeep = dynamoLedgerUpkeep(store);
    await upkeep.pruneWindows(policy.scope, Date.UTC(2026, 10, 1, 12));
    const names = async () => Object.keys((await ledger.counters(policy.scope))?.windows ?? {}).sort();
    const future = windowIdsAt(START_MS);
    expect(await names()).toEqual(
      [...new Set([...windowIdsAt(Date.UTC(2026, 10, 1, 10)), ...future, 'hour:2026-11-01T10'])].sort(),
    );
    await upkeep.pruneWindows(policy.scope, START_MS);
    expect(await names()).toEqual([...future].sort());
    await upkeep.pruneWindows(policy.scope, START_MS);
    await live(START_MS);
    await sweepAt(store, FOLD_DUE_MS);
    expect((await ledger.counters(policy.scope))?.windows).toMatchObject({
      total: { committed: 50n, spent: 50n },
    });
  });
});
