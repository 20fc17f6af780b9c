import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoRoutingStore, dynamoRoutingUpkeep } from '../../../lambda/adapters/dynamodb/routing-store.ts';
import { deploymentId } from '../../../lambda/domain/ids.ts';
import type { DeploymentHealth, OutcomeCounts } from '../../../lambda/domain/routing/health.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { unique } from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const counts = (changes: Partial<OutcomeCounts>): OutcomeCounts => ({
  successes: 0,
  failures: 0,
  rateLimited: 0,
  timedSuccesses: 0,
  timeToFirstTokenMs: 0,
  ...changes,
});
const health = (changes: Partial<DeploymentHealth> = {}): DeploymentHealth => ({
  deployment: deploymentId(unique('openai/gpt')),
  health: 0.4375,
  lastUsedAtMs: Date.now() - 5000,
  updatedAtMs: Date.now(),
  ...changes,
});

describe('outcomes', () => {
  test('of several environments and minutes are summed by deployment', async () => {
    const [a, b] = [deploymentId('openai/a'), deploymentId('anthropic/b#2')];
    const minute = 29_394_000;
    for (let environment = 0; environment < 12; environment++) {
      await dynamoRoutingStore(engine.store()).addOutcomes(
        minute - (environment % 3),
        new Map([
          [a, counts({ successes: 2, timeToFirstTokenMs: 100.4 })],
          [b, counts({ failures: 1, rateLimited: 1 })],
        ]),
      );
    }
    const upkeep = dynamoRoutingUpkeep(engine.store());
    expect(await upkeep.outcomes(minute, 5)).toEqual(
      new Map([
        [a, counts({ successes: 24, timeToFirstTokenMs: 1200 })],
        [b, counts({ failures: 12, rateLimited: 12 })],
      ]),
    );
    expect((await upkeep.outcomes(minute, 1)).get(a)).toEqual(
      counts({ successes: 8, timeToFirstTokenMs: 400 }),
    );
    expect(await upkeep.outcomes(minute + 1, 1)).toEqual(new Map());
  });

  test('of a deployment with an endless name are passed over', async () => {
    const endless = deploymentId(`custom/${'m'.repeat(2000)}`);
    const store = dynamoRoutingStore(engine.store());
    await store.addOutcomes(1, new Map([[endless, counts({ failures: 1 })]]));
    await store.coolDown(endless, Date.now() + 1000);
    expect((await store.health()).has(endless)).toBe(false);
  });
});

describe('health', () => {
  test('is read as it was written', async () => {
    const written = health({ lastProbeAtMs: 1_763_600_000_000, meanTimeToFirstTokenMs: 321 });
    await dynamoRoutingUpkeep(engine.store()).writeHealth(written);
    expect((await dynamoRoutingStore(engine.store()).health()).get(written.deployment)).toEqual(written);
  });

  test('keeps a cooldown that stands when it is written without one', async () => {
    const written = health();
    const untilMs = Date.now() + 30_000;
    const upkeep = dynamoRoutingUpkeep(engine.store());
    await dynamoRoutingStore(engine.store()).coolDown(written.deployment, untilMs);
    await upkeep.writeHealth(written);
    expect((await upkeep.health()).get(written.deployment)).toEqual({ ...written, cooldownUntilMs: untilMs });
    await upkeep.writeHealth({ ...written, cooldownUntilMs: 5 });
    expect((await upkeep.health()).get(written.deployment)).toMatchObject({ cooldownUntilMs: 5 });
  });

  test('of a deployment that was forgotten after a week is not read', async () => {
    const old = health({ updatedAtMs: Date.now() - 8 * 86_400_000 });
    await dynamoRoutingUpkeep(engine.store()).writeHealth(old);
    expect((await dynamoRoutingUpkeep(engine.store()).health()).has(old.deployment)).toBe(false);
  });
});

describe('coolDown', () => {
  test('lengthens a cooldown and never shortens it', async () => {
    const { deployment } = health();
    const store = dynamoRoutingStore(engine.store());
    const nowMs = Date.now();
    for (const untilMs of [nowMs + 20_000, nowMs + 60_000, nowMs + 30_000])
      await store.coolDown(deployment, untilMs);
    expect((await store.health()).get(deployment)).toMatchObject({
      health: 1,
      cooldownUntilMs: nowMs + 60_000,
    });
  });

  test('leaves the health that is known as it is', async () => {
    const written = health();
    await dynamoRoutingUpkeep(engine.store()).writeHealth(written);
    const store = dynamoRoutingStore(engine.store());
    const untilMs = Date.now() + 30_000;
    await store.coolDown(written.deployment, untilMs);
    expect((await store.health()).get(written.deployment)).toEqual({ ...written, cooldownUntilMs: untilMs });
  });
});

test('probe spend adds up by month and is read by adding nothing', async () => {
  const upkeep = dynamoRoutingUpkeep(engine.store());
  expect(await upkeep.addProbeSpend('2026-11', 0n)).toBe(0n);
  expect(await upkeep.addProbeSpend('2026-11', 7_000n)).toBe(7_000n);
  expect(await upkeep.addProbeSpend('2026-11', 5n)).toBe(7_005n);
  expect(await upkeep.addProbeSpend('2026-11', 0n)).toBe(7_005n);
  expect(await upkeep.addProbeSpend('2026-12', 0n)).toBe(0n);
});
