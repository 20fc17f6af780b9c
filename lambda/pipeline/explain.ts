import type { Dialect } from '../dialects/dialect.ts';
import { asGatewayError, GatewayError } from '../domain/errors.ts';
import { type ScopePolicy, scopeName } from '../domain/money/budget.ts';
import type { PlannedDeployment } from '../domain/routing/plan.ts';
import { initialOutputBound } from './admit.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from './authenticate.ts';
import { decodeAndGuard, factsOf, newExchange } from './begin.ts';
import type { Exchange, IncomingRequest } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { plan } from './plan.ts';
import { type Quote, quoteFor } from './quote.ts';
import { budgetStates, type ScopeBudgetState } from './remainder-cache.ts';
import { scopesFor, tagsWithSettings } from './scopes.ts';

/** What would become of a request, without calling anybody or setting anything aside. */
export interface Explanation {
  readonly steps: readonly ExplainedStep[];
  /** Every budget that any of the steps is counted in, as it stands now. */
  readonly budgets: readonly ScopeBudgetState[];
}

export interface ExplainedStep {
  readonly planned: PlannedDeployment;
  /** What the call may cost at most; or why it could not be called. */
  readonly quote: Quote | GatewayError;
  /** Hard budgets that have no room for it now. */
  readonly full: readonly ScopeBudgetState[];
}

/**
 * Plans a request and bounds its cost.
 * @throws GatewayError what would refuse the request before any deployment is looked at
 */
export async function explainRequest(
  gateway: Gateway,
  incoming: IncomingRequest,
  dialect: Dialect,
): Promise<Explanation> {
  const startedMs = gateway.clock.monotonicMs();
  const caller = await authenticate(gateway, incoming.headers, UNRESERVED_KEY_AGE_MS);
  const request = decodeAndGuard(gateway, incoming, dialect);
  const facts = factsOf(gateway, incoming, dialect, caller, request);
  const tags = await tagsWithSettings(gateway, facts.tags);
  const exchange = newExchange(gateway, { incoming, caller, request, facts, tags, startedMs });
  const planned = await plan(gateway, exchange);
  const states = await statesOf(gateway, exchange, planned);
  const steps = planned.map((each): ExplainedStep => {
    const quote = quoteOrRefusal(gateway, exchange, each);
    const counting = new Set(policiesFor(gateway, exchange, each).map(({ scope }) => scopeName(scope)));
    const full = states.filter(
      ({ policy, budget, remaining }) =>
        budget.mode === 'hard' &&
        counting.has(scopeName(policy.scope)) &&
        !(quote instanceof GatewayError) &&
        remaining < quote.estimate,
    );
    return { planned: each, quote, full };
  });
  return { steps, budgets: states };
}

function quoteOrRefusal(
  gateway: Gateway,
  exchange: Exchange,
  { deployment }: PlannedDeployment,
): Quote | GatewayError {
  try {
    return quoteFor(gateway, exchange, deployment, initialOutputBound(gateway, exchange, deployment));
  } catch (thrown) {
    return asGatewayError(thrown);
  }
}

function policiesFor(
  gateway: Gateway,
  exchange: Exchange,
  { deployment }: PlannedDeployment,
): readonly ScopePolicy[] {
  const { shared, own } = scopesFor(gateway, exchange, deployment);
  return [...shared, ...own].filter(({ budgets }) => budgets.length > 0);
}

async function statesOf(
  gateway: Gateway,
  exchange: Exchange,
  planned: readonly PlannedDeployment[],
): Promise<readonly ScopeBudgetState[]> {
  const policies = new Map(
    planned
      .flatMap((each) => policiesFor(gateway, exchange, each))
      .map((policy) => [scopeName(policy.scope), policy]),
  );
  const found = await Promise.all(
    [...policies.values()].map(async (policy) =>
      budgetStates(policy, await gateway.ledger.counters(policy.scope), gateway.clock.now()),
    ),
  );
  return found.flat();
}
