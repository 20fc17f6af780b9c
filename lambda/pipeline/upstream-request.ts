import { type Dialect, type DialectId, OPERATION_OF, type RequestTarget } from '../dialects/dialect.ts';
import type { LeftOutFeature } from '../dialects/request-feature.ts';
import { grammarTools, withoutCustomTools } from '../domain/chat/custom-tools.ts';
import type { Price } from '../domain/money/price.ts';
import { asksForNothing, fieldsOfUnknownCost } from '../domain/money/unbounded.ts';
import { contentTypeOfForm, editMultipart } from '../domain/multipart.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import { withoutNamed } from '../domain/without-named.ts';
import type { UpstreamRequest } from '../ports/upstream.ts';
import type { Provider, ProviderApi } from '../providers/contract.ts';
import type { DecodedRequest, Exchange } from './exchange.ts';
import type { EnabledProvider, Gateway } from './gateway.ts';
import { VIA_HEADER, via } from './guard.ts';
import { priceFor } from './price-for.ts';
import { fitBody } from './request-quirks.ts';

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

/** What a provider's dialect cannot say, in the caller's spelling. */
export interface Unsupported {
  readonly name: string;
  /** Why, in a sentence; `undefined` for an option that only the caller's dialect has. */
  readonly reason: string | undefined;
}

/** A body for the provider, and what could not be said in it. */
export interface UpstreamBody {
  readonly text: string;
  /** The content type of a form: each character of its text is one byte. */
  readonly form?: string;
  /** Asked for by name, and not expressible there: refused or dropped, as the operator or caller chose. */
  readonly unsupported: readonly Unsupported[];
  /** Fields Sluice does not know, and hints, which mean nothing in another dialect: left out and named. */
  readonly ignored: readonly string[];
}

/**
 * Finds what is needed to call a deployment; `undefined` when its provider is not enabled here, or has nothing for the
 * caller's operation.
 * @param request `startedAtMs`, in Unix milliseconds, decides which price is in force
 */
export function callTarget(
  gateway: Pick<Gateway, 'providers' | 'dialects' | 'prices'>,
  deployment: Deployment,
  request: { readonly callerDialect: DialectId; readonly startedAtMs: number },
): CallTarget | undefined {
  const enabled = gateway.providers.get(deployment.provider);
  const api = enabled && apiFor(gateway.dialects, enabled.provider, deployment.model, request.callerDialect);
  const dialect = api && gateway.dialects.get(api.dialect);
  if (enabled === undefined || api === undefined || dialect === undefined) return undefined;
  return {
    deployment,
    enabled,
    dialect,
    api,
    price: priceFor(gateway, deployment, {
      dialect: request.callerDialect,
      startedAtMs: request.startedAtMs,
    }),
    isSameDialect: dialect.id === request.callerDialect,
  };
}

/**
 * How a model is talked to for this caller: in the caller's own dialect, where the provider speaks it.
 * @param spoken the dialects of this gateway; an API in another one is passed over
 */
export function apiFor(
  spoken: { has(dialect: DialectId): boolean },
  provider: Pick<Provider, 'apis'>,
  model: string,
  callerDialect: DialectId,
): ProviderApi | undefined {
  const serving = provider.apis.filter(
    ({ dialect, models }) =>
      OPERATION_OF[dialect] === OPERATION_OF[callerDialect] &&
      spoken.has(dialect) &&
      (models?.test(model) ?? true),
  );
  return serving.find(({ dialect }) => dialect === callerDialect) ?? serving[0];
}

/** How a body is made. */
export interface BodyTerms {
  /** Sent where the caller gave no limit of its own. */
  readonly outputBound: number | undefined;
  /** A hard budget holds the call: what nobody knows the cost of stays out. */
  readonly isHeld: boolean;
}

/** The conversation as this provider reads it. @throws GatewayError `cost_unbounded`, `unsupported_parameter` */
export function upstreamBody(
  exchange: Exchange,
  target: CallTarget,
  { outputBound, isHeld }: BodyTerms,
): UpstreamBody {
  const { maxOutputTokens } = exchange.request.chat;
  const { maxOutputTokensField, reasoningField } = target.enabled.provider;
  const modelMaxOutputTokens = target.price?.maxOutputTokens;
  const requestTarget = {
    model: target.deployment.model,
    maxOutputTokens: maxOutputTokens ?? sentOutputBound(target.price, outputBound),
    ...(maxOutputTokensField !== undefined && { maxOutputTokensField }),
    ...(reasoningField !== undefined && { reasoningField }),
    ...(modelMaxOutputTokens !== undefined && { modelMaxOutputTokens }),
  };
  return target.isSameDialect
    ? patchedBody(exchange, target, requestTarget, isHeld)
    : translatedBody(exchange, target, requestTarget);
}

/** The caller's own body, for a provider of its dialect. */
function patchedBody(
  exchange: Exchange,
  { dialect, api }: CallTarget,
  requestTarget: RequestTarget,
  isHeld: boolean,
): UpstreamBody {
  const { chat } = exchange.request;
  const leftOut = isHeld ? fieldsOfUnknownCost(chat, exchange.request.dialect.harmless) : [];
  const patched = dialect.patchRequest(withoutFields(exchange, leftOut), chat, requestTarget);
  if (dialect.requestFormat === 'multipart')
    return { text: patched, form: contentTypeOfForm(patched), unsupported: [], ignored: leftOut };
  const fitted = fitBody(patched, api.quirks);
  return { text: fitted.text, unsupported: [], ignored: [...leftOut, ...fitted.dropped] };
}

