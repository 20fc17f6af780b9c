import { type AttributeValue, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { type Scope, scopeName } from '../../domain/money/budget.ts';
import type { BudgetNotice } from '../../ports/ledger.ts';
import {
  decodeFields,
  encodeFields,
  type Fields,
  fractionField,
  integerField,
  jsonField,
  nanoField,
  readText,
  textAttribute,
  textField,
} from './attributes.ts';
import { queryOpen } from './query.ts';
import { noticedName, scopeKey } from './scope-item.ts';
import { readItem, type Store, transact, withRetries } from './store.ts';

/** Partition of index `open` that lists the notices nobody has been sent yet. */
const NOTICES = 'notice';
const LABEL_BYTES = 256;

const noticeFields: Fields<BudgetNotice> = {
  scope: jsonField<Scope>(),
  scopeLabel: textField(LABEL_BYTES),
  window: textField(LABEL_BYTES),
  threshold: fractionField,
  limit: nanoField,
  spent: nanoField,
  atMs: integerField,
};

/** Marks the threshold on the scope and puts the notice, in one transaction, unless it was marked before. */
export async function queueNotice(store: Store, notice: BudgetNotice): Promise<boolean> {
  const name = scopeName(notice.scope);
  const mark = textAttribute(`${notice.atMs}-${store.clock.random()}`);
  const isFirst = 'attribute_exists(pk) AND attribute_not_exists(#noticed)';
  return withRetries(store, async (earlier) => {
    const result = await transact(store, [
      {
        Update: {
          TableName: store.tables.spend,
          Key: scopeKey(name),
          UpdateExpression: 'SET #noticed = :mark',
          ConditionExpression: isFirst,
          ExpressionAttributeNames: { '#noticed': noticedName(notice.window, notice.threshold) },
          ExpressionAttributeValues: { ':mark': mark },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      { Put: { TableName: store.tables.spend, Item: noticeItem(notice) } },
    ]);
    if (result.type === 'done') return true;
    // After a lost answer our own mark says that this call was the first.
    const standing = result.failed[0]?.item?.[noticedName(notice.window, notice.threshold)];
    return earlier.answerLost && standing?.S === mark.S;
  });
}

/**
 * Sends what is queued and deletes it. A notice whose sending fails stays, and the first failure is thrown once the others
 * are sent. Two runs at the same time may both send one.
 */
export async function sendNotices(
  store: Store,
  send: (notice: BudgetNotice) => Promise<void>,
): Promise<number> {
  const faults: unknown[] = [];
  let sent = 0;
  for await (const entry of queryOpen(store, NOTICES)) {
    const key = { pk: textAttribute(readText(entry, 'pk')), sk: textAttribute(readText(entry, 'sk')) };
    const item = await readItem(store, 'spend', key);
    if (item === undefined) continue;
    try {
      await send(decodeFields(noticeFields, item));
    } catch (error) {
      faults.push(error);
      continue;
    }
    await withRetries(store, () =>
      store.client.send(new DeleteItemCommand({ TableName: store.tables.spend, Key: key })),
    );
    sent += 1;
  }
  if (faults.length > 0) throw faults[0];
  return sent;
}

const noticeItem = (notice: BudgetNotice): Record<string, AttributeValue> => ({
  ...encodeFields(noticeFields, notice),
  pk: textAttribute(`notice#${scopeName(notice.scope)}#${notice.window}#${notice.threshold}`),
  sk: textAttribute('notice'),
  openShard: textAttribute(NOTICES),
  expiresAtMs: { N: String(notice.atMs) },
});
