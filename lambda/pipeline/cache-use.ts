import { OPERATION_OF } from '../dialects/dialect.ts';
import { answerFingerprint, answerScope } from '../domain/answer-fingerprint.ts';
import { type CacheSettings, cacheMode } from '../domain/cache-settings.ts';
import type { ProviderId } from '../domain/ids.ts';
import { fieldsOfUnknownCost } from '../domain/money/unbounded.ts';
import type { RoutePlan } from '../domain/routing/plan.ts';
import type { CacheMode } from '../domain/virtual-key.ts';
import type { AnswerAddress } from '../ports/answer-store.ts';
import { type Comparison, comparisonFor } from './comparison.ts';
import { comparableBody } from './decode.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { isHeldBy, scopesFor } from './scopes.ts';
import { unsupportedMode } from './upstream-request.ts';

/** What the cache may do for one request. */
export interface CacheUse {
  readonly mode: Exclude<CacheMode, 'off'>;
  readonly address: AnswerAddress;
  /** An answer that is kept may be given. */
  readonly reads: boolean;
  /** The answer may be kept. */
  readonly keeps: boolean;
  /** The oldest answer that is wanted; `undefined`: any. */
  readonly maxAgeMs: number | undefined;
  readonly ttlMs: number;
  readonly keepsToolCalls: boolean;
  readonly singleFlight: boolean;
  /** What the request is compared by; `undefined`: it is found exactly, or not at all. */
  readonly comparison?: Comparison;
}

/** What the operator, the key and the caller together allow; `undefined` where that is nothing. */
export function cacheUse(gateway: Gateway, exchange: Exchange, plan: RoutePlan): CacheUse | undefined {
  const { cache: wishes } = exchange.request.options;
  const settings = cacheSettings(gateway, exchange.request.chat.model);
  const { id: keyId, team, organization, cache: modeOfKey } = exchange.caller.key;
  const { endUser } = exchange.facts;
  const mode = cacheMode(wishes, modeOfKey, settings);
  const reads = !wishes.isFresh;
  const keeps = !wishes.isUnstored;
  if (mode === 'off' || !(reads || keeps)) return undefined;
  const raw = comparableBody(exchange.request);
  const scope = answerScope({ keyId, endUser, team, organization }, settings.sharedWithin);
  const fingerprintOf = (body: string): string => bodyFingerprint(gateway, exchange, plan, body);
  const comparison =
    mode === 'semantic' && reads && isChat(exchange)
      ? comparisonFor(gateway, {
          raw,
          scope,
          fingerprintOf,
          isHeld: isHeldBy(scopesFor(gateway, exchange, plan[0].deployment)),
          mayReach: (provider) => mayReach(exchange, provider),
        })
      : undefined;
  return {
    mode,
    address: { scope, fingerprint: fingerprintOf(raw) },
    ...(comparison !== undefined && { comparison }),
    reads,
    keeps,
    maxAgeMs: wishes.maxAgeSeconds === undefined ? undefined : wishes.maxAgeSeconds * 1_000,
    ttlMs: (wishes.ttlSeconds ?? settings.ttlSeconds) * 1_000,
    keepsToolCalls: wishes.keepsToolCalls,
    singleFlight: wishes.singleFlight ?? settings.singleFlight,
  };
}

/** Only answers to a conversation can mean the same: of a count, or a vector, near is not the same. */
const isChat = ({ request }: Exchange): boolean => OPERATION_OF[request.dialect.id] === 'chat';

/** Whether neither the operator nor the caller rules a provider out for this request. */
function mayReach({ caller, request }: Exchange, provider: ProviderId): boolean {
  const { only = [provider], ignore } = request.options.preferences;
  const allowed = [caller.key, ...caller.scopes].map(({ providers }) => providers);
  return (
    allowed.every((names) => names.length === 0 || names.includes(provider)) &&
    only.includes(provider) &&
    !ignore.includes(provider)
  );
}

/** The settings of the model group that is asked for first. */
const cacheSettings = ({ config }: Gateway, model: string): CacheSettings =>
  config.modelGroups.find(({ name }) => name === model)?.cache ?? config.cache;

/** The plan's deployments are part of it: who may not call a provider is given no answer of that provider's. */
function bodyFingerprint(gateway: Gateway, exchange: Exchange, plan: RoutePlan, body: string): string {
  const { request } = exchange;
  const forwarded = plan.flatMap(
    ({ deployment }) => gateway.providers.get(deployment.provider)?.provider.forwardedHeaders ?? [],
  );
  return answerFingerprint(body, {
    dialect: request.dialect.id,
    deployments: plan.map(({ deployment }) => deployment.id),
    headers: Object.fromEntries(
      forwarded.flatMap((name) => {
        const value = request.headers[name];
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    unsupportedParameters: unsupportedMode(gateway, request, request.chat.model),
    leftOut: plan.some(({ deployment }) => isHeldBy(scopesFor(gateway, exchange, deployment)))
      ? fieldsOfUnknownCost(request.chat, request.dialect.harmless)
      : [],
  });
}
