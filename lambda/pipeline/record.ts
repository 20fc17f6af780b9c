import type { RequestFacts, RequestOutcome } from '../domain/request-record.ts';
import type { Gateway } from './gateway.ts';

/** Says what became of a request: one log line and its metrics. The ledger has its own record by then. */
export async function record(
  gateway: Pick<Gateway, 'telemetry'>,
  facts: RequestFacts,
  outcome: RequestOutcome,
): Promise<void> {
  gateway.telemetry.request(facts, outcome);
  await gateway.telemetry.flush();
}

/** Writes and says what became of a request that was refused before money was reserved. */
export async function recordRefusal(
  gateway: Pick<Gateway, 'telemetry' | 'ledger'>,
  facts: RequestFacts,
  outcome: RequestOutcome,
): Promise<void> {
  try {
    await gateway.ledger.recordRefusal(facts, outcome);
  } catch (error) {
    gateway.telemetry.problem('The record of a refused request could not be written.', error, {
      id: facts.id,
    });
  }
  await record(gateway, facts, outcome);
}
