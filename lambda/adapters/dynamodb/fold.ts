import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';
import { numberAttribute } from './attributes.ts';
import { lookAtMs } from './lease.ts';
import { readPurse } from './purse.ts';
import { type Purse, type PurseUsage, purseKey, usageNames } from './purse-item.ts';
import { rollupUpdates } from './rollup-item.ts';
import { addToCounters, scopeKey } from './scope-item.ts';
import { type Store, transact, withRetries } from './store.ts';
import { updateBuilder } from './update.ts';

/** Models whose usage one fold brings up: a transaction takes a hundred items. */
const MODELS_AT_ONCE = 50;

/**
 * Brings what a purse's requests have spent into its scopes and the roll-ups, and gives all room back, in one transaction.
 * A purse in which nothing stands any more is closed: it holds nothing until it is opened again.
 * @returns whether this call did it; not where the purse is no longer as it was seen
 */
export async function fold(store: Store, purse: Purse, foldAfterMs: number): Promise<boolean> {
  const used = purse.usage.filter(({ requests, cost }) => requests !== 0 || cost !== 0n);
  const isWhole = used.length <= MODELS_AT_ONCE;
  const usage = used.slice(0, MODELS_AT_ONCE);
  const seen: Folded = {
    usage,
    // What is in no usage was spent by nobody known, and goes with the last portion.
    spent: isWhole ? purse.spent : nanoUsd(usage.reduce((sum, { cost }) => sum + cost, 0n)),
    isClosing: purse.open === 0 && isWhole,
    foldAfterMs,
  };
  if (!(await foldPortion(store, purse, seen))) return false;
  if (isWhole) return true;
  const rest = await readPurse(store, purse.name);
  return rest === undefined || fold(store, rest, foldAfterMs);
}

/** What one transaction brings up. */
interface Folded {
  readonly usage: readonly PurseUsage[];
  readonly spent: NanoUsd;
  readonly isClosing: boolean;
  readonly foldAfterMs: number;
}

async function foldPortion(store: Store, purse: Purse, seen: Folded): Promise<boolean> {
  const nowMs = store.clock.now();
  const items: readonly TransactWriteItem[] = [
    {
      Update: {
        TableName: store.tables.spend,
        Key: purseKey(purse.name),
        ...(seen.isClosing ? closing(purse, nowMs) : folding(purse, nowMs, seen)),
      },
    },
    ...purse.scopes.map((name) => {
      const update = updateBuilder();
      addToCounters(update, purse.windows, { committed: -purse.room, spent: seen.spent });
      update.add('purses', seen.isClosing ? -1 : 0);
      return { Update: { TableName: store.tables.spend, Key: scopeKey(name), ...update.build() } };
    }),
    ...rollupUpdates(store, { ...purse, usage: seen.usage }),
  ];
  return withRetries(store, async ({ answerLost }) => {
    const result = await transact(store, items);
    // Not as it was seen: somebody has used or folded it, perhaps an attempt of ours whose answer was lost.
    return result.type === 'done' || answerLost;
  });
}

/** Nothing has happened in it since it was seen. */
function closing(purse: Purse, nowMs: number) {
  const update = updateBuilder();
  requireNumber('open', 0);
  requireNumber('leaves', purse.leaves);
  requireNumber('fence', purse.fence);
  update.add('fence', 1);
  update.add('room', -purse.room);
  update.add('spent', -purse.spent);
  update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
  update.remove('openShard');
  update.remove('expiresAtMs');
  for (const attribute of purse.usage.flatMap(({ provider, model }) => usageNames(provider, model)))
    update.remove(attribute);
  return update.build();

  function requireNumber(attribute: string, value: number): void {
    const name = update.name(attribute);
    const isEqual = `${name} = ${update.value(numberAttribute(value))}`;
    update.require(value === 0 ? `(attribute_not_exists(${name}) OR ${isEqual})` : isEqual);
  }
}

/** What was spent only grows between two folds, so what was seen of it is there still. */
function folding(purse: Purse, nowMs: number, { usage, spent, foldAfterMs }: Folded) {
  const update = updateBuilder();
  update.require(`${update.name('fence')} = ${update.value(numberAttribute(purse.fence))}`);
  update.add('fence', 1);
  if (purse.room > 0n)
    update.require(`${update.name('room')} >= ${update.value(numberAttribute(purse.room))}`);
  update.add('room', -purse.room);
  update.add('spent', -spent);
  update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
  update.set('foldedBeforeMs', update.name('foldedAtMs'));
  update.set('expiresAtMs', update.value(numberAttribute(lookAtMs(nowMs, foldAfterMs))));
  for (const { provider, model, ...counted } of usage) {
    const [requests, cost, prompt, completion] = usageNames(provider, model);
    update.add(requests, -counted.requests);
    update.add(cost, -counted.cost);
    update.add(prompt, -counted.promptTokens);
    update.add(completion, -counted.completionTokens);
  }
  return update.build();
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
  scopes.map((name) => {
    const update = updateBuilder();
    addToCounters(update, windows, { committed: difference, spent: nanoUsd(difference) });
    return { Update: { TableName: store.tables.spend, Key: scopeKey(name), ...update.build() } };
  });
