import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Claim, ClaimState, ClaimStore } from '../../ports/claim-store.ts';
import type { AnswerCipher } from './answer-cipher.ts';
import { type Item, numberAttribute, readNumber, readText, textAttribute } from './attributes.ts';
import { readItem, type Store, withRetries } from './store.ts';

/** Claims in table `cache`. The item tells who answers and until when; what is asked it tells nobody. */
export const dynamoClaimStore = (store: Store, cipher: () => Promise<AnswerCipher>): ClaimStore => ({
  take: async (claim, expiresAtMs) => take(store, stored(await cipher(), claim), expiresAtMs),
  look: async (claim) => look(store, stored(await cipher(), claim)),
  close: async (claim, answered, expiresAtMs) =>
    close(store, stored(await cipher(), claim), { answered, expiresAtMs }),
  release: async (claim) => release(store, stored(await cipher(), claim)),
});

/** A claim as the table may know it. */
interface StoredClaim {
  readonly key: Record<string, AttributeValue>;
  readonly fingerprint: string;
  readonly owner: string;
}

const stored = (cipher: AnswerCipher, { scope, name, fingerprint, owner }: Claim): StoredClaim => ({
  key: {
    pk: textAttribute(`claim#${cipher.nameOf('claim', scope, name)}`),
    sk: textAttribute('claim'),
  },
  fingerprint: cipher.nameOf('request', scope, fingerprint),
  owner,
});

const isFree = 'attribute_not_exists(pk) OR expiresAtMs <= :now';
const isOwn = '#owner = :owner';
const OWNER = { '#owner': 'owner' };

async function take(
  store: Store,
  claim: StoredClaim,
  expiresAtMs: number,
): Promise<Exclude<ClaimState, 'free'>> {
  const standing = await conditionalWrite(store, () =>
    store.client.send(
      new PutItemCommand({
        TableName: store.tables.cache,
        Item: {
          ...claim.key,
          state: textAttribute('running'),
          owner: textAttribute(claim.owner),
          fingerprint: textAttribute(claim.fingerprint),
          ...expiry(expiresAtMs),
        },
        ConditionExpression: isFree,
        ExpressionAttributeValues: { ':now': numberAttribute(store.clock.now()) },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  return standing === undefined ? 'own' : stateOf(claim, standing);
}

async function look(store: Store, claim: StoredClaim): Promise<ClaimState> {
  const item = await readItem(store, 'cache', claim.key);
  const hasExpired = (readNumber(item ?? {}, 'expiresAtMs') ?? 0) <= store.clock.now();
  return item === undefined || hasExpired ? 'free' : stateOf(claim, item);
}

/** An attempt of ours whose answer was lost has left an item that names us. */
function stateOf(claim: StoredClaim, item: Item): Exclude<ClaimState, 'free'> {
  if (readText(item, 'owner') === claim.owner) return 'own';
  if (readText(item, 'fingerprint') !== claim.fingerprint) return 'other-request';
  const state = readText(item, 'state');
  return state === 'kept' || state === 'not-kept' ? state : 'running';
}

async function close(
  store: Store,
  claim: StoredClaim,
  { answered, expiresAtMs }: { readonly answered: 'kept' | 'not-kept'; readonly expiresAtMs: number },
): Promise<void> {
  const { expiresAtMs: until, expiresAtSeconds } = expiry(expiresAtMs);
  await conditionalWrite(store, () =>
    store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.cache,
        Key: claim.key,
        UpdateExpression: 'SET #state = :state, expiresAtMs = :until, expiresAtSeconds = :seconds',
        ConditionExpression: isOwn,
        ExpressionAttributeNames: { ...OWNER, '#state': 'state' },
        ExpressionAttributeValues: {
          ':owner': textAttribute(claim.owner),
          ':state': textAttribute(answered),
          ':until': until,
          ':seconds': expiresAtSeconds,
        },
      }),
    ),
  );
}

async function release(store: Store, claim: StoredClaim): Promise<void> {
  await conditionalWrite(store, () =>
    store.client.send(
      new DeleteItemCommand({
        TableName: store.tables.cache,
        Key: claim.key,
        ConditionExpression: isOwn,
        ExpressionAttributeNames: OWNER,
        ExpressionAttributeValues: { ':owner': textAttribute(claim.owner) },
      }),
    ),
  );
}

const expiry = (expiresAtMs: number) => ({
  expiresAtMs: numberAttribute(expiresAtMs),
  expiresAtSeconds: numberAttribute(Math.ceil(expiresAtMs / 1_000)),
});

/** @returns what the condition met; `undefined` where it was written */
const conditionalWrite = (store: Store, write: () => Promise<unknown>): Promise<Item | undefined> =>
  withRetries(store, async () => {
    try {
      await write();
      return undefined;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return error.Item ?? {};
    }
  });
