import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import type { RequestId } from '../../domain/ids.ts';
import { type Budget, type ScopePolicy, scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type { RequestFacts, Reservation } from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { type Item, numberAttribute, readNano, readNumber, textAttribute } from './attributes.ts';
import { openRecordItem, recordKey, type StoredReservation, storedReservation } from './record-item.ts';
import { committedName, counterUpdate, scopeKey, spentName } from './scope-item.ts';
import {
  type Earlier,
  type FailedCondition,
  readItem,
  type Store,
  storeUnavailable,
  transact,
  withRetries,
} from './store.ts';

const RESERVED: ReserveOutcome = { type: 'reserved' };

/** Opens the record and adds the estimate to every scope, in one transaction. */
export async function reserve(
  store: Store,
  facts: RequestFacts,
  reservation: Reservation,
): Promise<ReserveOutcome> {
  const never = await refusalOfWhatNeverFits(store, reservation, reservation.estimate);
  if (never !== undefined) return never;
  const recordIsNew = 'attribute_not_exists(pk)';
  const items: readonly TransactWriteItem[] = [
    {
      Put: {
        TableName: store.tables.spend,
        Item: openRecordItem(facts, reservation),
        ConditionExpression: recordIsNew,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    ...scopeUpdates(store, reservation, reservation.estimate),
  ];
  return withRetries(store, async (earlier) => {
    const result = await transact(store, items);
    if (result.type === 'done') return RESERVED;
    // The request's own record decides: an attempt whose answer was lost may have filled the budget itself.
    const own = await ownRecord(store, { id: facts.id, failed: result.failed, earlier });
    if (own === undefined) return refusalOf(reservation, reservation.estimate, result.failed.slice(1));
    if (own.state === 'open' && own.estimate === reservation.estimate) return RESERVED;
    throw storeUnavailable(undefined, 'This request has a record already. Send it again as a new request.');
  });
}

/**
 * Adds the difference to a larger estimate to the record and every scope, in one transaction. An estimate that is not
 * larger leaves the reservation as it is.
 * @throws GatewayError `store_unavailable` where the reservation is no longer open: it has expired
 */
export async function raise(
  store: Store,
  { id, from, estimate }: { readonly id: RequestId; readonly from: Reservation; readonly estimate: NanoUsd },
): Promise<ReserveOutcome> {
  if (estimate <= from.estimate) return RESERVED;
  const never = await refusalOfWhatNeverFits(store, from, estimate);
  if (never !== undefined) return never;
  const difference = nanoUsd(estimate - from.estimate);
  const items: readonly TransactWriteItem[] = [
    raisedRecord(store, { id, from: from.estimate, to: estimate }),
    ...scopeUpdates(store, from, difference),
  ];
  return withRetries(store, async (earlier) => {
    const result = await transact(store, items);
    if (result.type === 'done') return RESERVED;
    const own = await ownRecord(store, { id, failed: result.failed, earlier });
    if (own?.state === 'open' && own.estimate >= estimate) return RESERVED;
    if (result.failed[0] === undefined) return refusalOf(from, difference, result.failed.slice(1));
    throw storeUnavailable(undefined, 'The reservation of this request has expired. Send the request again.');
  });
}

function raisedRecord(
  store: Store,
  { id, from, to }: { readonly id: RequestId; readonly from: NanoUsd; readonly to: NanoUsd },
): TransactWriteItem {
  const isOpenAtTheOldEstimate = '#state = :open AND estimate = :from';
  return {
    Update: {
      TableName: store.tables.spend,
      Key: recordKey(id),
      UpdateExpression: 'SET estimate = :to',
      ConditionExpression: isOpenAtTheOldEstimate,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':open': textAttribute('open'),
        ':from': numberAttribute(from),
        ':to': numberAttribute(to),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

const scopeUpdates = (
  store: Store,
  reservation: Reservation,
  amount: NanoUsd,
): readonly TransactWriteItem[] =>
  reservation.scopes.map((policy) => scopeUpdate(store, { reservation, policy, amount }));

/** Conditions have no arithmetic, so what may be committed at most for the amount to fit is computed here. */
function scopeUpdate(
  store: Store,
  {
    reservation,
    policy,
    amount,
  }: { readonly reservation: Reservation; readonly policy: ScopePolicy; readonly amount: NanoUsd },
): TransactWriteItem {
  const { windows } = reservation;
  const update = counterUpdate(store, { name: scopeName(policy.scope), windows, committed: amount });
  const rooms: Record<string, AttributeValue> = {};
  const amountFits = hardBudgets(policy).map((budget, index) => {
    rooms[`:room${index}`] = numberAttribute(budget.limit - amount);
    const committed = `#committed${windows.indexOf(windowOf(budget, windows))}`;
    return `(attribute_not_exists(${committed}) OR ${committed} <= :room${index})`;
  });
  const policyIsCurrent = 'policyVersion = :policyVersion';
  return {
    Update: {
      ...update,
      ConditionExpression: [policyIsCurrent, ...amountFits].join(' AND '),
      ExpressionAttributeValues: {
        ...update.ExpressionAttributeValues,
        ...rooms,
        ':policyVersion': numberAttribute(policy.policyVersion),
      },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

const hardBudgets = (policy: ScopePolicy): readonly Budget[] =>
  policy.budgets.filter((budget) => budget.mode === 'hard');

function windowOf(budget: Budget, windows: readonly WindowId[]): WindowId {
  const found = windows.find((id) => id === budget.window || id.startsWith(`${budget.window}:`));
  if (found === undefined)
    throw new Error(`A reservation names no window for the budget per ${budget.window}.`);
  return found;
}

/** The request's own record, as the failed condition shows it; after a lost answer it is read before any conclusion. */
async function ownRecord(
  store: Store,
  {
    id,
    failed,
    earlier,
  }: {
    readonly id: RequestId;
    readonly failed: readonly (FailedCondition | undefined)[];
    readonly earlier: Earlier;
  },
): Promise<StoredReservation | undefined> {
  const item =
    failed[0]?.item ?? (earlier.answerLost ? await readItem(store, 'spend', recordKey(id)) : undefined);
  return item === undefined ? undefined : storedReservation(item);
}

/** An estimate above a limit fits never: refused without a write, with the counters as they are. */
async function refusalOfWhatNeverFits(
  store: Store,
  reservation: Reservation,
  estimate: NanoUsd,
): Promise<ReserveOutcome | undefined> {
  for (const policy of reservation.scopes) {
    const exceeded = hardBudgets(policy).find((budget) => budget.limit < estimate);
    if (exceeded === undefined) continue;
    const item = await readItem(store, 'spend', scopeKey(scopeName(policy.scope)));
    if (isStale(policy, item)) return { type: 'stale-policy', scope: policy };
    return refused({ policy, budget: exceeded, windows: reservation.windows, item });
  }
  return undefined;
}

/** Reads from the scopes that failed why. A stale policy comes first: its limits may no longer hold. */
function refusalOf(
  reservation: Reservation,
  amount: NanoUsd,
  failed: readonly (FailedCondition | undefined)[],
): ReserveOutcome {
  const met = reservation.scopes.flatMap((policy, index) => {
    const condition = failed[index];
    return condition === undefined ? [] : [{ policy, item: condition.item }];
  });
  const stale = met.find(({ policy, item }) => isStale(policy, item));
  if (stale !== undefined) return { type: 'stale-policy', scope: stale.policy };
  const { windows } = reservation;
  for (const { policy, item } of met) {
    const full = hardBudgets(policy).find(
      (budget) =>
        item !== undefined &&
        readNano(item, committedName(windowOf(budget, windows))) > budget.limit - amount,
    );
    if (full !== undefined) return refused({ policy, budget: full, windows, item });
  }
  throw new Error('A scope refused a reservation for a reason that its item does not show.');
}

const isStale = (policy: ScopePolicy, item: Item | undefined): boolean =>
  item === undefined || readNumber(item, 'policyVersion') !== policy.policyVersion;

function refused({
  policy,
  budget,
  windows,
  item = {},
}: {
  readonly policy: ScopePolicy;
  readonly budget: Budget;
  readonly windows: readonly WindowId[];
  readonly item: Item | undefined;
}): ReserveOutcome {
  const window = windowOf(budget, windows);
  return {
    type: 'refused',
    scope: policy,
    window,
    committed: readNano(item, committedName(window)),
    spent: readNano(item, spentName(window)),
    limit: budget.limit,
  };
}
