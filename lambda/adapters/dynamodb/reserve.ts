import { type ScopeCounters, type ScopePolicy, scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  Reservation,
} from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { type LeaseOutcome, type LeaseRequest, lease, roomUsed } from './lease.ts';
import { giveBack } from './leave.ts';
import { changeInOwnScope } from './own-scope.ts';
import { changeInPurse, type EntryChange } from './purse.ts';
import { type Purse, purseFamily } from './purse-item.ts';
import { findRoom, leaveCrowd } from './purse-room.ts';
import { isBusy, type PurseFamilyView, type PurseViews } from './purse-views.ts';
import { entryIdOf } from './record-item.ts';
import { ownEntry, ownWindows, purseEntry } from './reservation-entry.ts';
import { countersOfItem, foremost, hardBudgets, refusalBy, scopeKey } from './scope-item.ts';
import { pauses, readItem, type Store, storeUnavailable } from './store.ts';

/** Sets the estimate aside in a purse of the shared scopes, and in each of the request's own scopes, all at once. */
export async function reserve(
  store: Store,
  views: PurseViews,
  facts: RequestFacts,
  reservation: Reservation,
): Promise<ReserveOutcome> {
  const never = await refusalOfWhatNeverFits(store, reservation, reservation.estimate, facts.startedAtMs);
  if (never !== undefined) return never;
  const family = views.family(purseFamily(reservation));
  family.shards = Math.max(family.shards, reservation.key.purseShards);
  return change(store, views, facts, {
    family,
    reservation,
    from: undefined,
  });
}

/**
 * Adds the difference to a larger estimate wherever the reservation stands. An estimate that is not larger leaves it as it is.
 * @throws GatewayError `store_unavailable` where it no longer stands: it has expired
 */
export async function raise(
  store: Store,
  views: PurseViews,
  {
    facts,
    held,
    estimate,
  }: { readonly facts: RequestFacts; readonly held: HeldReservation; readonly estimate: NanoUsd },
): Promise<ReserveOutcome> {
  if (estimate <= held.estimate) return { type: 'reserved', held, counters: [] };
  const never = await refusalOfWhatNeverFits(store, held, estimate, facts.startedAtMs);
  if (never !== undefined) return never;
  const family = views.family(purseFamily(held));
  return change(store, views, facts, {
    family,
    reservation: { ...held, estimate },
    from: held,
  });
}

/** Gives a reservation back that was not used. */
export const release = (
  store: Store,
  views: PurseViews,
  facts: RequestFacts,
  held: HeldReservation,
): Promise<void> =>
  giveBack(store, views, { facts, reservation: held, places: { purse: held.purse, own: held.own } });

interface Change {
  readonly family: PurseFamilyView;
  readonly reservation: Reservation;
  /** The reservation as it stands, where it is raised. */
  readonly from: HeldReservation | undefined;
}

/** Changes purse and own scopes in parallel; where one refuses, the others are taken back. */
async function change(
  store: Store,
  views: PurseViews,
  facts: RequestFacts,
  wanted: Change,
): Promise<ReserveOutcome> {
  const { reservation } = wanted;
  const [purse, ...own] = await Promise.allSettled([
    changeInFamily(store, facts, wanted),
    ...reservation.own.map((policy) => changeInOwn(store, facts, wanted, policy)),
  ]);
  const failure = [purse, ...own].find((each) => each.status === 'rejected');
  const inPurse = purse.status === 'fulfilled' ? purse.value : undefined;
  const inOwn = own.map((each) => (each.status === 'fulfilled' ? each.value : undefined));
  const refusals = [inPurse, ...inOwn].flatMap((each) =>
    each === undefined || each.type === 'made' ? [] : [each],
  );
  const refusal = foremost(refusals);
  if (failure === undefined && refusal === undefined && inPurse?.type === 'made') {
    const held = { ...reservation, purse: inPurse.purse.name };
    return { type: 'reserved', held, counters: inPurse.counters };
  }
  await takeBack(store, views, facts, wanted, {
    purse: inPurse?.type === 'made' ? inPurse.purse.name : undefined,
    // What failed may have been made all the same; what is not there is not taken away.
    own: reservation.own.filter((_, index) => (inOwn[index]?.type ?? 'made') === 'made'),
  });
  if (failure !== undefined) throw failure.reason;
  if (refusal === undefined) throw new Error('What was not refused was not made either.');
  return refusal;
}

