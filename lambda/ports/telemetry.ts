import type { RequestFacts, RequestOutcome } from '../domain/request-record.ts';

/** Logs and metrics. Nothing given to it may hold a secret or prompt text. */
export interface Telemetry {
  /** The one wide event of a request: one log line, and the metrics drawn from it. */
  request(facts: RequestFacts, outcome: RequestOutcome): void;
  /** A request whose caller is not known (no key, wrong key, not HTTP as we speak it): a log line. */
  rejected(event: {
    readonly requestId: string;
    readonly method: string;
    readonly path: string;
    readonly code: string;
    readonly status: number;
  }): void;
  /** A gauge or count of upkeep: `OpenReservations`, `DeploymentHealth`, … Names and dimension sets are in `schema`. */
  measure(metric: {
    readonly name: string;
    readonly value: number;
    readonly dimensions?: Readonly<Record<string, string>>;
  }): void;
  /** Something an operator should look into. `error` is logged by name, message and stack. */
  problem(message: string, error?: unknown, fields?: Readonly<Record<string, string | number>>): void;
  /** Resolves when everything said so far is out. */
  flush(): Promise<void>;
}
