import { percentile } from '../statistics.ts';
import type { Design, DesignOf } from './design.ts';
import { Kernel, type Process, seededRandom } from './kernel.ts';
import { type Counts, Store, type StoreParameters } from './store.ts';
import {
  type Environment,
  MEAN_COST,
  type MicroUsd,
  requestsPerSecond,
  type Scenario,
  World,
} from './world.ts';

export interface Setting {
  readonly designOf: DesignOf;
  readonly scenario: Scenario;
  readonly environments: number;
  readonly seed: number;
  readonly store: StoreParameters;
  /** The organization's budget, in seconds of what all environments spend together. */
  readonly budgetSeconds: number;
  /** Counting begins and ends, and no more requests come. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** A tenth of the environments dies. */
  readonly deathsAtMs?: number;
  /** All windows end. */
  readonly edgeAtMs?: number;
}

export interface Outcome {
  readonly design: string;
  readonly scenario: string;
  readonly environments: number;
  readonly seconds: number;
  readonly counts: Counts;
  readonly asked: number;
  readonly admitted: number;
  readonly refused: number;
  /** Refused, although all budgets had room for what is open and spent. */
  readonly refusedInVain: number;
  readonly unavailable: number;
  readonly waitMs: { readonly p50: number | undefined; readonly p99: number | undefined };
  readonly hottest: { readonly name: string; readonly unitsPerSecond: number };
  /** Of the organization's budget, not spent and not reserved by an open request. */
  /** `whenInVain` is the mean over requests refused in vain. */
  readonly idleShare: {
    readonly atFirstRefusal: number | undefined;
    readonly whenInVain: number;
    readonly atEnd: number;
  };
  readonly holders: number;
  readonly dead: { readonly mostShare: number; readonly goneAfterSeconds: number | undefined };
  readonly overspent: MicroUsd;
  /** Counters against records once all is closed. */
  readonly drift: MicroUsd;
}

const MINUTE_MS = 60_000;
/** After the last request: expiry, and some runs of upkeep. */
const DRAIN_MS = 30 * MINUTE_MS;

/** One run of one design. */
class Run {
  readonly kernel = new Kernel();
  readonly world: World;
  readonly store: Store;
  readonly design: Design;
  readonly waitsMs: number[] = [];
  readonly counted = { asked: 0, admitted: 0, refused: 0, refusedInVain: 0, unavailable: 0 };
  idleAtFirstRefusal: number | undefined;
  idleWhenInVain = 0;
  mostDead = 0;
  lastDeadAtMs: number | undefined;
  private readonly setting: Setting;

  constructor(setting: Setting) {
    const { scenario, environments, seed, budgetSeconds } = setting;
    this.setting = setting;
    const limit = Math.round(budgetSeconds * requestsPerSecond(environments) * MEAN_COST);
    this.world = new World(this.kernel, { scenario, environments, limit, seed });
    this.store = new Store(this.kernel, seededRandom(seed), setting.store);
    this.design = setting.designOf(this.world, this.store);
  }

  get idleShare(): number {
    const { limit, trulyCommitted } = this.world.organization;
    return (limit - trulyCommitted) / limit;
  }

  start(): void {
    for (const environment of this.world.environments)
      this.kernel.start(this.serve(environment), environment);
    this.kernel.start(this.everyMinute());
    const { deathsAtMs, edgeAtMs } = this.setting;
    if (deathsAtMs !== undefined) this.kernel.start(this.kill(deathsAtMs));
    if (edgeAtMs !== undefined) this.kernel.start(this.turnWindow(edgeAtMs));
  }

  private *serve(environment: Environment): Process {
    yield this.world.startsAtMs(environment);
    while (this.kernel.nowMs < this.setting.untilMs) {
      const startedAtMs = this.kernel.nowMs;
      const durationMs = yield* this.serveOne(environment);
      // Who is refused asks again no sooner than who is served.
      const leftMs = startedAtMs + durationMs - this.kernel.nowMs;
      if (leftMs > 0) yield leftMs;
    }
  }

