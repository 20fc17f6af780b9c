import { paginateScan } from '@aws-sdk/client-dynamodb';
import type { Item } from '../../../lambda/adapters/dynamodb/attributes.ts';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { recordOfItems } from '../../../lambda/adapters/dynamodb/record-item.ts';
import { dynamoScopeStore } from '../../../lambda/adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../../../lambda/adapters/dynamodb/spend-reports.ts';
import type { Store } from '../../../lambda/adapters/dynamodb/store.ts';
import {
  deploymentId,
  requestId,
  secretHash,
  type VirtualKeyId,
  virtualKeyId,
} from '../../../lambda/domain/ids.ts';
import type {
  Budget,
  Scope,
  ScopeCounters,
  ScopePolicy,
  WindowCounters,
} from '../../../lambda/domain/money/budget.ts';
import type { LeaseTerms } from '../../../lambda/domain/money/lease.ts';
import { nanoUsd, ZERO_USD } from '../../../lambda/domain/money/nano.ts';
import { type BudgetWindow, windowIdAt, windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type {
  HeldReservation,
  OwnScopePolicy,
  RequestFacts,
  RequestOutcome,
  RequestRecord,
  Reservation,
} from '../../../lambda/domain/request-record.ts';
import { NO_RULES } from '../../../lambda/domain/scope-settings.ts';
import { newVirtualKey, type VirtualKey } from '../../../lambda/domain/virtual-key.ts';
import type { Clock } from '../../../lambda/ports/clock.ts';
import type { Ledger, ReserveOutcome, SpendRollup, SweepResult } from '../../../lambda/ports/ledger.ts';
import { hurriedClock } from '../../support/engine.ts';

let serial = 0;
/** A name nobody else in this process has, so that tests share an engine without meeting. */
export const unique = (prefix: string): string => `${prefix}_${process.pid}_${++serial}`;

export const hard = (limit: bigint, window: BudgetWindow = 'total'): Budget => ({
  window,
  limit: nanoUsd(limit),
  mode: 'hard',
  softLimits: [0.8],
});

export const virtualKey = (changes: Partial<VirtualKey> = {}): VirtualKey => ({
  ...newVirtualKey({
    id: virtualKeyId(unique('key')),
    name: 'A key',
    createdAtMs: 1_763_600_000_000,
    hint: 'abcd',
  }),
  ...changes,
});

/** Makes a key with its scope item, and answers its policy. */
export async function scopeWith(store: Store, budgets: readonly Budget[]): Promise<ScopePolicy> {
  const key = virtualKey({ budgets });
  await dynamoKeyStore(store).create(key, secretHash(unique('hash')));
  return { scope: { kind: 'key', id: key.id }, policyVersion: 1, budgets };
}

/** Gives a team settings, and answers its policy. */
export async function teamWith(store: Store, budgets: readonly Budget[]): Promise<ScopePolicy> {
  const scope = { kind: 'team', id: unique('team') } as const;
  const settings = { ...NO_RULES, scope, budgets, name: 'A team', metadata: {}, createdAtMs: START_MS };
  const { policyVersion } = await dynamoScopeStore(store).put({ ...settings, policyVersion: 0 });
  return { scope, policyVersion, budgets };
}

/** The policy of a session of its own. */
export const sessionWith = (
  budgets: readonly Budget[],
  limits: Pick<OwnScopePolicy, 'maxCalls'> = {},
): OwnScopePolicy => ({
  scope: { kind: 'session', id: unique('session') },
  policyVersion: undefined,
  budgets,
  ...limits,
});

export const keyIdOf = (policy: ScopePolicy): VirtualKeyId => virtualKeyId(policy.scope.id);

export const START_MS = Date.UTC(2026, 10, 20, 9, 30);
/** Every purse that was used at `START_MS` is to be folded, and no reservation has expired. */
export const FOLD_DUE_MS = START_MS + 10 * 60_000;
/** Every reservation has expired. */
export const EXPIRED_MS = START_MS + 3_600_000;

/** A clock that stands still at `START_MS` until it is told; waits are real, and short. */
export function standingClock(): Clock & { pass(durationMs: number): void } {
  let nowMs = START_MS;
  return {
    ...hurriedClock,
    now: () => nowMs,
    pass: (durationMs) => {
      nowMs += durationMs;
    },
  };
}

/** Brings what purses hold back to their scopes. What has expired until then is charged. */
export const sweepAt = (store: Store, nowMs: number): Promise<SweepResult> =>
  dynamoLedgerUpkeep(store).sweep(nowMs, Number.POSITIVE_INFINITY);

export const facts = (policy: ScopePolicy, changes: Partial<RequestFacts> = {}): RequestFacts => ({
  id: requestId(unique('gen')),
  startedAtMs: START_MS,
  keyId: keyIdOf(policy),
  tags: { app: 'tests' },
  dialect: 'openai-chat',
  modelsAsked: ['openai/gpt-5-mini'],
  stream: false,
  ...changes,
});

export const DEPLOYMENT = deploymentId('openai/gpt-5-mini');

/** Of a request that takes just what it needs. */
export const EXACT: LeaseTerms = { allowance: ZERO_USD, foldAfterMs: 60_000, isShared: false };
/** Of requests that come often: so much is leased beyond one's own need. */
export const ahead = (allowance: bigint): LeaseTerms => ({ ...EXACT, allowance: nanoUsd(allowance) });

/** The periods that are counted at a moment: hours only where something is limited by the hour. */
export const windowsOf = (shared: readonly ScopePolicy[], atMs: number): Reservation['windows'] =>
  windowIdsAt(atMs).slice(
    shared.some(({ budgets }) => budgets.some(({ window }) => window === 'hour')) ? 0 : 1,
  );

/** A reservation of the key that the first of the scopes is (or the first key among them). */
export function reservation(
  shared: readonly ScopePolicy[],
  estimate: bigint,
  changes: Partial<Reservation> = {},
): Reservation {
  const key = shared.find(({ scope }) => scope.kind === 'key');
  if (key?.policyVersion === undefined) throw new Error('A request has a key.');
  return {
    estimate: nanoUsd(estimate),
    leg: 0,
    deployment: DEPLOYMENT,
    key: { id: keyIdOf(key), policyVersion: key.policyVersion, purseShards: 1 },
    shared,
    own: [],
    windows: windowsOf(shared, START_MS),
    expiresAtMs: START_MS + 15 * 60_000,
    terms: EXACT,
    ...changes,
  };
}

/** The reservation that an attempt to reserve has made. */
export function reserved(outcome: ReserveOutcome | undefined): HeldReservation {
  if (outcome?.type !== 'reserved')
    throw new Error(`Nothing was reserved: ${outcome?.type ?? 'no outcome'}.`);
  return outcome.held;
}

export const outcome = (cost: bigint, changes: Partial<RequestOutcome> = {}): RequestOutcome => ({
  outcome: 'ok',
  attempts: [{ deployment: DEPLOYMENT, outcome: 'ok', status: 200, durationMs: 812 }],
  provider: 'openai',
  model: 'gpt-5-mini-2025-08-07',
  deployment: DEPLOYMENT,
  upstreamId: 'chatcmpl-Cdkq1uTbrQ9n2uV1F0sYJt3m9Xw2a',
  finishReason: 'stop',
  usage: { promptTokens: 1200, completionTokens: 345, cacheReadTokens: 1024, reasoningTokens: 128 },
  cost: nanoUsd(cost),
  chargeBasis: 'exact',
  priceVersion: 'catalogue-2026-08-01',
  boundExceeded: false,
  timeToFirstTokenMs: 402,
  durationMs: 1_530,
  overheadMs: 4,
  ...changes,
});

/** A scope's counters of the window that never ends. */
export const totalOf = (counters: ScopeCounters | undefined): WindowCounters | undefined =>
  counters?.windows[windowIdAt('total', START_MS)];

/** What a scope has committed and spent in all; nothing where it was never counted. */
export async function totalsOf(
  ledger: Ledger,
  { scope }: { readonly scope: Scope },
): Promise<WindowCounters> {
  return totalOf(await ledger.counters(scope)) ?? { committed: ZERO_USD, spent: ZERO_USD };
}

/** Every record that was charged to a key, read whole. */
export async function recordsOf(store: Store, keyId: VirtualKeyId): Promise<readonly RequestRecord[]> {
  const pages = paginateScan(
    { client: store.client },
    {
      TableName: store.tables.spend,
      FilterExpression: 'begins_with(pk, :record) AND keyId = :key',
      ExpressionAttributeValues: { ':record': { S: 'record#' }, ':key': { S: keyId } },
      ConsistentRead: true,
    },
  );
  const entries: Item[] = [];
  for await (const page of pages) entries.push(...(page.Items ?? []));
  const byRequest = Map.groupBy(entries, (item) => item['pk']?.S ?? '');
  return [...byRequest.values()].flatMap(
    (items) =>
      recordOfItems(items.toSorted((a, b) => ((a['sk']?.S ?? '') < (b['sk']?.S ?? '') ? -1 : 1))) ?? [],
  );
}

export const costsOf = (records: readonly { readonly cost: bigint }[]): bigint =>
  records.reduce((sum, { cost }) => sum + cost, 0n);

/** A key's roll-ups of the day that holds `START_MS`. */
export async function rollupsOf(store: Store, keyId: VirtualKeyId): Promise<readonly SpendRollup[]> {
  const rollups = await dynamoSpendReports(store).rollups('2026-11-20', '2026-11-20');
  return rollups.filter((rollup) => rollup.keyId === keyId);
}
