import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../../domain/errors.ts';
import { type SecretHash, type VirtualKeyId, virtualKeyId } from '../../domain/ids.ts';
import { scopeName } from '../../domain/money/budget.ts';
import type { VirtualKey } from '../../domain/virtual-key.ts';
import type { ScopeSettings } from '../../domain/scope-settings.ts';
import { scopesAbove } from '../../domain/scopes-of-request.ts';
import type { KeyReader, KeyStore, KeyWithScopes } from '../../ports/key-store.ts';
import { type Item, numberAttribute, readText, textAttribute } from './attributes.ts';
import { isSameItem, KEY_KIND, keyItem, keyOfItem, keyPartition } from './key-item.ts';
import { listKind } from './list-kind.ts';
import { queryPartition } from './query.ts';
import { scopeKey } from './scope-item.ts';
import { settingsOfItem } from './scope-settings-item.ts';
import { findSettings } from './scope-store.ts';
import { readItem, type Store, transact, withRetries } from './store.ts';

/** What inference reads of table `keys`. */
export const dynamoKeyReader = (store: Store): KeyReader => ({
  findBySecret: (hash) => findBySecret(store, hash),
  find: (id) => find(store, id),
  tags: () => tags(store),
});

/** Virtual keys in table `keys`, with their scopes in `spend`. */
export const dynamoKeyStore = (store: Store): KeyStore => ({
  ...dynamoKeyReader(store),
  create: (key, hash) => create(store, key, hash),
  list: (page) => listKind(store, KEY_KIND, page, keyOfItem),
  update: (key) => update(store, key),
});

const keyKey = (id: VirtualKeyId) => ({ pk: textAttribute(keyPartition(id)) });
const secretKey = (hash: SecretHash) => ({ pk: textAttribute(`secret#${hash}`) });
const scopeOfKey = (id: VirtualKeyId) => scopeKey(scopeName({ kind: 'key', id }));

async function findBySecret(store: Store, hash: SecretHash): Promise<KeyWithScopes | undefined> {
  const pointer = await readItem(store, 'keys', secretKey(hash));
  if (pointer === undefined) return undefined;
  const key = await find(store, virtualKeyId(readText(pointer, 'keyId')));
  if (key === undefined) return undefined;
  const settings = await Promise.all(scopesAbove(key).map((scope) => findSettings(store, scope)));
  return { key, scopes: settings.filter((found) => found !== undefined) };
}

async function tags(store: Store): Promise<readonly ScopeSettings[]> {
  const found: ScopeSettings[] = [];
  const query = { table: 'keys', index: 'byKind', attribute: 'kind', partition: 'tag' } as const;
  for await (const item of queryPartition(store, query)) found.push(settingsOfItem(item));
  return found;
}

async function find(store: Store, id: VirtualKeyId): Promise<VirtualKey | undefined> {
  const item = await readItem(store, 'keys', keyKey(id));
  return item === undefined ? undefined : keyOfItem(item);
}

/** The key, the pointer from its secret and its scope come to be together. */
async function create(store: Store, key: VirtualKey, hash: SecretHash): Promise<void> {
  const isNew = 'attribute_not_exists(pk)';
  const item = keyItem(key);
  const put = (table: 'keys' | 'spend', content: Item): TransactWriteItem => ({
    Put: {
      TableName: store.tables[table],
      Item: { ...content },
      ConditionExpression: isNew,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
  await withRetries(store, async (earlier) => {
    const result = await transact(store, [
      put('keys', item),
      put('keys', { ...secretKey(hash), keyId: textAttribute(key.id) }),
      put('spend', { ...scopeOfKey(key.id), policyVersion: numberAttribute(key.policyVersion) }),
    ]);
    if (result.type === 'done') return;
    const pointer = result.failed[1]?.item;
    const isOurs = pointer !== undefined && readText(pointer, 'keyId') === key.id;
    if (earlier.answerLost && isOurs) return;
    throw new GatewayError('invalid_request', 'A key with this id or this secret exists already.');
  });
}

/** Replaces the key and bumps its version in both tables, so that no reservation under the old policy succeeds any more. */
async function update(store: Store, key: VirtualKey): Promise<VirtualKey> {
  const next: VirtualKey = { ...key, policyVersion: key.policyVersion + 1 };
  const item = keyItem(next);
  const isTheVersionItWasMadeFrom = 'policyVersion = :from';
  const versions = { ':from': numberAttribute(key.policyVersion) };
  return withRetries(store, async (earlier) => {
    const result = await transact(store, [
      {
        Put: {
          TableName: store.tables.keys,
          Item: { ...item },
          ConditionExpression: isTheVersionItWasMadeFrom,
          ExpressionAttributeValues: versions,
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      },
      {
        Update: {
          TableName: store.tables.spend,
          Key: scopeOfKey(key.id),
          UpdateExpression: 'SET policyVersion = :to',
          ConditionExpression: isTheVersionItWasMadeFrom,
          ExpressionAttributeValues: { ...versions, ':to': numberAttribute(next.policyVersion) },
        },
      },
    ]);
    if (result.type === 'done') return next;
    const standing = result.failed[0]?.item;
    if (earlier.answerLost && standing !== undefined && isSameItem(item, standing)) return next;
    throw new GatewayError(
      'idempotency_conflict',
      'The key was changed by somebody else. Read it and try again.',
    );
  });
}
