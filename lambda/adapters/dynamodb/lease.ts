import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { scopeName } from '../../domain/money/budget.ts';
import { minUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { Reservation } from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { OPEN_SHARDS } from '../../schema/tables.ts';
import { listAttribute, numberAttribute, shardOf, textAttribute } from './attributes.ts';
import { type EntryChange, metBy, type PurseChange, writeEntry } from './purse.ts';
import { type Purse, purseKey, purseOfItem } from './purse-item.ts';
import { openShardName } from './record-item.ts';
import { addToCounters, foremost, hardBudgets, refusalBy, requireRoom, scopeKey } from './scope-item.ts';
import { type Contended, type FailedCondition, type Store, transact, unlessContended } from './store.ts';
import { updateBuilder } from './update.ts';

/**
 * What came of leasing money to a purse: the change is made in it, or it is crowded, or not as it was known (`no-room`), or
 * a scope refused, or others were writing to one of them all.
 */
export type LeaseOutcome =
  | PurseChange
  | Contended
  | Exclude<ReserveOutcome, { readonly type: 'reserved' | 'calls-exhausted' }>;

/** Upkeep looks after a purse that no request has folded so long after it was due. */
const UPKEEP_AFTER_MS = 30_000;
/** Purses are of use for a day at most. Who reads one later looks into the past. */
const KEPT_SECONDS = 30 * 86_400;

/** When upkeep shall look at a purse that was folded or opened now. */
export const lookAtMs = (nowMs: number, foldAfterMs: number): number => nowMs + foldAfterMs + UPKEEP_AFTER_MS;

/**
 * Leases money from every shared scope to a purse and makes a change in it, in one transaction: all of it or nothing.
 * @param ahead what shall be leased beyond the change, if there is room; less is left out altogether
 */
export async function lease(
  store: Store,
  { name, reservation, change, ahead }: LeaseRequest,
  purse: Purse | undefined,
): Promise<LeaseOutcome> {
  const attempt = (extra: NanoUsd): Promise<LeaseOutcome> => {
    const granted = grantFor({ change, reservation, extra }, purse);
    return leaseOnce(store, { name, reservation, change, granted }, purse);
  };
  const outcome = await attempt(ahead);
  return outcome.type === 'refused' && ahead !== ZERO_USD ? attempt(ZERO_USD) : outcome;
}

export interface LeaseRequest {
  readonly name: string;
  readonly reservation: Reservation;
  readonly change: EntryChange;
  readonly ahead: NanoUsd;
}

/** What is leased: never more than a limit in all, as a counter that does not exist yet refuses nothing. */
function grantFor(
  { change, reservation, extra }: Pick<LeaseRequest, 'change' | 'reservation'> & { readonly extra: NanoUsd },
  purse: Purse | undefined,
): NanoUsd {
  const limits = reservation.shared.flatMap(hardBudgets).map(({ limit }) => limit);
  const wanted = nanoUsd(change.amount - roomUsed(change, purse) + extra);
  const most = limits.reduce(minUsd, wanted);
  return most < change.amount ? nanoUsd(change.amount - roomUsed(change, purse)) : most;
}

/** What the purse has at hand for a change; less than nothing where an answer has cost more than was set aside for it. */
export const roomUsed = (change: EntryChange, purse: Purse | undefined): NanoUsd =>
  purse === undefined ? ZERO_USD : minUsd(purse.room, change.amount);

async function leaseOnce(
  store: Store,
  request: Omit<LeaseRequest, 'ahead'> & { readonly granted: NanoUsd },
  purse: Purse | undefined,
): Promise<LeaseOutcome> {
  const { name, reservation, change, granted } = request;
  const isOpening = purse?.isOpen !== true;
  const items: readonly TransactWriteItem[] = [
    purseUpdate(store, request, purse),
    ...reservation.shared.map((policy) => {
      const update = updateBuilder();
      addToCounters(update, reservation.windows, { committed: granted, spent: 0n });
      update.add('purses', isOpening ? 1 : 0);
      requireRoom(update, policy, reservation.windows, granted);
      return {
        Update: {
          TableName: store.tables.spend,
          Key: scopeKey(scopeName(policy.scope)),
          ...update.build(),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
        },
      };
    }),
  ];
  return unlessContended<LeaseOutcome>(store, async () => {
    const result = await transact(store, items);
    if (result.type === 'done') return { type: 'made', purse: afterLease(store, request, purse) };
    const [met, ...scopes] = result.failed;
    if (met !== undefined) return metBy(change, met.item === undefined ? undefined : purseOfItem(met.item));
    return refusalOf(reservation, granted, scopes);
  });

  function afterLease(
    { clock }: Store,
    { granted: leased }: { readonly granted: NanoUsd },
    before: Purse | undefined,
  ): Purse {
    const nowMs = clock.now();
    const opened = {
      foldedAtMs: nowMs,
      foldedBeforeMs: before?.foldedAtMs ?? 0,
      fence: (before?.fence ?? 0) + 1,
    };
    return {
      ...(before ?? emptyPurse(name, reservation)),
      ...(isOpening && opened),
      isOpen: true,
      room: nanoUsd((before?.room ?? 0n) + leased - change.amount),
      open: (before?.open ?? 0) + (change.before === undefined ? 1 : 0),
    };
  }
}

const emptyPurse = (name: string, { key, shared, windows }: Reservation): Purse => ({
  name,
  keyId: key.id,
  policyVersion: key.policyVersion,
  scopes: shared.map(({ scope }) => scopeName(scope)),
  windows,
  room: ZERO_USD,
  spent: ZERO_USD,
  open: 0,
  foldedAtMs: 0,
  foldedBeforeMs: 0,
  leaves: 0,
  fence: 0,
  isOpen: false,
  entries: [],
  usage: [],
});

function purseUpdate(
  store: Store,
  { name, reservation, change, granted }: Omit<LeaseRequest, 'ahead'> & { readonly granted: NanoUsd },
  purse: Purse | undefined,
): TransactWriteItem {
  const nowMs = store.clock.now();
  const update = updateBuilder();
  update.add('room', granted - change.amount);
  writeEntry(update, change);
  if (purse?.isOpen === true) {
    update.require(`attribute_exists(${update.name('openShard')})`);
    const used = roomUsed(change, purse);
    if (used > 0n) update.require(`${update.name('room')} >= ${update.value(numberAttribute(used))}`);
  } else {
    const foldedAt = update.name('foldedAtMs');
    update.require(`attribute_not_exists(${update.name('openShard')})`);
    update.add('fence', 1);
    update.set('foldedBeforeMs', `if_not_exists(${foldedAt}, ${update.value(numberAttribute(0))})`);
    update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
    update.set('openShard', update.value(textAttribute(openShardName(shardOf(name, OPEN_SHARDS)))));
    const lookAt = lookAtMs(nowMs, reservation.terms.foldAfterMs);
    update.set('expiresAtMs', update.value(numberAttribute(lookAt)));
    update.set('expiresAtSeconds', update.value(numberAttribute(nowMs / 1000 + KEPT_SECONDS)));
    const scopes = reservation.shared.map(({ scope }) => scopeName(scope));
    update.set('scopes', update.value(listAttribute(scopes)));
    update.set('windows', update.value(listAttribute(reservation.windows)));
  }
  return {
    Update: {
      TableName: store.tables.spend,
      Key: purseKey(name),
      ...update.build(),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

/** Reads from the scopes that failed why. */
function refusalOf(
  { shared, windows }: Reservation,
  amount: NanoUsd,
  failed: readonly (FailedCondition | undefined)[],
): LeaseOutcome {
  const refusals = shared.flatMap((policy, index) => {
    const met = failed[index];
    return met === undefined ? [] : (refusalBy(policy, windows, amount, met.item) ?? []);
  });
  const refusal = foremost(refusals);
  if (refusal === undefined)
    throw new Error('A scope refused a lease for a reason that its item does not show.');
  return refusal;
}
