import { type ScopeCounters, scopeName } from '../../domain/money/budget.ts';
import { nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { HeldReservation, RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import { chargeDayAttribute } from './charge-item.ts';
import { correctionUpdates } from './fold.ts';
import { leaveAll } from './leave.ts';
import { UNKNOWN } from './purse.ts';
import type { PurseUsage } from './purse-item.ts';
import type { PurseViews } from './purse-views.ts';
import { correctionItem, legItem, outcomeOfItem } from './record-item.ts';
import { ownWindows } from './reservation-entry.ts';
import { rollupUpdates } from './rollup-item.ts';
import { putNewItem, type Store, transact, withRetries } from './store.ts';

/**
 * Writes the record, then takes the reservation out of its purse at what it cost. The record is what settles the money: a
 * process that dies in between leaves a reservation that the sweep takes out at the record's cost.
 */
export async function settle(
  store: Store,
  views: PurseViews,
  {
    facts,
    held,
    outcome,
  }: { readonly facts: RequestFacts; readonly held: HeldReservation; readonly outcome: RequestOutcome },
): Promise<readonly ScopeCounters[]> {
  const put = await putNewItem(store, {
    ...legItem(facts, held, outcome),
    ...chargeDayAttribute(facts, outcome),
  });
  if (put.type === 'written' || put.item === undefined)
    return leaveAll(store, views, { facts, held, outcome });
  const recorded = outcomeOfItem(put.item);
  // The sweep came first: its charge stands, and what is known better is an entry of its own.
  if (recorded.chargeBasis === 'swept' && outcome.chargeBasis !== 'swept') {
    await leaveAll(store, views, { facts, held, outcome: recorded });
    await correct(store, { facts, held, outcome, swept: recorded });
    return [];
  }
  return leaveAll(store, views, { facts, held, outcome: recorded });
}

/** Writes what a swept reservation really cost, and brings scopes and roll-ups to it, once. */
async function correct(
  store: Store,
  {
    facts,
    held,
    outcome,
    swept,
  }: {
    readonly facts: RequestFacts;
    readonly held: HeldReservation;
    readonly outcome: RequestOutcome;
    readonly swept: RequestOutcome;
  },
): Promise<void> {
  const difference = nanoUsd(outcome.cost - swept.cost);
  const isNew = 'attribute_not_exists(pk)';
  const scopes = held.shared.map(({ scope }) => scopeName(scope));
  const { id: keyId, policyVersion } = held.key;
  const usage = correctedUsage(outcome, swept);
  const items = [
    {
      Put: {
        TableName: store.tables.spend,
        Item: {
          ...correctionItem(facts, held.leg, { ...outcome, cost: difference }),
          ...chargeDayAttribute(facts, outcome),
        },
        ConditionExpression: isNew,
      },
    },
    ...correctionUpdates(store, { scopes, windows: held.windows, difference }),
    ...held.own.flatMap((policy) =>
      correctionUpdates(store, {
        scopes: [scopeName(policy.scope)],
        windows: ownWindows(policy, facts.startedAtMs),
        difference,
      }),
    ),
    ...rollupUpdates(store, { keyId, policyVersion, scopes, windows: held.windows, usage }),
  ];
  await withRetries(store, () => transact(store, items));
}

/** What the sweep booked is taken back where it booked it, and the truth is booked where it belongs. */
function correctedUsage(outcome: RequestOutcome, swept: RequestOutcome): readonly PurseUsage[] {
  const none = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const { provider = UNKNOWN, model = UNKNOWN } = swept;
  const truth = { provider: outcome.provider ?? provider, model: outcome.model ?? model };
  const tokens = {
    promptTokens: outcome.usage?.promptTokens ?? 0,
    completionTokens: outcome.usage?.completionTokens ?? 0,
  };
  if (truth.provider === provider && truth.model === model)
    return [{ ...truth, ...tokens, requests: 0, cost: nanoUsd(outcome.cost - swept.cost) }];
  const moved =
    swept.cost === 0n ? [] : [{ ...none, provider, model, requests: -1, cost: nanoUsd(-swept.cost) }];
  return [...moved, { ...truth, ...tokens, requests: 1, cost: outcome.cost }];
}

/**
 * Puts the record of a refused request. Where a reservation of this request exists after all (its answer was lost), the
 * sweep finds the record and gives it back whole.
 */
export async function recordRefusal(
  store: Store,
  facts: RequestFacts,
  outcome: RequestOutcome,
): Promise<void> {
  await putNewItem(store, legItem(facts, { leg: 0, estimate: ZERO_USD }, outcome));
}
