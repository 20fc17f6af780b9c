import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dynamoRateStore } from '../../lambda/adapters/dynamodb/rate-store.ts';
import { forEachConcurrently } from '../../lambda/adapters/dynamodb/store.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import {
  COUNTED,
  type Counted,
  countName,
  limitName,
  RATE_WINDOW_MS,
  type RateLimits,
  shareOf,
} from '../../lambda/domain/rates/rate-window.ts';
import { RateGauge, type RateHold } from '../../lambda/pipeline/rate-gauge.ts';
import { unique } from '../adapters/dynamodb/fixtures.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { faultyClient, ProcessDied, randomFaults } from '../support/faulty-client.ts';
import { ManualClock } from '../support/manual-clock.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

const FAULTS = {
  conflict: 0.05,
  throttled: 0.05,
  'lost-answer': 0.12,
  refused: 0.03,
  'crash-after': 0.02,
} as const;
const PROCESSES = 3;
const START_MINUTE = 29_380_000;
const START_MS = START_MINUTE * RATE_WINDOW_MS + 100;

/** What limits a scope, and what it has used of that minute when a schedule begins. */
interface Settings {
  readonly limits: RateLimits;
  readonly before: { readonly requests: number; readonly tokens: number };
}
const UNUSED = { requests: 0, tokens: 0 };
const SCOPES = {
  'with few requests': { limits: { requestsPerMinute: 4, tokensPerMinute: 350 }, before: UNUSED },
  'with few slots': { limits: { concurrentRequests: 2 }, before: UNUSED },
  'that is hot and nearly full': {
    limits: { requestsPerMinute: 60_000, tokensPerMinute: 1_000_000, concurrentRequests: 8 },
    before: { requests: 59_980, tokens: 999_000 },
  },
} as const satisfies Record<string, Settings>;

