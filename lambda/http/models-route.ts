import { GatewayError } from '../domain/errors.ts';
import { rateOf } from '../domain/money/cost.ts';
import { decimalUsd, type FemtoUsdPerToken } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';
import type { ModelGroup } from '../domain/routing/deployment.ts';
import { permittedDeployments, resolveModel } from '../domain/routing/plan.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from '../pipeline/authenticate.ts';
import type { Caller } from '../pipeline/exchange.ts';
import type { Gateway } from '../pipeline/gateway.ts';
import { modelNames } from '../pipeline/plan.ts';
import { ruledScopes } from '../pipeline/scopes.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import type { RouteContext } from './route.ts';

/** A model as it is listed: a group, or one provider's model under its full name. */
interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
  /** Of the first deployment, for a group. */
  readonly price: Price | undefined;
  readonly deployments: readonly string[];
}

/** `GET /v1/models`: what this key may call, with price, context and capabilities. */
export async function listModels(
  { gateway, dialect }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const caller = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const groups = [...gateway.config.modelGroups, ...namedModels(gateway)];
  const models = groups
    .filter((group) => mayCall(gateway, caller, group))
    .map((group) => listed(gateway, group));
  if (dialect.id === 'anthropic-messages')
    return jsonResponse(200, {
      data: models.map(anthropicModel),
      has_more: false,
      first_id: models[0]?.id ?? null,
      last_id: models.at(-1)?.id ?? null,
    });
  return jsonResponse(200, { object: 'list', data: models.map(openaiModel) });
}

/** `GET /v1/models/{id}`. @throws GatewayError `model_not_found` also for what this key may not call */
export async function showModel(
  { gateway, dialect, parameter }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const caller = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const group = resolveModel(parameter, modelNames(gateway));
  if (!mayCall(gateway, caller, group))
    throw new GatewayError('model_not_found', 'The model is not known here, or this key may not call it.');
  const model = listed(gateway, group);
  return jsonResponse(200, dialect.id === 'anthropic-messages' ? anthropicModel(model) : openaiModel(model));
}

function namedModels(gateway: Gateway): ModelGroup[] {
  const names = modelNames(gateway);
  return [...gateway.providers.keys()].flatMap((provider) =>
    gateway.prices
      .models(provider)
      .filter((model) => gateway.prices.find({ provider, model }, gateway.clock.now())?.mode === 'chat')
      .map((model) => resolveModel(`${provider}/${model}`, names)),
  );
}

function mayCall(gateway: Gateway, caller: Caller, group: ModelGroup): boolean {
  const permissions = ruledScopes(caller, []).map(({ rules }) => rules);
  return permittedDeployments(group, permissions).some(
    ({ provider }) =>
      gateway.providers.has(provider) &&
      permissions.every(({ providers }) => providers.length === 0 || providers.includes(provider)),
  );
}

function listed(gateway: Gateway, group: ModelGroup): ListedModel {
  const [first] = group.deployments;
  return {
    id: group.name,
    ownedBy: first?.provider ?? 'sluice',
    price: first === undefined ? undefined : gateway.prices.find(first, gateway.clock.now()),
    deployments: group.deployments.map(({ id }) => id),
  };
}

/** OpenAI's shape, with OpenRouter's additions. @see https://platform.openai.com/docs/api-reference/models/object */
const openaiModel = (model: ListedModel): object => ({
  id: model.id,
  object: 'model',
  created: 0,
  owned_by: model.ownedBy,
  ...facts(model),
});

/** Anthropic's shape. @see https://docs.anthropic.com/en/api/models-list */
const anthropicModel = (model: ListedModel): object => ({
  type: 'model',
  id: model.id,
  display_name: model.id,
  created_at: '1970-01-01T00:00:00Z',
  ...facts(model),
});

function facts({ price, deployments }: ListedModel): object {
  if (price === undefined) return { deployments };
  const { rates } = price.standard;
  const { request, webSearchRequest } = price;
  return {
    deployments,
    context_length: price.contextTokens ?? null,
    max_completion_tokens: price.maxOutputTokens ?? null,
    capabilities: price.capabilities,
    deprecated_on: price.deprecatedOn ?? null,
    pricing: {
      prompt: usdPerToken(rates.prompt),
      completion: usdPerToken(rates.completion),
      input_cache_read: usdPerToken(rateOf(rates, 'cacheRead')),
      input_cache_write: usdPerToken(rateOf(rates, 'cacheWrite')),
      ...(request !== undefined && { request: decimalUsd(request.most) }),
      ...(webSearchRequest !== undefined && { web_search: decimalUsd(webSearchRequest) }),
    },
  };
}

/** Dollars per token as exact decimal text, as OpenRouter writes prices. */
function usdPerToken(rate: FemtoUsdPerToken): string {
  const digits = rate.toString().padStart(16, '0');
  const text = `${digits.slice(0, -15)}.${digits.slice(-15)}`.replace(/\.?0+$/, '');
  return text === '' ? '0' : text;
}
