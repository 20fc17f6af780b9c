import { paginateScan } from '@aws-sdk/client-dynamodb';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { recordOfItem } from '../../../lambda/adapters/dynamodb/record-item.ts';
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
  ScopeCounters,
  ScopePolicy,
  WindowCounters,
} from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { type BudgetWindow, windowIdAt, windowIdsAt } from '../../../lambda/domain/money/window.ts';
import type {
  RequestFacts,
  RequestOutcome,
  RequestRecord,
  Reservation,
} from '../../../lambda/domain/request-record.ts';
import { newVirtualKey, type VirtualKey } from '../../../lambda/domain/virtual-key.ts';

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

export const keyIdOf = (policy: ScopePolicy): VirtualKeyId => virtualKeyId(policy.scope.id);

export const START_MS = Date.UTC(2026, 10, 20, 9, 30);

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

export const reservation = (
  scopes: readonly ScopePolicy[],
  estimate: bigint,
  changes: Partial<Reservation> = {},
): Reservation => ({
  estimate: nanoUsd(estimate),
  scopes,
  windows: windowIdsAt(START_MS),
  expiresAtMs: START_MS + 60_000,
  ...changes,
});

export const outcome = (cost: bigint, changes: Partial<RequestOutcome> = {}): RequestOutcome => ({
  outcome: 'ok',
  attempts: [{ deployment: deploymentId('openai/gpt-5-mini'), outcome: 'ok', status: 200, durationMs: 812 }],
  provider: 'openai',
  model: 'gpt-5-mini-2025-08-07',
  deployment: deploymentId('openai/gpt-5-mini'),
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

/** Every record that was charged to a key, read whole. */
export async function recordsOf(store: Store, keyId: VirtualKeyId): Promise<readonly RequestRecord[]> {
  const pages = paginateScan(
    { client: store.client },
    {
      TableName: store.tables.spend,
      FilterExpression: 'sk = :record AND keyId = :key',
      ExpressionAttributeValues: { ':record': { S: 'record' }, ':key': { S: keyId } },
      ConsistentRead: true,
    },
  );
  const records: RequestRecord[] = [];
  for await (const page of pages) records.push(...(page.Items ?? []).map(recordOfItem));
  return records;
}

export const costsOf = (records: readonly RequestRecord[]): bigint =>
  records.reduce((sum, record) => sum + (record.cost ?? 0n), 0n);
