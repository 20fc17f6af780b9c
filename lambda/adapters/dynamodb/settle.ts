import {
  type AttributeValue,
  ConditionalCheckFailedException,
  PutItemCommand,
  type TransactWriteItem,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { RequestId } from '../../domain/ids.ts';
import type { ScopeCounters } from '../../domain/money/budget.ts';
import { nanoUsd } from '../../domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import { type Item, numberAttribute, readNano, textAttribute } from './attributes.ts';
import {
  outcomeAttributes,
  recordKey,
  recordOfItem,
  refusedRecordItem,
  storedReservation,
} from './record-item.ts';
import { rollupUpdate } from './rollup-item.ts';
import { counterUpdate, readCounters, scopeOfName } from './scope-item.ts';
import { type Store, transact, withRetries } from './store.ts';

/**
 * Costs the record, closes it, and reads its scopes. Where the sweep came first its charge stands: a later truth is a
 * matter of correction entries, never of an edit.
 */
export async function settle(
  store: Store,
  id: RequestId,
  outcome: RequestOutcome,
): Promise<readonly ScopeCounters[]> {
  const record = await costRecord(store, id, { type: 'settled', outcome });
  if (record === undefined) throw new Error(`There is no record ${id} to settle.`);
  await closeRecord(store, record);
  const counters = await Promise.all(
    storedReservation(record).scopes.map((name) => readCounters(store, scopeOfName(name))),
  );
  return counters.filter((scope) => scope !== undefined);
}

/**
 * Puts the record of a refused request, closed. Where a reservation of this request exists after all (its answer was lost)
 * it is settled with the same outcome, so that it does not hold money until it expires.
 */
export async function recordRefusal(
  store: Store,
  facts: RequestFacts,
  outcome: RequestOutcome,
): Promise<void> {
  const recordIsNew = 'attribute_not_exists(pk)';
  const existing = await conditionalWrite(store, () =>
    store.client.send(
      new PutItemCommand({
        TableName: store.tables.spend,
        Item: refusedRecordItem(facts, outcome),
        ConditionExpression: recordIsNew,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  if (existing.type === 'condition-failed' && existing.item !== undefined) {
    await settle(store, facts.id, outcome);
  }
}

/** How a record gets its cost: from its owner, or, once expired, from its own estimate. `nowMs` is Unix milliseconds. */
export type Costing =
  | { readonly type: 'settled'; readonly outcome: RequestOutcome }
  | { readonly type: 'swept'; readonly nowMs: number };

/** What is known of a request whose process died. */
const SWEPT: Partial<RequestOutcome> = { outcome: 'internal', chargeBasis: 'swept', boundExceeded: false };

/**
 * Step (a): one uncontended write of the actual cost, which takes an open record to `costed`.
 * @returns the record as it is now, whoever costed it; `undefined` where there is none
 */
export async function costRecord(store: Store, id: RequestId, costing: Costing): Promise<Item | undefined> {
  const update = costingUpdate(costing);
  const result = await conditionalWrite(store, () =>
    store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.spend,
        Key: recordKey(id),
        ...update,
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  return result.type === 'written' ? result.answer.Attributes : result.item;
}

function costingUpdate(costing: Costing) {
  const isSwept = costing.type === 'swept';
  const names: Record<string, string> = { '#state': 'state' };
  const values: Record<string, AttributeValue> = {
    ':open': textAttribute('open'),
    ':costed': textAttribute('costed'),
  };
  const assignments = ['#state = :costed'];
  const attributes = outcomeAttributes(isSwept ? SWEPT : costing.outcome);
  for (const [index, [name, value]] of Object.entries(attributes).entries()) {
    names[`#field${index}`] = name;
    values[`:field${index}`] = value;
    assignments.push(`#field${index} = :field${index}`);
  }
  const isOpen = '#state = :open';
  const hasExpired = 'expiresAtMs < :now';
  if (isSwept) {
    names['#cost'] = 'cost';
    values[':now'] = numberAttribute(costing.nowMs);
    assignments.push('#cost = estimate');
  }
  return {
    UpdateExpression: `SET ${assignments.join(', ')}`,
    ConditionExpression: isSwept ? `${isOpen} AND ${hasExpired}` : isOpen,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

/**
 * Step (b): one transaction takes a costed record to `closed` and brings counters (in the reservation's windows) and
 * roll-up to what it cost. A record in another state is left alone.
 * @returns whether this call closed it, as far as it knows
 */
export async function closeRecord(store: Store, record: Item): Promise<boolean> {
  const { id, state, estimate, scopes, windows } = storedReservation(record);
  if (state !== 'costed') return false;
  const cost = readNano(record, 'cost');
  const isCosted = '#state = :costed';
  const items: readonly TransactWriteItem[] = [
    {
      Update: {
        TableName: store.tables.spend,
        Key: recordKey(id),
        UpdateExpression: 'SET #state = :closed REMOVE openShard',
        ConditionExpression: isCosted,
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':closed': textAttribute('closed'), ':costed': textAttribute('costed') },
      },
    },
    ...scopes.map((name) => ({
      Update: counterUpdate(store, { name, windows, committed: nanoUsd(cost - estimate), spent: cost }),
    })),
    ...rollupUpdate(store, recordOfItem(record)),
  ];
  return withRetries(store, async (earlier) => {
    const result = await transact(store, items);
    // Not costed any more: somebody has closed it, perhaps an attempt of ours whose answer was lost.
    return result.type === 'done' || earlier.answerLost;
  });
}

type ConditionalWrite<Answer> =
  | { readonly type: 'written'; readonly answer: Answer }
  | { readonly type: 'condition-failed'; readonly item: Item | undefined };

const conditionalWrite = <Answer>(
  store: Store,
  write: () => Promise<Answer>,
): Promise<ConditionalWrite<Answer>> =>
  withRetries(store, async () => {
    try {
      return { type: 'written', answer: await write() };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { type: 'condition-failed', item: error.Item };
    }
  });
