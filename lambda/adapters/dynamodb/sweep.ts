import { GatewayError } from '../../domain/errors.ts';
import type { NanoUsd } from '../../domain/money/nano.ts';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import { deploymentParts } from '../../domain/routing/deployment.ts';
import type { SweepResult } from '../../ports/ledger.ts';
import { OPEN_SHARDS } from '../../schema/tables.ts';
import { type Item, readNumber } from './attributes.ts';
import { fold } from './fold.ts';
import { leaveOwnScope } from './own-scope.ts';
import { leavePurse, readPurse } from './purse.ts';
import { entriesOf, type Purse, type PurseEntry, purseName } from './purse-item.ts';
import { queryOpen } from './query.ts';
import { legItem, legOfEntry, openShardName, outcomeOfItem } from './record-item.ts';
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
    if (!purse.isOpen || !(await fold(store, purse, FOLD_AFTER_MS))) return;
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

/** Takes a reservation out whose owner died: at its record's cost, or else, with a record made for it, whole. */
async function sweepEntry(
  store: Store,
  run: SweepRun,
  purse: Purse,
  entry: PurseEntry,
): Promise<Purse | undefined> {
  const outcome: RequestOutcome = {
    ...SWEPT,
    ...deploymentParts(entry.deployment),
    deployment: entry.deployment,
    cost: entry.estimate,
    durationMs: Math.max(0, run.nowMs - entry.startedAtMs),
  };
  const { leg } = legOfEntry(entry.id);
  const put = await putNewItem(
    store,
    legItem(sweptFacts(purse, entry), { leg, estimate: entry.estimate }, outcome),
  );
  const standing = put.type === 'condition-failed' ? put.item : undefined;
  const cost = standing === undefined ? entry.estimate : outcomeOfItem(standing).cost;
  if (standing === undefined) run.swept += 1;
  await Promise.all(entry.beside.map((scope) => sweepOwn(store, scope, entry.id, cost)));
  return leavePurse(store, purse.name, entry.id, entry.text, {
    cost,
    outcome: standing === undefined ? outcome : outcomeOfItem(standing),
  });
}

async function sweepOwn(store: Store, scope: string, id: string, cost: NanoUsd): Promise<void> {
  const item: Item = (await readItem(store, 'spend', scopeKey(scope))) ?? {};
  const entry = entriesOf(item).find((each) => each.id === id);
  if (entry !== undefined) await leaveOwnScope(store, scope, entry, cost);
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
