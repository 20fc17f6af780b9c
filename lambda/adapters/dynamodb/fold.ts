import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';
import { numberAttribute } from './attributes.ts';
import { lookAtMs } from './lease.ts';
import { type Purse, purseKey, usageNames } from './purse-item.ts';
import { rollupUpdates } from './rollup-item.ts';
import { addToCounters, scopeKey } from './scope-item.ts';
import { type Store, transact, withRetries } from './store.ts';
import { updateBuilder } from './update.ts';

/**
 * Brings what a purse's requests have spent into its scopes and the roll-ups, and gives all room back, in one transaction.
 * A purse in which nothing stands any more is closed: it holds nothing until it is opened again.
 * @returns whether this call did it; not where the purse is no longer as it was seen
 */
export async function fold(store: Store, purse: Purse, foldAfterMs: number): Promise<boolean> {
  const nowMs = store.clock.now();
  const isClosing = purse.open === 0;
  const items: readonly TransactWriteItem[] = [
    {
      Update: {
        TableName: store.tables.spend,
        Key: purseKey(purse.name),
        ...(isClosing ? closing(purse, nowMs) : folding(purse, nowMs, foldAfterMs)),
      },
    },
    ...purse.scopes.map((name) => {
      const update = updateBuilder();
      addToCounters(update, purse.windows, { committed: -purse.room, spent: purse.spent });
      update.add('purses', isClosing ? -1 : 0);
      return { Update: { TableName: store.tables.spend, Key: scopeKey(name), ...update.build() } };
    }),
    ...rollupUpdates(store, purse),
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
  requireNumber('open', 0n);
  requireNumber('room', purse.room);
  requireNumber('spent', purse.spent);
  requireNumber('fence', BigInt(purse.fence));
  update.add('fence', 1);
  update.add('room', -purse.room);
  update.add('spent', -purse.spent);
  update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
  update.remove('openShard');
  update.remove('expiresAtMs');
  for (const attribute of purse.usage.flatMap(({ provider, model }) => usageNames(provider, model)))
    update.remove(attribute);
  return update.build();

  function requireNumber(attribute: string, value: bigint): void {
    const name = update.name(attribute);
    const isEqual = `${name} = ${update.value(numberAttribute(value))}`;
    update.require(value === 0n ? `(attribute_not_exists(${name}) OR ${isEqual})` : isEqual);
  }
}

/** What was spent only grows between two folds, so what was seen of it is there still. */
function folding(purse: Purse, nowMs: number, foldAfterMs: number) {
  const update = updateBuilder();
  update.require(`${update.name('fence')} = ${update.value(numberAttribute(purse.fence))}`);
  update.add('fence', 1);
  if (purse.room > 0n)
    update.require(`${update.name('room')} >= ${update.value(numberAttribute(purse.room))}`);
  update.add('room', -purse.room);
  update.add('spent', -purse.spent);
  update.set('foldedAtMs', update.value(numberAttribute(nowMs)));
  update.set('foldedBeforeMs', update.name('foldedAtMs'));
  update.set('expiresAtMs', update.value(numberAttribute(lookAtMs(nowMs, foldAfterMs))));
  for (const { provider, model, ...counted } of purse.usage) {
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