interface Made {
  readonly type: 'made';
  readonly purse: Purse;
  /** Of scopes that were read on the way. */
  readonly counters: readonly ScopeCounters[];
}
type Refusal = Exclude<ReserveOutcome, { readonly type: 'reserved' }>;

/** Undoes what was made where something else was refused: a new reservation is given back, a raise is lowered again. */
async function takeBack(
  store: Store,
  views: PurseViews,
  facts: RequestFacts,
  wanted: Change,
  { purse, own }: { readonly purse: string | undefined; readonly own: readonly OwnScopePolicy[] },
): Promise<void> {
  const { reservation, from } = wanted;
  if (from === undefined) {
    await giveBack(store, views, { facts, reservation, places: { purse, own } });
    return;
  }
  const lowered = { ...wanted, reservation: from, from: { ...reservation, purse: from.purse } };
  await Promise.all([
    purse === undefined
      ? undefined
      : changeInPurse(
          store,
          purse,
          entryChange(facts, lowered, (each) => purseEntry(facts, each)),
        ),
    ...own.map((policy) => changeInOwn(store, facts, lowered, policy)),
  ]);
}

function entryChange(
  facts: RequestFacts,
  { reservation, from }: Change,
  textOf: (reservation: Reservation) => string,
): EntryChange {
  return {
    id: entryIdOf(facts.id, reservation.leg),
    before: from === undefined ? undefined : textOf(from),
    after: textOf(reservation),
    amount: nanoUsd(reservation.estimate - (from?.estimate ?? 0n)),
  };
}

const changeInOwn = (
  store: Store,
  facts: RequestFacts,
  wanted: Change,
  policy: OwnScopePolicy,
): ReturnType<typeof changeInOwnScope> =>
  changeInOwnScope(
    store,
    policy,
    ownWindows(policy, facts.startedAtMs),
    entryChange(facts, wanted, (reservation) => ownEntry(facts, reservation, policy)),
  );

/** Looks for a purse that takes a change: with the room it has, or with money leased in the same write. */
interface Search {
  readonly family: PurseFamilyView;
  readonly reservation: Reservation;
  readonly change: EntryChange;
  readonly draw: () => string;
  /** Counted from the last step that led on. */
  pause: ReturnType<typeof pauses>;
  /** The purse that is tried. */
  name: string;
  /** How many purses turned out to be crowded. */
  crowds: number;
  /** Whether room was looked for before a refusal. */
  hasLooked: boolean;
  /** Of scopes that were read on the way. */
  counters: readonly ScopeCounters[];
}

async function changeInFamily(store: Store, facts: RequestFacts, wanted: Change): Promise<Made | Refusal> {
  const { family, reservation, from } = wanted;
  const request = entryChange(facts, wanted, (each) => purseEntry(facts, each));
  const isAhead = from === undefined && isBusy(reservation, family, gapSinceLast(store, family));
  const ahead = isAhead ? reservation.terms.allowance : ZERO_USD;
  const draw = (): string => from?.purse ?? anyPurse(store, family, reservation);
  const search: Search = {
    ...{ family, reservation, change: request, draw, pause: pauses(store) },
    ...{ name: draw(), crowds: 0, hasLooked: false, counters: [] },
  };
  for (;;) {
    const among = family.shards;
    const outcome = await changeHere(
      store,
      { name: search.name, reservation, change: request, ahead },
      family,
    );
    const final = await finalOutcome(store, search, outcome, among);
    if (final !== undefined) return final;
  }
}

