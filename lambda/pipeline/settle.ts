import type { ErrorCode } from '../domain/errors.ts';
import { scopeName } from '../domain/money/budget.ts';
import { ZERO_USD } from '../domain/money/nano.ts';
import type { RequestOutcome } from '../domain/request-record.ts';
import { scopesOf } from './admit.ts';
import type { Answer } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import type { Metered } from './meter.ts';
import { budgetStates } from './remainder-cache.ts';

/** How a request ended without an answer: refused by us, failed upstream, or left by its caller. */
export function outcomeWithoutAnswer(
  gateway: Gateway,
  exchange: Exchange,
  outcome: 'client-gone' | ErrorCode,
): RequestOutcome {
  return {
    outcome,
    attempts: exchange.attempts,
    cost: ZERO_USD,
    chargeBasis: 'exact',
    boundExceeded: false,
    ...durations(gateway, exchange),
  };
}

/** How an answer ended, from what was seen of it. */
export function outcomeOfAnswer(
  gateway: Gateway,
  exchange: Exchange,
  answer: Answer,
  metered: Metered,
): RequestOutcome {
  const { target, committed, admission } = answer;
  const cost = metered.cost.total;
  return {
    outcome: endingCode(metered),
    attempts: exchange.attempts,
    provider: target.deployment.provider,
    model: target.deployment.model,
    deployment: target.deployment.id,
    usage: metered.usage,
    cost,
    chargeBasis: metered.chargeBasis,
    boundExceeded: target.price !== undefined && cost > admission.reservation.estimate,
    timeToFirstTokenMs: Math.round(committed.timeToFirstTokenMs),
    ...durations(gateway, exchange),
    ...(metered.upstreamId !== undefined && { upstreamId: metered.upstreamId }),
    ...(metered.finishReason !== undefined && { finishReason: metered.finishReason }),
    ...(target.price !== undefined && { priceVersion: target.price.version }),
  };
}

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
 * Replaces the estimate by what the request really cost, tells whoever has to hear that a soft limit was crossed, and
 * passes on what was learnt of the deployment. A store that fails here loses nothing: the sweep charges the estimate.
 */
export async function settle(gateway: Gateway, exchange: Exchange, outcome: RequestOutcome): Promise<void> {
  noteHealth(gateway, outcome);
  const startedMs = gateway.clock.monotonicMs();
  try {
    await Promise.all([settleMoney(gateway, exchange, outcome), gateway.health.flush()]);
    gateway.telemetry.measure({ name: 'SettlementLag', value: gateway.clock.monotonicMs() - startedMs });
  } catch (error) {
    const id = exchange.facts.id;
    gateway.telemetry.problem('A request could not be settled; the sweep will charge its estimate.', error, {
      id,
    });
  }
}

function noteHealth(gateway: Gateway, outcome: RequestOutcome): void {
  if (outcome.deployment === undefined || outcome.outcome === 'client-gone') return;
  const { deployment, timeToFirstTokenMs = 0 } = outcome;
  gateway.health.saw(
    deployment,
    outcome.outcome === 'ok' ? { type: 'success', timeToFirstTokenMs } : { type: 'failure' },
  );
}

async function settleMoney(gateway: Gateway, exchange: Exchange, outcome: RequestOutcome): Promise<void> {
  const counters = await gateway.ledger.settle(exchange.facts.id, outcome);
  gateway.remainders.remember(counters);
  const now = gateway.clock.now();
  const states = scopesOf(exchange.caller.key).flatMap((policy) => {
    const found = counters.find(({ scope }) => scopeName(scope) === scopeName(policy.scope));
    return found === undefined ? [] : budgetStates(policy, found, now);
  });
  const crossed = states.flatMap((state) =>
    state.budget.softLimits
      .filter((threshold) => Number(state.spent) >= threshold * Number(state.budget.limit))
      .filter((threshold) =>
        gateway.remainders.isNews(`${scopeName(state.policy.scope)} ${state.window} ${threshold}`),
      )
      .map((threshold) => ({ state, threshold })),
  );
  await Promise.all(
    crossed.map(({ state, threshold }) =>
      gateway.ledger.queueNotice({
        scope: state.policy.scope,
        scopeLabel: exchange.caller.key.name,
        window: state.window,
        threshold,
        limit: state.budget.limit,
        spent: state.spent,
        atMs: now,
      }),
    ),
  );
}
