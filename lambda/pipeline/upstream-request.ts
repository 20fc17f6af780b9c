import { type Dialect, type DialectId, OPERATION_OF } from '../dialects/dialect.ts';
import type { LeftOutFeature } from '../dialects/request-feature.ts';
import { asksForNothing } from '../domain/money/bound.ts';
import type { Price } from '../domain/money/price.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { UpstreamRequest } from '../ports/upstream.ts';
import type { Provider, ProviderApi } from '../providers/contract.ts';
import type { Exchange } from './exchange.ts';
import type { EnabledProvider, Gateway } from './gateway.ts';
import { VIA_HEADER, via } from './guard.ts';

/** A deployment together with all that is needed to call it. */
export interface CallTarget {
  readonly deployment: Deployment;
  readonly enabled: EnabledProvider;
  readonly dialect: Dialect;
  readonly api: ProviderApi;
  readonly price: Price | undefined;
  /** Whether caller and provider speak the same dialect, so that what they have in common passes untouched. */
  readonly isSameDialect: boolean;
}

/** A body for the provider, and what could not be said in it. */
export interface UpstreamBody {
  readonly text: string;
  /** Asked for by name, and not expressible there: refused or dropped, as the operator or caller chose. */
  readonly unsupported: readonly string[];
  /** Fields Sluice does not know, and hints, which mean nothing in another dialect: left out and named. */
  readonly ignored: readonly string[];
}

/**
 * Finds what is needed to call a deployment; `undefined` when its provider is not enabled here.
 * @param request `startedAtMs`, in Unix milliseconds, decides which price is in force
 */
export function callTarget(
  gateway: Pick<Gateway, 'providers' | 'dialects' | 'prices'>,
  deployment: Deployment,
  request: { readonly callerDialect: DialectId; readonly startedAtMs: number },
): CallTarget | undefined {
  const enabled = gateway.providers.get(deployment.provider);
  const api = enabled && apiFor(enabled.provider, deployment.model, request.callerDialect);
  const dialect = api && gateway.dialects.get(api.dialect);
  if (enabled === undefined || api === undefined || dialect === undefined) return undefined;
  return {
    deployment,
    enabled,
    dialect,
    api,
    price: gateway.prices.find(deployment, request.startedAtMs),
    isSameDialect: dialect.id === request.callerDialect,
  };
}

/** How a model is talked to for this caller: in the caller's own dialect, where the provider speaks it. */
export function apiFor(provider: Provider, model: string, callerDialect: DialectId): ProviderApi | undefined {
  const serving = provider.apis.filter(
    ({ dialect, models }) =>
      OPERATION_OF[dialect] === OPERATION_OF[callerDialect] && (models?.test(model) ?? true),
  );
  return serving.find(({ dialect }) => dialect === callerDialect) ?? serving[0];
}

/** The conversation as this provider reads it. @param outputBound sent where the caller gave no limit of its own */
export function upstreamBody(
  exchange: Exchange,
  target: CallTarget,
  outputBound: number | undefined,
): UpstreamBody {
  const { chat, raw } = exchange.request;
  const { maxOutputTokensField, reasoningField } = target.enabled.provider;
  const modelMaxOutputTokens = target.price?.maxOutputTokens;
  const requestTarget = {
    model: target.deployment.model,
    maxOutputTokens: chat.maxOutputTokens ?? sentOutputBound(target.price, outputBound),
    ...(maxOutputTokensField !== undefined && { maxOutputTokensField }),
    ...(reasoningField !== undefined && { reasoningField }),
    ...(modelMaxOutputTokens !== undefined && { modelMaxOutputTokens }),
  };
  if (target.isSameDialect)
    return {
      text: target.dialect.patchRequest(raw, chat, requestTarget),
      unsupported: [],
      ignored: [],
    };
  const { spellings } = exchange.request.dialect;
  const spelled = ({ feature, detail }: LeftOutFeature): string =>
    (spellings[feature] ?? feature) + (detail === undefined ? '' : `: ${detail}`);
  const encoded = target.dialect.encodeRequest(chat, requestTarget);
  const native = Object.keys(chat.nativeOptions);
  const isHint = (name: string): boolean => HINTS.has(name) || asksForNothing(name, chat.nativeOptions[name]);
  return {
    text: JSON.stringify(encoded.body),
    unsupported: [...encoded.unsupported.map(spelled), ...native.filter((name) => !isHint(name))],
    ignored: [
      ...encoded.omitted.map(spelled),
      ...chat.unknownFields,
      ...native.filter(isHint),
      ...BETA_HEADERS.filter((name) => exchange.request.headers[name] !== undefined),
    ],
  };
}

/** The limit of our own that is sent: what was reserved for, as far as the model can give it. */
export const sentOutputBound = (
  price: Price | undefined,
  outputBound: number | undefined,
): number | undefined =>
  outputBound === undefined ? undefined : Math.min(outputBound, price?.maxOutputTokens ?? outputBound);

/** Headers in which a format's callers ask for what is still to come in it. */
const BETA_HEADERS = ['anthropic-beta', 'openai-beta'] as const;

/** Options of one dialect that change no answer, so that leaving them out elsewhere takes nothing away. */
const HINTS: ReadonlySet<string> = new Set([
  ...['store', 'safety_identifier', 'prediction', 'trace', 'debug', 'cache_control'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'],
  ...['context_management', 'anthropic_beta', 'anthropic_version', 'betas', 'diagnostics', 'fallbacks'],
  ...['fallback_credit_token', 'billing_policy', 'user_profile_id', 'workspace_id'],
]);

/** What may stand in a header; hosts let callers send more. */
const IS_HEADER_TEXT = /^[\x20-\x7e]*$/;

/** Whom a call goes to. */
export type Addressee = Pick<CallTarget, 'deployment' | 'enabled' | 'isSameDialect'>;

/** What an HTTP call to a provider is made of. */
export interface UpstreamCall {
  /** After the base address. */
  readonly path: string;
  readonly body: string;
  readonly stream: boolean;
  readonly credential: string | undefined;
  readonly signal: AbortSignal;
  /** The caller's headers, lower-case; of these only those go on that mean something to this provider. */
  readonly callerHeaders: Readonly<Record<string, string>>;
}

/** The HTTP call of a target. */
export function upstreamRequest(
  gateway: Pick<Gateway, 'id' | 'config'>,
  target: Addressee,
  call: UpstreamCall,
): UpstreamRequest {
  const { provider, baseUrl } = target.enabled;
  const names = target.isSameDialect ? provider.forwardedHeaders : [];
  const forwarded = names.flatMap((name) => {
    const value = call.callerHeaders[name];
    return value === undefined || !IS_HEADER_TEXT.test(value) ? [] : [[name, value] as const];
  });
  return {
    method: 'POST',
    url: baseUrl + call.path,
    headers: {
      'content-type': 'application/json',
      accept: call.stream ? 'text/event-stream' : 'application/json',
      'user-agent': 'sluice',
      ...provider.authHeaders(call.credential ?? ''),
      ...Object.fromEntries(forwarded),
      [VIA_HEADER]: [...via(call.callerHeaders).filter((name) => IS_HEADER_TEXT.test(name)), gateway.id].join(
        ', ',
      ),
    },
    body: call.body,
    signal: call.signal,
    connectTimeoutMs: gateway.config.timeouts.connectMs,
  };
}
