import type { DeploymentId } from '../domain/ids.ts';
import type { DeploymentHealth, HealthTable, OutcomeCounts } from '../domain/routing/health.ts';

/** What inference tells of deployments, and reads of them. */
export interface RoutingStore {
  health(): Promise<HealthTable>;
  /** Adds what this environment saw during one minute (Unix minutes) to the shared counts. */
  addOutcomes(minute: number, outcomes: ReadonlyMap<DeploymentId, OutcomeCounts>): Promise<void>;
  /** Leaves a deployment out until then (Unix milliseconds); never shortens a cooldown. */
  coolDown(deployment: DeploymentId, untilMs: number): Promise<void>;
}

/** What upkeep does with the routing table. */
export interface RoutingUpkeep {
  health(): Promise<HealthTable>;
  /** Counts of the last `minutes` minutes up to and with `minute`, by deployment. */
  outcomes(minute: number, minutes: number): Promise<ReadonlyMap<DeploymentId, OutcomeCounts>>;
  /** Writes health, usage and probe times. A cooldown that stands is kept, unless `cooldownUntilMs` replaces it. */
  writeHealth(health: DeploymentHealth): Promise<void>;
  /** What probes have cost in a month (`2026-11`), after adding `amount` nano-dollars (0n to only read). */
  addProbeSpend(month: string, amount: bigint): Promise<bigint>;
}
