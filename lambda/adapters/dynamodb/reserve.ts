import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import { type WindowId, windowIdAt } from '../../domain/money/window.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  Reservation,
} from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { numberAttribute } from './attributes.ts';
import { fold } from './fold.ts';
import { keyKey } from './key-item.ts';
import { type LeaseOutcome, type LeaseRequest, lease } from './lease.ts';
import { changeInOwnScope, leaveOwnScope } from './own-scope.ts';
import { changeInPurse, type EntryChange, type EntryCharge, leavePurse, readPurse } from './purse.ts';
import { entryText, type Purse, purseFamily } from './purse-item.ts';
import type { PurseFamilyView, PurseViews } from './purse-views.ts';
import { entryIdOf } from './record-item.ts';
import { hardBudgets, refusalBy, scopeKey } from './scope-item.ts';
import { forEachConcurrently, readItem, type Store, storeUnavailable, withRetries } from './store.ts';
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
  return change(store, family, facts, { reservation, shard: anyShard(store, family), from: undefined });
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
  return change(store, family, facts, {
    reservation: { ...held, estimate },
    shard: shardIn(held.purse),
    from: held,
  });
}

/**
 * Takes a reservation that was not used out of wherever it stands: out of the purse first, which decides. What the sweep
 * has taken it charges.
 */
export const release = (store: Store, facts: RequestFacts, held: HeldReservation): Promise<void> =>
  giveBack(store, facts, held, { purse: held.purse, own: held.own });

async function giveBack(
  store: Store,
  facts: RequestFacts,
  reservation: Reservation,
  { purse, own }: { readonly purse: string | undefined; readonly own: readonly OwnScopePolicy[] },
): Promise<void> {
  if (purse !== undefined) {
    const entry = { id: entryIdOf(facts.id, reservation.leg), text: purseEntry(facts, reservation) };
    if ((await leavePurse(store, purse, entry, undefined)) === undefined) return;
  }
  await Promise.all(own.map((policy) => leaveOwn(store, facts, { reservation, policy }, undefined)));
}

/**
 * Takes a reservation out of the request's own scopes, then of its purse, as what it has come to: as long as it stands in
 * the purse, the sweep finds it.
 * @returns the purse afterwards; `undefined` where the reservation did not stand in it any more
 */
export async function leaveAll(
  store: Store,
  facts: RequestFacts,
  held: HeldReservation,
  charge: EntryCharge,
): Promise<Purse | undefined> {
  await Promise.all(
    held.own.map((policy) => leaveOwn(store, facts, { reservation: held, policy }, charge.cost)),
  );
  const entry = { id: entryIdOf(facts.id, held.leg), text: purseEntry(facts, held) };
  return leavePurse(store, held.purse, entry, charge);
}

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

/** The windows a scope of a request's own counts: those it has budgets for, and all of its time. */
export const ownWindows = (policy: OwnScopePolicy, startedAtMs: number): readonly WindowId[] =>
  [...new Set([...policy.budgets.map(({ window }) => window), 'total' as const])].map((window) =>
    windowIdAt(window, startedAtMs),
  );

/** A reservation as it stands in its purse. */
const purseEntry = (facts: RequestFacts, reservation: Reservation): string =>
  entryIn(
    facts,
    reservation,
    reservation.own.map(({ scope }) => scopeName(scope)),
  );

/** A reservation as it stands in one of the request's own scopes. */
const ownEntry = (facts: RequestFacts, reservation: Reservation, policy: OwnScopePolicy): string =>
  entryIn(facts, reservation, ownWindows(policy, facts.startedAtMs));

const entryIn = (facts: RequestFacts, reservation: Reservation, beside: readonly string[]): string =>
  entryText({
    estimate: reservation.estimate,
    expiresAtMs: reservation.expiresAtMs,
    isTaken: false,
    startedAtMs: facts.startedAtMs,
    deployment: reservation.deployment,
    beside,
  });

interface Change {
  readonly reservation: Reservation;
  readonly shard: number;
  /** The reservation as it stands, where it is raised. */
  readonly from: HeldReservation | undefined;
}