  private *serveOne(environment: Environment): Process<number> {
    const { world, design, counted } = this;
    const request = world.nextRequest(environment);
    const startedAtMs = this.kernel.nowMs;
    counted.asked++;
    const result = yield* design.reserve(request);
    this.waitsMs.push(this.kernel.nowMs - startedAtMs);
    if (result === 'reserved') {
      counted.admitted++;
      world.admitted(request);
      yield request.durationMs;
      yield* design.settle(request, request.cost);
    } else {
      if (result === 'unavailable') counted.unavailable++;
      else {
        counted.refused++;
        this.idleAtFirstRefusal ??= this.idleShare;
        if (world.wouldFit(request)) {
          counted.refusedInVain++;
          this.idleWhenInVain += this.idleShare;
        }
      }
      yield* design.settle(request, 0);
      if (request.recordedCost === undefined) yield* this.store.update({ item: request.record });
    }
    return request.durationMs;
  }

  private *everyMinute(): Process {
    while (this.kernel.nowMs < this.setting.untilMs + DRAIN_MS) {
      const startedAtMs = this.kernel.nowMs;
      yield* this.design.upkeep();
      yield Math.max(0, startedAtMs + MINUTE_MS - this.kernel.nowMs);
    }
  }

  private *kill(atMs: number): Process {
    yield atMs;
    for (const environment of this.world.environments) environment.isDead = environment.index % 10 === 0;
    for (;;) {
      const held = this.design.heldByTheDead();
      this.mostDead = Math.max(this.mostDead, held);
      if (held === 0) return;
      this.lastDeadAtMs = this.kernel.nowMs;
      yield 1_000;
    }
  }

  private *turnWindow(atMs: number): Process {
    yield atMs;
    this.world.window++;
  }
}

/** Runs a design in a setting, and keeps its books: `overspent` and `drift` must be 0 in the end. */
export function simulate(setting: Setting): Outcome {
  const run = new Run(setting);
  const { kernel, world, store, design } = run;
  const { fromMs, untilMs, deathsAtMs } = setting;
  run.start();
  kernel.run(fromMs);
  store.startCounting();
  Object.assign(run.counted, { asked: 0, admitted: 0, refused: 0, refusedInVain: 0, unavailable: 0 });
  run.waitsMs.length = 0;
  run.idleWhenInVain = 0;
  kernel.run(untilMs);
  const seconds = (untilMs - fromMs) / 1_000;
  const measured = {
    counts: { ...store.counts },
    ...run.counted,
    waitMs: { p50: percentile(run.waitsMs, 0.5), p99: percentile(run.waitsMs, 0.99) },
    hottest: hottestOf(store, seconds),
    holders: world.organization.holders,
  };
  const idleAtEnd = run.idleShare;
  const whenInVain = run.idleWhenInVain / Math.max(1, measured.refusedInVain);
  kernel.run(untilMs + DRAIN_MS);
  return {
    design: design.name,
    scenario: setting.scenario.name,
    environments: setting.environments,
    seconds,
    ...measured,
    idleShare: { atFirstRefusal: run.idleAtFirstRefusal, whenInVain, atEnd: idleAtEnd },
    dead: {
      mostShare: run.mostDead / world.organization.limit,
      goneAfterSeconds:
        run.lastDeadAtMs === undefined || deathsAtMs === undefined
          ? undefined
          : (run.lastDeadAtMs - deathsAtMs) / 1_000,
    },
    overspent: world.overspent,
    drift: Math.max(...world.scopes.map(driftOf)),
  };
}

const driftOf = ({ committed, spent, recorded }: World['organization']): MicroUsd =>
  Math.max(Math.abs(committed - spent), Math.abs(spent - recorded));

function hottestOf(store: Store, seconds: number): Outcome['hottest'] {
  let hottest = { name: '-', units: 0 };
  for (const item of store.items) if (item.units > hottest.units) hottest = item;
  return { name: hottest.name, unitsPerSecond: hottest.units / seconds };
}
