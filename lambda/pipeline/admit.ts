import { type ErrorCode, GatewayError } from '../domain/errors.ts';
import { type ScopePolicy, scopeName } from '../domain/money/budget.ts';
import { leaseTerms } from '../domain/money/lease.ts';
import { type NanoUsd, nanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import type { HeldReservation, Reservation } from '../domain/request-record.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { BudgetRefusal, ReserveOutcome } from '../ports/ledger.ts';
import { authenticateAgain, UNRESERVED_KEY_AGE_MS } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { budgetExceeded, callsExhausted } from './money-refusals.ts';
import { priceFor } from './price-for.ts';
import {
  affordableOutput,
  callOf,
  comparingBound,
  outputTokens,
  type Quote,
  quoteFor,
  shareOf,
  withComparing,
} from './quote.ts';
import { RateLimitExceeded, takeRates } from './rate-limits.ts';
import { tightest } from './remainder-cache.ts';
import { countedWindows, isHeldBy, ruledScopes, scopesFor } from './scopes.ts';
import { outcomeWithoutAnswer } from './settle.ts';

/** Leave to call: the money is set aside, as `exchange.held` says. */
export interface Admission {
  /** What the money was set aside for. */
  readonly quote: Quote;
  /** The bound on completion tokens to send where the caller gave none and a hard budget needs one. */
  readonly outputBound: number | undefined;
}

/** Their money is leased in one transaction, which takes a hundred items. */
const MOST_SHARED_SCOPES = 60;
/** How long after its deadline a reservation is left alone by the sweep. */
const SWEEP_GRACE_MS = 30_000;
/** Below this an answer is not worth having, and the caller hears how much would fit instead. */
const LEAST_OUTPUT_TOKENS = 16;

/** What makes one deployment too dear for a budget, but not the next. */
const MONEY_REFUSALS: ReadonlySet<string> = new Set(['budget_exceeded', 'price_unknown', 'cost_unbounded']);

/** Whether a limit refused a deployment: another one may be cheaper, or counted by other limits. */
export const isRefusedByLimit = (error: unknown): error is GatewayError =>
  error instanceof RateLimitExceeded || (error instanceof GatewayError && MONEY_REFUSALS.has(error.code));

/** `policy-changed`: the key is no longer what the plan was made under; read it again and plan again. */
type AdmitOutcome =
  | { readonly type: 'admitted'; readonly admission: Admission }
  | { readonly type: 'policy-changed' };

/**
 * Sets the money for a deployment aside, and looks beside it whether the key is still what the plan was made under: money
 * that a purse has at hand does not prove it. When the answer's length is ours to choose and the budget is nearly used up,
 * the answer is made shorter rather than refused.
 * @throws GatewayError `budget_exceeded`, `session_limit_exceeded`, `price_unknown`, `cost_unbounded`, `store_unavailable`
 */
export async function admit(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
): Promise<AdmitOutcome> {
  let outputBound = initialOutputBound(gateway, exchange, deployment);
  for (;;) {
    const quote = quoteFor(gateway, exchange, deployment, outputBound);
    const outcome = await reserveAndVerify(gateway, exchange, { deployment, quote });
    switch (outcome.type) {
      case 'reserved':
        if (gateway.clock.now() >= outcome.held.expiresAtMs) throw tooLate();
        return { type: 'admitted', admission: { quote, outputBound } };
      case 'stale-policy':
        return { type: 'policy-changed' };
      case 'calls-exhausted':
        throw callsExhausted(exchange, outcome.maxCalls);
      case 'refused': {
        const shorter = shorterOutput(gateway, exchange, quote, outcome, outputBound);
        if (shorter === undefined) throw budgetExceeded(gateway, exchange, quote, outcome);
        outputBound = shorter;
      }
    }
  }
}

/** Reserves, counts the request against rate limits, and looks at the key: all at the same time. */
async function reserveAndVerify(
  gateway: Gateway,
  exchange: Exchange,
  { deployment, quote }: { readonly deployment: Deployment; readonly quote: Quote },
): Promise<ReserveOutcome> {
  const { caller, facts } = exchange;
  const estimate = withComparing(exchange, quote);
  const reservation = newReservation(gateway, exchange, { deployment, estimate, leg: 0 });
  const [reserving, looking, counting] = await Promise.allSettled([
    gateway.ledger.reserve(facts, reservation),
    gateway.keys.isCurrent(caller.hash, caller, exchange.tags, UNRESERVED_KEY_AGE_MS),
    countRates(gateway, exchange, { deployment, quote }),
  ]);
  if (reserving.status === 'fulfilled' && reserving.value.type === 'reserved') {
    exchange.held = reserving.value.held;
    gateway.remainders.remember(reserving.value.counters);
  }
  const failed = [looking, counting, reserving].find((each) => each.status === 'rejected');
  if (failed !== undefined) {
    await giveBackMoney(gateway, exchange);
    throw failed.reason;
  }
  if (looking.status === 'fulfilled' && looking.value && reserving.status === 'fulfilled')
    return reserving.value;
  await giveBackWhatIsHeld(gateway, exchange);
  return { type: 'stale-policy', scope: reservation.shared[0] ?? noScope() };
}

const noScope = (): never => {
  throw new Error('Every request is counted in its key.');
};

/** Rates are counted once; a deployment that is tried instead adds the limits that count it alone. */
async function countRates(
  gateway: Gateway,
  exchange: Exchange,
  { deployment, quote }: { readonly deployment: Deployment; readonly quote: Quote },
): Promise<void> {
  if (exchange.rates !== undefined) return exchange.rates.also(deployment);
  exchange.rates = await takeRates(gateway, {
    scopes: ruledScopes(exchange.caller, exchange.tags).map(({ scope, rules: { rateLimits } }) => ({
      scope,
      rateLimits,
    })),
    deployment,
    tokens: quote.bound.promptTokens + quote.bound.completionTokens,
    expiresAtMs: exchange.deadlineMs + SWEEP_GRACE_MS,
  });
}

/** Gives back what a request holds that is refused, or planned anew: money, and its place under rate limits. */
export async function giveBackWhatIsHeld(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { rates } = exchange;
  exchange.rates = undefined;
  await Promise.all([giveBackMoney(gateway, exchange), rates?.cancel()]);
}

async function giveBackMoney(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { held, facts } = exchange;
  if (held === undefined) return;
  exchange.held = undefined;
  try {
    await gateway.ledger.release(facts, held);
  } catch (error) {
    gateway.telemetry.problem('A reservation could not be given back; it expires by itself.', error, {
      id: facts.id,
    });
  }
}

/** The process stood still while it reserved: the sweep may have taken the reservation for one that nobody uses. */
const tooLate = (): GatewayError =>
  new GatewayError(
    'store_unavailable',
    'The time of this request was over before it was admitted. Try again.',
  );

/**
 * Makes sure the money set aside also covers another call, beside what earlier ones presumably cost: raised where it is
 * too little, kept where it is enough. Where the next deployment has other budgets, money is set aside there instead, and
 * what the earlier calls cost is settled where it was.
 * @throws as `admit`
 */
export async function admitNext(
  gateway: Gateway,
  exchange: Exchange,
  admission: Admission,
  deployment: Deployment,
): Promise<Admission> {
  const quote = quoteFor(gateway, exchange, deployment, admission.outputBound);
  const { held } = exchange;
  if (held === undefined) throw new Error('A request is called that was not admitted.');
  await exchange.rates?.also(deployment);
  if (!isSameBudgets(held.shared, scopesFor(gateway, exchange, deployment).shared))
    await moveTo(gateway, exchange, { held, quote, deployment });
  else await raiseTo(gateway, exchange, { held, quote });
  return { ...admission, quote };
}

async function raiseTo(
  gateway: Gateway,
  exchange: Exchange,
  { held, quote }: { readonly held: HeldReservation; readonly quote: Quote },
): Promise<void> {
  const needed = nanoUsd(quote.estimate + exchange.presumedCost + comparingBound(exchange));
  // Where no hard budget could refuse it, a larger reservation would only cost a write.
  if (needed <= held.estimate || !quote.isHeld) return;
  const outcome = await gateway.ledger.raise(exchange.facts, held, needed);
  switch (outcome.type) {
    case 'reserved':
      exchange.held = outcome.held;
      return;
    case 'calls-exhausted':
      throw callsExhausted(exchange, outcome.maxCalls);
    case 'refused': {
      // What this request holds itself is free for it, but for what its earlier calls presumably cost.
      const own = nanoUsd(outcome.committed - held.estimate + exchange.presumedCost);
      throw budgetExceeded(gateway, exchange, quote, { ...outcome, committed: own });
    }
    case 'stale-policy':
      throw await keyChanged(gateway, exchange);
  }
}

const isSameBudgets = (a: readonly ScopePolicy[], b: readonly ScopePolicy[]): boolean =>
  a.length === b.length &&
  a.every(({ scope }, index) => scopeName(scope) === scopeName(b[index]?.scope ?? scope));

/** Reserves anew in the scopes that count the next deployment, then settles the earlier calls in theirs. */
async function moveTo(
  gateway: Gateway,
  exchange: Exchange,
  {
    held,
    quote,
    deployment,
  }: { readonly held: HeldReservation; readonly quote: Quote; readonly deployment: Deployment },
): Promise<void> {
  const reservation = newReservation(gateway, exchange, {
    deployment,
    estimate: withComparing(exchange, quote),
    leg: held.leg + 1,
  });
  const outcome = await gateway.ledger.reserve(exchange.facts, reservation);
  switch (outcome.type) {
    case 'reserved':
      exchange.held = outcome.held;
      return settleLeg(gateway, exchange, held);
    case 'calls-exhausted':
      throw callsExhausted(exchange, outcome.maxCalls);
    case 'refused':
      throw budgetExceeded(gateway, exchange, quote, outcome);
    case 'stale-policy':
      throw await keyChanged(gateway, exchange);
  }
}

/** What the earlier calls cost is settled where it was set aside. A store that fails here loses nothing: the sweep charges it. */
async function settleLeg(gateway: Gateway, exchange: Exchange, held: HeldReservation): Promise<void> {
  const { facts } = exchange;
  const outcome = outcomeWithoutAnswer(gateway, { ...exchange, reuse: {} }, lastOutcome(exchange));
  exchange.presumedCost = ZERO_USD;
  try {
    await gateway.ledger.settle(facts, held, outcome);
  } catch (error) {
    gateway.telemetry.problem('A part of a request could not be settled; the sweep will charge it.', error, {
      id: facts.id,
    });
  }
}

/** A later deployment is only called after an earlier one has failed, or could not be. */
function lastOutcome({ attempts }: Exchange): 'client-gone' | ErrorCode {
  const last = attempts.at(-1)?.outcome ?? 'no_healthy_deployment';
  return last === 'ok' ? 'internal' : last;
}

async function keyChanged(gateway: Gateway, exchange: Exchange): Promise<GatewayError> {
  await authenticateAgain(gateway, exchange.caller);
  return new GatewayError('store_unavailable', 'The key was changed while the request ran. Try again.', {
    retryAfterSeconds: 1,
  });
}

function newReservation(
  gateway: Gateway,
  exchange: Exchange,
  { deployment, estimate, leg }: Pick<Reservation, 'estimate' | 'leg'> & { readonly deployment: Deployment },
): Reservation {
  const { key, purseShards } = exchange.caller;
  const nowMs = gateway.clock.now();
  const { shared, own } = scopesFor(gateway, exchange, deployment);
  if (shared.length > MOST_SHARED_SCOPES)
    throw new GatewayError(
      'invalid_request',
      `The request counts in ${shared.length} scopes and parts of them; ${MOST_SHARED_SCOPES} are possible. Name fewer tags that have budgets.`,
      { param: 'metadata' },
    );
  return {
    estimate,
    leg,
    deployment: deployment.id,
    key: { id: key.id, policyVersion: key.policyVersion, purseShards },
    shared,
    own,
    // Of its beginning, however long it waited: its price is of then too.
    windows: countedWindows(shared, exchange.facts.startedAtMs),
    expiresAtMs: exchange.deadlineMs + SWEEP_GRACE_MS,
    terms: leaseTerms(shared, (policy) => gateway.remainders.counters(policy), {
      estimate,
      shards: purseShards,
      nowMs,
    }),
  };
}

/** Only a hard budget makes us bound what the caller left open; where it is known to be low, by a share of what is left. */
export function initialOutputBound(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
): number | undefined {
  const { chat } = exchange.request;
  const scopes = scopesFor(gateway, exchange, deployment);
  const isLimited = chat.maxOutputTokens !== undefined || chat.work !== undefined;
  if (isLimited || !isHeldBy(scopes)) return undefined;
  const price = priceFor(gateway, deployment, callOf(exchange));
  const full = outputTokens(gateway, exchange, price, undefined);
  const states = scopes.shared.flatMap((scope) => gateway.remainders.states(scope, gateway.clock.now()));
  const least = tightest(states.filter(({ budget }) => budget.mode === 'hard'));
  if (least === undefined) return full;
  const quote = quoteFor(gateway, exchange, deployment, full);
  const affordable = affordableShare(gateway, exchange, quote, least.remaining);
  return affordable < LEAST_OUTPUT_TOKENS ? full : Math.min(full, affordable);
}

/** A shorter answer that fits into what is left, if the length is ours to choose; `undefined` where it is not, or none fits. */
function shorterOutput(
  gateway: Gateway,
  exchange: Exchange,
  quote: Quote,
  refusal: BudgetRefusal,
  outputBound: number | undefined,
): number | undefined {
  if (outputBound === undefined) return undefined;
  const left = nanoUsd(refusal.limit - refusal.committed - comparingBound(exchange));
  const share = affordableShare(gateway, exchange, quote, left);
  // Of what is nearly nothing, a share would be nothing.
  const tokens = share >= LEAST_OUTPUT_TOKENS ? share : affordableOutput(exchange, quote, left);
  return tokens >= LEAST_OUTPUT_TOKENS && tokens < outputBound ? tokens : undefined;
}

const affordableShare = (gateway: Gateway, exchange: Exchange, quote: Quote, remaining: NanoUsd): number =>
  affordableOutput(exchange, quote, shareOf(remaining, gateway.config.largestShareOfRemainder));
