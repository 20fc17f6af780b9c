import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';
import { numberAttribute } from './attributes.ts';
import { lookAtMs } from './lease.ts';
import { readPurse } from './purse.ts';
import { type Purse, type PurseUsage, purseKey, usageNames } from './purse-item.ts';
import { rollupUpdates } from './rollup-item.ts';
import { addToCounters, scopeKey } from './scope-item.ts';
import { type Store, transact, unlessContended, withRetries } from './store.ts';
import { type UpdateBuilder, updateBuilder } from './update.ts';

/** Models whose usage one fold brings up, beside the scopes: a transaction takes a hundred items. */
const MODELS_AT_ONCE = 30;

export interface FoldOptions {
  /** How long the purse may keep what is spent from now on to itself. */
  readonly foldAfterMs: number;
  /** Whether it waits for scopes that others are writing to. Who has a caller waiting leaves it to the next. */
  readonly isPatient: boolean;
}

/**
 * Brings what a purse's requests have spent into its scopes and the roll-ups, and gives all room back, in one transaction.
 * A purse in which nothing stands any more is closed: it holds nothing until it is opened again.
 * @returns whether this call did it; not where the purse is no longer as it was seen
 */
export async function fold(store: Store, purse: Purse, options: FoldOptions): Promise<boolean> {
  const isWhole = purse.usage.length <= MODELS_AT_ONCE;
  const usage = purse.usage.slice(0, MODELS_AT_ONCE);
  const portion: Portion = {
    usage,
    // What is in no usage was spent by nobody known, and goes with the last portion.
    spent: isWhole ? purse.spent : nanoUsd(usage.reduce((sum, { cost }) => sum + cost, 0n)),
    isClosing: purse.open === 0 && isWhole,
    isExact: purse.open === 0 || !isWhole,
    ...options,
  };
  if (!(await foldPortion(store, purse, portion))) return false;
  if (isWhole) return true;
  const rest = await readPurse(store, purse.name);
  return rest === undefined || fold(store, rest, options);
}

/** What one transaction brings up. */
interface Portion extends FoldOptions {
  readonly usage: readonly PurseUsage[];
  readonly spent: NanoUsd;
  readonly isClosing: boolean;
  /** Only where nothing has left the purse since it was seen: what is brought up is then taken off it. */
  readonly isExact: boolean;
}

async function foldPortion(store: Store, purse: Purse, portion: Portion): Promise<boolean> {
  const items: readonly TransactWriteItem[] = [
    {
      Update: {
        TableName: store.tables.spend,
        Key: purseKey(purse.name),
        ...foldedPurse(purse, store.clock.now(), portion),
      },
    },
    ...purse.scopes.map((name) => {
      const update = updateBuilder();
      addToCounters(update, purse.windows, { committed: -purse.room, spent: portion.spent });
      update.add('purses', portion.isClosing ? -1 : 0);
      return { Update: { TableName: store.tables.spend, Key: scopeKey(name), ...update.build() } };
    }),
    ...rollupUpdates(store, { ...purse, usage: portion.usage }),
  ];
  const insist = portion.isPatient ? withRetries : unlessContended;
  const result = await insist(store, async ({ answerLost }) => {
    const { type } = await transact(store, items);
    // Not as it was seen: somebody has used or folded it, perhaps an attempt of ours whose answer was lost.
    return type === 'done' || answerLost;
  });
  return result === true;
}

function foldedPurse(purse: Purse, nowMs: number, portion: Portion) {
  const update = updateBuilder();
  requireNumber(update, 'fence', purse.fence);
  if (portion.isExact) requireNumber(update, 'leaves', purse.leaves);
  if (portion.isClosing) requireNumber(update, 'open', 0);
  else if (purse.room > 0n)
    update.require(`${update.name('room')} >= ${update.value(numberAttribute(purse.room))}`);
  update.add('fence', 1);
  update.add('room', -purse.room);
  update.add('spent', -portion.spent);
  update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
  if (portion.isClosing) {
    update.remove('openShard');
    update.remove('expiresAtMs');
  } else {
    update.set('foldedBeforeMs', update.name('foldedAtMs'));
    update.set('expiresAtMs', update.value(numberAttribute(nextLookMs(purse, nowMs, portion))));
  }
  for (const used of portion.usage) takeUsage(update, used, portion.isExact);
  return update.build();
}

/** A reservation that stands is looked at when it has expired, however often its purse is folded until then. */
const nextLookMs = (purse: Purse, nowMs: number, { foldAfterMs }: Portion): number =>
  Math.min(lookAtMs(nowMs, foldAfterMs), ...purse.entries.map(({ expiresAtMs }) => expiresAtMs));

/** What was spent only grows between two folds, so what was seen of it is there still. */
function takeUsage(
  update: UpdateBuilder,
  { provider, model, ...counted }: PurseUsage,
  isExact: boolean,
): void {
  const names = usageNames(provider, model);
  if (isExact) {
    for (const name of names) update.remove(name);
    return;
  }
  const [requests, cost, prompt, completion] = names;
  update.add(requests, -counted.requests);
  update.add(cost, -counted.cost);
  update.add(prompt, -counted.promptTokens);
  update.add(completion, -counted.completionTokens);
}

function requireNumber(update: UpdateBuilder, attribute: string, value: number): void {
  const name = update.name(attribute);
  const isEqual = `${name} = ${update.value(numberAttribute(value))}`;
  update.require(value === 0 ? `(attribute_not_exists(${name}) OR ${isEqual})` : isEqual);
}

/** A correction of what a request has cost, in the windows it was reserved in. */
export const correctionUpdates = (
  store: Store,
  {
    scopes,
    windows,
    difference,
  }: {
    readonly scopes: readonly string[];
    readonly windows: Purse['windows'];
    readonly difference: NanoUsd;
  },
): readonly TransactWriteItem[] =>
  (difference === 0n ? [] : scopes).map((name) => {
    const update = updateBuilder();
    addToCounters(update, windows, { committed: difference, spent: nanoUsd(difference) });
    return { Update: { TableName: store.tables.spend, Key: scopeKey(name), ...update.build() } };
  });
