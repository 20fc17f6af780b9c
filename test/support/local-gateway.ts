import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { localProviders } from '../../bin/local/local-providers.ts';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { localVectorIndex } from '../../lambda/adapters/dynamodb/local-vectors.ts';
import { dynamoRoutingUpkeep } from '../../lambda/adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../../lambda/adapters/dynamodb/scope-store.ts';
import type { Store } from '../../lambda/adapters/dynamodb/store.ts';
import { plainLog } from '../../lambda/adapters/plain-log/plain-log.ts';
import { defineGateway, type GatewayDefinition } from '../../lambda/config/define-gateway.ts';
import { requestId, virtualKeyId } from '../../lambda/domain/ids.ts';
import type { Budget, ScopeCounters } from '../../lambda/domain/money/budget.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import type { RequestRecord } from '../../lambda/domain/request-record.ts';
import { newVirtualKey, type VirtualKey } from '../../lambda/domain/virtual-key.ts';
import { callParts, composeGateway, type Host } from '../../lambda/handlers/composition.ts';
import { hashSecret, newId } from '../../lambda/handlers/identity.ts';
import { inferenceApplication } from '../../lambda/http/application.ts';
import type { Gateway } from '../../lambda/pipeline/gateway.ts';
import { serve } from '../../lambda/platform/node-http.ts';
import type { Clock } from '../../lambda/ports/clock.ts';
import type { Upkeep } from '../../lambda/upkeep/context.ts';
import { startTestEngine, type TestEngine } from './engine.ts';
import { type MockUpstream, startMockUpstream } from './mock-upstream.ts';

/** What is written, as text. */
class TextSink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A key and the secret it was made with. */
export interface TestKey {
  readonly key: VirtualKey;
  readonly secret: string;
}

/** A gateway on real HTTP: all of Sluice but the process, over the embedded engine, with `openai` and `anthropic` at a mock. */
export interface LocalGateway {
  readonly url: string;
  readonly mock: MockUpstream;
  readonly engine: TestEngine;
  readonly host: Host;
  readonly store: Store;
  readonly gateway: Gateway;
  /** Read anew at each call, as a rotated secret would be. */
  readonly environment: Record<string, string | undefined>;
  /** Everything logged so far. */
  readonly log: () => string;
  createKey(settings?: Partial<VirtualKey>): Promise<TestKey>;
  revokeKey(key: VirtualKey): Promise<VirtualKey>;
  /** The record of an answer, once it is there. */
  record(answer: Response | string): Promise<RequestRecord>;
  /** A key's counters, once all of its requests are settled. */
  counters(key: VirtualKey): Promise<ScopeCounters>;
  /** What upkeep works with here; `notices` fills with what it sends. */
  upkeep(overrides?: Partial<Upkeep>): Upkeep;
  close(): Promise<void>;
}

/** Prices of the mock's models in dollars per million tokens: odd ones, so that no two sums are equal by chance. */
export const MOCK_PRICE = {
  promptUsdPerMillion: 3,
  completionUsdPerMillion: 17,
  cacheReadUsdPerMillion: 0.5,
  cacheWriteUsdPerMillion: 4,
  maxOutputTokens: 4_000,
  contextTokens: 400_000,
};

const DEFINITION: GatewayDefinition = {
  providers: { openai: {}, anthropic: {} },
  prices: { 'openai/mock*': MOCK_PRICE, 'anthropic/mock*': MOCK_PRICE },
};

