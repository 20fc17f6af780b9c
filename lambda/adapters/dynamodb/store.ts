import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  PutItemCommand,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../../domain/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Item } from './attributes.ts';
import type { TableNames } from './client.ts';
import type { UpdateParts } from './update.ts';

/** What every DynamoDB adapter works with. */
export interface Store {
  readonly client: DynamoDBClient;
  readonly tables: TableNames;
  readonly clock: Clock;
  /** How long after the first attempt another may start, but for the least number of them. @default 1,500 */
  readonly retryForMs?: number;
}

/** No further attempt starts this long after the first, but for the least number of them. */
const RETRY_FOR_MS = 1500;
/** A lost answer is looked into once; who met contention was answered fast, so the time went by elsewhere. */
const LEAST_ATTEMPTS = { 'answer-lost': 2, contended: 8 } as const;
const FIRST_BACKOFF_MS = 10;
const LONGEST_BACKOFF_MS = 200;

/** What the attempts before this one have left behind. */
export interface Earlier {
  /** An earlier attempt may have been carried out although no answer came. */
  readonly answerLost: boolean;
}

/** How an attempt failed, as far as trying again goes. */
type Failure = 'contended' | 'answer-lost' | 'unavailable' | 'bug';

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const CONTENDED = new Set([
  'TransactionConflictException',
  'TransactionInProgressException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ReplicatedWriteConflictException',
]);
/** Reasons of a cancelled transaction under which the same one may succeed. @see TransactionCanceledException */
const CONTENDED_REASONS = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
const BUGS = new Set([
  'ValidationException',
  'SerializationException',
  'IdempotentParameterMismatchException',
]);

/**
 * The retry loop of the store: conflicts, throttling and lost answers, with jitter, for about 1.5 s. `attempt` must
 * bear being carried out twice, and turn failed conditions into values itself.
 * @throws GatewayError `store_unavailable` when the store cannot be reached, refuses us, or stays contended
 */
export async function withRetries<Result>(
  store: Store,
  attempt: (earlier: Earlier) => Promise<Result>,
): Promise<Result> {
  const pause = pauses(store);
  let answerLost = false;
  for (;;) {
    try {
      return await attempt({ answerLost });
    } catch (error) {
      const failure = passingFailureOf(error);
      answerLost ||= failure === 'answer-lost';
      await pause(failure, error);
    }
  }
}

/** What met contention at once, and was not carried out: something else may be tried. */
export interface Contended {
  readonly type: 'contended';
  readonly cause: unknown;
}

/** Like `withRetries`, but who meets contention is told so, unless an earlier attempt may have been carried out. */
export const unlessContended = <Result>(
  store: Store,
  attempt: (earlier: Earlier) => Promise<Result>,
): Promise<Result | Contended> =>
  withRetries<Result | Contended>(store, async (earlier) => {
    try {
      return await attempt(earlier);
    } catch (error) {
      if (earlier.answerLost || failureOf(error) !== 'contended') throw error;
      return { type: 'contended', cause: error };
    }
  });

/**
 * Pauses between attempts: longer from one to the next, with jitter.
 * @returns waits before the next attempt. @throws GatewayError `store_unavailable` where there shall be none
 */
export function pauses({
  clock,
  retryForMs = RETRY_FOR_MS,
}: Pick<Store, 'clock' | 'retryForMs'>): (
  failure: keyof typeof LEAST_ATTEMPTS,
  error: unknown,
) => Promise<void> {
  const startedAtMs = clock.monotonicMs();
  let attempts = 0;
  return async (failure, error) => {
    attempts += 1;
    const isOver = clock.monotonicMs() - startedAtMs > retryForMs;
    if (isOver && attempts >= LEAST_ATTEMPTS[failure]) throw storeUnavailable(error);
    const backoffMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** attempts);
    await clock.sleep(clock.random() * backoffMs);
  };
}

/** Whether `withRetries` gave up because the item or its partition took no more, not because nobody answered. */
export const isContention = (thrown: unknown): boolean =>
  thrown instanceof GatewayError &&
  thrown.code === 'store_unavailable' &&
  failureOf(thrown.cause) === 'contended';

/** The error a caller sees when the store fails. */
export function storeUnavailable(
  cause: unknown,
  message = 'The store is not available at the moment. Try again.',
): GatewayError {
  return new GatewayError('store_unavailable', message, { cause });
}

