import { createHash } from 'node:crypto';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type DeploymentId, deploymentId, type VirtualKeyId, virtualKeyId } from '../../domain/ids.ts';
import { scopeName } from '../../domain/money/budget.ts';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';
import type { WindowId } from '../../domain/money/window.ts';
import type { Reservation } from '../../domain/request-record.ts';
import { cutText, type Item, readList, readNano, readNumber, readText, textAttribute } from './attributes.ts';

/**
 * A purse: an item that holds money leased from all shared scopes of a key's requests, so that a request writes to it
 * alone. `room` is what it may still promise, `spent` what its requests have cost since it was folded.
 */
export interface Purse {
  readonly name: string;
  readonly keyId: VirtualKeyId;
  readonly policyVersion: number;
  /** Names of the scopes whose money it holds. */
  readonly scopes: readonly string[];
  readonly windows: readonly WindowId[];
  readonly room: NanoUsd;
  readonly spent: NanoUsd;
  /** Reservations that stand in it. */
  readonly open: number;
  /** When it was last folded, or opened after it had been closed. */
  readonly foldedAtMs: number;
  /** When it was folded before that; 0 where it never was. */
  readonly foldedBeforeMs: number;
  /** Reservations that have left it, in all. */
  readonly leaves: number;
  /** Rises whenever it is opened, folded or closed. */
  readonly fence: number;
  /** It holds money of its scopes, and upkeep looks after it. */
  readonly isOpen: boolean;
  readonly entries: readonly PurseEntry[];
  readonly usage: readonly PurseUsage[];
}

/** A reservation, where it stands: in a purse, or in a scope that is its own purse. */
export interface PurseEntry {
  /** `<request id>.<leg>` */
  readonly id: string;
  /** As it is stored: what a change of it is conditioned on. */
  readonly text: string;
  readonly estimate: NanoUsd;
  readonly expiresAtMs: number;
  /** The sweep has taken it: its owner is too late. */
  readonly isTaken: boolean;
  readonly startedAtMs: number;
  readonly deployment: DeploymentId;
  /** In a purse: the names of the request's own scopes. In a scope of its own: the windows it counts in. */
  readonly beside: readonly string[];
}

/** What one model has cost since the purse was folded. */
export interface PurseUsage {
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly cost: NanoUsd;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const PARTITION = 'purse#';
const ENTRY = 'e:';
/** Longer names of models are cut, as in records: a purse stays small. */
const USAGE_NAME_BYTES = 200;

export const purseKey = (name: string): Record<string, AttributeValue> => ({
  pk: textAttribute(`${PARTITION}${name}`),
  sk: textAttribute('purse'),
});

/** The purse whose primary key an item holds. */
export const purseName = (item: Item): string => readText(item, 'pk').slice(PARTITION.length);

/**
 * One key's purses of one period, for requests that share the same scopes under the same limits: their names but for the
 * shard. What was leased under a limit that has been lowered, or an increase that has ended, is promised to nobody any more.
 */
export function purseFamily({ key, windows, shared }: Reservation): string {
  const terms = shared.map(({ scope, policyVersion, budgets }) => [
    scopeName(scope),
    policyVersion ?? '',
    ...budgets.map(({ window, mode, limit }) => `${window} ${mode} ${limit}`),
  ]);
  const variant = createHash('sha256').update(JSON.stringify(terms)).digest('hex').slice(0, 16);
  return `${key.id}#${key.policyVersion}#${windows[0] ?? ''}#${variant}`;
}

export const entryName = (id: string): string => `${ENTRY}${id}`;

/** A reservation as one short text. */
export const entryText = (entry: Omit<PurseEntry, 'id' | 'text'>): string =>
  JSON.stringify([
    String(entry.estimate),
    entry.isTaken ? -entry.expiresAtMs : entry.expiresAtMs,
    entry.startedAtMs,
    entry.deployment,
    ...entry.beside,
  ]);

/** Reservations that stand in an item. */
export const entriesOf = (item: Item): readonly PurseEntry[] =>
  Object.keys(item).flatMap((name) =>
    name.startsWith(ENTRY) ? [entryOf(name.slice(ENTRY.length), readText(item, name))] : [],
  );

/** A reservation from its text. */
export function entryOf(id: string, text: string): PurseEntry {
  // It was written by `entryText`.
  const [estimate, expiry, startedAtMs, deployment, ...beside] = JSON.parse(text) as [
    string,
    number,
    number,
    string,
    ...string[],
  ];
  return {
    id,
    text,
    estimate: nanoUsd(BigInt(estimate)),
    expiresAtMs: Math.abs(expiry),
    isTaken: expiry < 0,
    startedAtMs,
    deployment: deploymentId(deployment),
    beside,
  };
}

/** Attributes that count what one model has cost: requests, cost, prompt and completion tokens. */
export const usageNames = (provider: string, model: string): readonly [string, string, string, string] => {
  const name = JSON.stringify([cutText(provider, USAGE_NAME_BYTES), cutText(model, USAGE_NAME_BYTES)]);
  return [`un:${name}`, `uc:${name}`, `up:${name}`, `uo:${name}`];
};

export function purseOfItem(item: Item): Purse {
  const name = purseName(item);
  const [keyId = '', policyVersion] = name.split('#');
  return {
    name,
    keyId: virtualKeyId(keyId),
    policyVersion: Number(policyVersion),
    scopes: readList(item, 'scopes'),
    // They were written from window ids.
    windows: readList(item, 'windows') as readonly WindowId[],
    room: readNano(item, 'room'),
    spent: readNano(item, 'spent'),
    open: readNumber(item, 'open') ?? 0,
    foldedAtMs: readNumber(item, 'foldedAtMs') ?? 0,
    foldedBeforeMs: readNumber(item, 'foldedBeforeMs') ?? 0,
    leaves: readNumber(item, 'leaves') ?? 0,
    fence: readNumber(item, 'fence') ?? 0,
    isOpen: item['openShard'] !== undefined,
    entries: entriesOf(item),
    usage: usageOf(item),
  };
}

const usageOf = (item: Item): readonly PurseUsage[] =>
  Object.keys(item).flatMap((attribute) => {
    if (!attribute.startsWith('un:')) return [];
    // The name was made by `usageNames`.
    const [provider, model] = JSON.parse(attribute.slice(3)) as [string, string];
    const [requests, cost, prompt, completion] = usageNames(provider, model);
    return [
      {
        provider,
        model,
        requests: readNumber(item, requests) ?? 0,
        cost: readNano(item, cost),
        promptTokens: readNumber(item, prompt) ?? 0,
        completionTokens: readNumber(item, completion) ?? 0,
      },
    ];
  });
