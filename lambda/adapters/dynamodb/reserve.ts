import { scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  Reservation,
} from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { type LeaseOutcome, type LeaseRequest, lease } from './lease.ts';
import { giveBack } from './leave.ts';
import { changeInOwnScope } from './own-scope.ts';
import { changeInPurse, type EntryChange } from './purse.ts';
import { type Purse, purseFamily } from './purse-item.ts';
import { findRoom, leaveCrowd } from './purse-room.ts';
import { isBusy, type PurseFamilyView, type PurseViews } from './purse-views.ts';
import { entryIdOf } from './record-item.ts';
import { ownEntry, ownWindows, purseEntry } from './reservation-entry.ts';
import { hardBudgets, refusalBy, scopeKey } from './scope-item.ts';
import { readItem, type Store } from './store.ts';

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
  if (estimate <= held.estimate) return { type: 'reserved', held };
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
  const refusal = refusals.find(({ type }) => type === 'stale-policy') ?? refusals[0];
  if (failure === undefined && refusal === undefined && inPurse?.type === 'made')
    return { type: 'reserved', held: { ...reservation, purse: inPurse.purse.name } };
  await takeBack(store, views, facts, wanted, {
    purse: inPurse?.type === 'made' ? inPurse.purse.name : undefined,
    // What failed may have been made all the same; what is not there is not taken away.
    own: reservation.own.filter((_, index) => (inOwn[index]?.type ?? 'made') === 'made'),
  });
  if (failure !== undefined) throw failure.reason;
  if (refusal === undefined) throw new Error('What was not refused was not made either.');
  return refusal;
}

type Made = { readonly type: 'made'; readonly purse: Purse };
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

/** Changes one of the family's purses: with the room it has, or with money leased in the same write. */
async function changeInFamily(store: Store, facts: RequestFacts, wanted: Change): Promise<Made | Refusal> {
  const { family, reservation, from } = wanted;
  const request = entryChange(facts, wanted, (each) => purseEntry(facts, each));
  const isAhead = from === undefined && isBusy(reservation, family, gapSinceLast(store, family));
  const ahead = isAhead ? reservation.terms.allowance : ZERO_USD;
  let name = from?.purse ?? anyPurse(store, family, reservation);
  let hasLooked = false;
  for (;;) {
    const among = family.shards;
    const outcome = await changeHere(store, { name, reservation, change: request, ahead }, family);
    if (outcome.type === 'crowded') {
      await leaveCrowd(store, family, reservation, among);
      name = anyPurse(store, family, reservation);
      continue;
    }
    const mayFit = !hasLooked && outcome.type === 'refused';
    if (!mayFit || !(await findRoom(store, family, reservation, name))) return outcome;
    hasLooked = true;
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

async function changeHere(
  store: Store,
  request: LeaseRequest,
  family: PurseFamilyView,
): Promise<LeaseOutcome> {
  const known = family.purses.get(request.name);
  // A purse that was never seen is looked for where the key is known to be busy; elsewhere there is none, as a rule.
  const mayHaveRoom =
    known === undefined ? family.shards > 1 : known.isOpen && known.room >= request.change.amount;
  const inPurse = mayHaveRoom ? await changeInPurse(store, request.name, request.change) : undefined;
  const outcome =
    inPurse === undefined || inPurse.type === 'no-room'
      ? await lease(store, request, inPurse === undefined ? known : inPurse.purse)
      : inPurse;
  if ('purse' in outcome && outcome.purse !== undefined) family.purses.set(request.name, outcome.purse);
  return outcome;
}

/** An estimate above a limit fits never: refused without a write, with the counters as they are. */
async function refusalOfWhatNeverFits(
  store: Store,
  { shared, own, windows }: Reservation,
  estimate: NanoUsd,
  startedAtMs: number,
): Promise<Refusal | undefined> {
  const policies = [
    ...shared.map((policy) => ({ policy, windows })),
    ...own.map((policy) => ({ policy, windows: ownWindows(policy, startedAtMs) })),
  ];
  for (const each of policies) {
    if (!hardBudgets(each.policy).some(({ limit }) => limit < estimate)) continue;
    const item = await readItem(store, 'spend', scopeKey(scopeName(each.policy.scope)));
    const refusal = refusalBy(each.policy, each.windows, estimate, item);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}
