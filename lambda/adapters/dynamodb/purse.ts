import { type NanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { RequestOutcome } from '../../domain/request-record.ts';
import { numberAttribute, textAttribute } from './attributes.ts';
import {
  entryName,
  entryOf,
  entryText,
  type Purse,
  type PurseEntry,
  purseKey,
  purseOfItem,
  usageNames,
} from './purse-item.ts';
import { readItem, type Store, storeUnavailable, updateItem } from './store.ts';
import { type UpdateBuilder, updateBuilder } from './update.ts';

/** How a request's reservation in an item shall change. */
export interface EntryChange {
  /** `<request id>.<leg>` */
  readonly id: string;
  /** As it stands; `undefined` for a new one. */
  readonly before: string | undefined;
  readonly after: string;
  /** How much more is set aside. */
  readonly amount: NanoUsd;
}

/** Reservations that may stand in one purse: more would make its item cost a second write unit. */
const CROWD = 6;

/** What became of a change in a purse. Where it was not made, the purse as it was met. */
export type PurseChange =
  | { readonly type: 'made'; readonly purse: Purse }
  | { readonly type: 'no-room'; readonly purse: Purse | undefined }
  | { readonly type: 'crowded'; readonly purse: Purse | undefined };

/** Sets money of a purse aside: one conditional write, which takes nothing from any scope. */
export async function changeInPurse(store: Store, name: string, change: EntryChange): Promise<PurseChange> {
  const update = updateBuilder();
  update.add('room', -change.amount);
  writeEntry(update, change);
  update.require(`attribute_exists(${update.name('openShard')})`);
  update.require(`${update.name('room')} >= ${update.value(numberAttribute(change.amount))}`);
  const result = await updateItem(store, purseKey(name), update.build());
  const purse = result.item === undefined ? undefined : purseOfItem(result.item);
  if (result.type === 'written' && purse !== undefined) return { type: 'made', purse };
  return metBy(change, purse);
}

/** Puts the entry in place of what stood there. */
export function writeEntry(update: UpdateBuilder, { id, before, after }: EntryChange): void {
  const entry = update.name(entryName(id));
  update.set(entryName(id), update.value(textAttribute(after)));
  if (before !== undefined) {
    update.require(`${entry} = ${update.value(textAttribute(before))}`);
    return;
  }
  update.add('open', 1);
  update.require(`attribute_not_exists(${entry})`);
  const open = update.name('open');
  update.require(`(attribute_not_exists(${open}) OR ${open} < ${update.value(numberAttribute(CROWD))})`);
}

/**
 * What a purse that did not take a change says of it: an attempt whose answer was lost may have made it.
 * @throws GatewayError `store_unavailable` where the entry to change is gone: it has expired
 */
export function metBy(change: EntryChange, purse: Purse | undefined): PurseChange {
  const standing = purse?.entries.find(({ id }) => id === change.id);
  if (purse !== undefined && standing?.text === change.after) return { type: 'made', purse };
  if (standing?.text !== change.before)
    throw storeUnavailable(
      undefined,
      'The reservation of this request is no longer what it was. Send it again.',
    );
  if (change.before === undefined && (purse?.open ?? 0) >= CROWD) return { type: 'crowded', purse };
  return { type: 'no-room', purse };
}

/** What a reservation has come to. */
export interface EntryCharge {
  readonly cost: NanoUsd;
  /** Who answered, and how many tokens it took. */
  readonly outcome: Pick<RequestOutcome, 'provider' | 'model' | 'usage'>;
}

/**
 * Takes a reservation out of its purse: what it cost stays spent, the rest is room again.
 * @param charge `undefined`: given back whole
 * @returns the purse afterwards; `undefined` where the reservation does not stand in it any more
 */
export async function leavePurse(
  store: Store,
  name: string,
  { id, text }: { readonly id: string; readonly text: string },
  charge: EntryCharge | undefined,
  { isSweep }: { readonly isSweep: boolean } = { isSweep: false },
): Promise<Purse | undefined> {
  const result = await updateItem(store, purseKey(name), leaving(id, text, charge));
  const purse = result.item === undefined ? undefined : purseOfItem(result.item);
  if (result.type === 'written') return purse;
  const standing = purse?.entries.find((entry) => entry.id === id);
  // What the sweep has taken is no longer its owner's to give back.
  if (standing === undefined || (charge === undefined && standing.isTaken && !isSweep)) return undefined;
  // A raise whose answer was lost has been carried out.
  return leavePurse(store, name, standing, charge, { isSweep });
}

/**
 * Marks a reservation whose time is over as taken by the sweep.
 * @returns the reservation as it stands then; `undefined` where it is not as it was seen
 */
export async function takeFromPurse(
  store: Store,
  name: string,
  entry: PurseEntry,
): Promise<PurseEntry | undefined> {
  if (entry.isTaken) return entry;
  const taken = { ...entry, isTaken: true };
  const update = updateBuilder();
  const text = entryText(taken);
  update.set(entryName(entry.id), update.value(textAttribute(text)));
  update.require(`${update.name(entryName(entry.id))} = ${update.value(textAttribute(entry.text))}`);
  const result = await updateItem(store, purseKey(name), update.build());
  if (result.type === 'written') return { ...taken, text };
  const standing = result.item === undefined ? undefined : purseOfItem(result.item);
  return standing?.entries.find(({ id, isTaken }) => id === entry.id && isTaken);
}

function leaving(id: string, text: string, charge: EntryCharge | undefined) {
  const { estimate } = entryOf(id, text);
  const cost = charge?.cost ?? ZERO_USD;
  const update = updateBuilder();
  update.remove(entryName(id));
  update.add('open', -1);
  update.add('leaves', 1);
  update.add('room', estimate - cost);
  update.add('spent', cost);
  if (charge !== undefined) addUsage(update, charge);
  update.require(`${update.name(entryName(id))} = ${update.value(textAttribute(text))}`);
  return update.build();
}

/** Stands for a provider and model that are not known: the process died before it could say. */
export const UNKNOWN = '-';

/** A request that no provider answered and that cost nothing has no part in any report. */
export const isReported = ({ provider, cost }: Pick<RequestOutcome, 'provider' | 'cost'>): boolean =>
  provider !== undefined || cost !== ZERO_USD;

function addUsage(update: UpdateBuilder, { cost, outcome }: EntryCharge): void {
  const { provider = UNKNOWN, model = UNKNOWN, usage } = outcome;
  if (!isReported({ ...outcome, cost })) return;
  const [requests, spent, prompt, completion] = usageNames(provider, model);
  update.add(requests, 1);
  update.add(spent, cost);
  update.add(prompt, usage?.promptTokens ?? 0);
  update.add(completion, usage?.completionTokens ?? 0);
}

/** The purse as it is now; `undefined` where nothing was ever put into it. */
export async function readPurse(store: Store, name: string): Promise<Purse | undefined> {
  const item = await readItem(store, 'spend', purseKey(name));
  return item === undefined ? undefined : purseOfItem(item);
}