/** @throws what trying again does not help: bugs as they are, and a store that refuses us as `store_unavailable` */
function passingFailureOf(error: unknown): 'contended' | 'answer-lost' {
  const failure = failureOf(error);
  if (failure === 'bug') throw error;
  if (failure === 'unavailable') throw storeUnavailable(error);
  return failure;
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error) || error instanceof GatewayError) return 'bug';
  if (error instanceof TransactionCanceledException) return cancellationFailure(error);
  if (CONTENDED.has(error.name)) return 'contended';
  if (BUGS.has(error.name)) return 'bug';
  // What the service refused (permissions, a missing table) it will refuse again; its own failures tell nothing.
  if (error instanceof DynamoDBServiceException)
    return error.$fault === 'server' ? 'answer-lost' : 'unavailable';
  if (error.name === 'CredentialsProviderError') return 'unavailable';
  return isNetworkFailure(error) ? 'answer-lost' : 'bug';
}

/**
 * Sockets and time-outs, after which nobody knows whether the request arrived: Node's own carry a code, and whatever fails
 * on the way gets `$metadata` from the SDK. Node's codes for misuse begin with `ERR_`.
 */
const isNetworkFailure = (error: Error): boolean =>
  error.name === 'TimeoutError' ||
  '$metadata' in error ||
  ('code' in error && /^E(?!RR_)/.test(String(error.code)));

function cancellationFailure(error: TransactionCanceledException): Failure {
  const codes = (error.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
  return codes.some((code) => CONTENDED_REASONS.has(code)) ? 'contended' : 'bug';
}

/** A condition that did not hold, with the item it met; `undefined` where there was none. */
export interface FailedCondition {
  readonly item: Item | undefined;
}

/** What came of a transaction. `failed` has one entry for each item, in their order. */
export type TransactResult =
  | { readonly type: 'done' }
  | { readonly type: 'condition-failed'; readonly failed: readonly (FailedCondition | undefined)[] };

/**
 * Sends one transaction, once. Its items ask for `ALL_OLD` where their failed condition shall be looked into. The first
 * item decides first: while it is contended nothing is concluded from the others, and the cancellation is thrown.
 */
export async function transact(store: Store, items: readonly TransactWriteItem[]): Promise<TransactResult> {
  try {
    await store.client.send(new TransactWriteItemsCommand({ TransactItems: [...items] }));
    return { type: 'done' };
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const reasons = error.CancellationReasons ?? [];
    const failed = reasons.map((reason) =>
      reason.Code === 'ConditionalCheckFailed' ? { item: reason.Item } : undefined,
    );
    const firstIsContended = CONTENDED_REASONS.has(reasons[0]?.Code ?? 'None');
    if (firstIsContended || failed.every((condition) => condition === undefined)) throw error;
    return { type: 'condition-failed', failed };
  }
}

/** What came of one conditional write; where its condition failed, the item it met. */
export type ConditionalWrite =
  | { readonly type: 'written'; readonly item: Item | undefined }
  | { readonly type: 'condition-failed'; readonly item: Item | undefined; readonly answerLost: boolean };

/** One conditional update of an item in table `spend`: the item as it is after it, or as it was met. */
export const updateItem = (
  store: Store,
  key: Readonly<Record<string, AttributeValue>>,
  update: UpdateParts,
): Promise<ConditionalWrite> =>
  conditionalWrite(store, () =>
    store.client.send(
      new UpdateItemCommand({
        TableName: store.tables.spend,
        Key: { ...key },
        ...update,
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );

/** Puts an item into table `spend`, unless there is one. */
export const putNewItem = (store: Store, item: Item): Promise<ConditionalWrite> => {
  const isNew = 'attribute_not_exists(pk)';
  return conditionalWrite(store, () =>
    store.client.send(
      new PutItemCommand({
        TableName: store.tables.spend,
        Item: { ...item },
        ConditionExpression: isNew,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
};

const conditionalWrite = (
  store: Store,
  write: () => Promise<{ readonly Attributes?: Item | undefined }>,
): Promise<ConditionalWrite> =>
  withRetries(store, async ({ answerLost }) => {
    try {
      return { type: 'written', item: (await write()).Attributes };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { type: 'condition-failed', item: error.Item, answerLost };
    }
  });

/** One item, read with strong consistency; `undefined` where there is none. */
export async function readItem(
  store: Store,
  table: keyof TableNames,
  key: Readonly<Record<string, AttributeValue>>,
): Promise<Item | undefined> {
  const answer = await withRetries(store, () =>
    store.client.send(
      new GetItemCommand({ TableName: store.tables[table], Key: { ...key }, ConsistentRead: true }),
    ),
  );
  return answer.Item;
}

/** Runs `work` on each item, at most `concurrency` at a time. */
export async function forEachConcurrently<Value>(
  values: readonly Value[],
  concurrency: number,
  work: (value: Value) => Promise<void>,
): Promise<void> {
  const rest = values.values();
  const worker = async (): Promise<void> => {
    for (const value of rest) await work(value);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, values.length) }, worker));
}
