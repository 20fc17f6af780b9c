import type { GatewayError } from '../domain/errors.ts';
import type { KeptAnswer } from '../domain/kept-answer.ts';
import type { CacheHit } from '../domain/request-record.ts';
import type { Claim, ClaimState } from '../ports/claim-store.ts';
import type { CacheUse } from './cache-use.ts';
import type { Compared } from './compare.ts';
import type { Exchange } from './exchange.ts';
import type { Flight } from './flight.ts';
import type { Gateway } from './gateway.ts';
import { claimReceipt } from './receipt.ts';

/** An answer that was there already. */
export interface Replay {
  readonly how: CacheHit;
  readonly answer: KeptAnswer;
  /** How near the request it was made for is to this one, where both only mean the same. */
  readonly similarity?: number;
}

/** What an Idempotency-Key stands for at this moment: somebody's request, or a store that does not say. */
export interface Receipt {
  readonly claim: Claim;
  readonly state: ClaimState | GatewayError;
}

/** How answers that are kept, and those that are to be kept, concern one request. */
export interface Reuse {
  /** `undefined`: the cache is off, or was told to stay out. */
  readonly cache?: CacheUse | undefined;
  /** What the cache had. */
  readonly found?: Replay;
  /** Whether the cache was asked, and said that it had nothing. */
  readonly isMiss?: true;
  /** Of a request that was compared with earlier ones. */
  readonly compared?: Compared;
  /** Of a request with an Idempotency-Key. */
  readonly receipt?: Receipt;
  /** Others wait for this request's answer. */
  readonly flight?: Flight;
}

/**
 * Looks for an answer that is there already, and claims the request's Idempotency-Key: both beside the reservation, so that all of it
 * is one wait. Never throws: a cache that fails is as good as empty, and what became of the claim is asked for later.
 */
export async function lookUp(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { cache } = exchange.reuse;
  const [searched, receipt] = await Promise.all([
    cache === undefined ? undefined : search(gateway, exchange, cache),
    exchange.request.options.idempotencyKey === undefined ? undefined : claimReceipt(gateway, exchange),
  ]);
  exchange.reuse = {
    cache,
    ...searched,
    ...(receipt !== undefined && { receipt }),
  };
}

async function search(
  gateway: Gateway,
  exchange: Exchange,
  cache: CacheUse,
): Promise<Pick<Reuse, 'found' | 'isMiss'>> {
  if (!cache.reads) return {};
  try {
    const answer = await gateway.answers.get(cache.address);
    return isWanted(gateway, cache, answer) ? { found: { how: 'exact', answer } } : { isMiss: true };
  } catch (error) {
    const { id } = exchange.facts;
    gateway.telemetry.problem('The cache could not be read; the request goes on without it.', error, { id });
    return {};
  }
}

/** Whether an answer is there, and not older than the caller wants. */
export const isWanted = (
  { clock }: Gateway,
  { maxAgeMs = Number.POSITIVE_INFINITY }: CacheUse,
  answer: KeptAnswer | undefined,
): answer is KeptAnswer => answer !== undefined && clock.now() - answer.keptAtMs <= maxAgeMs;

/** Does what may fail without harm to the request. */
export async function attemptQuietly(
  gateway: Gateway,
  exchange: Exchange,
  what: string,
  work: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    gateway.telemetry.problem(what, error, { id: exchange.facts.id });
    return false;
  }
}
