import { GatewayError } from '../domain/errors.ts';
import { boundPrompt, type PromptBound, unboundedFeatures } from '../domain/money/bound.ts';
import type { Budget, ScopePolicy } from '../domain/money/budget.ts';
import { affordableCompletionTokens, type CallBound, estimateCost } from '../domain/money/cost.ts';
import { type NanoUsd, nanoUsd, usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';
import { BUDGET_WINDOWS, windowEndsAtMs, windowIdsAt } from '../domain/money/window.ts';
import type { Reservation } from '../domain/request-record.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { VirtualKey } from '../domain/virtual-key.ts';
import type { ReserveOutcome } from '../ports/ledger.ts';
import { authenticateAgain } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { tightest } from './remainder-cache.ts';

/** Leave to call: the money is set aside. */
export interface Admission {
  readonly reservation: Reservation;
  /** The bound on completion tokens to send where the caller gave none and a hard budget needs one. */
  readonly outputBound: number | undefined;
}

/** What a call of one deployment may cost: `undefined` price and no hard budget means it is let through unestimated. */
interface Quote {
  readonly price: Price | undefined;
  readonly bound: CallBound;
  readonly estimate: NanoUsd;
}

type Refusal = Extract<ReserveOutcome, { type: 'refused' }>;

/** How long after its deadline a reservation is left alone by the sweep. */
const SWEEP_GRACE_MS = 30_000;
/** Below this an answer is not worth having, and the caller hears how much would fit instead. */
const LEAST_OUTPUT_TOKENS = 16;

/** `policy-changed`: the key is no longer what the plan was made under; read it again and plan again. */
type AdmitOutcome =
  | { readonly type: 'admitted'; readonly admission: Admission }
  | { readonly type: 'policy-changed' };

/**
 * Sets the money for the first deployment aside. When the answer's length is ours to choose and the budget is nearly
 * used up, the answer is made shorter rather than refused.
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
    const reservation = newReservation(gateway, exchange, quote.estimate);
    const outcome = await gateway.ledger.reserve(exchange.facts, reservation);
    switch (outcome.type) {
      case 'reserved':
        return { type: 'admitted', admission: { reservation, outputBound } };
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
 * Makes sure the money set aside also covers another deployment: raised where it is dearer, kept where it is not.
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
  if (quote.estimate <= reservation.estimate) return admission;
  const outcome = await gateway.ledger.raise(exchange.facts.id, reservation, quote.estimate);
  switch (outcome.type) {
    case 'reserved':
      return { ...admission, reservation: { ...reservation, estimate: quote.estimate } };
    case 'refused':
      throw budgetExceeded(gateway, exchange, quote, outcome);
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

const hardBudgets = (key: VirtualKey): readonly Budget[] =>
  key.budgets.filter((budget) => budget.mode === 'hard');

function newReservation(gateway: Gateway, exchange: Exchange, estimate: NanoUsd): Reservation {
  return {
    estimate,
    scopes: scopesOf(exchange.caller.key),
    windows: windowIdsAt(gateway.clock.now()),
    expiresAtMs: exchange.deadlineMs + SWEEP_GRACE_MS,
  };
}

function quoteFor(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  outputBound: number | undefined,
): Quote {
  const price = gateway.prices.find(deployment.provider, deployment.model);
  const isHard = hardBudgets(exchange.caller.key).length > 0;
  const prompt = promptBound(gateway, exchange, deployment, price);
  if (isHard) refuseUnbounded(gateway, exchange, deployment, price, prompt.tokens);
  const { serviceTier } = exchange.request.chat;
  const completionTokens = outputTokens(gateway, exchange, price, outputBound);
  const bound: CallBound = {
    promptTokens: prompt.tokens ?? 0,
    completionTokens: completionTokens * (exchange.request.chat.choices ?? 1),
    hasAudio: prompt.hasAudio,
    ...(serviceTier !== undefined && { serviceTier }),
  };
  return { price, bound, estimate: price === undefined ? ZERO_USD : estimateCost(price, bound) };
}

function promptBound(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  price: Price | undefined,
): PromptBound {
  const imageBound = gateway.providers.get(deployment.provider)?.provider.imageTokensBound;
  const { chat, bodyBytes } = exchange.request;
  const bound = boundPrompt(chat, bodyBytes, imageBound);
  const context = price?.contextTokens;
  const tokens =
    bound.tokens === undefined || context === undefined
      ? (bound.tokens ?? context)
      : Math.min(bound.tokens, context);
  return { ...bound, tokens };
}

function refuseUnbounded(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  price: Price | undefined,
  promptTokens: number | undefined,
): void {
  if (price === undefined && gateway.config.unknownPrice === 'refuse')
    throw new GatewayError(
      'price_unknown',
      `The price of ${deployment.id} is not known, so it cannot be held inside this key's hard budget. Declare it under "prices" in gateway.config.ts.`,
      { param: 'model' },
    );
  const features = [
    ...unboundedFeatures(exchange.request.chat),
    ...(promptTokens === undefined ? ['media whose size in tokens is not documented'] : []),
  ];
  if (features.length > 0)
    throw new GatewayError(
      'cost_unbounded',
      `What this request may cost cannot be bounded, and the key has a hard budget: ${features.join(', ')}.`,
      { metadata: { unbounded: features } },
    );
}

/** Tokens an answer may have at most: the caller's limit, else the bound we send, else the model's own. */
function outputTokens(
  gateway: Gateway,
  exchange: Exchange,
  price: Price | undefined,
  outputBound: number | undefined,
): number {
  const asked = exchange.request.chat.maxOutputTokens ?? outputBound;
  return Math.min(
    asked ?? gateway.config.defaultMaxOutputTokens,
    price?.maxOutputTokens ?? Number.MAX_SAFE_INTEGER,
  );
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
  const quote = quoteFor(gateway, exchange, deployment, full);
  const states = scopesOf(key).flatMap((scope) => gateway.remainders.states(scope, gateway.clock.now()));
  const least = tightest(states.filter(({ budget }) => budget.mode === 'hard'));
  if (least === undefined || price === undefined) return full;
  const affordable = affordableOutput(gateway, exchange, quote, least.remaining);
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
  const tokens = affordableOutput(gateway, exchange, quote, nanoUsd(refusal.limit - refusal.committed));
  return tokens >= LEAST_OUTPUT_TOKENS && tokens < outputBound ? tokens : undefined;
}

function affordableOutput(gateway: Gateway, exchange: Exchange, quote: Quote, remaining: NanoUsd): number {
  if (quote.price === undefined || remaining <= 0n) return 0;
  const share = BigInt(Math.round(gateway.config.largestShareOfRemainder * 1_000));
  const amount = nanoUsd((remaining * share) / 1_000n);
  const tokens = affordableCompletionTokens(quote.price, quote.bound, amount);
  return Math.floor(tokens / (exchange.request.chat.choices ?? 1));
}

function budgetExceeded(gateway: Gateway, exchange: Exchange, quote: Quote, refusal: Refusal): GatewayError {
  const remaining = nanoUsd(refusal.limit - refusal.committed);
  const fits =
    quote.price === undefined || remaining <= 0n
      ? 0
      : affordableCompletionTokens(quote.price, quote.bound, remaining);
  const window = BUDGET_WINDOWS.find((name) => refusal.window.startsWith(name)) ?? 'total';
  const resetsAtMs = windowEndsAtMs(window, gateway.clock.now());
  const { kind, id } = refusal.scope.scope;
  return new GatewayError(
    'budget_exceeded',
    `The ${window} budget of this ${kind} does not hold this request: it may cost $${usdFromNano(quote.estimate)}, and $${usdFromNano(remaining)} of $${usdFromNano(refusal.limit)} are left.`,
    {
      metadata: {
        scope: kind,
        scope_id: id,
        window,
        limit_usd: usdFromNano(refusal.limit),
        spent_usd: usdFromNano(refusal.spent),
        reserved_usd: usdFromNano(nanoUsd(refusal.committed - refusal.spent)),
        estimate_usd: usdFromNano(quote.estimate),
        resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString(),
        max_affordable_tokens: Math.floor(fits / (exchange.request.chat.choices ?? 1)),
      },
    },
  );
}
