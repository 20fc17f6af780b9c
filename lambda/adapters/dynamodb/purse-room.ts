import { GatewayError } from '../../domain/errors.ts';
import { scopeName } from '../../domain/money/budget.ts';
import type { Reservation } from '../../domain/request-record.ts';
import { numberAttribute } from './attributes.ts';
import { fold } from './fold.ts';
import { readPurse } from './purse.ts';
import { purseFamily } from './purse-item.ts';
import type { PurseFamilyView } from './purse-views.ts';
import { scopeKey } from './scope-item.ts';
import { type Store, updateItem } from './store.ts';
import { updateBuilder } from './update.ts';

const MOST_SHARDS = 4_096;
/** A crowd here and there is chance: its purse may have been drawn twice. */
const CROWDS_BEFORE_MORE = 3;

/**
 * Purses are crowded: from now on the key's requests choose among twice as many, in every process that reads the key.
 * @param among how many there were to choose from when the last was met
 * @param crowds how many this request has met
 * @returns whether there are more to choose from, or others to be drawn without waiting
 */
export async function leaveCrowd(
  store: Store,
  family: PurseFamilyView,
  { key }: Reservation,
  { among, crowds }: { readonly among: number; readonly crowds: number },
): Promise<boolean> {
  if (among > 1 && crowds % CROWDS_BEFORE_MORE > 0) return true;
  // Others in this process may have met the same crowd, and made more of them already.
  if (family.shards >= among * 2) return true;
  if (family.shards >= MOST_SHARDS) return false;
  family.shards *= 2;
  const update = updateBuilder();
  const shards = update.value(numberAttribute(family.shards));
  update.set('purseShards', shards);
  update.set('purseShardsAtMs', update.value(numberAttribute(store.clock.now())));
  const known = update.name('purseShards');
  update.require(`attribute_exists(${update.name('pk')})`);
  update.require(`(attribute_not_exists(${known}) OR ${known} <= ${shards})`);
  try {
    // Where the condition fails, somebody asked for more, or the key is gone.
    await updateItem(
      { ...store, retryForMs: 0 },
      scopeKey(scopeName({ kind: 'key', id: key.id })),
      update.build(),
    );
  } catch (error) {
    // Others will say so, who meet the same crowds.
    if (!(error instanceof GatewayError)) throw error;
  }
  return true;
}

/** A refusal makes the family's purses give back what they have to no use, once a second at most. */
const RECLAIM_APART_MS = 1_000;
/** Of more than so many, each refusal looks at some: at thousands of requests a second, all would be too many reads. */
const ALL_RECLAIMED = 64;
const SOME_RECLAIMED = 16;

/**
 * Looks for money before a refusal is final: in the family's purses, and in the one that was tried, which others may have
 * given some back. What they have spent is known to the scopes from then on.
 * @returns whether there may be more than was known
 */
export async function findRoom(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  name: string,
): Promise<boolean> {
  const nowMs = store.clock.now();
  if (nowMs - family.reclaimedAtMs >= RECLAIM_APART_MS) {
    family.reclaimedAtMs = nowMs;
    return reclaim(store, family, reservation, name);
  }
  const known = family.purses.get(name)?.room ?? 0n;
  const purse = await readPurse(store, name);
  if (purse !== undefined) family.purses.set(name, purse);
  return purse?.isOpen === true && purse.room > known;
}

/** Folds the purse that was tried and some others. @returns whether one of them gave anything back */
async function reclaim(
  store: Store,
  family: PurseFamilyView,
  reservation: Reservation,
  name: string,
): Promise<boolean> {
  const { foldAfterMs } = reservation.terms;
  const from = Math.floor(store.clock.random() * family.shards);
  const some = Array.from(
    { length: family.shards > ALL_RECLAIMED ? SOME_RECLAIMED : family.shards },
    (_, index) => `${purseFamily(reservation)}#${(from + index) % family.shards}`,
  );
  const areFolded = await Promise.all(
    [...new Set([name, ...some])].map(async (each) => {
      const purse = await readPurse(store, each);
      if (purse?.isOpen !== true || (purse.room <= 0n && purse.spent <= 0n)) return false;
      family.purses.delete(each);
      return fold(store, purse, { foldAfterMs, isPatient: false });
    }),
  );
  return areFolded.includes(true);
}
