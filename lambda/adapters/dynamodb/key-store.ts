import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../../domain/errors.ts';
import { type SecretHash, type VirtualKeyId, virtualKeyId } from '../../domain/ids.ts';
import { type Scope, scopeName } from '../../domain/money/budget.ts';
import type { ScopeSettings } from '../../domain/scope-settings.ts';
import { scopesAbove } from '../../domain/scopes-of-request.ts';
import { keyThroughSecret, type VirtualKey } from '../../domain/virtual-key.ts';
import type { KeyReader, KeyStore, KeyWithScopes } from '../../ports/key-store.ts';
import { type Item, numberAttribute, readNumber, readText, textAttribute } from './attributes.ts';
import { isSameItem, KEY_KIND, KEY_PREFIX, keyItem, keyKey, keyOfItem } from './key-item.ts';
import { listKind } from './list-kind.ts';
import { queryPartition } from './query.ts';
import { scopeKey } from './scope-item.ts';
import { settingsOfItem } from './scope-settings-item.ts';
import { findSettings } from './scope-store.ts';
import { readItem, type Store, transact, withRetries } from './store.ts';

/** What inference reads of table `keys`. */
export const dynamoKeyReader = (store: Store): KeyReader => ({
  findBySecret: (hash) => findBySecret(store, hash),
  again: (known, named) => again(store, known, named),
  tags: () => tags(store),
});

/** Virtual keys in table `keys`, with their scopes in `spend`. */
export const dynamoKeyStore = (store: Store): KeyStore => ({
  ...dynamoKeyReader(store),
  create: (key, hash) => create(store, key, hash),
  find: (id) => find(store, id),
  list: (page) => listKind(store, { kind: KEY_KIND, prefix: KEY_PREFIX }, page, keyOfItem),
  update: (key) => update(store, key),
  rotate: (key, hash) => update(store, key, hash),
});

const secretKey = (hash: SecretHash) => ({ pk: textAttribute(`secret#${hash}`) });
const scopeOfKey = (id: VirtualKeyId) => scopeKey(scopeName({ kind: 'key', id }));

async function findBySecret(store: Store, hash: SecretHash): Promise<KeyWithScopes | undefined> {
  const pointer = await readItem(store, 'keys', secretKey(hash));
  if (pointer === undefined) return undefined;
  const found = await find(store, virtualKeyId(readText(pointer, 'keyId')));
  // Pointers of first secrets have no number.
  const key = found && keyThroughSecret(found, readNumber(pointer, 'secretNumber') ?? 1);
  if (key === undefined) return undefined;
  const [scopes, shards] = await Promise.all([settingsAbove(store, key), purseShardsOf(store, key.id)]);
  return { key, scopes, purseShards: shards };
}

/** What the key names does not change without its version, so its scopes need not wait for it. */
async function again(
  store: Store,
  known: VirtualKey,
  tags: readonly Scope[],
): Promise<(KeyWithScopes & { readonly tags: readonly ScopeSettings[] }) | undefined> {
  const [key, above, named, shards] = await Promise.all([
    find(store, known.id),
    settingsAbove(store, known),
    settingsOf(store, tags),
    purseShardsOf(store, known.id),
  ]);
  if (key === undefined) return undefined;
  const scopes = key.policyVersion === known.policyVersion ? above : await settingsAbove(store, key);
  return { key, scopes, tags: named, purseShards: shards };
}

const settingsAbove = (store: Store, key: VirtualKey): Promise<readonly ScopeSettings[]> =>
  settingsOf(store, scopesAbove(key));

async function settingsOf(store: Store, scopes: readonly Scope[]): Promise<readonly ScopeSettings[]> {
  const settings = await Promise.all(scopes.map((scope) => findSettings(store, scope)));
  return settings.filter((found) => found !== undefined);
}

/** After so long without a crowd a key's requests are few again. */
const CROWDED_FOR_MS = 3_600_000;

/** Stands in the key's scope, as the inference function writes it and may change no key. */
async function purseShardsOf(store: Store, id: VirtualKeyId): Promise<number> {
  const item = (await readItem(store, 'spend', scopeOfKey(id))) ?? {};
  const isRecent = store.clock.now() - (readNumber(item, 'purseShardsAtMs') ?? 0) < CROWDED_FOR_MS;
  return isRecent ? (readNumber(item, 'purseShards') ?? 1) : 1;
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
  const item = keyItem(key);
  const put = (table: 'keys' | 'spend', content: Item): TransactWriteItem => ({
    Put: {
      TableName: store.tables[table],
      Item: { ...content },
      ConditionExpression: IS_NEW,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  });
  await withRetries(store, async (earlier) => {
    const result = await transact(store, [
      put('keys', item),
      secretPut(store, key, hash),
      put('spend', { ...scopeOfKey(key.id), policyVersion: numberAttribute(key.policyVersion) }),
    ]);
    if (result.type === 'done') return;
    const pointer = result.failed[1]?.item;
    const isOurs = pointer !== undefined && readText(pointer, 'keyId') === key.id;
    if (earlier.answerLost && isOurs) return;
    throw taken();
  });
}

const IS_NEW = 'attribute_not_exists(pk)';

/** The pointer from a key's newest secret. */
const secretPut = (store: Store, key: VirtualKey, hash: SecretHash): TransactWriteItem => ({
  Put: {
    TableName: store.tables.keys,
    Item: {
      ...secretKey(hash),
      keyId: textAttribute(key.id),
      secretNumber: numberAttribute(key.secretNumber),
    },
    ConditionExpression: IS_NEW,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  },
});

const taken = (): GatewayError =>
  new GatewayError('invalid_request', 'A key with this id or this secret exists already.');

/**
 * Replaces the key and bumps its version in both tables, so that no reservation under the old policy succeeds any more.
 * @param newSecret the pointer from it comes to be with the change
 */
async function update(store: Store, key: VirtualKey, newSecret?: SecretHash): Promise<VirtualKey> {
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
      ...(newSecret === undefined ? [] : [secretPut(store, next, newSecret)]),
    ]);
    if (result.type === 'done') return next;
    const standing = result.failed[0]?.item;
    if (earlier.answerLost && standing !== undefined && isSameItem(item, standing)) return next;
    if (result.failed[0] === undefined && result.failed[2] !== undefined) throw taken();
    throw new GatewayError(
      'idempotency_conflict',
      'The key was changed by somebody else. Read it and try again.',
    );
  });
}
