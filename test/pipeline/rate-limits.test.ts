import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dynamoRateStore } from '../../lambda/adapters/dynamodb/rate-store.ts';
import { deploymentId, providerId } from '../../lambda/domain/ids.ts';
import type { RateCounters } from '../../lambda/domain/rates/rate-window.ts';
import type { RateLimit } from '../../lambda/domain/scope-settings.ts';
import { durationText, rateLimitHeaders } from '../../lambda/pipeline/rate-headers.ts';
import { rateLimiter } from '../../lambda/pipeline/rate-limiter.ts';
import {
  type RateLimitExceeded,
  type RateTicket,
  type ScopedRates,
  takeRates,
} from '../../lambda/pipeline/rate-limits.ts';
import type { Telemetry } from '../../lambda/ports/telemetry.ts';
import { unique } from '../adapters/dynamodb/fixtures.ts';
import { hurriedClock, startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Fault, faultyClient } from '../support/faulty-client.ts';
import { ManualClock } from '../support/manual-clock.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const START_MS = 29_380_000 * 60_000;
const OPENAI = { id: deploymentId('openai/gpt-5'), provider: providerId('openai') };
const ANTHROPIC = { id: deploymentId('anthropic/claude-opus'), provider: providerId('anthropic') };

const team = (...rateLimits: readonly RateLimit[]): ScopedRates => ({
  scope: { kind: 'team', id: unique('team') },
  rateLimits,
});

/** One process: its clock, what it reported, how often it wrote, and a fault all of its writes meet. */
function newProcess() {
  const clock = new ManualClock(START_MS);
  const measured: string[] = [];
  const telemetry: Telemetry = {
    request: () => undefined,
    rejected: () => undefined,
    problem: () => undefined,
    measure: ({ name }) => measured.push(name),
    flush: async () => undefined,
  };
  const process = { clock, measured, writes: 0, fault: undefined as Fault | undefined };
  const client = faultyClient(engine.endpoint, ({ isWrite }) => {
    if (isWrite) process.writes += 1;
    return process.fault;
  });
  // Retries end soon: its clock for durations leaps.
  let durationMs = 0;
  const leaping = {
    ...hurriedClock,
    monotonicMs: () => {
      durationMs += 800;
      return durationMs;
    },
  };
  const limiter = rateLimiter({ store: dynamoRateStore({ ...engine.store(client), clock: leaping }), clock });
  const take = (
    scopes: readonly ScopedRates[],
    { tokens = 1, deployment = OPENAI, timeoutMs = 60_000 } = {},
  ): Promise<RateTicket> =>
    takeRates(
      { limiter, clock, telemetry },
      { scopes, deployment, tokens, expiresAtMs: clock.now() + timeoutMs },
    );
  return Object.assign(process, { take });
}

const refusal = (taking: Promise<unknown>): Promise<RateLimitExceeded> =>
  taking.then(
    () => {
      throw new Error('It was let through.');
    },
    (error: RateLimitExceeded) => error,
  );

describe('a request', () => {
  test('without rate limits writes nothing', async () => {
    const process = newProcess();
    const ticket = await process.take([team(), team({ provider: 'anthropic', requestsPerMinute: 1 })]);
    await ticket.settle(5);
    expect(process.writes).toBe(0);
    expect(rateLimitHeaders(ticket, START_MS)).toEqual({});
  });

  test('is counted once in each scope, with one write each', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 5 }), team({ requestsPerMinute: 9 })];
    const ticket = await process.take(scopes);
    await ticket.settle(undefined);
    expect(process.writes).toBe(2);
    expect(rateLimitHeaders(ticket, START_MS)).toEqual({
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '4',
      'x-ratelimit-reset-requests': '2m0s',
    });
  });

  test('that does not fit is refused with the limit, what is used, and when it fits', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 100 }), team({ requestsPerMinute: 2, tokensPerMinute: 50 })];
    await process.take(scopes);
    await process.take(scopes);
    process.clock.nowMs += 15_000;
    const error = await refusal(process.take(scopes));
    expect(error).toMatchObject({
      code: 'rate_limit_exceeded',
      status: 429,
      retryable: true,
      retryAfterSeconds: 75,
    });
    expect(error.metadata).toEqual({
      scope: 'team',
      scope_id: scopes[1]?.scope.id,
      limit_type: 'requests_per_minute',
      limit: 2,
      used: 2,
      fits_at: new Date(START_MS + 90_000).toISOString(),
    });
    expect(rateLimitHeaders(error, process.clock.now())).toMatchObject({
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m45s',
      'x-ratelimit-remaining-tokens': '48',
    });
    process.clock.nowMs = START_MS + 89_999;
    await refusal(process.take(scopes));
    process.clock.nowMs = START_MS + 90_000;
    await process.take(scopes);
  });

  test('that one scope refuses is given back to the others', async () => {
    const process = newProcess();
    const open = team({ requestsPerMinute: 1, concurrentRequests: 1 });
    const error = await refusal(process.take([open, team({ requestsPerMinute: 0 })]));
    expect(error).toMatchObject({ retryable: false, retryAfterSeconds: undefined });
    expect(error.message).toContain('never fits');
    await newProcess().take([open]);
  });

  test('that is cancelled was never there', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 1, tokensPerMinute: 10, concurrentRequests: 1 })];
    for (let time = 0; time < 3; time += 1) {
      const ticket = await process.take(scopes, { tokens: 10 });
      await ticket.cancel();
      await ticket.cancel();
      await ticket.settle(10);
    }
    await newProcess().take(scopes, { tokens: 10 });
  });
});

