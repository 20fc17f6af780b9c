import { GatewayError } from '../domain/errors.ts';
import type { RoutePlan } from '../domain/routing/plan.ts';
import type { Admission } from './admit.ts';
import { type CallOutcome, call } from './call.ts';
import { meantTheSame } from './compare.ts';
import { countedHere } from './count-tokens.ts';
import type { Exchange } from './exchange.ts';
import { madeMeanwhile } from './flight.ts';
import type { Gateway } from './gateway.ts';
import { givenBefore } from './receipt.ts';
import { replayedAnswer } from './replay.ts';

/**
 * The answer: the one given before under the same Idempotency-Key, else the one the cache has, else the one that is being made for the
 * same request, else one to a request that means the same, else a new one. Tokens that the provider of the model has no way to
 * count are counted here.
 * @throws GatewayError as `givenBefore` and `call` do
 */
export async function obtain(
  gateway: Gateway,
  exchange: Exchange,
  plan: RoutePlan,
  admission: Admission,
): Promise<CallOutcome> {
  const replay =
    (await givenBefore(gateway, exchange)) ??
    exchange.reuse.found ??
    (await madeMeanwhile(gateway, exchange)) ??
    (await meantTheSame(gateway, exchange));
  const answer = replay === undefined ? undefined : replayedAnswer(gateway, exchange, admission, replay);
  if (answer === undefined && replay?.how === 'idempotency')
    throw new GatewayError('idempotency_conflict', 'The answer to this request cannot be read any more.');
  return (
    answer ?? countedHere(gateway, exchange, plan, admission) ?? call(gateway, exchange, plan, admission)
  );
}
