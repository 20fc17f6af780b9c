import { scopeName } from '../../domain/money/budget.ts';
import { type WindowId, windowIdAt } from '../../domain/money/window.ts';
import type { OwnScopePolicy, RequestFacts, Reservation } from '../../domain/request-record.ts';
import { entryText } from './purse-item.ts';

/** A reservation as it stands in its purse. */
export const purseEntry = (facts: RequestFacts, reservation: Reservation): string =>
  entryIn(
    facts,
    reservation,
    reservation.own.map(({ scope }) => scopeName(scope)),
  );

/** A reservation as it stands in one of the request's own scopes. */
export const ownEntry = (facts: RequestFacts, reservation: Reservation, policy: OwnScopePolicy): string =>
  entryIn(facts, reservation, ownWindows(policy, facts.startedAtMs));

/** The windows a scope of a request's own counts: those it has budgets for, and all of its time. */
export const ownWindows = (policy: OwnScopePolicy, startedAtMs: number): readonly WindowId[] =>
  [...new Set([...policy.budgets.map(({ window }) => window), 'total' as const])].map((window) =>
    windowIdAt(window, startedAtMs),
  );

const entryIn = (facts: RequestFacts, reservation: Reservation, beside: readonly string[]): string =>
  entryText({
    estimate: reservation.estimate,
    expiresAtMs: reservation.expiresAtMs,
    isTaken: false,
    startedAtMs: facts.startedAtMs,
    deployment: reservation.deployment,
    beside,
  });
