import { scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  Reservation,
} from '../../domain/request-record.ts';
import { CROWDED_FOR_MS } from '../../domain/virtual-key.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { numberAttribute } from './attributes.ts';
import { fold } from './fold.ts';
import { keyKey } from './key-item.ts';
import { type LeaseOutcome, type LeaseRequest, lease } from './lease.ts';
import { giveBack } from './leave.ts';
import { changeInOwnScope } from './own-scope.ts';
import { changeInPurse, type EntryChange, readPurse } from './purse.ts';
import { type Purse, purseFamily } from './purse-item.ts';
import { isBusy, type PurseFamilyView, type PurseViews } from './purse-views.ts';
import { entryIdOf } from './record-item.ts';
import { ownEntry, ownWindows, purseEntry } from './reservation-entry.ts';
import { hardBudgets, refusalBy, scopeKey } from './scope-item.ts';
import { forEachConcurrently, readItem, type Store, storeUnavailable, updateItem } from './store.ts';
import { updateBuilder } from './update.ts';

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
    shard: anyShard(store, family),
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
    shard: shardIn(held.purse),
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
  readonly shard: number;
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
  const [inPurse, ...inOwn] = await Promise.all([
    changeInFamily(store, facts, wanted),
    ...reservation.own.map((policy) => changeInOwn(store, facts, wanted, policy)),
  ]);
  const refusals = [inPurse, ...inOwn].flatMap((each) => (each.type === 'made' ? [] : [each]));
  const [refusal] = refusals.toSorted(
    (a, b) => Number(b.type === 'stale-policy') - Number(a.type === 'stale-policy'),
  );
  if (refusal === undefined && inPurse.type === 'made')
    return { type: 'reserved', held: { ...reservation, purse: inPurse.purse.name } };
  await takeBack(store, views, facts, wanted, { inPurse, inOwn });
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
  {
    inPurse,
    inOwn,
  }: { readonly inPurse: Made | Refusal; readonly inOwn: readonly { readonly type: string }[] },
): Promise<void> {
  const { reservation, from } = wanted;
  const own = reservation.own.filter((_, index) => inOwn[index]?.type === 'made');
  const purse = inPurse.type === 'made' ? inPurse.purse.name : undefined;
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

const MOST_SHARDS = 4_096;

/** Changes one of the family's purses: with the room it has, or with money leased in the same write. */
async function changeInFamily(store: Store, facts: RequestFacts, wanted: Change): Promise<Made | Refusal> {
  const { family, reservation } = wanted;
  const request = entryChange(facts, wanted, (each) => purseEntry(facts, each));
  const isAhead = wanted.from === undefined && isBusy(reservation, family, gapSinceLast(store, family));
  const ahead = isAhead ? reservation.terms.allowance : ZERO_USD;
  let shard = wanted.shard;
  let hasLooked = false;
  for (;;) {
    const name = `${purseFamily(reservation)}#${shard}`;
    const among = family.shards;
    const outcome = await changeHere(store, { name, reservation, change: request, ahead }, family);
    switch (outcome.type) {
      case 'made':
      case 'stale-policy':
        return outcome;
      case 'crowded':
        // Others may have met the same crowd, and made more of them already.
        if (family.shards < among * 2) await widen(store, family, reservation);
        shard = anyShard(store, family);
        break;
      case 'refused':
        if (hasLooked || !(await findRoom(store, family, reservation, name))) return outcome;
        hasLooked = true;
    }
  }
}

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

const anyShard = ({ clock }: Store, { shards }: PurseFamilyView): number =>
  Math.floor(clock.random() * shards);

const shardIn = (purse: string): number => Number(purse.slice(purse.lastIndexOf('#') + 1));

/** A purse is crowded: from now on the key's requests choose among twice as many, in every process that reads the key. */
async function widen(store: Store, family: PurseFamilyView, { key }: Reservation): Promise<void> {
  if (family.shards >= MOST_SHARDS) throw storeUnavailable(undefined);
  family.shards *= 2;
  const update = updateBuilder();
  const shards = update.value(numberAttribute(family.shards));
  update.set('purseShards', shards);
  update.set('purseShardsAtMs', update.value(numberAttribute(store.clock.now())));
  const lapsed = update.value(numberAttribute(store.clock.now() - CROWDED_FOR_MS));
  const isMore = `${update.name('purseShards')} < ${shards}`;
  const hasLapsed = `${update.name('purseShardsAtMs')} < ${lapsed}`;
  update.require(`attribute_exists(${update.name('pk')})`);
  update.require(`(attribute_not_exists(${update.name('purseShards')}) OR ${isMore} OR ${hasLapsed})`);
  // Where the condition fails, somebody was faster or the key is gone.
  await updateItem(store, keyKey(key.id), update.build(), 'keys');
}

/** A refusal makes the family's purses give back what they have to no use, once a second at most. */
const RECLAIM_APART_MS = 1_000;
const RECLAIM_CONCURRENCY = 16;

/**
 * Looks for money before a refusal is final: in the purse itself, which others may have given some back, and in the
 * family's other purses.
 * @returns whether there is more than was known
 */
async function findRoom(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  name: string,
): Promise<boolean> {
  const known = family.purses.get(name)?.room ?? 0n;
  const [purse, isAnyBack] = await Promise.all([
    readPurse(store, name),
    reclaim(store, family, reservation, name),
  ]);
  if (purse !== undefined) family.purses.set(name, purse);
  return isAnyBack || (purse?.isOpen === true && purse.room > known);
}

/** @returns whether another purse gave anything back */
async function reclaim(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  except: string,
): Promise<boolean> {
  const nowMs = store.clock.now();
  if (family.shards === 1 || nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) return false;
  family.reclaimedAtMs = nowMs;
  const all = Array.from({ length: family.shards }, (_, shard) => `${purseFamily(reservation)}#${shard}`);
  let isAnyBack = false;
  await forEachConcurrently(
    all.filter((name) => name !== except),
    RECLAIM_CONCURRENCY,
    async (name) => {
      const purse = await readPurse(store, name);
      if (purse === undefined || purse.room <= 0n) return;
      if (await fold(store, purse, reservation.terms.foldAfterMs)) isAnyBack = true;
      family.purses.delete(name);
    },
  );
  return isAnyBack;
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
