import type { DeploymentId } from '../domain/ids.ts';
import { type Deployment, deploymentParts } from '../domain/routing/deployment.ts';
import {
  type DeploymentHealth,
  type HealthTable,
  healthOf,
  NO_OUTCOMES,
  nextHealth,
  type OutcomeCounts,
} from '../domain/routing/health.ts';
import { resolveModel } from '../domain/routing/plan.ts';
import { modelNames } from '../pipeline/plan.ts';
import { callTarget } from '../pipeline/upstream-request.ts';
import type { Upkeep } from './context.ts';
import { probe } from './probe.ts';

export interface HealthReport {
  /** Deployments whose health was written. */
  readonly judged: number;
  readonly probed: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Folds what was seen in the last full minute into each deployment's health. Where nothing was seen, a deployment that
 * was used in the last hour or is cooling down is probed, while probes have money left this month.
 */
export async function updateHealth(upkeep: Upkeep, deadlineMs: number): Promise<HealthReport> {
  const now = upkeep.clock.now();
  const minute = Math.floor(now / MINUTE_MS) - 1;
  const [table, live] = await Promise.all([upkeep.routing.health(), upkeep.routing.outcomes(minute, 1)]);
  const silent = [...table.values()].filter((known) => !live.has(known.deployment) && needsProbe(known, now));
  const probed = await probeAll(upkeep, silent, now, deadlineMs);
  const judged = [...judge(table, live, now, 'used'), ...judge(table, probed, now, 'probed')];
  await Promise.all(judged.map((health) => upkeep.routing.writeHealth(health)));
  for (const { deployment, health } of judged) publish(upkeep, deployment, health);
  return { judged: judged.length, probed: probed.size };
}

const needsProbe = (known: DeploymentHealth, now: number): boolean =>
  now - known.lastUsedAtMs < HOUR_MS || (known.cooldownUntilMs ?? 0) > now;

async function probeAll(
  upkeep: Upkeep,
  silent: readonly DeploymentHealth[],
  now: number,
  deadlineMs: number,
): Promise<ReadonlyMap<DeploymentId, OutcomeCounts>> {
  const month = new Date(now).toISOString().slice(0, 7);
  const seen = new Map<DeploymentId, OutcomeCounts>();
  for (const { deployment } of silent) {
    if (upkeep.clock.now() >= deadlineMs) break;
    const target = targetOf(upkeep, deployment);
    if (target === undefined) continue;
    const outcome = await probe(upkeep, target, month);
    if (outcome === 'no-money-left') break;
    seen.set(deployment, outcome);
  }
  return seen;
}

/**
 * The deployment an id names; `undefined` when its provider is no longer enabled, and for a model that does not converse: a probe
 * is a question, which would say nothing of vectors or pictures.
 */
function targetOf(upkeep: Upkeep, id: DeploymentId): ReturnType<typeof callTarget> {
  const declared = upkeep.config.modelGroups
    .flatMap((group) => group.deployments)
    .find((one) => one.id === id);
  const request = { callerDialect: 'openai-chat', startedAtMs: upkeep.clock.now() } as const;
  if (declared !== undefined) return conversing(upkeep, declared, request);
  if (!upkeep.providers.has(deploymentParts(id).provider)) return undefined;
  const [deployment] = resolveModel(id, modelNames(upkeep)).deployments;
  return deployment === undefined ? undefined : conversing(upkeep, deployment, request);
}

function conversing(
  upkeep: Upkeep,
  deployment: Deployment,
  request: Parameters<typeof callTarget>[2],
): ReturnType<typeof callTarget> {
  const mode = upkeep.prices.find(deployment, request.startedAtMs)?.mode ?? 'chat';
  return mode === 'chat' ? callTarget(upkeep, deployment, request) : undefined;
}

function judge(
  table: HealthTable,
  outcomes: ReadonlyMap<DeploymentId, OutcomeCounts>,
  now: number,
  how: 'used' | 'probed',
): DeploymentHealth[] {
  return [...outcomes].map(([deployment, seen = NO_OUTCOMES]) => {
    const known = table.get(deployment);
    const meanTimeToFirstTokenMs =
      seen.timedSuccesses > 0 ? seen.timeToFirstTokenMs / seen.timedSuccesses : known?.meanTimeToFirstTokenMs;
    const lastProbeAtMs = how === 'probed' ? now : known?.lastProbeAtMs;
    return {
      deployment,
      health: nextHealth(healthOf(table, deployment), seen),
      lastUsedAtMs: how === 'used' ? now : (known?.lastUsedAtMs ?? now),
      updatedAtMs: now,
      ...(lastProbeAtMs !== undefined && { lastProbeAtMs }),
      ...(meanTimeToFirstTokenMs !== undefined && { meanTimeToFirstTokenMs }),
    };
  });
}

function publish(upkeep: Upkeep, id: DeploymentId, health: number): void {
  upkeep.telemetry.measure({
    name: 'DeploymentHealth',
    value: health,
    dimensions: { ...deploymentParts(id) },
  });
}
