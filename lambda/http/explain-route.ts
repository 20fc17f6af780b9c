import { GatewayError } from '../domain/errors.ts';
import { usdFromNano } from '../domain/money/nano.ts';
import { type ExplainedStep, explainRequest } from '../pipeline/explain.ts';
import { scopedBudgetView } from './budget-view.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import type { RouteContext } from './route.ts';

/** `POST /v1/route`: which deployments would be tried, why, what each may cost, and the budgets. Calls nobody. */
export async function explainRoute(
  { gateway, id, dialect }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { steps, budgets } = await explainRequest(gateway, { ...request, id }, dialect);
  return jsonResponse(200, {
    data: { plan: steps.map(stepView), budgets: budgets.map(scopedBudgetView) },
  });
}

function stepView({ planned, quote, full }: ExplainedStep): object {
  const { deployment, group, reason } = planned;
  const named = { deployment: deployment.id, provider: deployment.provider, model: deployment.model };
  if (quote instanceof GatewayError)
    return {
      ...named,
      group,
      reason,
      is_possible: false,
      refusal: { code: quote.code, message: quote.message },
    };
  return {
    ...named,
    group,
    reason,
    is_possible: full.length === 0,
    ...(full.length > 0 && {
      refusal: {
        code: 'budget_exceeded',
        message: 'These budgets do not hold what it may cost.',
        budgets: full.map(scopedBudgetView),
      },
    }),
    estimate_usd: quote.price === undefined ? null : usdFromNano(quote.estimate),
    prompt_tokens_bound: quote.bound.promptTokens,
    completion_tokens_bound: quote.bound.completionTokens,
    price_version: quote.price?.version ?? null,
  };
}
