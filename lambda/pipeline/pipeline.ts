import type { Dialect } from '../dialects/dialect.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import { budgetState } from '../domain/money/budget-state.ts';
import { ZERO_USD } from '../domain/money/nano.ts';
import type { RequestFacts } from '../domain/request-record.ts';
import type { RoutePlan } from '../domain/routing/plan.ts';
import type { ScopeSettings } from '../domain/scope-settings.ts';
import { type Admission, admit, giveBackWhatIsHeld, isRefusedByLimit } from './admit.ts';
import {
  authenticate,
  authenticateAgain,
  RESERVED_KEY_AGE_MS,
  UNRESERVED_KEY_AGE_MS,
} from './authenticate.ts';
import { decodeAndGuard, factsOf, newExchange } from './begin.ts';
import { cacheUse } from './cache-use.ts';
import type { Caller, DecodedRequest, Exchange, IncomingRequest, OutgoingResponse } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { keepAnswer } from './keep-answer.ts';
import { queueNoticesOfRefusal } from './notices.ts';
import { obtain } from './obtain.ts';
import { plan } from './plan.ts';
import { rateLimitHeaders } from './rate-headers.ts';
import { RateLimitExceeded } from './rate-limits.ts';
import { recordRefusal } from './record.ts';
import { finish, headersOfBudget, respondError, respondStream, respondWhole } from './respond.ts';
import { lookUp } from './reuse.ts';
import { tagsAgain, tagsWithSettings } from './scopes.ts';
import { outcomeWithoutAnswer } from './settle.ts';
import { withEarlierTurns } from './stored-answer.ts';

/**
 * The way of a request, step by step:
 *
 *     authenticate → decode → guard → plan → admit, and look up → call, or replay → encode → settle, and keep → record
 *
 * Whoever is authenticated leaves a record, whatever becomes of the request; a caller who is not gets the thrown error.
 * @throws GatewayError `authentication_failed`, `store_unavailable`
 */
export async function answerChat(
  gateway: Gateway,
  incoming: IncomingRequest,
  dialect: Dialect,
): Promise<OutgoingResponse> {
  const startedMs = gateway.clock.monotonicMs();
  // The plan will want the health table: where it has to be read, that is one wait with the key, not another.
  const [caller] = await Promise.all([
    authenticate(gateway, incoming.headers, RESERVED_KEY_AGE_MS),
    gateway.health.current(),
  ]);
  const decoded = await decodeOrRefuse(gateway, caller, incoming, dialect);
  const facts = factsOf(gateway, incoming, dialect, caller, decoded);
  const refuse = async (error: GatewayError): Promise<OutgoingResponse> => {
    // Nothing was reserved that would have proven the key current. A store that is down would only be waited for again.
    if (error.code !== 'store_unavailable')
      await authenticate(gateway, incoming.headers, UNRESERVED_KEY_AGE_MS);
    return refusal(gateway, facts, dialect, error, startedMs);
  };
  if (decoded instanceof GatewayError) return refuse(decoded);
  let tags: readonly ScopeSettings[];
  try {
    tags = await tagsWithSettings(gateway, facts.tags);
  } catch (thrown) {
    return refuse(refusalOf(gateway, thrown, facts.id));
  }
  const exchange = newExchange(gateway, { incoming, caller, request: decoded, facts, tags, startedMs });
  const leave = await planAndAdmit(gateway, exchange);
  if (leave instanceof GatewayError)
    return tellingWhoIsFull(gateway, exchange, withClaimsGivenBack(gateway, exchange, await refuse(leave)));
  const calling = obtain(gateway, exchange, leave.plan, leave.admission);
  try {
    return await (decoded.chat.stream ? respondStream : respondWhole)(gateway, exchange, calling);
  } catch (thrown) {
    const error = asGatewayError(thrown);
    if (error.code === 'internal')
      gateway.telemetry.problem('A request failed.', error.cause, { id: facts.id });
    return {
      ...respondError(dialect, error, facts.id),
      afterEnd: () => finish(gateway, exchange, outcomeWithoutAnswer(gateway, exchange, error.code)),
    };
  }
}

/** What a request claimed before it was refused. */
const withClaimsGivenBack = (
  gateway: Gateway,
  exchange: Exchange,
  response: OutgoingResponse,
): OutgoingResponse => ({
  ...response,
  async afterEnd() {
    await Promise.all([response.afterEnd?.(), keepAnswer(gateway, exchange, undefined)]);
  },
});

async function decodeOrRefuse(
  gateway: Gateway,
  caller: Caller,
  incoming: IncomingRequest,
  dialect: Dialect,
): Promise<DecodedRequest | GatewayError> {
  try {
    const whole = await withEarlierTurns(gateway, caller, incoming, dialect);
    return decodeAndGuard(gateway, whole, dialect);
  } catch (thrown) {
    return refusalOf(gateway, thrown, incoming.id);
  }
}