/** The conversation anew, in another dialect than the caller's. */
function translatedBody(exchange: Exchange, target: CallTarget, requestTarget: RequestTarget): UpstreamBody {
  const { chat } = exchange.request;
  const { spellings, hints } = exchange.request.dialect;
  const spelled = ({ feature, detail }: LeftOutFeature): string =>
    (spellings[feature] ?? feature) + (detail === undefined ? '' : `: ${detail}`);
  const isWithout = lacksCustomTools(target.dialect);
  const fitting = fittingBound(requestTarget);
  const encoded = target.dialect.encodeRequest(isWithout ? withoutCustomTools(chat) : chat, {
    ...requestTarget,
    maxOutputTokens: fitting,
  });
  const grammars = isWithout ? grammarTools(chat) : [];
  const native = Object.keys(chat.nativeOptions);
  const isHint = (name: string): boolean => hints.has(name) || asksForNothing(name, chat.nativeOptions[name]);
  const fitted = fitBody(JSON.stringify(encoded.body), target.api.quirks);
  return {
    text: fitted.text,
    unsupported: [
      ...encoded.unsupported.map((one) => ({
        name: spelled(one),
        reason: target.dialect.inexpressible[one.feature],
      })),
      ...native.filter((name) => !isHint(name)).map((name) => ({ name, reason: undefined })),
    ],
    ignored: [
      ...encoded.omitted.map(spelled),
      ...(fitting === requestTarget.maxOutputTokens ? [] : [spelled({ feature: 'max_output_tokens' })]),
      ...fitted.dropped,
      ...grammars.map((name) => spelled({ feature: 'custom_tools', detail: `${name}.format` })),
      ...chat.unknownFields,
      ...native.filter(isHint),
      ...BETA_HEADERS.filter((name) => exchange.request.headers[name] !== undefined),
    ],
  };
}

/** The caller's own body without some of its fields. */
function withoutFields(
  { request: { raw, dialect } }: Pick<Exchange, 'request'>,
  names: readonly string[],
): string {
  if (names.length === 0) return raw;
  return dialect.requestFormat === 'multipart'
    ? editMultipart(raw, { set: {}, remove: names })
    : withoutNamed(raw, names);
}

/**
 * A bound that the model knows. Agents ask another model's most of it (Claude Code 128,000 tokens), and providers refuse what is beyond
 * their own: nothing is lost by saying that.
 */
const fittingBound = ({
  maxOutputTokens: asked,
  modelMaxOutputTokens: most,
}: RequestTarget): number | undefined =>
  asked === undefined || most === undefined ? asked : Math.min(asked, most);

/** What becomes of what a dialect cannot say: as the caller wishes, else the asked model group, else this gateway. */
export const unsupportedMode = (
  { config }: Pick<Gateway, 'config'>,
  { options }: Pick<DecodedRequest, 'options'>,
  group: string,
): 'reject' | 'drop' =>
  options.preferences.requireParameters === true
    ? 'reject'
    : (options.unsupportedParameters ??
      config.modelGroups.find(({ name }) => name === group)?.unsupportedParameters ??
      config.unsupportedParameters);

/** A body as it is sent, and what kinds of answer are taken to it. */
export const sentBody = (
  { text, form }: UpstreamBody,
  { answerContentType, streamContentType }: Dialect,
  stream: boolean,
): Pick<UpstreamCall, 'body' | 'contentType' | 'accept'> => ({
  ...(form === undefined ? { body: text } : { body: Buffer.from(text, 'latin1'), contentType: form }),
  accept:
    answerContentType === undefined ? acceptedType(stream ? streamContentType : 'application/json') : '*/*',
});

const acceptedType = (contentType: string): string => contentType.split(';')[0] ?? contentType;

/** Whether custom tools go to this dialect as functions. A format without turns has no tools at all. */
export const lacksCustomTools = ({ inexpressible }: Dialect): boolean =>
  inexpressible.custom_tools !== undefined && inexpressible.conversation === undefined;

/** The limit of our own that is sent: what was reserved for, as far as the model can give it. */
export const sentOutputBound = (
  price: Price | undefined,
  outputBound: number | undefined,
): number | undefined =>
  outputBound === undefined ? undefined : Math.min(outputBound, price?.maxOutputTokens ?? outputBound);

/** Headers in which a format's callers ask for what is still to come in it. */
const BETA_HEADERS = ['anthropic-beta', 'openai-beta'] as const;

/** What may stand in a header; hosts let callers send more. */
const IS_HEADER_TEXT = /^[\x20-\x7e]*$/;

/** Whom a call goes to. */
export type Addressee = Pick<CallTarget, 'deployment' | 'enabled' | 'api' | 'isSameDialect'>;

/** What an HTTP call to a provider is made of. */
export interface UpstreamCall {
  /** After the base address. */
  readonly path: string;
  readonly body: string | Uint8Array;
  /** @default JSON */
  readonly contentType?: string;
  readonly stream: boolean;
  /** What kinds of answer are taken. @default JSON, or a stream of events */
  readonly accept?: string;
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
      'content-type': call.contentType ?? 'application/json',
      accept: call.accept ?? (call.stream ? 'text/event-stream' : 'application/json'),
      'user-agent': 'sluice',
      ...provider.authHeaders(call.credential ?? '', target.api.dialect),
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