/** @returns `undefined` where the search goes on */
async function finalOutcome(
  store: Store,
  search: Search,
  outcome: OutcomeHere,
  among: number,
): Promise<Made | Refusal | undefined> {
  const { family, reservation, change, name } = search;
  switch (outcome.type) {
    case 'crowded': {
      search.crowds += 1;
      const { crowds } = search;
      if (await leaveCrowd(store, family, reservation, { among, crowds })) search.pause = pauses(store);
      else await search.pause('contended', undefined);
      search.name = search.draw();
      return undefined;
    }
    case 'contended': {
      await search.pause('contended', outcome.cause);
      const needed = nanoUsd(change.amount - roomUsed(change, family.purses.get(name)));
      const { refusal, counters } = await look(store, reservation.shared, reservation.windows, needed);
      search.counters = counters;
      if (refusal !== undefined) return finalOutcome(store, search, refusal, among);
      search.name = search.draw();
      return undefined;
    }
    case 'refused': {
      if (search.hasLooked || !(await findRoom(store, family, reservation, name))) return outcome;
      search.hasLooked = true;
      return undefined;
    }
    case 'made':
      return { ...outcome, counters: search.counters };
    default:
      return outcome;
  }
}

const anyPurse = ({ clock }: Store, { shards }: PurseFamilyView, reservation: Reservation): string =>
  `${purseFamily(reservation)}#${Math.floor(clock.random() * shards)}`;

/** How long ago this process last used one of the family's purses. */
function gapSinceLast({ clock }: Store, family: PurseFamilyView): number | undefined {
  const nowMs = clock.now();
  const { usedAtMs } = family;
  family.usedAtMs = nowMs;
  return usedAtMs === undefined ? undefined : nowMs - usedAtMs;
}

/** How often a purse may turn out not to be as it was known. */
const MOST_ROUNDS = 8;

type OutcomeHere = Exclude<LeaseOutcome, { readonly type: 'no-room' }>;

/** @throws GatewayError `store_unavailable` where the purse is another one each time */
async function changeHere(
  store: Store,
  request: LeaseRequest,
  family: PurseFamilyView,
): Promise<OutcomeHere> {
  const { name, change: wanted } = request;
  let known = family.purses.get(name);
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const mayHaveRoom = known === undefined ? round === 0 : known.isOpen && known.room >= wanted.amount;
    const outcome = mayHaveRoom
      ? await changeInPurse(store, name, wanted)
      : await lease(store, request, known);
    if ('purse' in outcome && outcome.purse !== undefined) family.purses.set(name, outcome.purse);
    if (outcome.type !== 'no-room') return outcome;
    known = outcome.purse;
  }
  throw storeUnavailable(undefined);
}

/** An estimate above a limit fits never: refused without a write, with the counters as they are. */
async function refusalOfWhatNeverFits(
  store: Store,
  { shared, own, windows }: Reservation,
  estimate: NanoUsd,
  startedAtMs: number,
): Promise<Refusal | undefined> {
  const isBeyond = (policy: ScopePolicy): boolean =>
    hardBudgets(policy).some(({ limit }) => limit < estimate);
  const inShared = await look(store, shared.filter(isBeyond), windows, estimate);
  if (inShared.refusal !== undefined) return inShared.refusal;
  for (const policy of own.filter(isBeyond)) {
    const { refusal } = await look(store, [policy], ownWindows(policy, startedAtMs), estimate);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

interface Look {
  /** Of the first scope that has no room for the amount. */
  readonly refusal: Exclude<Refusal, { readonly type: 'calls-exhausted' }> | undefined;
  readonly counters: readonly ScopeCounters[];
}

/** Reads the scopes that have hard budgets as they stand now. */
async function look(
  store: Store,
  policies: readonly ScopePolicy[],
  windows: readonly WindowId[],
  amount: NanoUsd,
): Promise<Look> {
  const found = await Promise.all(
    policies
      .filter((policy) => hardBudgets(policy).length > 0)
      .map(async (policy) => {
        const item = await readItem(store, 'spend', scopeKey(scopeName(policy.scope)));
        const counters = item === undefined ? [] : [countersOfItem(policy.scope, item)];
        return { refusal: refusalBy(policy, windows, amount, item), counters };
      }),
  );
  return {
    refusal: found.find(({ refusal }) => refusal !== undefined)?.refusal,
    counters: found.flatMap(({ counters }) => counters),
  };
}
