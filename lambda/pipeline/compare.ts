import type { SemanticCacheSettings } from '../domain/gateway-config.ts';
import type { NanoUsd } from '../domain/money/nano.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import type { VectorIndex } from '../ports/vector-index.ts';
import type { CacheUse } from './cache-use.ts';
import { embed } from './embed.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { attemptQuietly, isWanted, type Replay } from './reuse.ts';

/** What came of asking for the vector of a request's last turn. */
export interface Compared {
  /** `undefined`: there is none, and nothing to compare with. */
  readonly vector: readonly number[] | undefined;
  readonly cost: NanoUsd;
  /** The cost is an upper bound, as nobody said what it was. */
  readonly isEstimated: boolean;
}

/**
 * The answer to an earlier request that means the same, at least as similar as the operator demands; `undefined` where there
 * is none. Never throws: whatever fails, or takes longer than the operator allows, is a miss.
 */
export async function meantTheSame(gateway: Gateway, exchange: Exchange): Promise<Replay | undefined> {
  const { cache, isMiss } = exchange.reuse;
  const settings = gateway.config.semanticCache;
  const { vectors } = gateway;
  const isComparable = cache?.comparison !== undefined && isMiss === true;
  if (!isComparable || settings === undefined || vectors === undefined) return undefined;
  const signal = timeLimit(gateway, exchange, settings);
  const startedMs = gateway.clock.monotonicMs();
  exchange.timings['overhead'] ??= startedMs - exchange.startedMs;
  const compared = await embed(gateway, {
    requestId: exchange.facts.id,
    settings,
    text: cache.comparison.text,
    signal,
    callerHeaders: exchange.request.headers,
  });
  exchange.reuse = { ...exchange.reuse, compared };
  const { vector } = compared;
  let found: Replay | undefined;
  if (vector !== undefined)
    await attemptQuietly(
      gateway,
      exchange,
      'A request could not be compared with earlier ones.',
      async () => {
        const finding = findSimilar(gateway, { cache, settings, vectors, vector, signal });
        found = await Promise.race([finding, rejectedBy(signal)]);
      },
    );
  exchange.timings['compare'] = gateway.clock.monotonicMs() - startedMs;
  return found;
}

/** Lets later requests find an answer that has just been kept. A failure costs a hit. */
export async function rememberTurn(
  gateway: Gateway,
  exchange: Exchange,
  kept: { readonly address: AnswerAddress; readonly expiresAtMs: number },
): Promise<void> {
  const { cache, compared } = exchange.reuse;
  const { vectors } = gateway;
  const [within, vector] = [cache?.comparison?.within, compared?.vector];
  if (within === undefined || vector === undefined || vectors === undefined) return;
  await attemptQuietly(gateway, exchange, 'The vector of a kept answer could not be kept.', async () => {
    const [partition, id] = await Promise.all([within, kept.address].map(gateway.answers.nameOf));
    if (partition !== undefined && id !== undefined)
      await vectors.put({ id, partition, vector, expiresAtMs: kept.expiresAtMs });
  });
}

/** Ends when the operator's time for comparing is over, or the request's, or when the caller leaves. */
function timeLimit({ clock }: Gateway, exchange: Exchange, settings: SemanticCacheSettings): AbortSignal {
  const leftMs = Math.min(settings.timeoutMs, exchange.deadlineMs - clock.now());
  return AbortSignal.any([exchange.signal, AbortSignal.timeout(Math.max(1, leftMs))]);
}

interface Search {
  readonly cache: CacheUse;
  readonly settings: SemanticCacheSettings;
  readonly vectors: VectorIndex;
  readonly vector: readonly number[];
  readonly signal: AbortSignal;
}

async function findSimilar(gateway: Gateway, search: Search): Promise<Replay | undefined> {
  const { cache, settings, vectors, vector, signal } = search;
  if (cache.comparison === undefined) return undefined;
  const { within } = cache.comparison;
  const partition = await gateway.answers.nameOf(within);
  const nearest = await vectors.nearest({ partition, vector, nowMs: gateway.clock.now(), signal });
  if (nearest === undefined || !(nearest.similarity >= settings.threshold)) return undefined;
  const answer = await gateway.answers.getNamed(within.scope, nearest.id);
  return isWanted(gateway, cache, answer)
    ? { how: 'semantic', answer, similarity: nearest.similarity }
    : undefined;
}

/** Gives up what does not itself look at the signal. */
const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
