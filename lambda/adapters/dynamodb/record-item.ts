import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type RequestId, requestId } from '../../domain/ids.ts';
import { scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type {
  Attempt,
  RecordState,
  RequestFacts,
  RequestOutcome,
  RequestRecord,
  Reservation,
} from '../../domain/request-record.ts';
import { OPEN_SHARDS } from '../../schema/tables.ts';
import {
  cutText,
  decodeFields,
  encodeFields,
  type Fields,
  flagField,
  fractionField,
  type Item,
  integerField,
  jsonField,
  listAttribute,
  nanoField,
  numberAttribute,
  readList,
  readNano,
  readText,
  shardOf,
  textAttribute,
  textField,
} from './attributes.ts';

/** How long the ledger keeps records and roll-ups: thirteen months and a few days, for a year against a year. */
export const LEDGER_KEPT_DAYS = 400;

// What callers and upstreams write is cut to these lengths in bytes: a usual record stays below 1 KB (a write unit), and
// the largest one below 5 KB.
const NAME_BYTES = 128;
const MODEL_BYTES = 200;
const MODELS_ASKED = 8;
const TAG_NAME_BYTES = 64;
const TAGS_BYTES = 512;
const ATTEMPTS = 10;

const PARTITION = 'record#';

const recordFields: Fields<Omit<RequestFacts, 'id'>> = {
  startedAtMs: integerField,
  keyId: textField(NAME_BYTES),
  organization: textField(NAME_BYTES),
  team: textField(NAME_BYTES),
  project: textField(NAME_BYTES),
  member: textField(NAME_BYTES),
  endUser: textField(NAME_BYTES),
  session: textField(NAME_BYTES),
  tags: jsonField(cutTags),
  dialect: textField(NAME_BYTES),
  modelsAsked: jsonField((models) =>
    models.slice(0, MODELS_ASKED).map((model) => cutText(model, NAME_BYTES)),
  ),
  stream: flagField,
};

const outcomeFields: Fields<RequestOutcome> = {
  outcome: textField(NAME_BYTES),
  attempts: jsonField((attempts) => attempts.slice(0, ATTEMPTS).map(cutAttempt)),
  provider: textField(NAME_BYTES),
  model: textField(MODEL_BYTES),
  deployment: textField(NAME_BYTES + MODEL_BYTES),
  upstreamId: textField(NAME_BYTES),
  finishReason: textField(NAME_BYTES),
  usage: jsonField((usage) =>
    usage.serviceTier === undefined
      ? usage
      : { ...usage, serviceTier: cutText(usage.serviceTier, TAG_NAME_BYTES) },
  ),
  cost: nanoField,
  chargeBasis: textField(NAME_BYTES),
  priceVersion: textField(NAME_BYTES),
  boundExceeded: flagField,
  timeToFirstTokenMs: integerField,
  durationMs: integerField,
  cacheHit: textField(NAME_BYTES),
  similarity: fractionField,
  embeddingCost: nanoField,
  savedCost: nanoField,
  overheadMs: integerField,
};

export const recordKey = (id: RequestId): Record<string, AttributeValue> => ({
  pk: textAttribute(`${PARTITION}${id}`),
  sk: textAttribute('record'),
});

/** The attributes an outcome is stored in, by name. */
export const outcomeAttributes = (outcome: Partial<RequestOutcome>): Item =>
  encodeFields<Partial<RequestOutcome>>(outcomeFields, outcome);

/** The item of a request whose money has just been set aside: found in index `open` until it is closed. */
export const openRecordItem = (
  facts: RequestFacts,
  reservation: Reservation,
): Record<string, AttributeValue> => ({
  ...factsItem(facts),
  state: textAttribute('open'),
  openShard: textAttribute(openShardName(shardOf(facts.id, OPEN_SHARDS))),
  expiresAtMs: numberAttribute(reservation.expiresAtMs),
  estimate: numberAttribute(reservation.estimate),
  scopes: listAttribute(reservation.scopes.map((policy) => scopeName(policy.scope))),
  windows: listAttribute(reservation.windows),
});

/** The item of a request that was refused before any money was set aside. */
export const refusedRecordItem = (
  facts: RequestFacts,
  outcome: RequestOutcome,
): Record<string, AttributeValue> => ({
  ...factsItem(facts),
  ...outcomeAttributes(outcome),
  state: textAttribute('closed'),
  estimate: numberAttribute(ZERO_USD),
});

export const openShardName = (shard: number): string => `open#${shard}`;

/** The request whose record a primary key names. */
export const requestIdOfItem = (item: Item): RequestId =>
  requestId(readText(item, 'pk').slice(PARTITION.length));

/** What the ledger itself needs of a record. */
export interface StoredReservation {
  readonly id: RequestId;
  readonly state: RecordState;
  readonly estimate: NanoUsd;
  readonly scopes: readonly string[];
  readonly windows: readonly WindowId[];
}

export const storedReservation = (item: Item): StoredReservation => ({
  id: requestIdOfItem(item),
  // Both were written by this file, from these types.
  state: readText(item, 'state') as RecordState,
  windows: readList(item, 'windows') as readonly WindowId[],
  estimate: readNano(item, 'estimate'),
  scopes: readList(item, 'scopes'),
});

/** The record an item holds. Long texts are as they were cut. */
export const recordOfItem = (item: Item): RequestRecord => ({
  ...decodeFields(recordFields, item),
  ...decodeFields<Partial<RequestOutcome>>(outcomeFields, item),
  id: requestIdOfItem(item),
  state: storedReservation(item).state,
  estimate: readNano(item, 'estimate'),
});

/** When the service may delete what was written about a moment: Unix seconds. */
export const keptUntilSeconds = (atMs: number): number => Math.floor(atMs / 1000) + LEDGER_KEPT_DAYS * 86_400;

const factsItem = (facts: RequestFacts): Record<string, AttributeValue> => ({
  ...recordKey(facts.id),
  ...encodeFields(recordFields, facts),
  expiresAtSeconds: numberAttribute(keptUntilSeconds(facts.startedAtMs)),
});

const cutAttempt = (attempt: Attempt): Attempt => ({
  ...attempt,
  // A cut id is still one, for reading.
  deployment: cutText(attempt.deployment, NAME_BYTES) as Attempt['deployment'],
  durationMs: Math.round(attempt.durationMs),
});

/** The first tags, as many as fit. */
function cutTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(tags)) {
    const [cutName, cutValue] = [cutText(name, TAG_NAME_BYTES), cutText(value, NAME_BYTES)];
    bytes += Buffer.byteLength(JSON.stringify([cutName, cutValue]));
    if (bytes > TAGS_BYTES) break;
    kept[cutName] = cutValue;
  }
  return kept;
}
