import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deploymentId, requestId } from '../../lambda/domain/ids.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { type DeploymentHealth, HEALTH_FLOOR } from '../../lambda/domain/routing/health.ts';
import type { BudgetNotice } from '../../lambda/ports/ledger.ts';
import type { Upkeep } from '../../lambda/upkeep/context.ts';
import { runUpkeep, type UpkeepReport } from '../../lambda/upkeep/upkeep.ts';
import { ask } from '../support/ask.ts';
import { hurriedClock } from '../support/engine.ts';
import { budget, type LocalGateway, startLocalGateway, type TestKey } from '../support/local-gateway.ts';
import { type MockUpstream, startMockUpstream } from '../support/mock-upstream.ts';
import { reservationOf } from '../support/reservations.ts';

const MINUTE_MS = 60_000;
const FIRST = deploymentId('openai/mock');
const SECOND = 'anthropic/mock';

let skewMs: number;
let primary: MockUpstream;
let gateway: LocalGateway;
let owner: TestKey;

beforeEach(async () => {
  skewMs = 0;
  const clock = { ...hurriedClock, now: () => hurriedClock.now() + skewMs };
  primary = await startMockUpstream();
  gateway = await startLocalGateway({
    clock,
    environment: { SLUICE_OPENAI_BASE_URL: `${primary.url}/v1` },
    config: {
      maxAttempts: 1,
      modelGroups: {
        pair: {
          deployments: [
            { provider: 'openai', model: 'mock' },
            { provider: 'anthropic', model: 'mock' },
          ],
        },
      },
    },
  });
  owner = await gateway.createKey();
});
afterEach(async () => {
  await primary.close();
  await gateway.close();
});

/** What upkeep does at the next minute. */
function nextRun(overrides: Partial<Upkeep> = {}): Promise<UpkeepReport> {
  skewMs += MINUTE_MS;
  return runUpkeep(gateway.upkeep(overrides), 5_000);
}

/** Who answers a request for the group. */
async function answerer(): Promise<string | null> {
  const response = await ask(gateway, owner.secret, { model: 'pair' });
  await response.arrayBuffer();
  await gateway.record(response);
  return response.headers.get('x-sluice-deployment');
}

const healthOf = async (id: string = FIRST): Promise<DeploymentHealth | undefined> =>
  (await gateway.upkeep().routing.health()).get(deploymentId(id));

/** As if the deployment had been used just now. */
const markUsed = (id: string = FIRST, settings: Partial<DeploymentHealth> = {}): Promise<void> => {
  const now = gateway.host.store.clock.now();
  return gateway.upkeep().routing.writeHealth({
    deployment: deploymentId(id),
    health: 1,
    lastUsedAtMs: now,
    updatedAtMs: now,
    ...settings,
  });
};

const probeSpend = (): Promise<bigint> => {
  const month = new Date(gateway.host.store.clock.now()).toISOString().slice(0, 7);
  return gateway.upkeep().routing.addProbeSpend(month, 0n);
};

describe('expired vectors', () => {
  test('are deleted once an hour, where they do not go by themselves', async () => {
    const runs: number[] = [];
    const removeExpired = async (nowMs: number): Promise<number> => runs.push(nowMs);
    const hourMs = 60 * MINUTE_MS;
    skewMs = hourMs - (hurriedClock.now() % hourMs) - MINUTE_MS;
    for (let run = 0; run < 3; run += 1) await nextRun({ vectors: { removeExpired } });
    expect(runs.map((nowMs) => Math.floor(nowMs / MINUTE_MS) % 60)).toEqual([0]);
  });

  test('that cannot be deleted keep nothing else from being done', async () => {
    const removeExpired = async (): Promise<number> => {
      throw new Error('The index is down.');
    };
    const hourMs = 60 * MINUTE_MS;
    skewMs = hourMs - (hurriedClock.now() % hourMs) - MINUTE_MS;
    await markUsed();
    await expect(nextRun({ vectors: { removeExpired } })).rejects.toThrow('The index is down.');
    expect(await healthOf()).toBeDefined();
  });
});

