import { scopeName } from '../../domain/money/budget.ts';
import type { Reservation } from '../../domain/request-record.ts';
import { numberAttribute } from './attributes.ts';
import { fold } from './fold.ts';
import { readPurse } from './purse.ts';
import { purseFamily } from './purse-item.ts';
import type { PurseFamilyView } from './purse-views.ts';
import { scopeKey } from './scope-item.ts';
import { forEachConcurrently, type Store, storeUnavailable, updateItem } from './store.ts';
import { updateBuilder } from './update.ts';

const MOST_SHARDS = 4_096;

/**
 * A purse is crowded: from now on the key's requests choose among twice as many, in every process that reads the key.
 * @param among how many there were to choose from when it was met
 */
export async function leaveCrowd(
  store: Store,
  family: PurseFamilyView,
  { key }: Reservation,
  among: number,
): Promise<void> {
  // Others in this process may have met the same crowd, and made more of them already.
  if (family.shards >= among * 2) return;
  if (family.shards >= MOST_SHARDS) throw storeUnavailable(undefined);
  family.shards *= 2;
  const update = updateBuilder();
  const shards = update.value(numberAttribute(family.shards));
  update.set('purseShards', shards);
  update.set('purseShardsAtMs', update.value(numberAttribute(store.clock.now())));
  const known = update.name('purseShards');
  update.require(`attribute_exists(${update.name('pk')})`);
  update.require(`(attribute_not_exists(${known}) OR ${known} <= ${shards})`);
  // Where the condition fails, somebody asked for more, or the key is gone.
  await updateItem(store, scopeKey(scopeName({ kind: 'key', id: key.id })), update.build());
}

/** A refusal makes the family's purses give back what they have to no use, once a second at most. */
const RECLAIM_APART_MS = 1_000;
const RECLAIM_CONCURRENCY = 16;

/**
 * Looks for money before a refusal is final: in the purse itself, which others may have given some back, and in the
 * family's other purses.
 * @returns whether there is more than was known
 */
export async function findRoom(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  name: string,
): Promise<boolean> {
  const known = family.purses.get(name)?.room ?? 0n;
  const [purse, isAnyBack] = await Promise.all([
    readPurse(store, name),
    reclaim(store, family, reservation, name),
  ]);
  if (purse !== undefined) family.purses.set(name, purse);
  return isAnyBack || (purse?.isOpen === true && purse.room > known);
}

/** @returns whether another purse gave anything back */
async function reclaim(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  except: string,
): Promise<boolean> {
  const nowMs = store.clock.now();
  if (family.shards === 1 || nowMs - family.reclaimedAtMs < RECLAIM_APART_MS) return false;
  family.reclaimedAtMs = nowMs;
  const all = Array.from({ length: family.shards }, (_, shard) => `${purseFamily(reservation)}#${shard}`);
  let isAnyBack = false;
  await forEachConcurrently(
    all.filter((name) => name !== except),
    RECLAIM_CONCURRENCY,
    async (name) => {
      const purse = await readPurse(store, name);
      if (purse === undefined || purse.room <= 0n) return;
      if (await fold(store, purse, reservation.terms.foldAfterMs)) isAnyBack = true;
      family.purses.delete(name);
    },
  );
  return isAnyBack;
}
