import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { virtualKeyId } from '../../domain/ids.ts';
import type { WindowId } from '../../domain/money/window.ts';
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
import type { Purse, PurseUsage } from './purse-item.ts';
import { keptUntilSeconds } from './record-item.ts';
import { scopeOfName } from './scope-item.ts';
import type { Store } from './store.ts';
import { updateBuilder } from './update.ts';

/** Keeps the sort key within its 1,024 bytes. */
const SORT_KEY_PART_BYTES = 256;

export const rollupPartition = (day: string, shard: number): string => `rollup#${day}#${shard}`;

/** Adds what a purse's requests have used to the roll-ups of its day, one for each model. */
export const rollupUpdates = (
  store: Store,
  { keyId, policyVersion, scopes, windows, usage }: RolledUp,
): readonly TransactWriteItem[] =>
  usage.filter(isCounted).map(({ provider, model, ...counted }) => {
    const day = dayOf(windows);
    const parts = [keyId, policyVersion, provider, model].map((part) =>
      cutText(String(part), SORT_KEY_PART_BYTES),
    );
    const update = updateBuilder();
    update.add('requests', counted.requests);
    update.add('costNano', counted.cost);
    update.add('promptTokens', counted.promptTokens);
    update.add('completionTokens', counted.completionTokens);
    update.set('expiresAtSeconds', update.value(numberAttribute(keptUntilSeconds(Date.parse(day)))));
    for (const [label, id] of labelsOf(scopes)) update.set(label, update.value(textAttribute(id)));
    return {
      Update: {
        TableName: store.tables.spend,
        Key: {
          pk: textAttribute(rollupPartition(day, shardOf(keyId, ROLLUP_SHARDS))),
          sk: textAttribute(parts.join('#')),
        },
        ...update.build(),
      },
    };
  });

/** The labels among the names of scopes. A facet is its scope once more. */
function labelsOf(scopes: readonly string[]): ReadonlyMap<string, string> {
  const all = scopes.map(scopeOfName).filter(({ facet }) => facet === undefined);
  return new Map(
    all.flatMap(({ kind, id }) => (LABELS.some((label) => label === kind) ? [[kind, id] as const] : [])),
  );
}

/** Of what was brought up before, zeros stay until the purse is closed. */
const isCounted = ({ requests, cost, promptTokens, completionTokens }: PurseUsage): boolean =>
  requests !== 0 || cost !== 0n || promptTokens !== 0 || completionTokens !== 0;

/** What roll-ups are made from: a purse, or a correction in its place. The version tells which labels the key had. */
type RolledUp = Pick<Purse, 'keyId' | 'policyVersion' | 'scopes' | 'windows' | 'usage'>;

/** A reservation is always counted in its day. */
function dayOf(windows: readonly WindowId[]): string {
  const day = windows.find((window) => window.startsWith('day:'));
  if (day === undefined) throw new Error('A purse names no day.');
  return day.slice('day:'.length);
}

/** The roll-up an item holds. A provider's name has no `#`; a model's may. */
export function rollupOfItem(day: string, item: Item): SpendRollup {
  const [keyId = '', , provider = '', ...model] = readText(item, 'sk').split('#');
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
