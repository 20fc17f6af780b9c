import { createServer, type Server } from 'node:net';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDynamoClient } from '../../../lambda/adapters/dynamodb/client.ts';
import { createTables } from '../../../lambda/adapters/dynamodb/create-tables.ts';
import { dynamoKeyStore } from '../../../lambda/adapters/dynamodb/key-store.ts';
import { dynamoLedger } from '../../../lambda/adapters/dynamodb/ledger.ts';
import { dynamoLedgerUpkeep } from '../../../lambda/adapters/dynamodb/ledger-upkeep.ts';
import { queryPartition } from '../../../lambda/adapters/dynamodb/query.ts';
import { dynamoRoutingStore, dynamoRoutingUpkeep } from '../../../lambda/adapters/dynamodb/routing-store.ts';
import { dynamoScopeStore } from '../../../lambda/adapters/dynamodb/scope-store.ts';
import { dynamoSpendReports } from '../../../lambda/adapters/dynamodb/spend-reports.ts';
import type { Store } from '../../../lambda/adapters/dynamodb/store.ts';
import { secretHash } from '../../../lambda/domain/ids.ts';
import type { ScopePolicy } from '../../../lambda/domain/money/budget.ts';
import { nanoUsd } from '../../../lambda/domain/money/nano.ts';
import { NO_RULES } from '../../../lambda/domain/scope-settings.ts';
import { startTestEngine, type TestEngine } from '../../support/engine.ts';
import { faultyClient } from '../../support/faulty-client.ts';
import {
  facts,
  hard,
  outcome,
  reservation,
  reserved,
  scopeWith,
  totalsOf,
  unique,
  virtualKey,
} from './fixtures.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.stop());

/** Time that passes only while somebody waits, so that an outage costs a test nothing. */
function impatient(store: Store): Store {
  let nowMs = 0;
  const clock = {
    ...store.clock,
    monotonicMs: () => nowMs,
    sleep: async (durationMs: number) => {
      nowMs += durationMs;
    },
  };
  return { ...store, clock };
}

const policy: ScopePolicy = { scope: { kind: 'key', id: 'key_1' }, policyVersion: 1, budgets: [hard(10n)] };

/** Everything an adapter can be asked. */
const operations = (store: Store): Readonly<Record<string, () => Promise<unknown>>> => {
  const ledger = dynamoLedger(store);
  const upkeep = dynamoLedgerUpkeep(store);
  const keys = dynamoKeyStore(store);
  const request = facts(policy);
  const key = virtualKey({ team: 'search' });
  const scopes = dynamoScopeStore(store);
  const team = { kind: 'team', id: 'search' } as const;
  const settings = { ...NO_RULES, scope: team, name: '', metadata: {}, policyVersion: 0, createdAtMs: 0 };
  const held = { ...reservation([policy], 1n), purse: 'key_1#1#day:2026-11-20#0#0' };
  return {
    reserve: () => ledger.reserve(request, reservation([policy], 1n)),
    'reserve what never fits': () => ledger.reserve(request, reservation([policy], 11n)),
    raise: () => ledger.raise(request, held, nanoUsd(2n)),
    release: () => ledger.release(request, held),
    settle: () => ledger.settle(request, held, outcome(1n)),
    recordRefusal: () => ledger.recordRefusal(request, outcome(0n)),
    find: () => ledger.find(request.id),
    counters: () => ledger.counters(policy.scope),
    sweep: () => upkeep.sweep(Date.now(), Date.now() + 60_000),
    sendNotices: () => upkeep.sendNotices(async () => {}),
    pruneWindows: () => upkeep.pruneWindows(policy.scope, Date.now()),
    rollups: () => dynamoSpendReports(store).rollups('2026-11-20', '2026-11-21'),
    'create a key': () => keys.create(key, secretHash(unique('hash'))),
    'update a key': () => keys.update(key),
    'find a key': () => keys.findBySecret(secretHash('hash')),
    'read a key again': () => keys.again(key, []),
    'list keys': () => keys.list({ limit: 10 }),
    'list tags': () => keys.tags(),
    'find settings': () => scopes.find(team),
    'list settings': () => scopes.list('team', { limit: 10 }),
    'put settings': () => scopes.put(settings),
    health: () => dynamoRoutingStore(store).health(),
    coolDown: () => dynamoRoutingStore(store).coolDown('a' as never, 1),
    addProbeSpend: () => dynamoRoutingUpkeep(store).addProbeSpend('2026-11', 1n),
  };
};

