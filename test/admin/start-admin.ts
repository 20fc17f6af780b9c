import { createHash, randomInt } from 'node:crypto';
import { Writable } from 'node:stream';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoRoutingStore, dynamoRoutingUpkeep } from '../../lambda/adapters/dynamodb/routing-store.ts';
import { addToCounters, scopeKey } from '../../lambda/adapters/dynamodb/scope-item.ts';
import { dynamoScopeStore } from '../../lambda/adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../../lambda/adapters/dynamodb/spend-reports.ts';
import { type Store, updateItem } from '../../lambda/adapters/dynamodb/store.ts';
import { updateBuilder } from '../../lambda/adapters/dynamodb/update.ts';
import { plainLog } from '../../lambda/adapters/plain-log/plain-log.ts';
import { systemClock } from '../../lambda/adapters/system-clock/system-clock.ts';
import { type AdminDependencies, adminApplication } from '../../lambda/admin/application.ts';
import { adminKeyAuthorizer } from '../../lambda/admin/authorize.ts';
import { newKeySecret } from '../../lambda/admin/key-secret.ts';
import { requestId, type SecretHash, secretHash, type VirtualKeyId } from '../../lambda/domain/ids.ts';
import { type Scope, scopeName } from '../../lambda/domain/money/budget.ts';
import { nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import { windowIdsAt } from '../../lambda/domain/money/window.ts';
import type { RequestFacts, RequestOutcome } from '../../lambda/domain/request-record.ts';
import { serve } from '../../lambda/platform/node-http.ts';
import type { Clock } from '../../lambda/ports/clock.ts';
import { startTestEngine } from '../support/engine.ts';
import { folded } from '../support/local-gateway.ts';
import { reservationOf } from '../support/reservations.ts';

export const ADMIN_KEY = 'an-admin-key-for-tests';

export const hashSecret = (secret: string): SecretHash =>
  secretHash(createHash('sha256').update(secret).digest('hex'));

const ID_ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const newId = (): string =>
  Array.from({ length: 16 }, () => ID_ALPHABET.charAt(randomInt(ID_ALPHABET.length))).join('');

/** An engine in memory with every adapter on it. */
export async function startStore(clock: Clock = systemClock) {
  const engine = await startTestEngine();
  const store: Store = { ...engine.store(), clock };
  return {
    store,
    clock,
    keys: dynamoKeyStore(store),
    scopes: dynamoScopeStore(store),
    ledger: dynamoLedger(store),
    reports: dynamoSpendReports(store),
    routing: dynamoRoutingStore(store),
    routingUpkeep: dynamoRoutingUpkeep(store),
    stop: () => engine.stop(),
  };
}
export type TestStore = Awaited<ReturnType<typeof startStore>>;

/** Keeps what is written, as text. */
class TextSink extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** The admin application on real HTTP. */
export async function startAdmin(store: TestStore, overrides: Partial<AdminDependencies> = {}) {
  const log = new TextSink();
  const application = adminApplication({
    keys: store.keys,
    scopes: store.scopes,
    ledger: store.ledger,
    reports: store.reports,
    clock: store.clock,
    newSecret: () => newKeySecret(randomInt),
    hashSecret,
    newId,
    authorize: adminKeyAuthorizer({ adminKey: ADMIN_KEY, hashSecret }),
    telemetry: plainLog({ output: log, problems: log }),
    ...overrides,
  });
  const server = await serve(application, {
    host: '127.0.0.1',
    port: 0,
    problem: (message, error) => log.write(`${message} ${String(error)}\n`),
  });
  const call = async (
    method: string,
    pathAndQuery: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = { authorization: `Bearer ${ADMIN_KEY}` },
  ) => {
    const response = await fetch(server.url + pathAndQuery, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  };
  return { url: server.url, log, call, close: () => server.close(1_000) };
}
export type TestAdmin = Awaited<ReturnType<typeof startAdmin>>;

// Tests look into whatever came; what is not there is undefined, and the expectation fails.
// biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
const jsonOf = (text: string): any => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const factsOf = (keyId: VirtualKeyId, startedAtMs: number): RequestFacts => ({
  id: requestId(`gen-${newId()}`),
  startedAtMs,
  keyId,
  tags: {},
  dialect: 'openai-chat',
  modelsAsked: ['demo'],
  stream: false,
});

const outcomeOf = (usd: number, provider: string, model: string): RequestOutcome => ({
  outcome: 'ok',
  attempts: [],
  provider,
  model,
  usage: { promptTokens: 100, completionTokens: 20 },
  cost: nanoFromUsd(usd),
  chargeBasis: 'exact',
  boundExceeded: false,
  durationMs: 10,
});

/** Spends under a key as a request does: reserve, then settle. */
export async function spend(
  store: TestStore,
  keyId: VirtualKeyId,
  {
    usd,
    provider = 'sim',
    model = 'small',
    ...who
  }: { usd: number; provider?: string; model?: string } & Partial<
    Pick<RequestFacts, 'endUser' | 'session' | 'tags'>
  >,
): Promise<void> {
  const key = await store.keys.find(keyId);
  if (key === undefined) throw new Error(`no key ${keyId}`);
  const nowMs = store.clock.now();
  const facts: RequestFacts = { ...factsOf(keyId, nowMs), ...who };
  const reserved = await store.ledger.reserve(facts, reservationOf(key, usd, nowMs));
  if (reserved.type !== 'reserved') throw new Error(`not reserved: ${reserved.type}`);
  await store.ledger.settle(facts, reserved.held, outcomeOf(usd, provider, model));
  await folded(store.store);
}

/** Counts money in a scope, as settled requests do. */
export async function count(
  { store, clock }: Pick<TestStore, 'store' | 'clock'>,
  scope: Scope,
  { spentUsd, committedUsd = spentUsd }: { spentUsd: number; committedUsd?: number },
): Promise<void> {
  const update = updateBuilder();
  addToCounters(update, windowIdsAt(clock.now()), {
    committed: nanoFromUsd(committedUsd),
    spent: nanoFromUsd(spentUsd),
  });
  await updateItem(store, scopeKey(scopeName(scope)), update.build());
}
