import { GatewayError } from '../domain/errors.ts';
import type { ScopePolicy } from '../domain/money/budget.ts';
import { decimalUsd, type NanoUsd, nanoUsd, usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import { BUDGET_WINDOWS, windowEndsAtMs, windowIdsAt } from '../domain/money/window.ts';
import type { Reservation } from '../domain/request-record.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import type { ReserveOutcome } from '../ports/ledger.ts';
import { authenticateAgain } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { affordableOutput, hardBudgets, outputTokens, type Quote, quoteFor, shareOf } from './quote.ts';
import { tightest } from './remainder-cache.ts';

/** Leave to call: the money is set aside. */
export interface Admission {
  readonly reservation: Reservation;
  /** What the money was set aside for. */
  readonly quote: Quote;
  /** The bound on completion tokens to send where the caller gave none and a hard budget needs one. */
  readonly outputBound: number | undefined;
}

type Refusal = Extract<ReserveOutcome, { type: 'refused' }>;

/** How long after its deadline a reservation is left alone by the sweep. */
const SWEEP_GRACE_MS = 30_000;
/** Below this an answer is not worth having, and the caller hears how much would fit instead. */
const LEAST_OUTPUT_TOKENS = 16;

/** What makes one deployment too dear for a budget, but not the next. */
const MONEY_REFUSALS: ReadonlySet<string> = new Set(['budget_exceeded', 'price_unknown', 'cost_unbounded']);

/** Whether a deployment was refused for its cost: another one may be cheaper. */
export const isRefusedForMoney = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && MONEY_REFUSALS.has(error.code);

/** `policy-changed`: the key is no longer what the plan was made under; read it again and plan again. */
type AdmitOutcome =
  | { readonly type: 'admitted'; readonly admission: Admission }
  | { readonly type: 'policy-changed' };

/**
 * Sets the money for a deployment aside. When the answer's length is ours to choose and the budget is nearly used up, the
 * answer is made shorter rather than refused.
 * @throws GatewayError `budget_exceeded`, `price_unknown`, `cost_unbounded`, `store_unavailable`
 */
export async function admit(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
): Promise<AdmitOutcome> {
  let outputBound = initialOutputBound(gateway, exchange, deployment);
  for (;;) {
    const quote = quoteFor(gateway, exchange, deployment, outputBound);
    const reservation = newReservation(gateway, exchange, nanoUsd(quote.estimate + comparingBound(exchange)));
    const outcome = await gateway.ledger.reserve(exchange.facts, reservation);
    switch (outcome.type) {
      case 'reserved':
        return { type: 'admitted', admission: { reservation, quote, outputBound } };
      case 'stale-policy':
        return { type: 'policy-changed' };
      case 'refused': {
        const shorter = shorterOutput(gateway, exchange, quote, outcome, outputBound);
        if (shorter === undefined) throw budgetExceeded(gateway, exchange, quote, outcome);
        outputBound = shorter;
      }
    }
  }
}

/**
 * Makes sure the money set aside also covers another call, beside what earlier ones presumably cost: raised where it is
 * too little, kept where it is enough.
 * @throws as `admit`
 */
export async function admitNext(
  gateway: Gateway,
  exchange: Exchange,
  admission: Admission,
  deployment: Deployment,
): Promise<Admission> {
  const { outputBound, reservation } = admission;
  const quote = quoteFor(gateway, exchange, deployment, outputBound);
  const needed = nanoUsd(quote.estimate + exchange.presumedCost + comparingBound(exchange));
  // Where no hard budget could refuse it, a larger reservation would only cost a write.
  if (needed <= reservation.estimate || !quote.isHeld) return { ...admission, quote };
  const outcome = await gateway.ledger.raise(exchange.facts.id, reservation, needed);
  switch (outcome.type) {
    case 'reserved':
      return { ...admission, quote, reservation: { ...reservation, estimate: needed } };
    case 'refused': {
      // What this request holds itself is free for it, but for what its earlier calls presumably cost.
      const own = nanoUsd(outcome.committed - reservation.estimate + exchange.presumedCost);
      throw budgetExceeded(gateway, exchange, quote, { ...outcome, committed: own });
    }
    case 'stale-policy':
      await authenticateAgain(gateway, exchange.caller);
      throw new GatewayError('store_unavailable', 'The key was changed while the request ran. Try again.', {
        retryAfterSeconds: 1,
      });
  }
}

/** The scopes a key's requests are counted in. */
export const scopesOf = (key: VirtualKey): readonly ScopePolicy[] => [
  { scope: { kind: 'key', id: key.id }, policyVersion: key.policyVersion, budgets: key.budgets },
];

/** What comparing the request with earlier ones may cost, beside all calls. */
const comparingBound = ({ reuse }: Exchange): NanoUsd => reuse.cache?.comparison?.bound ?? ZERO_USD;

function newReservation(gateway: Gateway, exchange: Exchange, estimate: NanoUsd): Reservation {
  return {
    estimate,
    scopes: scopesOf(exchange.caller.key),
    windows: windowIdsAt(gateway.clock.now()),
    expiresAtMs: exchange.deadlineMs + SWEEP_GRACE_MS,
  };
}

/** Only a hard budget makes us bound what the caller left open; where it is known to be low, by a share of what is left. */
function initialOutputBound(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
): number | undefined {
  const { chat } = exchange.request;
  const { key } = exchange.caller;
  if (chat.maxOutputTokens !== undefined || hardBudgets(key).length === 0) return undefined;
  const price = gateway.prices.find(deployment.provider, deployment.model);
  const full = outputTokens(gateway, exchange, price, undefined);
  const states = scopesOf(key).flatMap((scope) => gateway.remainders.states(scope, gateway.clock.now()));
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
  refusal: Refusal,
  outputBound: number | undefined,
): number | undefined {
  if (outputBound === undefined) return undefined;
  const left = nanoUsd(refusal.limit - refusal.committed - comparingBound(exchange));
  const tokens = affordableShare(gateway, exchange, quote, left);
  return tokens >= LEAST_OUTPUT_TOKENS && tokens < outputBound ? tokens : undefined;
}

const affordableShare = (gateway: Gateway, exchange: Exchange, quote: Quote, remaining: NanoUsd): number =>
  affordableOutput(exchange, quote, shareOf(remaining, gateway.config.largestShareOfRemainder));

function budgetExceeded(gateway: Gateway, exchange: Exchange, quote: Quote, refusal: Refusal): GatewayError {
  const left = refusal.limit > refusal.committed ? nanoUsd(refusal.limit - refusal.committed) : ZERO_USD;
  const estimate = nanoUsd(quote.estimate + comparingBound(exchange));
  const affordable = affordableOutput(exchange, quote, nanoUsd(left - comparingBound(exchange)));
  const window = BUDGET_WINDOWS.find((name) => refusal.window.startsWith(name)) ?? 'total';
  const resetsAtMs = windowEndsAtMs(window, gateway.clock.now());
  const { kind, id } = refusal.scope.scope;
  return new GatewayError(
    'budget_exceeded',
    `The ${window} budget of this ${kind} does not hold this request: it may cost $${decimalUsd(estimate)}, and $${decimalUsd(left)} of $${decimalUsd(refusal.limit)} are left. ${advice(exchange, affordable)}`,
    {
      metadata: {
        scope: kind,
        scope_id: id,
        window,
        limit_usd: usdFromNano(refusal.limit),
        spent_usd: usdFromNano(refusal.spent),
        reserved_usd: usdFromNano(nanoUsd(refusal.committed - refusal.spent)),
        estimate_usd: usdFromNano(estimate),
        resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
        max_affordable_tokens: affordable,
      },
    },
  );
}

function advice({ request }: Exchange, affordableTokens: number): string {
  if (affordableTokens === 0) return 'Not even the prompt fits.';
  const asked = request.chat.maxOutputTokens;
  const given = asked === undefined ? 'It sets no limit on its answer' : `It asks for up to ${asked} tokens`;
  return `${given}; ${affordableTokens} would fit.`;
}
