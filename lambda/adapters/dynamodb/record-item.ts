import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type RequestId, requestId } from '../../domain/ids.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { Attempt, RequestFacts, RequestOutcome, RequestRecord } from '../../domain/request-record.ts';
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
  nanoField,
  numberAttribute,
  readNano,
  readText,
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
  operation: textField(NAME_BYTES),
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

const LEG = 'leg#';
const CORRECTION = 'correction#';

/** The key of what one reservation of a request has come to. */
export const legKey = (id: RequestId, leg: number): Record<string, AttributeValue> => ({
  pk: textAttribute(recordPartition(id)),
  // Two digits, as legs are read in their order.
  sk: textAttribute(`${LEG}${String(leg).padStart(2, '0')}`),
});

/** All entries of a request stand in one partition. */
export const recordPartition = (id: RequestId): string => `${PARTITION}${id}`;

/** `gen-…` and 0 → the name of the reservation wherever it stands. */
export const entryIdOf = (id: RequestId, leg: number): string => `${id}.${leg}`;

/** The inverse of `entryIdOf`. */
export function legOfEntry(entryId: string): { readonly id: RequestId; readonly leg: number } {
  const end = entryId.lastIndexOf('.');
  return { id: requestId(entryId.slice(0, end)), leg: Number(entryId.slice(end + 1)) };
}

/** The item of a reservation that has come to its end, or (leg 0, estimate 0) of a request that was refused. */
export const legItem = (
  facts: RequestFacts,
  { leg, estimate, purse }: { readonly leg: number; readonly estimate: NanoUsd; readonly purse?: string },
  outcome: RequestOutcome,
): Record<string, AttributeValue> => ({
  ...factsItem(facts),
  ...encodeFields<RequestOutcome>(outcomeFields, outcome),
  ...legKey(facts.id, leg),
  estimate: numberAttribute(estimate),
  ...(purse !== undefined && { purse: textAttribute(purse) }),
});

/**
 * The item that corrects a reservation's charge later: its cost is the difference, and may be negative.
 */
export const correctionItem = (
  facts: RequestFacts,
  leg: number,
  outcome: RequestOutcome,
): Record<string, AttributeValue> => ({
  ...legItem(facts, { leg, estimate: ZERO_USD }, outcome),
  sk: textAttribute(`${CORRECTION}${leg}`),
});

export const openShardName = (shard: number): string => `open#${shard}`;

/** Whether a record tells what the reservation in this purse has come to: an earlier one, given back in vain, came to nothing. */
export const isOfPurse = (item: Item, purse: string): boolean =>
  item['purse'] === undefined || readText(item, 'purse') === purse;

/** Who asked, for what, as an entry of a request tells. */
export const factsOfItem = (item: Item): RequestFacts => ({
  ...decodeFields(recordFields, item),
  id: requestId(readText(item, 'pk').slice(PARTITION.length)),
});

/** How a reservation ended, as its item tells. */
export const outcomeOfItem = (item: Item): RequestOutcome => decodeFields(outcomeFields, item);

/** What a request's own scopes are charged; `undefined` where it was never sent, so that it was no call either. */
export const chargedCost = ({
  cost,
  attempts,
}: Pick<RequestOutcome, 'cost' | 'attempts'>): NanoUsd | undefined =>
  cost === 0n && attempts.length === 0 ? undefined : cost;

/**
 * The record that a request's entries make together: the last leg tells how it ended, a correction what is known better,
 * and the cost is the sum of all. `undefined` where there is no entry.
 */
export function recordOfItems(items: readonly Item[]): RequestRecord | undefined {
  const legs = items.filter((item) => readText(item, 'sk').startsWith(LEG));
  const last = items.find((item) => readText(item, 'sk').startsWith(CORRECTION)) ?? legs.at(-1);
  const [first] = legs;
  if (first === undefined || last === undefined) return undefined;
  return {
    ...factsOfItem(first),
    ...decodeFields(outcomeFields, last),
    cost: sumOf(items, 'cost'),
    estimate: sumOf(legs, 'estimate'),
  };
}

const sumOf = (items: readonly Item[], attribute: string): NanoUsd =>
  nanoUsd(items.reduce((sum, item) => sum + readNano(item, attribute), 0n));

/** When the service may delete what was written about a moment: Unix seconds. */
export const keptUntilSeconds = (atMs: number): number => Math.floor(atMs / 1000) + LEDGER_KEPT_DAYS * 86_400;

const factsItem = (facts: RequestFacts): Record<string, AttributeValue> => ({
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
