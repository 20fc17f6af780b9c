import type { RequestFacts } from '../../domain/request-record.ts';
import type { SpendCharge } from '../../ports/ledger.ts';
import { CHARGE_SHARDS } from '../../schema/tables.ts';
import { type Item, shardOf } from './attributes.ts';
import { recordOfItem } from './record-item.ts';
import { UNKNOWN } from './rollup-item.ts';

/** The partition of index `byDay` that holds a shard of a day (ISO date). */
export const chargePartition = (day: string, shard: number): string => `${day}#${shard}`;

/**
 * The attribute `chargeDay` of a request's record, which puts it into index `byDay`; `undefined` where it names no end user,
 * session or tag, and so has no part in it. To be written once with what closes a record, as every change of an indexed
 * attribute costs a write more.
 */
export function chargeDayOf(
  facts: Pick<RequestFacts, 'id' | 'startedAtMs' | 'endUser' | 'session' | 'tags'>,
): string | undefined {
  const { id, startedAtMs, endUser, session, tags } = facts;
  if (endUser === undefined && session === undefined && Object.keys(tags).length === 0) return undefined;
  return chargePartition(dayOf(startedAtMs), shardOf(id, CHARGE_SHARDS));
}

/** What an item of index `byDay` says of a request; `undefined` while its cost is not known. */
export function chargeOfItem(item: Item): SpendCharge | undefined {
  const { startedAtMs, provider = UNKNOWN, model = UNKNOWN, cost, usage, ...record } = recordOfItem(item);
  if (cost === undefined) return undefined;
  const { keyId, organization, team, project, member, endUser, session, tags } = record;
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