describe('a store that is away', () => {
  test.each(Object.keys(operations({} as Store)))(
    'is store_unavailable, and retryable, for: %s',
    async (name) => {
      const unreachable = makeDynamoClient('http://127.0.0.1:1');
      await expect(operations(impatient(engine.store(unreachable)))[name]?.()).rejects.toMatchObject({
        code: 'store_unavailable',
        retryable: true,
      });
    },
  );

  test.each(['conflict', 'throttled', 'refused'] as const)(
    'is store_unavailable, with nothing reserved, when each write ends as: %s',
    async (fault) => {
      const standing = await scopeWith(engine.store(), [hard(1_000_000n)]);
      const client = faultyClient(engine.endpoint, (call) => (call.isWrite ? fault : undefined));
      const request = facts(standing);
      const reserved = dynamoLedger(impatient(engine.store(client))).reserve(
        request,
        reservation([standing], 10n),
      );
      await expect(reserved).rejects.toMatchObject({ code: 'store_unavailable' });
      const calm = dynamoLedger(engine.store());
      expect(await totalsOf(calm, standing)).toEqual({ committed: 0n, spent: 0n });
      expect(await calm.find(request.id)).toBeUndefined();
    },
  );

  test('is store_unavailable, with the record kept, when it goes away while a request settles', async () => {
    const standing = await scopeWith(engine.store(), [hard(1_000_000n)]);
    const calm = dynamoLedger(engine.store());
    const request = facts(standing);
    const held = reserved(await calm.reserve(request, reservation([standing], 10n)));
    const client = faultyClient(engine.endpoint, ({ command }) =>
      command === 'UpdateItemCommand' ? 'throttled' : undefined,
    );
    const settled = dynamoLedger(impatient(engine.store(client))).settle(request, held, outcome(7n));
    await expect(settled).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await calm.find(request.id)).toMatchObject({ cost: 7n });
  });

  test('is store_unavailable when its tables are not there', async () => {
    const store = {
      ...engine.store(),
      tables: { keys: 'none', spend: 'none', routing: 'none', cache: 'none' },
    };
    await expect(dynamoLedger(store).find(facts(policy).id)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });

  test('is store_unavailable when it accepts the connection and never answers', async () => {
    const silent: Server = createServer((socket) => socket.on('error', () => {}));
    const port = await new Promise<number>((resolve) => {
      silent.listen(0, '127.0.0.1', () => {
        const address = silent.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const store = engine.store(makeDynamoClient(`http://127.0.0.1:${port}`));
    await expect(dynamoLedger(store).find(facts(policy).id)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    store.client.destroy();
    silent.close();
  }, 15_000);

  test('lets a bug of ours through as what it is', async () => {
    const request = facts({ ...policy, scope: { kind: 'key', id: '' } });
    const broken = { ...outcome(1n), durationMs: Number.NaN };
    await expect(dynamoLedger(engine.store()).recordRefusal(request, broken)).rejects.not.toMatchObject({
      code: 'store_unavailable',
    });
  });
});

test('tables can be created a second time', async () => {
  await createTables(engine.store());
  await expect(createTables(engine.store())).resolves.toBeUndefined();
});

test('a table of an earlier version gets the indexes that came later, with what it holds', async () => {
  const store = {
    ...engine.store(),
    tables: { keys: 'old-keys', spend: 'old-spend', routing: 'old-routing', cache: 'old-cache' },
  };
  await store.client.send(
    new CreateTableCommand({
      TableName: 'old-spend',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  const item = {
    pk: { S: 'record#1' },
    sk: { S: 'record' },
    chargeDay: { S: 'd#1' },
    startedAtMs: { N: '1' },
  };
  await store.client.send(new PutItemCommand({ TableName: 'old-spend', Item: item }));
  await createTables(store);
  const found: unknown[] = [];
  const query = { table: 'spend', index: 'byDay', attribute: 'chargeDay', partition: 'd#1' } as const;
  for await (const each of queryPartition(store, query)) found.push(each);
  expect(found).toEqual([item]);
});