describe('tokens', () => {
  test('are taken as an upper bound, and corrected to what was used, also a minute later', async () => {
    const process = newProcess();
    const scopes = [team({ tokensPerMinute: 1000 })];
    const ticket = await process.take(scopes, { tokens: 900 });
    expect(await refusal(process.take(scopes, { tokens: 200 }))).toMatchObject({
      metadata: { limit_type: 'tokens_per_minute', used: 900 },
    });
    process.clock.nowMs += 60_000;
    await ticket.settle(100);
    const next = await newProcess().take(scopes, { tokens: 900 });
    expect(rateLimitHeaders(next, START_MS)).toMatchObject({ 'x-ratelimit-remaining-tokens': '0' });
  });

  test('count all of what was used where that was more', async () => {
    const process = newProcess();
    const scopes = [team({ tokensPerMinute: 1000 })];
    await (await process.take(scopes, { tokens: 100 })).settle(990);
    await refusal(newProcess().take(scopes, { tokens: 11 }));
    await newProcess().take(scopes, { tokens: 10 });
  });

  test('of a request larger than the limit never fit', async () => {
    const process = newProcess();
    const error = await refusal(process.take([team({ tokensPerMinute: 1000 })], { tokens: 1001 }));
    expect(error).toMatchObject({ retryable: false, metadata: { fits_at: null } });
    expect(process.writes).toBe(0);
  });
});

describe('concurrent requests', () => {
  test('are as many as may run at once, over all processes', async () => {
    const [one, other] = [newProcess(), newProcess()];
    const scopes = [team({ concurrentRequests: 2 })];
    const ticket = await one.take(scopes);
    await other.take(scopes);
    const error = await refusal(newProcess().take(scopes));
    expect(error).toMatchObject({
      retryAfterSeconds: 1,
      metadata: { limit_type: 'concurrent_requests', used: 2 },
    });
    await ticket.settle(undefined);
    await newProcess().take(scopes);
  });

  test('of a process that died are free again when their time is up, once', async () => {
    const scopes = [team({ concurrentRequests: 2 })];
    const died = newProcess();
    const late = await died.take(scopes, { timeoutMs: 60_000 });
    await died.take(scopes, { timeoutMs: 60_000 });
    const process = newProcess();
    process.clock.nowMs += 59_999;
    await refusal(process.take(scopes));
    process.clock.nowMs += 1;
    await Promise.all([process.take(scopes), newProcessAt(process.clock.nowMs).take(scopes)]);
    // Whoever was thought dead and comes back frees nothing of others.
    await late.settle(undefined);
    await refusal(newProcessAt(process.clock.nowMs).take(scopes));
  });
});

function newProcessAt(nowMs: number): ReturnType<typeof newProcess> {
  const process = newProcess();
  process.clock.nowMs = nowMs;
  return process;
}

describe('limits of a model or provider', () => {
  const scopes = (): readonly ScopedRates[] => [
    team(
      { provider: 'openai', requestsPerMinute: 1 },
      { model: 'anthropic/*', requestsPerMinute: 2 },
      { requestsPerMinute: 9 },
    ),
  ];

  test('count only what it answers', async () => {
    const process = newProcess();
    const limited = scopes();
    await process.take(limited, { deployment: OPENAI });
    const error = await refusal(process.take(limited, { deployment: OPENAI }));
    expect(error.metadata).toMatchObject({ scope: 'team', counts: 'provider:openai', limit: 1 });
    await process.take(limited, { deployment: ANTHROPIC });
    await process.take(limited, { deployment: ANTHROPIC });
    expect((await refusal(process.take(limited, { deployment: ANTHROPIC }))).metadata).toMatchObject({
      counts: 'model:anthropic/*',
    });
  });

  test('are asked too when another deployment is tried, and only those not asked before', async () => {
    const process = newProcess();
    const limited = scopes();
    const ticket = await process.take(limited, { deployment: OPENAI });
    const before = process.writes;
    await ticket.also(ANTHROPIC);
    await ticket.also(ANTHROPIC);
    await ticket.also(OPENAI);
    expect(process.writes).toBe(before + 1);
    await ticket.cancel();
    await (await process.take(limited, { deployment: OPENAI })).settle(1);
  });
});

