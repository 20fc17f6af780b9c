import { type Kernel, type Owner, seededRandom } from './kernel.ts';
import { RECORD, StoreItem } from './store.ts';

/** Whole micro-USD: what a run spends stays far below 2^53 of them. */
export type MicroUsd = number;

export const USD: MicroUsd = 1_000_000;
/** Reservations are of 1 to 5 cents; what is spent in the end, of 10 to 60 percent of that. */
const LEAST_ESTIMATE = 0.01 * USD;
const MOST_ESTIMATE = 0.05 * USD;
export const MEAN_COST: MicroUsd = 0.03 * 0.35 * USD;
const MEAN_REQUEST_MS = 5_000;
/** The deadline of a request, and 30 s: then its reservation belongs to nobody. */
const RESERVATION_MS = 150_000;
/** @see https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html */
const ENVIRONMENTS_PER_SECOND = 100;

/** Something with a hard budget: organization, team, project or key. */
export interface Scope {
  readonly item: StoreItem;
  readonly limit: MicroUsd;
  /** What the item says. */
  committed: MicroUsd;
  spent: MicroUsd;
  /** How many purses or leases hold money of it. */
  holders: number;
  /** When a transaction last moved money here. */
  movedAtMs: number;
  /** What is true: costs of recorded requests and estimates of open ones. */
  trulyCommitted: MicroUsd;
  recorded: MicroUsd;
}

/** A virtual key with the scopes whose budgets its requests must fit: organization, team, project, key. */
export interface Key {
  readonly index: number;
  readonly item: StoreItem;
  readonly chain: readonly Scope[];
  readonly rollUp: StoreItem;
}

export interface Environment extends Owner {
  readonly index: number;
  /** Draws its requests: the same ones whatever the design. */
  readonly random: () => number;
  /** What a design draws. */
  readonly dice: () => number;
}

export interface Request {
  readonly environment: Environment;
  readonly key: Key;
  readonly record: StoreItem;
  readonly estimate: MicroUsd;
  readonly cost: MicroUsd;
  readonly durationMs: number;
  readonly expiresAtMs: number;
  isAdmitted: boolean;
  /** What the record says; `undefined` while there is no outcome. */
  recordedCost: MicroUsd | undefined;
}

/** Who spends: `teams` of one organization with `keysPerTeam` keys each, all asking equally often. */
export interface Scenario {
  readonly name: string;
  readonly teams: number;
  readonly keysPerTeam: number;
}

/** The organization with everything below it, and the books kept by somebody who sees everything. */
export class World {
  readonly kernel: Kernel;
  readonly keys: readonly Key[];
  readonly scopes: readonly Scope[];
  readonly organization: Scope;
  readonly environments: readonly Environment[];
  /** Changes at the edge of a window (hour, day): money held for the last one is of no use in the next. */
  window = 0;
  /** By how much a limit was exceeded; must stay 0. */
  overspent: MicroUsd = 0;

  constructor(
    kernel: Kernel,
    options: { scenario: Scenario; environments: number; limit: MicroUsd; seed: number },
  ) {
    const { scenario, limit, seed } = options;
    this.kernel = kernel;
    const scopes: Scope[] = [];
    const scope = (name: string, own: MicroUsd): Scope => {
      const made = {
        item: new StoreItem(name),
        limit: own,
        ...{ committed: 0, spent: 0, holders: 0, trulyCommitted: 0, recorded: 0 },
        movedAtMs: Number.NEGATIVE_INFINITY,
      };
      scopes.push(made);
      return made;
    };
    this.organization = scope('organization', limit);
    const keys: Key[] = [];
    for (let team = 0; team < scenario.teams; team++) {
      const teamScope = scope(`team ${team}`, limit);
      const projects = scenario.keysPerTeam > 1 ? 2 : 1;
      const projectScopes = Array.from({ length: projects }, (_, index) =>
        scope(`project ${team}.${index}`, limit),
      );
      for (let index = 0; index < scenario.keysPerTeam; index++) {
        const projectScope = projectScopes[index % projects] ?? teamScope;
        const own = scope(`key ${team}.${index}`, limit);
        const item = new StoreItem(`policy of key ${team}.${index}`);
        const chain = [this.organization, teamScope, projectScope, own];
        keys.push({ index: keys.length, item, chain, rollUp: new StoreItem(`roll-up ${team}.${index}`) });
      }
    }
    this.keys = keys;
    this.scopes = scopes;
    this.environments = Array.from({ length: options.environments }, (_, index) => ({
      index,
      random: seededRandom(seed * 1_000_003 + index),
      dice: seededRandom(seed * 1_000_003 + 500_000 + index),
      isDead: false,
    }));
  }

  /** When an environment gets its first request: Lambda adds them in steps. */
  startsAtMs(environment: Environment): number {
    const rampMs = (1_000 * environment.index) / ENVIRONMENTS_PER_SECOND;
    return rampMs + environment.random() * MEAN_REQUEST_MS;
  }

  nextRequest(environment: Environment): Request {
    const { random } = environment;
    const key = this.keys[Math.floor(random() * this.keys.length)];
    if (key === undefined) throw new Error('A scenario has keys.');
    const estimate = Math.round(LEAST_ESTIMATE + random() * (MOST_ESTIMATE - LEAST_ESTIMATE));
    return {
      environment,
      key,
      record: new StoreItem(RECORD),
      estimate,
      cost: Math.round(estimate * (0.1 + 0.5 * random())),
      durationMs: MEAN_REQUEST_MS * (0.4 - 0.6 * Math.log(1 - random())),
      expiresAtMs: this.kernel.nowMs + RESERVATION_MS,
      isAdmitted: false,
      recordedCost: undefined,
    };
  }

  /** A design says that the request may go to a provider. */
  admitted(request: Request): void {
    request.isAdmitted = true;
    for (const scope of request.key.chain) this.trulyCommit(scope, request.estimate);
  }

  /** The record gets its outcome, once. */
  record(request: Request, cost: MicroUsd): void {
    if (request.recordedCost !== undefined) throw new Error('A request was charged twice.');
    request.recordedCost = cost;
    for (const scope of request.key.chain) {
      scope.recorded += cost;
      this.trulyCommit(scope, request.isAdmitted ? cost - request.estimate : cost);
    }
  }

  /** Nobody's money stood in the way of this request. */
  wouldFit(request: Request): boolean {
    return request.key.chain.every((scope) => scope.trulyCommitted + request.estimate <= scope.limit);
  }

  /** Money moves in a scope's item. */
  move(scope: Scope, change: { committed: MicroUsd; spent?: MicroUsd; holders?: number }): void {
    scope.committed += change.committed;
    scope.spent += change.spent ?? 0;
    scope.holders += change.holders ?? 0;
    scope.movedAtMs = this.kernel.nowMs;
    this.overspent = Math.max(this.overspent, scope.committed - scope.limit);
  }

  private trulyCommit(scope: Scope, amount: MicroUsd): void {
    scope.trulyCommitted += amount;
    this.overspent = Math.max(this.overspent, scope.trulyCommitted - scope.limit);
  }
}

/** Requests a second of so many environments that are never idle. */
export const requestsPerSecond = (environments: number): number => (1_000 * environments) / MEAN_REQUEST_MS;
