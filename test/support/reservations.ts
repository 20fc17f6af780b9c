import { deploymentId } from '../../lambda/domain/ids.ts';
import { leaseTerms } from '../../lambda/domain/money/lease.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { windowIdsAt } from '../../lambda/domain/money/window.ts';
import type { Reservation } from '../../lambda/domain/request-record.ts';
import type { VirtualKey } from '../../lambda/domain/virtual-key.ts';

/** What a request under a key reserves that has no scope above it. */
export function reservationOf(key: VirtualKey, usd: number, nowMs: number): Reservation {
  const estimate = nanoFromUsd(usd);
  const { id, policyVersion, budgets } = key;
  const shared = [{ scope: { kind: 'key', id }, policyVersion, budgets } as const];
  return {
    estimate,
    leg: 0,
    deployment: deploymentId('sim/small'),
    key: { id, policyVersion, purseShards: 1 },
    shared,
    own: [],
    windows: windowIdsAt(nowMs),
    expiresAtMs: nowMs + 60_000,
    terms: leaseTerms(shared, () => undefined, { estimate, shards: 1, nowMs }),
  };
}
