import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { virtualKeyId } from '../../domain/ids.ts';
import { ZERO_USD } from '../../domain/money/nano.ts';
import type { RequestRecord } from '../../domain/request-record.ts';
import type { SpendLabels, SpendRollup } from '../../ports/ledger.ts';
import { ROLLUP_SHARDS } from '../../schema/tables.ts';
import {
  cutText,
  type Item,
  numberAttribute,
  readNano,
  readNumber,
  readText,
  shardOf,
  textAttribute,
} from './attributes.ts';
import { keptUntilSeconds } from './record-item.ts';
import type { Store } from './store.ts';

/** Stands for a provider and model that are not known: the process died before it could say. */
export const UNKNOWN = '-';
/** Keeps the sort key within its 1,024 bytes. */
const SORT_KEY_PART_BYTES = 256;

export const rollupPartition = (day: string, shard: number): string => `rollup#${day}#${shard}`;

/**
 * Adds a costed request to the roll-up of the day it started on. A request that no provider answered and that cost
 * nothing has no part in it; one that cost something without a known provider counts under `-`.
 */
export function rollupUpdate(store: Store, record: RequestRecord): readonly TransactWriteItem[] {
  const { provider = UNKNOWN, model = UNKNOWN, cost = ZERO_USD, usage } = record;
  if (provider === UNKNOWN && cost === ZERO_USD) return [];
  const day = new Date(record.startedAtMs).toISOString().slice(0, 10);
  const parts = [record.keyId, provider, model].map((part) => cutText(part, SORT_KEY_PART_BYTES));
  const values: Record<string, AttributeValue> = {
    ':one': numberAttribute(1),
    ':cost': numberAttribute(cost),
    ':prompt': numberAttribute(usage?.promptTokens ?? 0),
    ':completion': numberAttribute(usage?.completionTokens ?? 0),
    ':keptUntil': numberAttribute(keptUntilSeconds(record.startedAtMs)),
  };
  return [
    {
      Update: {
        TableName: store.tables.spend,
        Key: {
          pk: textAttribute(rollupPartition(day, shardOf(record.keyId, ROLLUP_SHARDS))),
          sk: textAttribute(parts.join('#')),
        },
        UpdateExpression:
          'ADD requests :one, costNano :cost, promptTokens :prompt, completionTokens :completion SET expiresAtSeconds = :keptUntil',
        ExpressionAttributeValues: values,
      },
    },
  ];
}

/** The roll-up an item holds. A provider's name has no `#`; a model's may. */
export function rollupOfItem(day: string, item: Item): SpendRollup {
  const [keyId = '', provider = UNKNOWN, ...model] = readText(item, 'sk').split('#');
  return {
    ...labelsOfItem(item),
    day,
    keyId: virtualKeyId(keyId),
    provider,
    model: model.join('#'),
    requests: readNumber(item, 'requests') ?? 0,
    cost: readNano(item, 'costNano'),
    promptTokens: readNumber(item, 'promptTokens') ?? 0,
    completionTokens: readNumber(item, 'completionTokens') ?? 0,
  };
}

const LABELS = [
  'organization',
  'team',
  'project',
  'member',
] as const satisfies readonly (keyof SpendLabels)[];

function labelsOfItem(item: Item): SpendLabels {
  return Object.fromEntries(
    LABELS.flatMap((name) => (item[name]?.S === undefined ? [] : [[name, item[name].S]])),
  );
}
