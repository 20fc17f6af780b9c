import {
  type AttributeValue,
  ConditionalCheckFailedException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type DeploymentId, deploymentId } from '../../domain/ids.ts';
import {
  addOutcomes,
  type DeploymentHealth,
  type HealthTable,
  NO_OUTCOMES,
  type OutcomeCounts,
} from '../../domain/routing/health.ts';
import type { RoutingStore, RoutingUpkeep } from '../../ports/routing-store.ts';
import { OUTCOME_SHARDS } from '../../schema/tables.ts';
import {
  decodeFields,
  encodeFields,
  type Fields,
  fractionField,
  type Item,
  integerField,
  numberAttribute,
  readNumber,
  readText,
  textAttribute,
} from './attributes.ts';
import { queryPartition } from './query.ts';
import { forEachConcurrently, type Store, withRetries } from './store.ts';

/** Outcomes matter for five minutes; an hour leaves room to look back. */
const OUTCOMES_KEPT_SECONDS = 3600;
/** A deployment nobody used or probed for a week is forgotten, which makes its health 1 again. */
const HEALTH_KEPT_SECONDS = 7 * 86_400;
const CONCURRENCY = 16;
/** The service's bound for a sort key. A deployment with a longer name (callers can write any) is not remembered. */
const SORT_KEY_BYTES = 1024;

const HEALTH = 'health';

const healthFields: Fields<Omit<DeploymentHealth, 'deployment'>> = {
  health: fractionField,
  cooldownUntilMs: integerField,
  lastUsedAtMs: integerField,
  lastProbeAtMs: integerField,
  meanTimeToFirstTokenMs: integerField,
  updatedAtMs: integerField,
};

/** What inference reads and writes of table `routing`. */
export const dynamoRoutingStore = (store: Store): RoutingStore => ({
  health: () => readHealth(store),
  addOutcomes: (minute, outcomes) => writeOutcomes(store, minute, outcomes),
  coolDown: (deployment, untilMs) => coolDown(store, deployment, untilMs),
});

/** What upkeep reads and writes of table `routing`. */
export const dynamoRoutingUpkeep = (store: Store): RoutingUpkeep => ({
  health: () => readHealth(store),
  outcomes: (minute, minutes) => readOutcomes(store, minute, minutes),
  writeHealth: (health) => writeHealth(store, health),
  addProbeSpend: (month, amount) => addProbeSpend(store, month, amount),
});

async function readHealth(store: Store): Promise<HealthTable> {
  const nowSeconds = store.clock.now() / 1000;
  const table = new Map<DeploymentId, DeploymentHealth>();
  for await (const item of readPartition(store, HEALTH)) {
    // The service deletes expired items late.
    if ((readNumber(item, 'expiresAtSeconds') ?? 0) <= nowSeconds) continue;
    const deployment = deploymentId(readText(item, 'sk'));
    table.set(deployment, { ...decodeFields(healthFields, item), deployment });
  }
  return table;
}

/**
 * One update for each deployment, in a shard drawn for this environment's minute. An answer that is lost is sent again and
 * may count twice: health is a share, and this is a minute of one environment.
 */
async function writeOutcomes(
  store: Store,
  minute: number,
  outcomes: ReadonlyMap<DeploymentId, OutcomeCounts>,
): Promise<void> {
  const partition = outcomesPartition(minute, Math.floor(store.clock.random() * OUTCOME_SHARDS));
  const storable = [...outcomes].filter(([deployment]) => isStorable(deployment));
  await forEachConcurrently(storable, CONCURRENCY, async ([deployment, counts]) => {
    await updateRouting(store, {
      key: routingKey(partition, deployment),
      expression:
        'ADD successes :successes, failures :failures, rateLimited :rateLimited, timedSuccesses :timed, timeToFirstTokenMs :time SET expiresAtSeconds = :keptUntil',
      values: {
        ':successes': numberAttribute(counts.successes),
        ':failures': numberAttribute(counts.failures),
        ':rateLimited': numberAttribute(counts.rateLimited),
        ':timed': numberAttribute(counts.timedSuccesses),
        ':time': numberAttribute(counts.timeToFirstTokenMs),
        ':keptUntil': numberAttribute(minute * 60 + OUTCOMES_KEPT_SECONDS),
      },
    });
  });
}

