import { type Scope, scopeName } from '../../domain/money/budget.ts';
import type { NanoUsd } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type { OwnScopePolicy } from '../../domain/request-record.ts';
import type { ReserveOutcome } from '../../ports/ledger.ts';
import { type Item, numberAttribute, readNumber, textAttribute } from './attributes.ts';
import { pruneItem } from './prune.ts';
import type { EntryChange } from './purse.ts';
import { entriesOf, entryName, entryOf } from './purse-item.ts';
import { chargedCost, legKey, legOfEntry, outcomeOfItem } from './record-item.ts';
import { addToCounters, refusalBy, requireRoom, scopeKey } from './scope-item.ts';
import { readItem, type Store, storeUnavailable, updateItem } from './store.ts';
import { updateBuilder } from './update.ts';

type OwnOutcome = { readonly type: 'made' } | Exclude<ReserveOutcome, { readonly type: 'reserved' }>;

/** A session, and an end user, that nobody heard of for so long is forgotten. */
const SESSION_KEPT_SECONDS = 30 * 86_400;
const KEPT_SECONDS = 400 * 86_400;

/**
 * Sets money of a scope that is its own purse aside, and counts the call: one conditional write. A refusal first looks
 * whether a dead process has left something there that the sweep, which comes by way of purses, cannot find.
 */
export async function changeInOwnScope(
  store: Store,
  policy: OwnScopePolicy,
  windows: readonly WindowId[],
  change: EntryChange,
): Promise<OwnOutcome> {
  const first = await tryChange(store, policy, windows, change);
  if (first.type === 'made' || first.type === 'stale-policy') return first;
  return (await clearOrphans(store, policy.scope)) ? tryChange(store, policy, windows, change) : first;
}

/** A request that moves to another deployment is the same call still. */
const isCall = (entryId: string): boolean => legOfEntry(entryId).leg === 0;

/** A purse serves a day at most, and is looked at each minute: after a day nobody holds what stands here alone. */
const ORPHANED_AFTER_MS = 86_400_000;

/** Gives back what belongs to no request that was ever sent. @returns whether there was any */
async function clearOrphans(store: Store, scope: Scope): Promise<boolean> {
  const name = scopeName(scope);
  const item = await readItem(store, 'spend', scopeKey(name));
  const orphans = entriesOf(item ?? {}).filter(
    ({ expiresAtMs }) => expiresAtMs + ORPHANED_AFTER_MS < store.clock.now(),
  );
  for (const orphan of orphans) {
    const { id, leg } = legOfEntry(orphan.id);
    const ended = await readItem(store, 'spend', legKey(id, leg));
    const cost = ended === undefined ? undefined : chargedCost(outcomeOfItem(ended));
    await leaveOwnScope(store, name, orphan, cost);
  }
  return orphans.length > 0;
}

async function tryChange(
  store: Store,
  policy: OwnScopePolicy,
  windows: readonly WindowId[],
  change: EntryChange,
): Promise<OwnOutcome> {
  const update = updateBuilder();
  const entry = update.name(entryName(change.id));
  addToCounters(update, windows, { committed: change.amount, spent: 0n });
  update.set(entryName(change.id), update.value(textAttribute(change.after)));
  const keptSeconds = policy.scope.kind === 'session' ? SESSION_KEPT_SECONDS : KEPT_SECONDS;
  update.set('expiresAtSeconds', update.value(numberAttribute(store.clock.now() / 1000 + keptSeconds)));
  requireRoom(update, policy, windows, change.amount);
  if (change.before !== undefined) update.require(`${entry} = ${update.value(textAttribute(change.before))}`);
  else {
    update.require(`attribute_not_exists(${entry})`);
    if (isCall(change.id)) update.add('calls', 1);
    if (isCall(change.id) && policy.maxCalls !== undefined) {
      const calls = update.name('calls');
      const most = update.value(numberAttribute(policy.maxCalls - 1));
      update.require(`(attribute_not_exists(${calls}) OR ${calls} <= ${most})`);
    }
  }
  const result = await updateItem(store, scopeKey(scopeName(policy.scope)), update.build());
  return result.type === 'written' ? { type: 'made' } : refusalOf(policy, windows, change, result.item);
}

function refusalOf(
  policy: OwnScopePolicy,
  windows: readonly WindowId[],
  change: EntryChange,
  item: Item | undefined,
): OwnOutcome {
  const standing = entriesOf(item ?? {}).find(({ id }) => id === change.id);
  if (standing?.text === change.after) return { type: 'made' };
  if (standing?.text !== change.before)
    throw storeUnavailable(
      undefined,
      'The reservation of this request is no longer what it was. Send it again.',
    );
  const { maxCalls } = policy;
  if (
    maxCalls !== undefined &&
    change.before === undefined &&
    (readNumber(item ?? {}, 'calls') ?? 0) >= maxCalls
  )
    return { type: 'calls-exhausted', scope: policy, maxCalls };
  const refusal = refusalBy(policy, windows, change.amount, item);
  if (refusal !== undefined) return refusal;
  throw new Error('A scope refused a reservation for a reason that its item does not show.');
}

/**
 * Takes a reservation out of a scope that is its own purse. Where it does not stand there any more nothing changes.
 * @param entry as it is known to stand; where it is read as another one (a raise whose answer was lost), that one counts
 * @param cost `undefined`: given back whole, the call with it
 */
export async function leaveOwnScope(
  store: Store,
  name: string,
  { id, text }: { readonly id: string; readonly text: string },
  cost: NanoUsd | undefined,
): Promise<void> {
  const update = updateBuilder();
  const { estimate, beside } = entryOf(id, text);
  // Its windows are written beside it.
  addToCounters(update, beside as readonly WindowId[], {
    committed: (cost ?? 0n) - estimate,
    spent: cost ?? 0n,
  });
  if (cost === undefined && isCall(id)) update.add('calls', -1);
  update.remove(entryName(id));
  update.require(`${update.name(entryName(id))} = ${update.value(textAttribute(text))}`);
  const result = await updateItem(store, scopeKey(name), update.build());
  if (result.type === 'written') {
    if (result.item !== undefined) await pruneItem(store, name, result.item, store.clock.now());
    return;
  }
  const standing = entriesOf(result.item ?? {}).find((entry) => entry.id === id);
  if (standing !== undefined) await leaveOwnScope(store, name, { id, text: standing.text }, cost);
}
