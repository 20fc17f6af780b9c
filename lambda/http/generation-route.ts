import { GatewayError } from '../domain/errors.ts';
import { requestId } from '../domain/ids.ts';
import { usdFromNano, ZERO_USD } from '../domain/money/nano.ts';
import type { Usage } from '../domain/money/usage.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import { authenticate, UNRESERVED_KEY_AGE_MS } from '../pipeline/authenticate.ts';
import { type HttpRequest, type HttpResponse, jsonResponse } from './message.ts';
import type { RouteContext } from './route.ts';

const IS_REQUEST_ID = /^gen-[0-9a-f]{32}$/;

/**
 * `GET /v1/generation?id=`: the record of one request of this key, in OpenRouter's shape.
 * @throws GatewayError `not_found` also for another key's record: nobody learns that it exists
 */
export async function showGeneration({ gateway }: RouteContext, request: HttpRequest): Promise<HttpResponse> {
  const { key } = await authenticate(gateway, request.headers, UNRESERVED_KEY_AGE_MS);
  const id = request.query.get('id') ?? '';
  if (id === '') throw new GatewayError('invalid_request', 'Name the request: ?id=gen-….', { param: 'id' });
  const record = IS_REQUEST_ID.test(id) ? await gateway.ledger.find(requestId(id)) : undefined;
  if (record === undefined || record.keyId !== key.id)
    throw new GatewayError('not_found', 'There is no such request of this key.', { param: 'id' });
  return jsonResponse(200, { data: generationView(record) });
}

/** @see https://openrouter.ai/docs/api-reference/get-a-generation */
function generationView(record: RequestRecord): object {
  return {
    id: record.id,
    created_at: new Date(record.startedAtMs).toISOString(),
    model: record.deployment ?? null,
    models_asked: record.modelsAsked,
    provider_name: record.provider ?? null,
    upstream_id: record.upstreamId ?? null,
    api_type: record.dialect,
    streamed: record.stream,
    cancelled: record.outcome === 'client-gone',
    outcome: record.outcome ?? null,
    finish_reason: record.finishReason ?? null,
    ...moneyView(record),
    ...tokenView(record),
    latency: record.timeToFirstTokenMs ?? null,
    generation_time: record.durationMs ?? null,
    external_user: record.endUser ?? null,
    session_id: record.session ?? null,
    tags: record.tags,
    attempts: record.attempts ?? [],
  };
}

const moneyView = (record: RequestRecord): object => ({
  total_cost: usdFromNano(record.cost ?? ZERO_USD),
  usage: usdFromNano(record.cost ?? ZERO_USD),
  reserved: usdFromNano(record.estimate),
  charge_basis: record.chargeBasis ?? null,
  cache_hit: record.cacheHit ?? null,
  similarity: record.similarity ?? null,
  embedding_cost: record.embeddingCost === undefined ? null : usdFromNano(record.embeddingCost),
  saved_cost: record.savedCost === undefined ? null : usdFromNano(record.savedCost),
  price_version: record.priceVersion ?? null,
  is_byok: false,
});

const tokenView = ({ usage }: RequestRecord): object => ({
  tokens_prompt: usage?.promptTokens ?? null,
  tokens_completion: usage?.completionTokens ?? null,
  native_tokens_prompt: usage?.promptTokens ?? null,
  native_tokens_completion: usage?.completionTokens ?? null,
  native_tokens_reasoning: usage?.reasoningTokens ?? null,
  native_tokens_cached: usage?.cacheReadTokens ?? null,
  ...unitView(usage ?? {}),
});

/** What operations beside chat are billed by; only those that a record has. */
const unitView = ({ searchUnits, images, characters, audioSeconds }: Usage): object => ({
  ...(searchUnits !== undefined && { search_units: searchUnits }),
  ...(images !== undefined && { images }),
  ...(characters !== undefined && { characters }),
  ...(audioSeconds !== undefined && { audio_seconds: audioSeconds }),
});
