import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { CounterChange, RateChange } from '../../domain/rates/rate-change.ts';
import type { RateCounters } from '../../domain/rates/rate-window.ts';
import type { RateChangeOutcome, RateStore } from '../../ports/rate-store.ts';
import { type Item, numberAttribute, readNumber, textAttribute } from './attributes.ts';
import { isContention, type Store, withRetries } from './store.ts';

/** A day: longer than any request may take, so that no slot's count goes before the slot. */
const KEPT_SECONDS = 86_400;
/** The service's bound for a partition key is 2,048 bytes; longer names are known by their hash. */
const LONGEST_NAME_BYTES = 1024;
const MARKS = 2 ** 48;

/** Rate counters in table `spend`. */
export const dynamoRateStore = (store: Store): RateStore => ({
  change: (scope, change) =>
    changeCounters(store, rateKey(scope), change).catch((error: unknown) => {
      if (isContention(error)) return { type: 'busy' };
      throw error;
    }),
});

/**
 * One plain update, marked by a number of its own: where its answer is lost, the mark tells that it was the last one carried
 * out. Only while that is not known is it not sent again.
 */
function changeCounters(
  store: Store,
  key: Record<string, AttributeValue>,
  change: RateChange,
): Promise<RateChangeOutcome> {
  const mark = Math.floor(store.clock.random() * MARKS);
  const update = new UpdateItemCommand({
    TableName: store.tables.spend,
    Key: key,
    ...expressions(change, mark),
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  return withRetries(store, async ({ answerLost }) => {
    if (answerLost) return lookBack(store, key, mark);
    try {
      const answer = await store.client.send(update);
      return { type: 'done', counters: countersOfItem(answer.Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { type: 'refused', counters: countersOfItem(error.Item) };
    }
  });
}

async function lookBack(
  store: Store,
  key: Record<string, AttributeValue>,
  mark: number,
): Promise<RateChangeOutcome> {
  const { Item } = await store.client.send(
    new GetItemCommand({ TableName: store.tables.spend, Key: key, ConsistentRead: true }),
  );
  const isLast = Item !== undefined && readNumber(Item, 'mark') === mark;
  return { type: isLast ? 'done' : 'unknown', counters: countersOfItem(Item) };
}

type Expressions = Pick<
  UpdateItemCommandInput,
  'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
>;

/** Parts of an update under construction. */
interface Clauses {
  readonly names: Record<string, string>;
  readonly values: Record<string, AttributeValue>;
  readonly conditions: string[];
  readonly additions: string[];
  readonly removed: string[];
}

function expressions({ minute, changes, removals }: RateChange, mark: number): Expressions {
  const noLaterMinuteHasBegun = '(attribute_not_exists(#minute) OR #minute <= :minute)';
  const clauses: Clauses = {
    names: { '#minute': 'minute', '#mark': 'mark' },
    values: {
      ':minute': numberAttribute(minute),
      ':mark': numberAttribute(mark),
      ':keptUntil': numberAttribute(minute * 60 + KEPT_SECONDS),
    },
    conditions: [noLaterMinuteHasBegun],
    additions: [],
    removed: [],
  };
  for (const [name, change] of changes) addChange(clauses, name, change);
  for (const [name, held] of removals) addRemoval(clauses, name, held);
  const { names, values, conditions, additions, removed } = clauses;
  return {
    UpdateExpression: [
      'SET #minute = :minute, #mark = :mark, expiresAtSeconds = :keptUntil',
      ...(additions.length > 0 ? [`ADD ${additions.join(', ')}`] : []),
      ...(removed.length > 0 ? [`REMOVE ${removed.join(', ')}`] : []),
    ].join(' '),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  };
}

function addChange(clauses: Clauses, name: string, { add, atMost, atLeast }: CounterChange): void {
  // A name that no expression uses is an error.
  if (add === 0 && atMost === undefined && atLeast === undefined) return;
  const counter = nameIn(clauses, name);
  if (add !== 0) clauses.additions.push(`${counter} ${valueIn(clauses, add)}`);
  if (atMost !== undefined) clauses.conditions.push(isAtMost(counter, atMost, valueIn(clauses, atMost)));
  if (atLeast !== undefined) clauses.conditions.push(`${counter} >= ${valueIn(clauses, atLeast)}`);
}

function addRemoval(clauses: Clauses, name: string, held: number | undefined): void {
  const counter = nameIn(clauses, name);
  clauses.removed.push(counter);
  if (held !== undefined) clauses.conditions.push(`${counter} = ${valueIn(clauses, held)}`);
}

/** The placeholder of a counter's name. */
function nameIn({ names }: Clauses, name: string): string {
  const placeholder = `#counter${Object.keys(names).length}`;
  names[placeholder] = name;
  return placeholder;
}

/** The placeholder of a number. */
function valueIn({ values }: Clauses, value: number): string {
  const placeholder = `:value${Object.keys(values).length}`;
  values[placeholder] = numberAttribute(value);
  return placeholder;
}

/** A counter that is not there is 0, and no counter is less: below 0 nothing fits. */
function isAtMost(counter: string, most: number, value: string): string {
  const isPresentAndAtMost = `${counter} <= ${value}`;
  return most < 0 ? isPresentAndAtMost : `(attribute_not_exists(${counter}) OR ${isPresentAndAtMost})`;
}

const NOT_COUNTERS: ReadonlySet<string> = new Set(['mark', 'expiresAtSeconds']);

const countersOfItem = (item: Item = {}): RateCounters =>
  Object.fromEntries(
    Object.keys(item).flatMap((name): [string, number][] => {
      const value = readNumber(item, name);
      return value === undefined || NOT_COUNTERS.has(name) ? [] : [[name, value]];
    }),
  );

/** Names hold what callers wrote (tags): any length, and halves of characters that the service refuses. */
function rateKey(scope: string): Record<string, AttributeValue> {
  const isStorable = scope.isWellFormed() && Buffer.byteLength(scope) <= LONGEST_NAME_BYTES;
  const name = isStorable
    ? scope
    : `sha256:${createHash('sha256').update(Buffer.from(scope, 'utf16le')).digest('hex')}`;
  return { pk: textAttribute(`rate#${name}`), sk: textAttribute('rate') };
}
