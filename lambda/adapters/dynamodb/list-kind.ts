import { type AttributeValue, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../../domain/errors.ts';
import type { Page } from '../../ports/key-store.ts';
import { type Item, numberAttribute, readNumber, readText, textAttribute } from './attributes.ts';
import { type Store, withRetries } from './store.ts';

/** What `listKind` lists: a partition of index `byKind`, and what the items' own partition keys begin with. */
export interface ListedKind {
  readonly kind: string;
  readonly prefix: string;
}

/** One page of a kind of item in table `keys`, newest first. */
export async function listKind<Value>(
  store: Store,
  listed: ListedKind,
  page: { readonly limit: number; readonly cursor?: string },
  readValue: (item: Item) => Value,
): Promise<Page<Value>> {
  const startKey = page.cursor === undefined ? undefined : startKeyOf(listed, page.cursor);
  const answer = await withRetries(store, () =>
    store.client.send(
      new QueryCommand({
        TableName: store.tables.keys,
        IndexName: 'byKind',
        KeyConditionExpression: 'kind = :kind',
        ExpressionAttributeValues: { ':kind': textAttribute(listed.kind) },
        ScanIndexForward: false,
        ExclusiveStartKey: startKey,
        // One more than asked for tells whether there is another page.
        Limit: page.limit + 1,
      }),
    ),
  );
  const found = answer.Items ?? [];
  const items = found.slice(0, page.limit);
  const last = items.at(-1);
  const hasMore = found.length > items.length || answer.LastEvaluatedKey !== undefined;
  return {
    items: items.map(readValue),
    nextCursor: hasMore && last !== undefined ? cursorAfter(last) : undefined,
  };
}

const cursorAfter = (item: Item): string =>
  Buffer.from(`${readNumber(item, 'createdAtMs') ?? 0} ${readText(item, 'pk')}`).toString('base64url');

/** A cursor comes from outside: it may name a place in the list and nothing else. */
function startKeyOf({ kind, prefix }: ListedKind, cursor: string): Record<string, AttributeValue> {
  const match = /^(\d{1,15}) (\S[^\p{Cc}]{0,1000})$/u.exec(Buffer.from(cursor, 'base64url').toString());
  const [, createdAtMs, pk = ''] = match ?? [];
  if (createdAtMs === undefined || !pk.startsWith(prefix)) {
    throw new GatewayError('invalid_request', 'The cursor is none that this list gave. Start without one.', {
      param: 'cursor',
    });
  }
  return {
    pk: textAttribute(pk),
    kind: textAttribute(kind),
    createdAtMs: numberAttribute(Number(createdAtMs)),
  };
}
