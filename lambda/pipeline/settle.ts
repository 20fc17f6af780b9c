import type { ErrorCode } from '../domain/errors.ts';
import type { ScopeCounters } from '../domain/money/budget.ts';
import { nanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import type { RequestOutcome } from '../domain/request-record.ts';
import type { Answer } from './call.ts';
import type { AbortCause } from './deadline.ts';
import type { Exchange } from './exchange.ts';
import { isDeploymentsFault } from './failure.ts';
import type { Gateway } from './gateway.ts';
import type { Metered } from './meter.ts';
import { queueNotices } from './notices.ts';
import { deploymentNamed } from './plan.ts';
import type { Replay } from './reuse.ts';

/** How a request ended without an answer: refused by us, failed upstream, or left by its caller. */
export function outcomeWithoutAnswer(
  gateway: Gateway,
  exchange: Exchange,
  outcome: 'client-gone' | ErrorCode,
): RequestOutcome {
  const { compared } = exchange.reuse;
  const isEstimated = exchange.presumedCost > 0n || compared?.isEstimated === true;
  return {
    outcome,
    attempts: exchange.attempts,
    cost: nanoUsd(exchange.presumedCost + (compared?.cost ?? 0n)),
    chargeBasis: isEstimated ? 'estimated' : 'exact',
    ...embeddingOf(exchange),
    boundExceeded: false,
    ...durations(gateway, exchange),
    ...owedTo(gateway, exchange),
  };
}

/** Whom a request without an answer owes what it costs: who was called last, or else who made its vector. */
function owedTo(
  { config }: Gateway,
  { presumedCost, attempts, reuse }: Exchange,
): Pick<RequestOutcome, 'provider' | 'model' | 'deployment'> {
  const embedding = (reuse.compared?.cost ?? 0n) > 0n ? config.semanticCache?.embedding.id : undefined;
  const deployment = presumedCost > 0n ? attempts.at(-1)?.deployment : embedding;
  if (deployment === undefined) return {};
  const { provider, model } = deploymentNamed(config, deployment);
  return { deployment, provider, model };
}

/** How an answer ended, from what was seen of it. */
export function outcomeOfAnswer(
  gateway: Gateway,
  exchange: Exchange,
  answer: Answer,
  metered: Metered,
): RequestOutcome {
  const { target, committed, admission, replay } = answer;
  const { compared } = exchange.reuse;
  const cost = nanoUsd(metered.cost.total + exchange.presumedCost + (compared?.cost ?? 0n));
  const isEstimated = exchange.presumedCost > 0n || compared?.isEstimated === true;
  const reserved = exchange.held?.estimate ?? ZERO_USD;
  return {
    outcome: endingCode(metered),
    attempts: exchange.attempts,
    provider: target.deployment.provider,
    model: target.deployment.model,
    deployment: target.deployment.id,
    // What was not generated again is used by nobody.
    ...(replay === undefined ? { usage: metered.usage } : savingOf(replay)),
    cost,
    chargeBasis: isEstimated ? 'estimated' : metered.chargeBasis,
    ...embeddingOf(exchange),
    boundExceeded: admission.quote.isHeld && cost > reserved,
    ...durations(gateway, exchange),
    ...(exchange.request.chat.stream &&
      replay === undefined && { timeToFirstTokenMs: Math.round(committed.timeToFirstTokenMs) }),
    ...(metered.upstreamId !== undefined && { upstreamId: metered.upstreamId }),
    ...(metered.finishReason !== undefined && { finishReason: metered.finishReason }),
    ...(target.price !== undefined && { priceVersion: target.price.version }),
  };
}

/** What comparing the request cost: part of its whole cost. */
const embeddingOf = ({ reuse }: Exchange): Pick<RequestOutcome, 'embeddingCost'> =>
  reuse.compared === undefined ? {} : { embeddingCost: reuse.compared.cost };

const savingOf = ({
  how,
  answer,
  similarity,
}: Replay): Pick<RequestOutcome, 'cacheHit' | 'savedCost' | 'similarity'> => ({
  cacheHit: how,
  ...(similarity !== undefined && { similarity }),
  savedCost: answer.cost.saved ?? answer.cost.total,
});

function endingCode({ ending }: Metered): RequestOutcome['outcome'] {
  if (ending === undefined) return 'client-gone';
  return ending === 'end' ? 'ok' : ending.code;
}

const durations = (
  gateway: Gateway,
  exchange: Exchange,
): Pick<RequestOutcome, 'durationMs' | 'overheadMs'> => ({
  durationMs: Math.round(gateway.clock.monotonicMs() - exchange.startedMs),
  ...(exchange.timings['overhead'] !== undefined && { overheadMs: exchange.timings['overhead'] }),
});

/**
 * Replaces the estimate by what the request really cost, queues the notices that are due, and passes on what was learnt
 * of the deployments. A store that fails here loses nothing: the sweep charges the estimate.
 */
export async function settle(gateway: Gateway, exchange: Exchange, outcome: RequestOutcome): Promise<void> {
  await Promise.all([
    settleMoney(gateway, exchange, outcome),
    exchange.rates?.settle(tokensUsed(outcome)),
    gateway.health.flush(),
    gateway.tags.refresh(),
  ]);
}

/** What the provider counted; `undefined` where nobody knows, so that what was set aside counts. */
function tokensUsed({ usage, cost, chargeBasis, cacheHit }: RequestOutcome): number | undefined {
  if (cacheHit !== undefined) return 0;
  if (usage === undefined) return cost === ZERO_USD ? 0 : undefined;
  if (chargeBasis === 'estimated') return undefined;
  return (usage.promptTokens ?? 0) + (usage.completionTokens ?? 0);
}

async function settleMoney(gateway: Gateway, exchange: Exchange, outcome: RequestOutcome): Promise<void> {
  const { facts, held } = exchange;
  const { id } = facts;
  if (held === undefined) throw new Error('A request is settled that was not admitted.');
  const startedMs = gateway.clock.monotonicMs();
  let counters: readonly ScopeCounters[];
  try {
    counters = await gateway.ledger.settle(facts, held, outcome);
  } catch (error) {
    gateway.telemetry.problem('A request could not be settled; the sweep will charge its estimate.', error, {
      id,
    });
    return;
  }
  gateway.telemetry.measure({ name: 'SettlementLag', value: gateway.clock.monotonicMs() - startedMs });
  gateway.remainders.remember(counters);
  try {
    await queueNotices(gateway, exchange, counters);
  } catch (error) {
    gateway.telemetry.problem('A budget notice could not be queued; the next request tries again.', error, {
      id,
    });
  }
}

/**
 * Notes how a deployment's answer went.
 * @param cause why the call was ended from our side, where it was
 */
export function noteAnswer(
  gateway: Gateway,
  { deployment, outcome, timeToFirstTokenMs, cacheHit }: RequestOutcome,
  cause: AbortCause | undefined,
): void {
  if (
    deployment === undefined ||
    cacheHit !== undefined ||
    (cause?.type === 'timeout' && !cause.isDeploymentsFault)
  )
    return;
  if (outcome === 'ok') gateway.health.saw(deployment, { type: 'success', timeToFirstTokenMs });
  else if (isDeploymentsFault(outcome)) gateway.health.saw(deployment, { type: 'failure' });
}