describe('a deployment whose provider goes away', () => {
  test('falls below the floor within two runs, is passed over, and returns when it is back', async () => {
    await markUsed();
    expect(await answerer()).toBe(FIRST);
    const port = Number(new URL(primary.url).port);
    await primary.close();
    await nextRun();
    await nextRun();
    expect((await healthOf())?.health).toBeLessThan(HEALTH_FLOOR);
    expect(await answerer()).toBe(SECOND);

    primary = await startMockUpstream(port);
    for (let run = 0; run < 4; run += 1) await nextRun();
    expect((await healthOf())?.health).toBeGreaterThanOrEqual(HEALTH_FLOOR);
    expect(await answerer()).toBe(FIRST);
  });

  test('is told of by the requests it fails, without any probe', async () => {
    await primary.close();
    for (let index = 0; index < 3; index += 1) await answerer();
    skewMs += 6_000;
    await answerer();
    const report = await nextRun();
    expect(report.health.probed).toBe(0);
    expect((await healthOf())?.health).toBeLessThan(HEALTH_FLOOR);
    expect((await healthOf(SECOND))?.health).toBe(1);
  });

  test('is left alone at once after two failures in a row', async () => {
    await primary.close();
    const attempts = async () => {
      const response = await ask(gateway, owner.secret, { model: 'pair' });
      return response.headers.get('x-sluice-attempts');
    };
    expect([await attempts(), await attempts(), await attempts()]).toEqual(['2', '2', '1']);
    skewMs += 61_000;
    expect(await attempts()).toBe('2');
  });
});

describe('a probe', () => {
  test('goes to a deployment that was used in the last hour and is silent, through the code of its provider', async () => {
    await markUsed();
    await markUsed(SECOND);
    const report = await nextRun();
    expect(report.health).toEqual({ judged: 2, probed: 2 });
    expect(primary.requests).toHaveLength(1);
    expect(primary.requests[0]).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer openai-credential', 'x-sluice-via': gateway.gateway.id },
      body: { model: 'mock', max_completion_tokens: 16 },
    });
    expect(gateway.mock.requests[0]).toMatchObject({
      path: '/v1/messages',
      headers: { 'x-api-key': 'anthropic-credential', 'anthropic-version': '2023-06-01' },
      body: { model: 'mock', max_tokens: 16 },
    });
    expect(await healthOf()).toMatchObject({ health: 1, lastProbeAtMs: expect.any(Number) });
  });

  test('is not sent where live traffic tells', async () => {
    await markUsed();
    await answerer();
    skewMs += 6_000;
    await answerer();
    primary.reset();
    const report = await nextRun();
    expect(report.health).toMatchObject({ probed: 0 });
    expect(report.health.judged).toBeGreaterThan(0);
    expect(primary.requests).toEqual([]);
  });

  test('is not sent to a deployment nobody has used for an hour', async () => {
    await markUsed();
    skewMs += 60 * MINUTE_MS;
    expect((await nextRun()).health.probed).toBe(0);
    expect(primary.requests).toEqual([]);
  });

  test('is not sent to a model that does not converse', async () => {
    await markUsed('openai/text-embedding-3-small');
    await markUsed('openai/dall-e-3');
    expect((await nextRun()).health.probed).toBe(0);
    expect(primary.requests).toEqual([]);
  });

  test('is sent to one that is cooling down, however long ago it was used', async () => {
    const now = gateway.host.store.clock.now();
    await markUsed(FIRST, { lastUsedAtMs: now - 120 * MINUTE_MS, cooldownUntilMs: now + 5 * MINUTE_MS });
    expect((await nextRun()).health.probed).toBe(1);
  });

  test('does not make its deployment count as used', async () => {
    await markUsed();
    const { lastUsedAtMs } = (await healthOf()) ?? {};
    await nextRun();
    expect((await healthOf())?.lastUsedAtMs).toBe(lastUsedAtMs);
  });

  test('costs money of its own, which a monthly cap bounds', async () => {
    await markUsed();
    await nextRun();
    expect(await probeSpend()).toBe(BigInt(17 * 3_000 + 4 * 500 + 3 * 17_000));
    await markUsed();
    const poor = { ...gateway.gateway.config, probes: { monthlyCapNano: await probeSpend() } };
    primary.reset();
    const report = await nextRun({ config: poor });
    expect(report.health.probed).toBe(0);
    expect(primary.requests).toEqual([]);
  });

  test('is charged to no key', async () => {
    await markUsed();
    await nextRun();
    expect((await gateway.counters(owner.key)).windows).toEqual({});
  });

  test.each([
    ['mock-e500', 0.4],
    ['mock-fcut', 0.4],
    ['mock-fsseerr', 0.4],
    ['mock-e429', 0.7],
    ['mock-e400', 1],
  ])('that %s answers leaves health at %d', async (model, health) => {
    await markUsed(`openai/${model}`);
    await nextRun();
    expect((await healthOf(`openai/${model}`))?.health).toBeCloseTo(health, 6);
  });

  test('reads a credential again that was refused', async () => {
    let reads = 0;
    Object.defineProperty(gateway.environment, 'OPENAI_API_KEY', {
      get: () => (reads++ === 0 ? 'bad-old' : 'new'),
    });
    await markUsed();
    await nextRun();
    expect(primary.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer bad-old',
      'Bearer new',
    ]);
    expect((await healthOf())?.health).toBe(1);
  });

  test('is not sent to a provider that is no longer on', async () => {
    await markUsed('gone/model');
    await markUsed('no-slash-at-all');
    expect((await nextRun()).health).toEqual({ judged: 0, probed: 0 });
  });
});