const process = fc.nat({ max: PROCESSES - 1 });
const step = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      type: fc.constant('request' as const),
      process,
      tokens: fc.integer({ min: 0, max: 150 }),
      /** Per cent of what was taken. */
      used: fc.nat({ max: 100 }),
      end: fc.constantFrom('settled' as const, 'settled' as const, 'cancelled' as const, 'never' as const),
      timeoutMs: fc.integer({ min: 1, max: 100_000 }),
      /** How much later it ends. */
      runsForMs: fc.constantFrom(0, 0, 0, 0, 300, 5000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 300, 300, 300, 3000, 20_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('next-minute' as const), ms: fc.constantFrom(-5, 0, 5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('clock-step' as const),
      process,
      ms: fc.integer({ min: -4000, max: 4000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), process }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type RequestStep = Extract<Step, { readonly type: 'request' }>;

/** A request that was let through: what it counts for, and whether it still runs. */
interface Admitted {
  readonly hold: RateHold;
  requests: number;
  tokens: number;
  isRunning: boolean;
}

/** Several processes on one scope, and what an onlooker knows of them. */
class World {
  readonly #scope = `team#${unique('rates')}`;
  readonly #settings: Settings;
  readonly #seed: number;
  readonly #clocks = Array.from({ length: PROCESSES }, () => new ManualClock(START_MS));
  readonly #gauges: RateGauge[] = [];
  readonly #admitted: Admitted[] = [];
  #latestMs = START_MS;
  served = 0;

  constructor(settings: Settings, seed: number) {
    this.#settings = settings;
    this.#seed = seed;
    for (const index of this.#clocks.keys()) this.restart(index);
  }

  async begin(): Promise<void> {
    const minute = START_MINUTE;
    const changes = new Map(
      COUNTED.filter((counted) => this.#settings.before[counted] > 0).map((counted) => [
        countName(counted, minute),
        { add: this.#settings.before[counted] },
      ]),
    );
    await dynamoRateStore(engine.store()).change(this.#scope, { minute, changes, removals: new Map() });
  }

  restart(index: number): void {
    const client = faultyClient(
      engine.endpoint,
      randomFaults(this.#seed + index * 1000 + this.#gauges.length, FAULTS),
    );
    const store = dynamoRateStore(engine.store(client));
    this.#gauges[index] = new RateGauge({ store, clock: this.#clockOf(index), scope: this.#scope });
  }

  wait(ms: number): void {
    for (const clock of this.#clocks) clock.nowMs += ms;
    this.check();
  }

  /** Goes to the next change of the minute, or some milliseconds beside it. */
  waitForMinute(besideMs: number): void {
    const [{ nowMs } = new ManualClock(START_MS)] = this.#clocks;
    const next = (Math.floor(nowMs / RATE_WINDOW_MS) + 1) * RATE_WINDOW_MS;
    this.wait(Math.max(0, next + besideMs - nowMs));
  }

  stepClock(index: number, ms: number): void {
    this.#clockOf(index).skewMs = ms;
    this.check();
  }

  async request(each: RequestStep): Promise<void> {
    const gauge = this.#gauges[each.process];
    const { limits } = this.#settings;
    const expiresAtMs = this.#clockOf(each.process).now() + each.timeoutMs;
    const outcome = await gauge?.take({ limits, tokens: each.tokens, expiresAtMs });
    if (outcome?.type !== 'taken' || !outcome.hold.isCounted) return;
    const { hold } = outcome;
    const admitted: Admitted = { hold, requests: 1, tokens: hold.tokens, isRunning: true };
    this.#admitted.push(admitted);
    this.served += 1;
    this.check();
    if (each.runsForMs > 0) this.wait(each.runsForMs);
    if (each.end === 'never') return;
    // The onlooker lets go first, as the store may be told at any moment from now on.
    admitted.isRunning = false;
    const used = Math.floor((hold.tokens * each.used) / 100);
    admitted.tokens = each.end === 'cancelled' ? 0 : used;
    admitted.requests = each.end === 'cancelled' ? 0 : 1;
    await gauge?.giveBack(hold, { requests: 1 - admitted.requests, tokens: hold.tokens - admitted.tokens });
  }

  /** The invariant, by the clock that is furthest ahead. */
  check(): void {
    this.#latestMs = Math.max(this.#latestMs, ...this.#clocks.map((clock) => clock.now()));
    const minute = Math.floor(this.#latestMs / RATE_WINDOW_MS);
    const window = { minute, elapsedMs: this.#latestMs - minute * RATE_WINDOW_MS };
    const { limits } = this.#settings;
    for (const counted of COUNTED) {
      const used = this.#sum(counted, minute) + shareOf(this.#sum(counted, minute - 1), window);
      expect(used).toBeLessThanOrEqual(limits[limitName[counted]] ?? Number.POSITIVE_INFINITY);
    }
    const running = this.#admitted.filter(
      ({ hold, isRunning }) => isRunning && (hold.slotExpiry ?? 0) * RATE_WINDOW_MS > this.#latestMs,
    );
    expect(running.length).toBeLessThanOrEqual(limits.concurrentRequests ?? Number.POSITIVE_INFINITY);
  }

  #sum(counted: Counted, minute: number): number {
    const before: number = minute === START_MINUTE ? this.#settings.before[counted] : 0;
    const inMinute = this.#admitted.filter(({ hold }) => hold.minute === minute);
    return inMinute.reduce((sum, admitted) => sum + admitted[counted], before);
  }

  #clockOf(index: number): ManualClock {
    const clock = this.#clocks[index];
    if (clock === undefined) throw new Error('No such process.');
    return clock;
  }
}

async function run(world: World, each: Step): Promise<void> {
  switch (each.type) {
    case 'wait':
      return world.wait(each.ms);
    case 'next-minute':
      return world.waitForMinute(each.ms);
    case 'clock-step':
      return world.stepClock(each.process, each.ms);
    case 'restart':
      return world.restart(each.process);
    case 'request':
      try {
        return await world.request(each);
      } catch (error) {
        if (error instanceof ProcessDied) return world.restart(each.process);
        if (error instanceof GatewayError && error.code === 'store_unavailable') return undefined;
        throw error;
      }
  }
}

test.each(Object.entries(SCOPES))(
  'no schedule of processes, faults and clock steps exceeds the limits of a scope %s',
  async (_name, settings) => {
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 40, maxLength: 160 }),
        fc.integer(),
        fc.integer({ min: 1, max: 8 }),
        async (steps, seed, concurrency) => {
          const world = new World(settings, seed);
          await world.begin();
          await forEachConcurrently(steps, concurrency, (each) => run(world, each));
          world.check();
          served += world.served;
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
    expect(served).toBeGreaterThan(200);
  },
  120_000,
);
