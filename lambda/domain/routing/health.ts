import type { DeploymentId } from '../ids.ts';

/** What was seen of one deployment during some minutes: live answers and probes alike. */
export interface OutcomeCounts {
  readonly successes: number;
  /** 5xx, time-outs, broken and truncated answers. Refusals of a caller's request are not failures. */
  readonly failures: number;
  readonly rateLimited: number;
  /** Successes whose first token could be timed: those that streamed. */
  readonly timedSuccesses: number;
  /** Sum over the timed ones, for the mean. */
  readonly timeToFirstTokenMs: number;
}

export const NO_OUTCOMES: OutcomeCounts = {
  successes: 0,
  failures: 0,
  rateLimited: 0,
  timedSuccesses: 0,
  timeToFirstTokenMs: 0,
};

/** What the routing table says of one deployment. Times are Unix milliseconds. */
export interface DeploymentHealth {
  readonly deployment: DeploymentId;
  /** 0 (fails always) to 1 (answers always). */
  readonly health: number;
  /** Left out of every pick until then; half-open afterwards: the next request tries it. */
  readonly cooldownUntilMs?: number;
  readonly lastUsedAtMs: number;
  readonly lastProbeAtMs?: number;
  readonly meanTimeToFirstTokenMs?: number;
  readonly updatedAtMs: number;
}

export type HealthTable = ReadonlyMap<DeploymentId, DeploymentHealth>;

/** Below this an ordered group passes a deployment over while a healthier one is there. */
export const HEALTH_FLOOR = 0.5;
/** A deployment never falls below this by outcomes alone, so that a weighted group still hears of its recovery. */
const LEAST_HEALTH = 0.05;
const FALL = 0.6;
const RISE = 0.3;

export const addOutcomes = (a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts => ({
  successes: a.successes + b.successes,
  failures: a.failures + b.failures,
  rateLimited: a.rateLimited + b.rateLimited,
  timedSuccesses: a.timedSuccesses + b.timedSuccesses,
  timeToFirstTokenMs: a.timeToFirstTokenMs + b.timeToFirstTokenMs,
});

/**
 * Health after one more look: it falls fast and rises slowly, so that a deployment which fails every other minute does
 * not swing traffic to and fro. Nothing seen: nothing changes. A 429 counts half: the deployment lives, but is full.
 */
export function nextHealth(previous: number, seen: OutcomeCounts): number {
  const total = seen.successes + seen.failures + seen.rateLimited;
  if (total === 0) return previous;
  const observed = (seen.successes + 0.5 * seen.rateLimited) / total;
  const step = observed < previous ? FALL : RISE;
  const next = previous + (observed - previous) * step;
  return Math.min(1, Math.max(LEAST_HEALTH, next > 0.99 ? 1 : next));
}

/** The health of a deployment nothing is known of is 1: it is tried. */
export const healthOf = (table: HealthTable, id: DeploymentId): number => table.get(id)?.health ?? 1;

export function isCoolingDown(table: HealthTable, id: DeploymentId, nowMs: number): boolean {
  const until = table.get(id)?.cooldownUntilMs;
  return until !== undefined && nowMs < until;
}
