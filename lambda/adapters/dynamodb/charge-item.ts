import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { RequestFacts, RequestOutcome } from '../../domain/request-record.ts';
import type { SpendCharge } from '../../ports/ledger.ts';
import { CHARGE_SHARDS } from '../../schema/tables.ts';
import { type Item, shardOf, textAttribute } from './attributes.ts';
import { isReported, UNKNOWN } from './purse.ts';
import { factsOfItem, outcomeOfItem } from './record-item.ts';

/** The partition of index `byDay` that holds a shard of a day (ISO date). */
export const chargePartition = (day: string, shard: number): string => `${day}#${shard}`;

/**
 * The attribute that puts what a request has come to into index `byDay`: nothing where it names no end user, session or
 * tag, or has no part in any report.
 */
export function chargeDayAttribute(
  { id, startedAtMs, endUser, session, tags }: RequestFacts,
  outcome: RequestOutcome,
): Record<string, AttributeValue> {
  const isNamed = endUser !== undefined || session !== undefined || Object.keys(tags).length > 0;
  if (!isNamed || !isReported(outcome)) return {};
  return { chargeDay: textAttribute(chargePartition(dayOf(startedAtMs), shardOf(id, CHARGE_SHARDS))) };
}

/** What an item of index `byDay` says of a request. */
export function chargeOfItem(item: Item): SpendCharge {
  const { provider = UNKNOWN, model = UNKNOWN, cost, usage } = outcomeOfItem(item);
  const { startedAtMs, ...facts } = factsOfItem(item);
  const { keyId, organization, team, project, member, endUser, session, tags } = facts;
  return {
    day: dayOf(startedAtMs),
    keyId,
    ...(organization !== undefined && { organization }),
    ...(team !== undefined && { team }),
    ...(project !== undefined && { project }),
    ...(member !== undefined && { member }),
    ...(endUser !== undefined && { endUser }),
    ...(session !== undefined && { session }),
    tags,
    provider,
    model,
    cost,
    promptTokens: usage?.promptTokens ?? 0,
    completionTokens: usage?.completionTokens ?? 0,
  };
}

const dayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);