interface Leave {
  readonly plan: RoutePlan;
  readonly admission: Admission;
}

/** Plans, reserves and looks up; again where the key turns out to have changed since it was read. */
async function planAndAdmit(gateway: Gateway, exchange: Exchange): Promise<Leave | GatewayError> {
  try {
    for (let round = 0; round < 3; round += 1) {
      const planned = await timed(gateway, exchange, 'plan', () => plan(gateway, exchange));
      exchange.reuse = { cache: cacheUse(gateway, exchange, planned) };
      const admitting = timed(gateway, exchange, 'admit', () => admitFirst(gateway, exchange, planned));
      const lookingUp = lookUp(gateway, exchange);
      // What was claimed beside a reservation that failed has to be known before it can be given back.
      await Promise.allSettled([admitting, lookingUp]);
      const [leave] = await Promise.all([admitting, lookingUp]);
      if (leave !== 'policy-changed') return leave;
      [exchange.caller, exchange.tags] = await Promise.all([
        authenticateAgain(gateway, exchange.caller),
        tagsAgain(gateway, exchange.facts.tags),
      ]);
    }
    throw new GatewayError('store_unavailable', 'The key is being changed at this moment. Try again.', {
      retryAfterSeconds: 1,
    });
  } catch (thrown) {
    await giveBackWhatIsHeld(gateway, exchange);
    return refusalOf(gateway, thrown, exchange.facts.id);
  }
}

/** Admits the first deployment that the budgets hold; what comes before it in the plan is too dear. */
async function admitFirst(
  gateway: Gateway,
  exchange: Exchange,
  planned: RoutePlan,
): Promise<Leave | 'policy-changed'> {
  let refusal: GatewayError | undefined;
  for (const [index, { deployment }] of planned.entries()) {
    try {
      const outcome = await admit(gateway, exchange, deployment);
      if (outcome.type === 'policy-changed') return outcome.type;
      const [first = planned[0], ...rest] = planned.slice(index);
      return { plan: [first, ...rest], admission: outcome.admission };
    } catch (error) {
      if (!isRefusedByLimit(error)) throw error;
      refusal ??= error;
    }
  }
  throw refusal ?? new GatewayError('no_eligible_deployment', 'No deployment could be admitted.');
}

async function timed<Result>(
  gateway: Gateway,
  exchange: Exchange,
  name: string,
  step: () => Promise<Result>,
): Promise<Result> {
  const startedMs = gateway.clock.monotonicMs();
  const result = await step();
  exchange.timings[name] = gateway.clock.monotonicMs() - startedMs;
  return result;
}

function refusalOf(gateway: Gateway, thrown: unknown, id: string): GatewayError {
  const error = asGatewayError(thrown);
  if (error.code === 'internal') gateway.telemetry.problem('A request failed.', error.cause, { id });
  return error;
}

/** Refuses a known caller's request before money was reserved. */
function refusal(
  gateway: Gateway,
  facts: RequestFacts,
  dialect: Dialect,
  error: GatewayError,
  startedMs: number,
): OutgoingResponse {
  const durationMs = Math.round(gateway.clock.monotonicMs() - startedMs);
  const response = respondError(dialect, error, facts.id);
  return {
    ...response,
    headers: {
      ...response.headers,
      ...(error instanceof RateLimitExceeded && rateLimitHeaders(error, gateway.clock.now())),
    },
    afterEnd: () =>
      recordRefusal(gateway, facts, {
        outcome: error.code,
        attempts: [],
        cost: ZERO_USD,
        chargeBasis: 'exact',
        boundExceeded: false,
        durationMs,
      }),
  };
}

/** A refusal for want of money shows the budget, and sends the notices that are due: nobody shall hear of the cap first. */
const tellingWhoIsFull = (
  gateway: Gateway,
  exchange: Exchange,
  response: OutgoingResponse,
): OutgoingResponse => ({
  ...response,
  headers: { ...response.headers, ...refusingBudget(gateway, exchange) },
  async afterEnd() {
    await response.afterEnd?.();
    try {
      await queueNoticesOfRefusal(gateway, exchange);
    } catch (error) {
      gateway.telemetry.problem('A budget notice could not be queued.', error, { id: exchange.facts.id });
    }
  },
});

function refusingBudget({ clock }: Gateway, { refusal }: Exchange): Record<string, string> {
  if (refusal === undefined) return {};
  const { scope: policy, window, committed, spent } = refusal;
  const counters = { scope: policy.scope, windows: { [window]: { committed, spent } } };
  const states = policy.budgets.map((budget) => budgetState(budget, counters, clock.now()));
  const full = states.find((state) => state.window === window);
  return full === undefined ? {} : headersOfBudget(policy.scope, full);
}