/** @param overrides replaces members of the configuration, and parts of the gateway */
export async function startLocalGateway(
  overrides: {
    readonly config?: Partial<GatewayDefinition>;
    readonly gateway?: Partial<Gateway>;
    readonly environment?: Readonly<Record<string, string>>;
    /** @default real time, with short waits */
    readonly clock?: Clock;
    /** Of the store at this address. @default one that nothing happens to */
    readonly client?: (endpoint: string) => DynamoDBClient;
    /** Another one whose engine and upstream it uses, as another process would; it is to be closed first. */
    readonly beside?: LocalGateway;
  } = {},
): Promise<LocalGateway> {
  const { beside } = overrides;
  const [engine, mock] =
    beside === undefined
      ? await Promise.all([startTestEngine(), startMockUpstream()])
      : [beside.engine, beside.mock];
  const environment: Record<string, string | undefined> = {
    OPENAI_API_KEY: 'openai-credential',
    ANTHROPIC_API_KEY: 'anthropic-credential',
    SLUICE_OPENAI_BASE_URL: `${mock.url}/v1`,
    SLUICE_ANTHROPIC_BASE_URL: mock.url,
    ...overrides.environment,
  };
  const log = new TextSink();
  const telemetry = plainLog({ output: log, problems: log });
  const config = defineGateway({ ...DEFINITION, ...overrides.config });
  const store = {
    ...engine.store(overrides.client?.(engine.endpoint)),
    ...(overrides.clock !== undefined && { clock: overrides.clock }),
  };
  const host: Host = {
    config,
    store,
    telemetry,
    ...localProviders(config, environment),
    vectors: localVectorIndex(store),
  };
  const gateway: Gateway = {
    ...composeGateway(host, async () => 'answer-secret-of-the-tests'),
    ...overrides.gateway,
  };
  const server = await serve(inferenceApplication(gateway), {
    host: '127.0.0.1',
    port: 0,
    problem: (message, error) => telemetry.problem(message, error),
  });
  const keys = dynamoKeyStore(store);

  return {
    url: server.url,
    mock,
    engine,
    host,
    store,
    gateway,
    environment,
    log: () => log.text,
    async createKey(settings = {}) {
      const secret = `sk-slu-${newId()}${newId()}`;
      const key = newKey(store.clock.now(), settings);
      await keys.create(key, hashSecret(secret));
      return { key, secret };
    },
    revokeKey: (key) => keys.update({ ...key, state: 'revoked', revokedAtMs: store.clock.now() }),
    record: (answer) =>
      closedRecord(gateway, typeof answer === 'string' ? answer : (answer.headers.get('x-request-id') ?? '')),
    async counters(key) {
      await folded(store);
      const counters = await gateway.ledger.counters({ kind: 'key', id: key.id });
      if (counters === undefined) throw new Error(`The key ${key.id} has no scope.`);
      return counters;
    },
    upkeep: (changed = {}) => ({
      ...callParts(host),
      keys,
      scopes: dynamoScopeStore(store),
      ledger: { ...dynamoLedger(store), ...dynamoLedgerUpkeep(store) },
      routing: dynamoRoutingUpkeep(store),
      sendNotice: async () => {},
      ...changed,
    }),
    async close() {
      await server.close(1_000);
      if (beside !== undefined) return;
      await mock.close();
      await engine.stop();
    },
  };
}

const newKey = (nowMs: number, settings: Partial<VirtualKey>): VirtualKey => ({
  ...newVirtualKey({
    id: virtualKeyId(`key_${newId()}`),
    name: 'test key',
    createdAtMs: nowMs,
    hint: 'test',
  }),
  ...settings,
});

/** A budget in dollars. */
export const budget = (usd: number, settings: Partial<Budget> = {}): Budget => ({
  window: 'total',
  limit: nanoFromUsd(usd),
  mode: 'hard',
  softLimits: [],
  ...settings,
});

const CLOSED_WITHIN_MS = 5_000;

async function closedRecord(gateway: Gateway, id: string): Promise<RequestRecord> {
  const deadlineMs = performance.now() + CLOSED_WITHIN_MS;
  for (;;) {
    const record = await gateway.ledger.find(requestId(id));
    if (record !== undefined) return record;
    if (performance.now() > deadlineMs) throw new Error(`There is no record of "${id}".`);
    await sleep(10);
  }
}

/** Every purse is looked at by then, and no request of a test has expired. */
const FOLD_IN_MS = 120_000;

/** Brings what purses hold into their scopes, and waits for those that requests still use. */
export async function folded(store: Store): Promise<void> {
  const deadlineMs = performance.now() + CLOSED_WITHIN_MS / 2;
  for (;;) {
    const later = store.clock.now() + FOLD_IN_MS;
    const { open } = await dynamoLedgerUpkeep(store).sweep(later, Number.MAX_SAFE_INTEGER);
    if (open === 0 || performance.now() > deadlineMs) return;
    await sleep(10);
  }
}

/** Waits until a condition holds. @throws Error saying what was waited for, after five seconds */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + CLOSED_WITHIN_MS;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited in vain until ${what}.`);
    await sleep(10);
  }
}