/** Changes purse and own scopes in parallel; where one refuses, the others are taken back. */
async function change(
  store: Store,
  family: PurseFamilyView,
  facts: RequestFacts,
  wanted: Change,
): Promise<ReserveOutcome> {
  const { reservation } = wanted;
  const [inPurse, ...inOwn] = await Promise.all([
    changeInFamily(store, family, facts, wanted),
    ...reservation.own.map((policy) => changeInOwn(store, facts, wanted, policy)),
  ]);
  const refusals = [inPurse, ...inOwn].flatMap((each) => (each.type === 'made' ? [] : [each]));
  const [refusal] = refusals.toSorted(
    (a, b) => Number(b.type === 'stale-policy') - Number(a.type === 'stale-policy'),
  );
  if (refusal === undefined && inPurse.type === 'made')
    return { type: 'reserved', held: { ...reservation, purse: inPurse.purse.name } };
  // What was raised stays raised until the request settles: nobody is hurt, and a way back would be one more way to fail.
  if (wanted.from === undefined) await takeBack(store, facts, reservation, { inPurse, inOwn });
  if (refusal === undefined) throw new Error('What was not refused was not made either.');
  return refusal;
}

type Made = { readonly type: 'made'; readonly purse: Purse };
type Refusal = Exclude<ReserveOutcome, { readonly type: 'reserved' }>;

async function takeBack(
  store: Store,
  facts: RequestFacts,
  reservation: Reservation,
  {
    inPurse,
    inOwn,
  }: { readonly inPurse: Made | Refusal; readonly inOwn: readonly { readonly type: string }[] },
): Promise<void> {
  const own = reservation.own.filter((_, index) => inOwn[index]?.type === 'made');
  const purse = inPurse.type === 'made' ? inPurse.purse.name : undefined;
  await giveBack(store, facts, reservation, { purse, own });
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

/** Requests that come closer than this to each other take money ahead; apart where many purses share a scope. */
const BUSY_GAP_MS = 1_000;
const SHARED_BUSY_GAP_MS = 30_000;

/** Within what gap a key's next request counts as one of many. */
export const busyGapMs = ({ terms }: Pick<Reservation, 'terms'>, shards: number): number =>
  terms.isShared || shards > 1 ? SHARED_BUSY_GAP_MS : BUSY_GAP_MS;

const MOST_SHARDS = 4_096;

/** Changes one of the family's purses: with the room it has, or with money leased in the same write. */
async function changeInFamily(
  store: Store,
  family: PurseFamilyView,
  facts: RequestFacts,
  wanted: Change,
): Promise<Made | Refusal> {
  const { reservation } = wanted;
  const request = entryChange(facts, wanted, (each) => purseEntry(facts, each));
  const ahead = isBusy(store, family, reservation) ? reservation.terms.allowance : ZERO_USD;
  let shard = wanted.shard;
  for (;;) {
    const name = `${purseFamily(reservation)}#${shard}`;
    const outcome = await changeHere(store, { name, reservation, change: request, ahead }, family);
    if (outcome.type === 'refused' && (await reclaim(store, family, reservation))) continue;
    if (outcome.type !== 'crowded') return outcome;
    await widen(store, family, reservation);
    shard = anyShard(store, family);
  }
}

/** Whether the key's requests come so often that money is worth taking ahead. */
function isBusy({ clock }: Store, family: PurseFamilyView, reservation: Reservation): boolean {
  const nowMs = clock.now();
  const { usedAtMs } = family;
  family.usedAtMs = nowMs;
  return usedAtMs !== undefined && nowMs - usedAtMs < busyGapMs(reservation, family.shards);
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
  update.require(`attribute_exists(${update.name('pk')})`);
  const { UpdateExpression, ...rest } = update.build();
  try {
    await withRetries(store, () =>
      store.client.send(
        new UpdateItemCommand({
          TableName: store.tables.keys,
          Key: keyKey(key.id),
          UpdateExpression,
          ...rest,
        }),
      ),
    );
  } catch (error) {
    // A hint only: a key that is being changed keeps the number it has.
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** A refusal makes the family's purses give back what they have to no use, once a second at most. */
const RECLAIM_APART_MS = 1_000;

/** @returns whether anything was given back */
async function reclaim(store: Store, family: PurseFamilyView, reservation: Reservation): Promise<boolean> {
  const nowMs = store.clock.now();
  if (family.shards === 1 || nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) return false;
  family.reclaimedAtMs = nowMs;
  const names = Array.from({ length: family.shards }, (_, shard) => `${purseFamily(reservation)}#${shard}`);
  let isAnyBack = false;
  await forEachConcurrently(names, RECLAIM_CONCURRENCY, async (name) => {
    const purse = await readPurse(store, name);
    if (purse === undefined || purse.room <= 0n) return;
    if (await fold(store, purse, reservation.terms.foldAfterMs)) isAnyBack = true;
    family.purses.delete(name);
  });
  return isAnyBack;
}

const RECLAIM_CONCURRENCY = 16;

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
