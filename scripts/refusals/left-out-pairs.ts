import fc from 'fast-check';
import type { Dialect } from '../../lambda/dialects/dialect.ts';
import type { LeftOutFeature, RequestFeature } from '../../lambda/dialects/request-feature.ts';
import type { ChatRequest } from '../../lambda/domain/chat/request.ts';
import { GatewayError } from '../../lambda/domain/errors.ts';
import { type JsonObject, parseJsonObject } from '../../lambda/domain/json.ts';
import { anyRequest } from '../../test/dialects/any-request.ts';
import { MODELS, OWN_REQUESTS } from './callers.ts';

/** What becomes of a feature between two dialects; both where it depends on the model or the value. */
export interface LeftOutKind {
  readonly feature: RequestFeature;
  readonly isRefused: boolean;
  readonly isDropped: boolean;
}

const SEED = 1;
const REQUESTS_OF_ANY = 1500;
const REQUESTS_OF_ITS_OWN = 400;

/**
 * Requests as callers of a dialect can send them: very many, made up with a fixed seed, said in the dialect and read again,
 * so that nothing is left in them that the dialect has no word for.
 */
export function requestsOf(caller: Dialect): readonly ChatRequest[] {
  const own = OWN_REQUESTS[caller.id];
  const drawn = [
    ...fc.sample(anyRequest, { seed: SEED, numRuns: REQUESTS_OF_ANY }),
    ...(own === undefined ? [] : fc.sample(own, { seed: SEED, numRuns: REQUESTS_OF_ITS_OWN })),
  ];
  const models = ['m', ...(MODELS[caller.id] ?? [])];
  return drawn.flatMap(
    (request, index) => saidIn(caller, request, models[index % models.length] ?? 'm') ?? [],
  );
}

/** `undefined` for a request that this dialect refuses as a whole. */
function saidIn(caller: Dialect, request: ChatRequest, model: string): ChatRequest | undefined {
  return unlessRefused(() => {
    const { body } = caller.encodeRequest(request, targetOf(request, model));
    const wire: JsonObject = parseJsonObject(JSON.stringify(body)) ?? {};
    return caller.decodeRequest(wire, { model, stream: request.stream });
  });
}

/** What is left out of a caller's requests towards a provider of another dialect, by name. */
export function leftOutBetween(requests: readonly ChatRequest[], provider: Dialect): readonly LeftOutKind[] {
  const refused = new Set<RequestFeature>();
  const dropped = new Set<RequestFeature>();
  const models = MODELS[provider.id] ?? ['m'];
  for (const request of requests)
    for (const model of models) {
      const encoded = unlessRefused(() => provider.encodeRequest(request, targetOf(request, model)));
      addFeatures(refused, encoded?.unsupported ?? []);
      addFeatures(dropped, encoded?.omitted ?? []);
    }
  return [...new Set([...refused, ...dropped])]
    .sort()
    .map((feature) => ({ feature, isRefused: refused.has(feature), isDropped: dropped.has(feature) }));
}

const targetOf = (request: ChatRequest, model: string) => ({
  model,
  maxOutputTokens: request.maxOutputTokens ?? 9000,
});

function addFeatures(features: Set<RequestFeature>, leftOut: readonly LeftOutFeature[]): void {
  for (const { feature } of leftOut) features.add(feature);
}

function unlessRefused<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
