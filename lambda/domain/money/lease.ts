import type { ScopeCounters, ScopePolicy } from './budget.ts';
import { budgetState, leftOf } from './budget-state.ts';
import { minUsd, type NanoUsd, nanoUsd } from './nano.ts';

/** How a purse may lease money from the scopes it serves, as far as their counters are known. */
export interface LeaseTerms {
  /** What it may take beyond the request's own estimate, where requests come often. */
  readonly allowance: NanoUsd;
  /** How long it may keep what was spent to itself. */
  readonly foldAfterMs: number;
  /** So many purses share a scope that each request's own transaction there would meet the others'. */
  readonly isShared: boolean;
}

const FOLD_AFTER_MS = 60_000;
/** Purses that hold money of one scope fold in turn, at most ten a second: each is a transaction on the scope's item. */
const FOLD_APART_MS = 100;
const SHARED_PURSES = 20;
const REQUESTS_AHEAD = 32n;
/** Of what a hard budget has left, all purses together keep about this share in hand. */
const SHARE_IN_HAND = 10n;
/** Of a budget whose counters were never seen, this share is taken to be left. */
const SHARE_UNSEEN = 10n;

/**
 * @param known the scopes' counters as last seen. A hard budget whose counters were never seen is taken for nearly used up:
 *   what it really has left decides when money is leased
 * @param shards how many purses the key has, each of which may hold money of every scope
 */
export function leaseTerms(
  policies: readonly ScopePolicy[],
  known: (policy: ScopePolicy) => ScopeCounters | undefined,
  {
    estimate,
    shards,
    nowMs,
  }: { readonly estimate: NanoUsd; readonly shards: number; readonly nowMs: number },
): LeaseTerms {
  let allowance = nanoUsd(estimate * REQUESTS_AHEAD);
  let purses = shards;
  for (const policy of policies) {
    const counters = known(policy);
    const sharing = Math.max(shards, counters?.purses ?? 1);
    purses = Math.max(purses, sharing);
    for (const budget of policy.budgets.filter(({ mode }) => mode === 'hard')) {
      const left =
        counters === undefined ? budget.limit / SHARE_UNSEEN : leftOf(budgetState(budget, counters, nowMs));
      allowance = minUsd(allowance, nanoUsd(left / SHARE_IN_HAND / BigInt(sharing)));
    }
  }
  return {
    allowance,
    foldAfterMs: Math.max(FOLD_AFTER_MS, purses * FOLD_APART_MS),
    isShared: purses >= SHARED_PURSES,
  };
}
