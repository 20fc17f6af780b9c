import type { DialectId } from '../dialects/dialect.ts';
import { GatewayError } from '../domain/errors.ts';
import { resolveModel } from '../domain/routing/plan.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from '../pipeline/authenticate.ts';
import { modelNames } from '../pipeline/plan.ts';
import { callableModels, type ListedModel, listed } from './listed-model.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import { anthropicPage, googlePage } from './model-pages.ts';
import { anthropicModel, googleModel, openaiModel, withoutGooglePrefix } from './model-shapes.ts';
import type { RouteContext } from './route.ts';

/** `GET /v1/models`, `/v1beta/models`: what this key may call, with price, context, capabilities and the same model elsewhere. */
export async function listModels(context: RouteContext, request: HttpRequest): Promise<HttpResponse> {
  const { gateway } = context;
  const caller = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const models = await callableModels(gateway, caller);
  switch (context.dialect.id) {
    case 'anthropic-messages':
      return jsonResponse(200, anthropicList(models, request.query));
    case 'gemini':
      return jsonResponse(200, googleList(models, request.query));
    default:
      return jsonResponse(200, { object: 'list', data: models.map(openaiModel) });
  }
}

/** Callers of this format can only chat with models. */
const chatModels = (models: readonly ListedModel[]): readonly ListedModel[] =>
  models.filter(({ price }) => price === undefined || price.mode === 'chat');

function anthropicList(all: readonly ListedModel[], query: URLSearchParams): object {
  const { models, hasMore } = anthropicPage(chatModels(all), query);
  return {
    data: models.map(anthropicModel),
    has_more: hasMore,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

function googleList(all: readonly ListedModel[], query: URLSearchParams): object {
  const { models, nextPageToken } = googlePage(chatModels(all), query);
  return { models: models.map(googleModel), ...(nextPageToken !== undefined && { nextPageToken }) };
}

/** `GET /v1/models/{id}`, `/v1beta/models/{id}`. @throws GatewayError `model_not_found` also for what this key may not call */
export async function showModel(
  { gateway, dialect, parameter }: RouteContext,
  request: HttpRequest,
): Promise<HttpResponse> {
  const caller = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const group = resolveModel(withoutGooglePrefix(parameter), modelNames(gateway));
  const model = await listed(gateway, caller, group);
  if (model === undefined)
    throw new GatewayError('model_not_found', 'The model is not known here, or this key may not call it.');
  return jsonResponse(200, shapeFor(dialect.id)(model));
}

function shapeFor(dialect: DialectId): (model: ListedModel) => object {
  if (dialect === 'anthropic-messages') return anthropicModel;
  return dialect === 'gemini' ? googleModel : openaiModel;
}