describe('what dead processes left', () => {
  /** A request whose process died after it had reserved. */
  async function abandoned(key: TestKey['key'], usd: number): Promise<string> {
    const now = gateway.host.store.clock.now();
    const id = requestId(`gen-${Math.random().toString(36).slice(2)}`);
    const facts = {
      id,
      startedAtMs: now,
      keyId: key.id,
      tags: {},
      dialect: 'openai-chat',
      modelsAsked: ['pair'],
      stream: false,
    };
    const reservation = reservationOf(key, usd, now);
    await gateway.gateway.ledger.reserve(facts, { ...reservation, expiresAtMs: now + 30_000 });
    return id;
  }

  test('is closed once it has expired, charged as reserved and marked so', async () => {
    const { key } = await gateway.createKey({ budgets: [budget(1)] });
    const id = await abandoned(key, 0.25);
    expect(await runUpkeep(gateway.upkeep(), 5_000)).toMatchObject({ sweep: { swept: 0, open: 1 } });
    // Its purse is looked at when it is due to be folded.
    await nextRun();
    expect(await nextRun()).toMatchObject({ sweep: { swept: 1, open: 0 } });
    expect(await gateway.record(id)).toMatchObject({ cost: nanoFromUsd(0.25), chargeBasis: 'swept' });
    expect((await gateway.counters(key)).windows).toMatchObject({
      total: { spent: nanoFromUsd(0.25), committed: nanoFromUsd(0.25) },
    });
    expect(await nextRun()).toMatchObject({ sweep: { swept: 0, open: 0 } });
  });

  test('is closed although another part of the run fails', async () => {
    const { key } = await gateway.createKey({ budgets: [budget(1)] });
    await abandoned(key, 0.25);
    const routing = {
      ...gateway.upkeep().routing,
      health: () => Promise.reject(new Error('the routing table is gone')),
    };
    // The run fails all the same, so that whoever watches the schedule hears of it.
    await expect(nextRun({ routing })).rejects.toThrow('the routing table is gone');
    const { total } = (await gateway.counters(key)).windows as Record<string, { spent: bigint }>;
    expect(total?.spent).toBe(nanoFromUsd(0.25));
  });
});

describe('a notice', () => {
  test('whose sending fails is sent by the next run', async () => {
    const { secret } = await gateway.createKey({
      budgets: [budget(0.0001, { mode: 'soft', softLimits: [0.5] })],
    });
    await gateway.record(await ask(gateway, secret, { model: 'pair' }));
    let tries = 0;
    const sent: BudgetNotice[] = [];
    const sendNotice = async (notice: BudgetNotice): Promise<void> => {
      tries += 1;
      if (tries === 1) throw new Error('the bus is down');
      sent.push(notice);
    };
    for (let run = 0; run < 40 && sent.length === 0; run += 1)
      await nextRun({ sendNotice }).catch((error: Error) => expect(error.message).toBe('the bus is down'));
    await nextRun({ sendNotice });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ threshold: 0.5 });
    expect(tries).toBe(2);
  });
});

describe('counters of past windows', () => {
  test('are taken away at the full hour, two hours after their window ended; the others stay', async () => {
    const { key, secret } = await gateway.createKey({ budgets: [budget(1, { window: 'hour' })] });
    await (await ask(gateway, secret, { model: 'pair' })).arrayBuffer();
    const hourOf = (name: string): boolean => name.startsWith('hour:');
    const windows = async () => Object.keys((await gateway.counters(key)).windows);
    expect((await windows()).filter(hourOf)).toHaveLength(1);
    const now = gateway.host.store.clock.now();
    const toFullHour = (hours: number): number =>
      Math.floor(now / (60 * MINUTE_MS) + hours) * 60 * MINUTE_MS - hurriedClock.now();
    skewMs = toFullHour(2);
    await runUpkeep(gateway.upkeep(), 5_000);
    expect((await windows()).filter(hourOf)).toHaveLength(1);
    skewMs = toFullHour(4) + MINUTE_MS;
    await runUpkeep(gateway.upkeep(), 5_000);
    expect((await windows()).filter(hourOf)).toHaveLength(1);
    skewMs = toFullHour(4);
    await runUpkeep(gateway.upkeep(), 5_000);
    expect((await windows()).filter(hourOf)).toEqual([]);
    expect(await windows()).toContain('total');
  });
});
