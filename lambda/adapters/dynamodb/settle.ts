import { type ScopeCounters, scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { HeldReservation, RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import { correctionUpdates, fold } from './fold.ts';
import type { Purse } from './purse-item.ts';
import { purseFamily } from './purse-item.ts';
import type { PurseViews } from './purse-views.ts';
import { correctionItem, legItem, outcomeOfItem } from './record-item.ts';
import { busyGapMs, leaveAll, ownWindows } from './reserve.ts';
import { rollupUpdates } from './rollup-item.ts';
import { readCounters } from './scope-item.ts';
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
  const put = await putNewItem(store, legItem(facts, held, outcome));
  if (put.type === 'condition-failed' && put.item !== undefined) {
    const charged = outcomeOfItem(put.item);
    // The sweep came first: its charge stands, and what is known better is an entry of its own.
    if (charged.chargeBasis === 'swept' && outcome.chargeBasis !== 'swept') {
      await correct(store, { facts, held, outcome, charged: charged.cost });
      return [];
    }
  }
  const purse = await leaveAll(store, facts, held, { cost: outcome.cost, outcome });
  if (purse === undefined) return [];
  const family = views.family(purseFamily(held));
  family.purses.set(purse.name, purse);
  if (!isFoldDue(purse, store.clock.now(), held, family.shards)) return [];
  family.purses.delete(purse.name);
  if (!(await fold(store, purse, held.terms.foldAfterMs))) return [];
  const counters = await Promise.all(held.shared.map(({ scope }) => readCounters(store, scope)));
  return counters.filter((scope) => scope !== undefined);
}

/** Whether a purse has kept money to itself long enough, or is used too seldom to keep any. */
function isFoldDue(purse: Purse, nowMs: number, held: HeldReservation, shards: number): boolean {
  if (nowMs - purse.foldedAtMs >= held.terms.foldAfterMs) return true;
  const isBusy = purse.foldedAtMs - purse.foldedBeforeMs < busyGapMs(held, shards);
  return purse.open === 0 && !isBusy;
}

/**
 * Writes what a swept reservation really cost, and brings scopes and roll-ups to it, once. A place where the sweep did not
 * find it comes to what the sweep charged first.
 */
async function correct(
  store: Store,
  {
    facts,
    held,
    outcome,
    charged,
  }: {
    readonly facts: RequestFacts;
    readonly held: HeldReservation;
    readonly outcome: RequestOutcome;
    readonly charged: NanoUsd;
  },
): Promise<void> {
  await leaveAll(store, facts, held, { cost: charged, outcome: {} });
  const difference = nanoUsd(outcome.cost - charged);
  const isNew = 'attribute_not_exists(pk)';
  const { provider, model, usage } = outcome;
  const scopes = held.shared.map(({ scope }) => scopeName(scope));
  const items = [
    {
      Put: {
        TableName: store.tables.spend,
        Item: correctionItem(facts, held.leg, { ...outcome, cost: difference }),
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
    ...(provider === undefined || model === undefined
      ? []
      : rollupUpdates(store, {
          keyId: held.key.id,
          policyVersion: held.key.policyVersion,
          scopes,
          windows: held.windows,
          usage: [
            {
              provider,
              model,
              requests: 0,
              cost: difference,
              promptTokens: usage?.promptTokens ?? 0,
              completionTokens: usage?.completionTokens ?? 0,
            },
          ],
        })),
  ];
  await withRetries(store, () => transact(store, items));
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
