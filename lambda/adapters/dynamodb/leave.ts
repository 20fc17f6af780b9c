import { type Scope, type ScopeCounters, scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  RequestOutcome,
  Reservation,
} from '../../domain/request-record.ts';
import { fold } from './fold.ts';
import { leaveOwnScope } from './own-scope.ts';
import { pruneItem } from './prune.ts';
import { type EntryCharge, leavePurse } from './purse.ts';
import { type Purse, purseFamily } from './purse-item.ts';
import { isBusy, type PurseViews } from './purse-views.ts';
import { entryIdOf } from './record-item.ts';
import { ownEntry, purseEntry } from './reservation-entry.ts';
import { countersOfItem, scopeKey } from './scope-item.ts';
import { readItem, type Store } from './store.ts';

/** Where a reservation stands that is given back: the purse, if it does stand there, and the request's own scopes. */
interface Places {
  readonly purse: string | undefined;
  readonly own: readonly OwnScopePolicy[];
}

/**
 * Takes a reservation that was not used out of wherever it stands: out of the purse first, which decides. What the sweep
 * has taken it charges.
 */
export async function giveBack(
  store: Store,
  views: PurseViews,
  {
    facts,
    reservation,
    places,
  }: { readonly facts: RequestFacts; readonly reservation: Reservation; readonly places: Places },
): Promise<void> {
  if (places.purse !== undefined) {
    const entry = { id: entryIdOf(facts.id, reservation.leg), text: purseEntry(facts, reservation) };
    const purse = await leavePurse(store, places.purse, entry, undefined);
    if (purse === undefined) return;
    // What nobody used shall be there for everybody at once.
    if (purse.open === 0) await foldNow(store, views, reservation, purse);
    else await foldWhereDue(store, views, reservation, purse);
  }
  await Promise.all(places.own.map((policy) => leaveOwn(store, facts, { reservation, policy }, undefined)));
}

/**
 * Takes a reservation out of the request's own scopes, then of its purse, as what it has come to: as long as it stands in
 * the purse, the sweep finds it.
 * @returns counters of the shared scopes, where they were brought up to date on the way
 */
export async function leaveAll(
  store: Store,
  views: PurseViews,
  {
    facts,
    held,
    outcome,
  }: { readonly facts: RequestFacts; readonly held: HeldReservation; readonly outcome: ChargedOutcome },
): Promise<readonly ScopeCounters[]> {
  const { cost } = outcome;
  await Promise.all(held.own.map((policy) => leaveOwn(store, facts, { reservation: held, policy }, cost)));
  const entry = { id: entryIdOf(facts.id, held.leg), text: purseEntry(facts, held) };
  const charge: EntryCharge = { cost, outcome };
  const purse = await leavePurse(store, held.purse, entry, charge);
  if (purse === undefined || !(await foldWhereDue(store, views, held, purse))) return [];
  const counters = await Promise.all(held.shared.map(({ scope }) => readAndPrune(store, scope)));
  return counters.filter((scope) => scope !== undefined);
}

/** Who reads the counters anyway also takes those off that lapsed: nobody lists all scopes that are counted. */
async function readAndPrune(store: Store, scope: Scope): Promise<ScopeCounters | undefined> {
  const name = scopeName(scope);
  const item = await readItem(store, 'spend', scopeKey(name));
  if (item === undefined) return undefined;
  await pruneItem(store, name, item, store.clock.now());
  return countersOfItem(scope, item);
}

type ChargedOutcome = EntryCharge['outcome'] & Pick<RequestOutcome, 'cost'>;

const leaveOwn = (
  store: Store,
  facts: RequestFacts,
  { reservation, policy }: { readonly reservation: Reservation; readonly policy: OwnScopePolicy },
  cost: NanoUsd | undefined,
): Promise<void> =>
  leaveOwnScope(
    store,
    scopeName(policy.scope),
    { id: entryIdOf(facts.id, reservation.leg), text: ownEntry(facts, reservation, policy) },
    cost,
  );

/** Folds a purse that has kept money to itself long enough, or is used too seldom to keep any. */
async function foldWhereDue(
  store: Store,
  views: PurseViews,
  reservation: Reservation,
  purse: Purse,
): Promise<boolean> {
  const family = views.family(purseFamily(reservation));
  family.purses.set(purse.name, purse);
  const { foldAfterMs } = reservation.terms;
  const isOverdue = store.clock.now() - purse.foldedAtMs >= foldAfterMs;
  // Opened soon after it was closed, it will be wanted again.
  const isSeldom = purse.open === 0 && !isBusy(reservation, family, purse.foldedAtMs - purse.foldedBeforeMs);
  // Near a limit an estimate that was not used up is more than a purse may keep.
  const { allowance } = reservation.terms;
  const isOverfull = purse.open === 0 && allowance < reservation.estimate && purse.room > allowance;
  if (!isOverdue && !isSeldom && !isOverfull) return false;
  return foldNow(store, views, reservation, purse);
}

async function foldNow(
  store: Store,
  views: PurseViews,
  reservation: Reservation,
  purse: Purse,
): Promise<boolean> {
  const { purses } = views.family(purseFamily(reservation));
  purses.delete(purse.name);
  const { foldAfterMs } = reservation.terms;
  const isFolded = await fold(store, purse, { foldAfterMs, isPatient: false });
  // Where it is known to be closed, the next request need not look into it.
  if (isFolded && purse.open === 0 && !purses.has(purse.name)) purses.set(purse.name, closed(purse));
  return isFolded;
}

const closed = (purse: Purse): Purse => ({
  ...purse,
  isOpen: false,
  room: ZERO_USD,
  spent: ZERO_USD,
  usage: [],
  fence: purse.fence + 1,
});