describe('while the store does not answer', () => {
  test('a scope lets through what was left of its limit, for ten seconds, and says so', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 4 })];
    await process.take(scopes);
    process.fault = 'refused';
    process.clock.nowMs += 9000;
    for (let time = 0; time < 3; time += 1) await process.take(scopes);
    expect(process.measured).toEqual(Array.from({ length: 3 }, () => 'RateLimitsUnenforced'));
    expect(await refusal(process.take(scopes))).toMatchObject({ code: 'rate_limit_exceeded' });
  });

  test('nobody is let through after that', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 4 })];
    await process.take(scopes);
    process.fault = 'refused';
    process.clock.nowMs += 10_001;
    expect(await refusal(process.take(scopes))).toMatchObject({ code: 'store_unavailable', retryable: true });
    process.fault = undefined;
    await process.take(scopes);
  });

  test('a scope that this process has never seen lets nobody through', async () => {
    const process = newProcess();
    process.fault = 'throttled';
    expect(await refusal(process.take([team({ requestsPerMinute: 4 })]))).toMatchObject({
      code: 'store_unavailable',
    });
  });

  test('or takes no more writes of a scope, that scope lets nobody through uncounted', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 4 })];
    await process.take(scopes);
    process.fault = 'throttled';
    expect(await refusal(process.take(scopes))).toMatchObject({
      code: 'store_unavailable',
      retryAfterSeconds: 1,
    });
  });

  test('what cannot be given back fails no request', async () => {
    const process = newProcess();
    const ticket = await process.take([team({ tokensPerMinute: 40, concurrentRequests: 1 })]);
    process.fault = 'refused';
    await ticket.settle(0);
  });
});

test('an item stays small although each process lives for one request', async () => {
  const scopes = [team({ requestsPerMinute: 5 })];
  const scope = `team#${scopes[0]?.scope.id}`;
  let counters: RateCounters = {};
  for (let hour = 0; hour < 40; hour += 1) {
    const process = newProcessAt(START_MS + hour * 3_600_000);
    await (await process.take(scopes)).settle(undefined);
    const nothing = { minute: 29_380_000 + hour * 60, changes: new Map(), removals: new Map() };
    const seen = await dynamoRateStore(engine.store()).change(scope, nothing);
    counters = seen.type === 'busy' ? {} : seen.counters;
    expect(Object.keys(counters).length).toBeLessThanOrEqual(25);
  }
  expect(counters[`requests:${29_380_000 + 39 * 60}`]).toBe(1);
});

describe('a hot scope', () => {
  const LIMITS = { requestsPerMinute: 120_000, tokensPerMinute: 100_000_000, concurrentRequests: 4000 };

  /** 2,000 requests a second over several processes in turn, each of which runs for 50 ms; answers how many writes it took. */
  async function simulate(scopes: readonly ScopedRates[], requests: number): Promise<number> {
    const processes = Array.from({ length: 4 }, newProcess);
    const running: RateTicket[] = [];
    for (let batch = 0; batch < requests / processes.length; batch += 1) {
      for (const process of processes) {
        process.clock.nowMs += 2;
        running.push(await process.take(scopes, { tokens: 1000 }));
      }
      for (const ticket of running.splice(0, running.length - 100)) await ticket.settle(200);
    }
    for (const ticket of running) await ticket.settle(200);
    return processes.reduce((sum, { writes }) => sum + writes, 0);
  }

  test('takes far fewer writes than it has requests, and counts them all', async () => {
    const scopes = [team(LIMITS)];
    expect(await simulate(scopes, 10_000)).toBeLessThan(1500);
    const ticket = await newProcessAt(START_MS + 5000).take(scopes);
    const remaining = Number(rateLimitHeaders(ticket, START_MS)['x-ratelimit-remaining-requests']);
    const counted = LIMITS.requestsPerMinute - remaining - 1;
    expect(counted).toBeGreaterThanOrEqual(10_000);
    expect(counted).toBeLessThan(10_000 + 4 * 24);
  }, 60_000);

  test('needs few writes for a thousand requests of one process at once', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 600 })];
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => process.take(scopes)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(600);
    expect(process.writes).toBeLessThanOrEqual(4);
  });

  test('that refuses is not asked again by each request', async () => {
    const process = newProcess();
    const scopes = [team({ requestsPerMinute: 1 })];
    await process.take(scopes);
    for (let time = 0; time < 100; time += 1) await refusal(process.take(scopes));
    expect(process.writes).toBeLessThanOrEqual(2);
  });
});

test.each([
  [0, '0s'],
  [-5, '0s'],
  [17, '17ms'],
  [1000, '1s'],
  [90_951, '1m30.951s'],
  [360_000, '6m0s'],
])('%i ms are written as %s', (durationMs, text) => expect(durationText(durationMs)).toBe(text));
