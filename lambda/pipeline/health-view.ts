import type { DeploymentId } from '../domain/ids.ts';
import {
  addOutcomes,
  type DeploymentHealth,
  type HealthTable,
  NO_OUTCOMES,
  type OutcomeCounts,
} from '../domain/routing/health.ts';
import type { Clock } from '../ports/clock.ts';
import type { RoutingStore } from '../ports/routing-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';

/** Deployments' health as this process knows it, and what it saw of them itself. */
export interface HealthView {
  /**
   * The table, at most half a minute old; reads it where it is older. A store that does not answer is no reason to refuse
   * a request: the last table known is used.
   */
  current(): Promise<HealthTable>;
  /**
   * Notes how a call went. A 429 and a second failure in a row leave the deployment out for a while: here at once,
   * elsewhere as soon as `flush` has told the store.
   */
  saw(deployment: DeploymentId, outcome: SeenOutcome): void;
  /** Tells the store what was seen, and reads what others saw, when either is due. For after an answer's end. */
  flush(): Promise<void>;
}

export type SeenOutcome =
  | { readonly type: 'success'; readonly timeToFirstTokenMs: number | undefined }
  | { readonly type: 'failure' }
  | { readonly type: 'rate-limited'; readonly retryAfterMs: number | undefined };

const STALE_AFTER_MS = 30_000;
const REFRESH_AFTER_MS = 5_000;
const TELL_AFTER_MS = 5_000;
const MINUTE_MS = 60_000;
const FIRST_COOLDOWN_MS = 5_000;
const LONGEST_COOLDOWN_MS = 60_000;

interface Dependencies {
  readonly store: RoutingStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Whether a deployment is declared or priced. Callers may write any name, and none of theirs shall be kept for all. */
  readonly isKnown: (deployment: DeploymentId) => boolean;
}

export function healthView(dependencies: Dependencies): HealthView {
  const { clock } = dependencies;
  const cooldowns = new Map<DeploymentId, number>();
  const untold = new Set<DeploymentId>();
  const failureStreaks = new Map<DeploymentId, number>();
  const reader = tableReader(dependencies);
  const tally = outcomeTally(dependencies);

  async function tellCooldowns(): Promise<void> {
    const told = [...untold];
    untold.clear();
    await Promise.all(told.map((id) => dependencies.store.coolDown(id, cooldowns.get(id) ?? 0)));
  }

  function coolDown(deployment: DeploymentId, durationMs: number): void {
    const untilMs = clock.now() + Math.min(durationMs, LONGEST_COOLDOWN_MS);
    cooldowns.set(deployment, Math.max(cooldowns.get(deployment) ?? 0, untilMs));
    untold.add(deployment);
  }

  return {
    current: async () => withCooldowns(await reader.read(STALE_AFTER_MS), cooldowns, clock.now()),
    saw(deployment, outcome) {
      if (!dependencies.isKnown(deployment)) return;
      tally.add(deployment, outcome);
      const streak = outcome.type === 'failure' ? (failureStreaks.get(deployment) ?? 0) + 1 : 0;
      failureStreaks.set(deployment, streak);
      if (outcome.type === 'rate-limited') coolDown(deployment, outcome.retryAfterMs ?? FIRST_COOLDOWN_MS);
      if (streak >= 2) coolDown(deployment, FIRST_COOLDOWN_MS * 2 ** (streak - 2));
    },
    async flush() {
      try {
        await Promise.all([tellCooldowns(), tally.tell(), reader.read(REFRESH_AFTER_MS)]);
      } catch (error) {
        dependencies.telemetry.problem('The routing table could not be updated.', error);
      }
    },
  };
}

function tableReader({ store, clock, telemetry }: Dependencies): {
  read(maxAgeMs: number): Promise<HealthTable>;
} {
  let table: HealthTable = new Map();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;

  async function refresh(): Promise<void> {
    try {
      table = await store.health();
    } catch (error) {
      telemetry.problem('The routing table could not be read; the last one known is used.', error);
    }
    readAtMs = clock.now();
    reading = undefined;
  }

  return {
    async read(maxAgeMs) {
      if (clock.now() - readAtMs >= maxAgeMs) {
        reading ??= refresh();
        await reading;
      }
      return table;
    },
  };
}

function outcomeTally({ store, clock }: Dependencies): {
  add(deployment: DeploymentId, outcome: SeenOutcome): void;
  tell(): Promise<void>;
} {
  let counts = new Map<DeploymentId, OutcomeCounts>();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return {
    add(deployment, outcome) {
      counts.set(deployment, addOutcomes(counts.get(deployment) ?? NO_OUTCOMES, asCounts(outcome)));
    },
    async tell() {
      const now = clock.now();
      if (counts.size === 0 || now - toldAtMs < TELL_AFTER_MS) return;
      const telling = counts;
      counts = new Map();
      toldAtMs = now;
      await store.addOutcomes(Math.floor(now / MINUTE_MS), telling);
    },
  };
}

function asCounts(outcome: SeenOutcome): OutcomeCounts {
  switch (outcome.type) {
    case 'success':
      return {
        ...NO_OUTCOMES,
        successes: 1,
        timedSuccesses: outcome.timeToFirstTokenMs === undefined ? 0 : 1,
        timeToFirstTokenMs: outcome.timeToFirstTokenMs ?? 0,
      };
    case 'failure':
      return { ...NO_OUTCOMES, failures: 1 };
    case 'rate-limited':
      return { ...NO_OUTCOMES, rateLimited: 1 };
  }
}

function withCooldowns(table: HealthTable, cooldowns: Map<DeploymentId, number>, nowMs: number): HealthTable {
  if (cooldowns.size === 0) return table;
  const merged = new Map(table);
  for (const [deployment, untilMs] of cooldowns) {
    if (untilMs <= nowMs) {
      cooldowns.delete(deployment);
      continue;
    }
    const known: DeploymentHealth = merged.get(deployment) ?? {
      deployment,
      health: 1,
      lastUsedAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    merged.set(deployment, { ...known, cooldownUntilMs: Math.max(known.cooldownUntilMs ?? 0, untilMs) });
  }
  return merged;
}
