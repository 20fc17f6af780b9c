import { GatewayError } from '../../domain/errors.ts';
import { minUsd, type NanoUsd, ZERO_USD } from '../../domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import { deploymentParts } from '../../domain/routing/deployment.ts';
import type { SweepResult } from '../../ports/ledger.ts';
import { OPEN_SHARDS } from '../../schema/tables.ts';
import { type Item, readNumber } from './attributes.ts';
import { fold } from './fold.ts';
import { leaveOwnScope } from './own-scope.ts';
import { leavePurse, readPurse, takeFromPurse } from './purse.ts';
import { entriesOf, type Purse, type PurseEntry, purseName } from './purse-item.ts';
import { queryOpen } from './query.ts';
import { chargedCost, isOfPurse, legItem, legOfEntry, openShardName, outcomeOfItem } from './record-item.ts';
import { scopeKey, scopeOfName } from './scope-item.ts';
import { forEachConcurrently, putNewItem, readItem, type Store } from './store.ts';

/** Shards worked on at the same time. */
const CONCURRENCY = 8;
/** A purse that upkeep folds is used by nobody, or its users would have. */
const FOLD_AFTER_MS = 60_000;

/** A run of the sweep, and what it has come to. */
interface SweepRun {
  readonly nowMs: number;
  readonly deadlineMs: number;
  swept: number;
  folded: number;
  readonly scopes: Set<string>;
  open: number;
  /** What failed in a way nobody foresaw: thrown when the other purses are done. */
  readonly faults: unknown[];
}

/** Looks after every purse of index `open` whose time has come, the longest overdue first. */
export async function sweep(store: Store, nowMs: number, deadlineMs: number): Promise<SweepResult> {
  const run: SweepRun = { nowMs, deadlineMs, swept: 0, folded: 0, open: 0, scopes: new Set(), faults: [] };
  const shards = Array.from({ length: OPEN_SHARDS }, (_, shard) => openShardName(shard));
  await forEachConcurrently(shards, CONCURRENCY, async (shard) => {
    for await (const entry of queryOpen(store, shard)) {
      const isDue = (readNumber(entry, 'expiresAtMs') ?? 0) < run.nowMs;
      if (isDue && store.clock.now() < run.deadlineMs) await sweepPurse(store, run, purseName(entry));
      else run.open += 1;
    }
  });
  if (run.faults.length > 0) throw run.faults[0];
  return {
    swept: run.swept,
    folded: run.folded,
    open: run.open,
    scopes: [...run.scopes].map(scopeOfName),
  };
}

/** One purse that cannot be looked after does not stop the others. */
async function sweepPurse(store: Store, run: SweepRun, name: string): Promise<void> {
  try {
    // An index lags: what it lists may be closed by now.
    const found = await readPurse(store, name);
    if (found === undefined) return;
    const purse = await sweepEntries(store, run, found);
    if (purse.open > 0) run.open += 1;
    if (!purse.isOpen || !(await fold(store, purse, { foldAfterMs: FOLD_AFTER_MS, isPatient: true }))) return;
    run.folded += 1;
    for (const scope of purse.scopes) run.scopes.add(scope);
  } catch (error) {
    if (!(error instanceof GatewayError)) run.faults.push(error);
  }
}

/** @returns the purse without what had expired in it */
async function sweepEntries(store: Store, run: SweepRun, found: Purse): Promise<Purse> {
  let purse = found;
  for (const entry of found.entries) {
    if (entry.expiresAtMs < run.nowMs) purse = (await sweepEntry(store, run, purse, entry)) ?? purse;
  }
  return purse;
}

/** What is known of a request whose process died. */
const SWEPT: Pick<RequestOutcome, 'outcome' | 'attempts' | 'chargeBasis' | 'boundExceeded'> = {
  outcome: 'internal',
  attempts: [],
  chargeBasis: 'swept',
  boundExceeded: false,
};

/**
 * Takes a reservation out whose owner died: at its record's cost, or else, with a record made for it, whole. One that is
 * missing in one of its places was never admitted, and one that was only raised in some of them was not called at the
 * larger amount: what stands everywhere is what may have been spent.
 */
async function sweepEntry(
  store: Store,
  run: SweepRun,
  purse: Purse,
  seen: PurseEntry,
): Promise<Purse | undefined> {
  const entry = await takeFromPurse(store, purse.name, seen);
  if (entry === undefined) return undefined;
  const own = await Promise.all(entry.beside.map((scope) => ownEntry(store, scope, entry.id)));
  const standsEverywhere = own
    .map((found) => found?.entry.estimate ?? ZERO_USD)
    .reduce(minUsd, entry.estimate);
  const ending = await endingOf(store, run, purse, { entry, charge: standsEverywhere });
  if (ending === 'elsewhere') return leavePurse(store, purse.name, entry, undefined, { isSweep: true });
  const cost = chargedCost(ending);
  await Promise.all(own.map((found) => found && leaveOwnScope(store, found.scope, found.entry, cost)));
  return leavePurse(store, purse.name, entry, { cost: ending.cost, outcome: ending });
}

async function ownEntry(
  store: Store,
  scope: string,
  id: string,
): Promise<{ readonly scope: string; readonly entry: PurseEntry } | undefined> {
  const item: Item = (await readItem(store, 'spend', scopeKey(scope))) ?? {};
  const entry = entriesOf(item).find((each) => each.id === id);
  return entry === undefined ? undefined : { scope, entry };
}

/**
 * How a reservation ended: as its record says, or else as the record says that is made for it. `elsewhere`: the request was
 * reserved anew in another purse, which the record is of.
 */
async function endingOf(
  store: Store,
  run: SweepRun,
  purse: Purse,
  { entry, charge }: { readonly entry: PurseEntry; readonly charge: NanoUsd },
): Promise<RequestOutcome | 'elsewhere'> {
  const { leg } = legOfEntry(entry.id);
  const outcome: RequestOutcome = {
    ...SWEPT,
    ...(charge > 0n && deploymentParts(entry.deployment)),
    deployment: entry.deployment,
    cost: charge,
    durationMs: Math.max(0, run.nowMs - entry.startedAtMs),
  };
  const item = legItem(
    sweptFacts(purse, entry),
    { leg, estimate: entry.estimate, purse: purse.name },
    outcome,
  );
  const put = await putNewItem(store, item);
  if (put.type === 'condition-failed' && put.item !== undefined)
    return isOfPurse(put.item, purse.name) ? outcomeOfItem(put.item) : 'elsewhere';
  run.swept += 1;
  return outcome;
}

/** What a purse tells of a request: whose it was, and when it began. */
function sweptFacts(purse: Purse, entry: PurseEntry): RequestFacts {
  const labels = purse.scopes.map(scopeOfName);
  const labelOf = (kind: string): string | undefined => labels.find((scope) => scope.kind === kind)?.id;
  const known = ['organization', 'team', 'project', 'member'].flatMap((kind) => {
    const id = labelOf(kind);
    return id === undefined ? [] : [[kind, id]];
  });
  return {
    id: legOfEntry(entry.id).id,
    startedAtMs: entry.startedAtMs,
    keyId: purse.keyId,
    ...Object.fromEntries(known),
    tags: {},
    dialect: '',
    modelsAsked: [entry.deployment],
    stream: false,
  };
}