async function readOutcomes(
  store: Store,
  minute: number,
  minutes: number,
): Promise<ReadonlyMap<DeploymentId, OutcomeCounts>> {
  const partitions = Array.from({ length: minutes }, (_, ago) => minute - ago).flatMap((each) =>
    Array.from({ length: OUTCOME_SHARDS }, (_, shard) => outcomesPartition(each, shard)),
  );
  const sums = new Map<DeploymentId, OutcomeCounts>();
  await forEachConcurrently(partitions, CONCURRENCY, async (partition) => {
    for await (const item of readPartition(store, partition)) {
      const deployment = deploymentId(readText(item, 'sk'));
      sums.set(deployment, addOutcomes(sums.get(deployment) ?? NO_OUTCOMES, countsOfItem(item)));
    }
  });
  return sums;
}

const countsOfItem = (item: Item): OutcomeCounts => ({
  successes: readNumber(item, 'successes') ?? 0,
  failures: readNumber(item, 'failures') ?? 0,
  rateLimited: readNumber(item, 'rateLimited') ?? 0,
  timedSuccesses: readNumber(item, 'timedSuccesses') ?? 0,
  timeToFirstTokenMs: readNumber(item, 'timeToFirstTokenMs') ?? 0,
});

/** A deployment that nothing was known of is taken to be healthy but for the cooldown, and used now. */
async function coolDown(store: Store, deployment: DeploymentId, untilMs: number): Promise<void> {
  if (!isStorable(deployment)) return;
  const nowMs = store.clock.now();
  const endsLater = 'attribute_not_exists(cooldownUntilMs) OR cooldownUntilMs < :until';
  await updateRouting(store, {
    key: routingKey(HEALTH, deployment),
    expression:
      'SET cooldownUntilMs = :until, health = if_not_exists(health, :healthy), ' +
      'lastUsedAtMs = if_not_exists(lastUsedAtMs, :now), updatedAtMs = if_not_exists(updatedAtMs, :now), ' +
      'expiresAtSeconds = :keptUntil',
    values: {
      ':until': numberAttribute(untilMs),
      ':healthy': numberAttribute(1),
      ':now': numberAttribute(nowMs),
      ':keptUntil': numberAttribute(healthKeptUntil(nowMs)),
    },
    condition: endsLater,
  });
}

/** Writes what is known; what is `undefined` stays as it stands. */
async function writeHealth(store: Store, health: DeploymentHealth): Promise<void> {
  if (!isStorable(health.deployment)) return;
  const attributes = {
    ...encodeFields<Omit<DeploymentHealth, 'deployment'>>(healthFields, health),
    expiresAtSeconds: numberAttribute(healthKeptUntil(health.updatedAtMs)),
  };
  await updateRouting(store, {
    key: routingKey(HEALTH, health.deployment),
    expression: `SET ${Object.keys(attributes)
      .map((name) => `${name} = :${name}`)
      .join(', ')}`,
    values: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`:${name}`, value])),
  });
}

/** An answer that is lost is sent again and may count twice: against the cap, never beyond it. */
async function addProbeSpend(store: Store, month: string, amount: bigint): Promise<bigint> {
  const updated = await updateRouting(store, {
    key: routingKey('probe-spend', month),
    expression: 'ADD spentNano :amount',
    values: { ':amount': numberAttribute(amount) },
  });
  return BigInt(updated?.['spentNano']?.N ?? '0');
}

interface RoutingUpdate {
  readonly key: Record<string, AttributeValue>;
  readonly expression: string;
  readonly values: Record<string, AttributeValue>;
  readonly condition?: string;
}

/** @returns the item as it is now; `undefined` where the condition did not hold */
const updateRouting = (store: Store, update: RoutingUpdate): Promise<Item | undefined> =>
  withRetries(store, async () => {
    try {
      const answer = await store.client.send(
        new UpdateItemCommand({
          TableName: store.tables.routing,
          Key: update.key,
          UpdateExpression: update.expression,
          ExpressionAttributeValues: update.values,
          ConditionExpression: update.condition,
          ReturnValues: 'ALL_NEW',
        }),
      );
      return answer.Attributes;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return undefined;
    }
  });

const readPartition = (store: Store, partition: string): AsyncGenerator<Item> =>
  queryPartition(store, { table: 'routing', attribute: 'pk', partition });

const routingKey = (partition: string, sort: string): Record<string, AttributeValue> => ({
  pk: textAttribute(partition),
  sk: textAttribute(sort),
});
const outcomesPartition = (minute: number, shard: number): string => `outcomes#${minute}#${shard}`;
const healthKeptUntil = (atMs: number): number => Math.floor(atMs / 1000) + HEALTH_KEPT_SECONDS;
const isStorable = (deployment: DeploymentId): boolean => Buffer.byteLength(deployment) <= SORT_KEY_BYTES;
