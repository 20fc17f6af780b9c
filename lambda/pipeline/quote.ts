import type { DialectId } from '../dialects/dialect.ts';
import type { OperationWork } from '../domain/chat/request.ts';
import { GatewayError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import { boundPrompt, type PromptBound } from '../domain/money/bound.ts';
import { affordableCompletionTokens, type CallBound, costOf, estimateCost } from '../domain/money/cost.ts';
import { minUsd, type NanoUsd, nanoUsd, ZERO_USD } from '../domain/money/nano.ts';
import type { Price } from '../domain/money/price.ts';
import { unboundedFeatures } from '../domain/money/unbounded.ts';
import type { Deployment } from '../domain/routing/deployment.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';
import { FREE_PRICE, priceFor } from './price-for.ts';
import { isHeldBy, scopesFor } from './scopes.ts';
import { apiFor } from './upstream-request.ts';
import { refuseUnlistedImage, unboundedWork } from './work-bound.ts';

/** What a call of one deployment may cost. An unknown price, where it is allowed, is let through unestimated. */
export interface Quote {
  readonly price: Price | undefined;
  readonly bound: CallBound;
  /** An upper bound of its cost. */
  readonly estimate: NanoUsd;
  /** About how many tokens the prompt has: charged where the provider does not say. */
  readonly likelyPromptTokens: number;
  /** A hard budget holds the call, so no charge that we only guess may be higher than the estimate. */
  readonly isHeld: boolean;
  /** The prompt holds media whose tokens only the provider can count. */
  readonly hasUncountedMedia: boolean;
  /** Tokens of each answer that no limit we send holds for: thinking, at some providers. */
  readonly tokensBeside: number;
  /** Of an operation beside chat: what it is billed by, as far as the request tells. */
  readonly work?: OperationWork;
  /** The provider may charge for tokens that nothing which passes shows: reasoning, sound, what it makes after we have ended the call. */
  readonly hasUnseenOutput: boolean;
}

/** `"max_completion_tokens":1000000,` and some space. */
const LIMIT_FIELD_BYTES = 40;
const WIDENED_CONTEXT_TOKENS = 1_000_000;

/**
 * Bounds the cost of a call.
 * @param outputBound what we will send as the answer's limit where the caller gave none
 * @throws GatewayError `price_unknown` or `cost_unbounded`, where a hard budget could not hold the call
 */
export function quoteFor(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  outputBound: number | undefined,
): Quote {
  const { chat } = exchange.request;
  const price = priceFor(gateway, deployment, callOf(exchange));
  if (price === FREE_PRICE) return FREE_QUOTE;
  const isHeld = isHeldBy(scopesFor(gateway, exchange, deployment));
  const prompt = promptBound(gateway, exchange, deployment);
  const hasMediaOfAnySize = prompt.hasMediaOfAnySize && price?.units?.audioSecond === undefined;
  const promptTokens = hasMediaOfAnySize ? withContext(exchange, prompt.tokens, price) : prompt.tokens;
  if (isHeld) refuseUnbounded(gateway, exchange, deployment, price, promptTokens);
  const tokensBeside = reasoningBeside(gateway, exchange, deployment, price) ?? 0;
  const bound: CallBound = {
    promptTokens: promptTokens ?? prompt.tokens,
    completionTokens:
      (outputTokens(gateway, exchange, price, outputBound) + tokensBeside) * choices(exchange),
    hasAudio: prompt.hasAudio,
    ...(chat.serviceTier !== undefined && { serviceTier: chat.serviceTier }),
    ...(chat.work !== undefined && { units: chat.work.units }),
  };
  return {
    price,
    bound,
    estimate: price === undefined ? ZERO_USD : estimateCost(price, bound),
    likelyPromptTokens: prompt.likelyTokens,
    isHeld,
    hasUncountedMedia: prompt.hasMediaOfAnySize,
    tokensBeside,
    ...(chat.work !== undefined && { work: chat.work }),
    hasUnseenOutput:
      chat.work !== undefined ||
      prompt.hasAudio ||
      mayReason(gateway, exchange, deployment, price) ||
      gateway.providers.get(deployment.provider)?.provider.cancelStopsBilling !== true,
  };
}

/** Tokens each answer may have: the caller's limit, else the bound we send, else what the operator or the model allows. */
export function outputTokens(
  gateway: Gateway,
  exchange: Exchange,
  price: Price | undefined,
  outputBound: number | undefined,
): number {
  const { maxOutputTokens, work } = exchange.request.chat;
  const pictures = price?.units?.image === undefined ? (work?.units.images ?? 0) : 0;
  if (maxOutputTokens !== undefined) return maxOutputTokens + pictures * (price?.maxOutputTokens ?? 0);
  // No limit can be sent to it; where the model has none either, a hard budget does not take it.
  if (work !== undefined) return Math.max(1, pictures) * (price?.maxOutputTokens ?? 0);
  const most = price?.maxOutputTokens ?? Number.MAX_SAFE_INTEGER;
  return Math.min(outputBound ?? gateway.config.defaultMaxOutputTokens, most);
}

/** How long each answer may be for the call to fit into an amount. */
export function affordableOutput(exchange: Exchange, quote: Quote, amount: NanoUsd): number {
  if (quote.price === undefined || amount <= 0n) return 0;
  const tokens = affordableCompletionTokens(quote.price, withRoomForLimit(exchange, quote.bound), amount);
  return Math.max(0, Math.floor(tokens / choices(exchange)) - quote.tokensBeside);
}

/**
 * What a provider presumably charges for a call that we gave up after it was sent: the prompt. Where a hard budget must
 * hold, it is all that was set aside, unless that is certainly too much: a stream without content of a model that does not
 * reason has produced nothing yet.
 */
export function presumedCost(quote: Quote, stream: boolean): NanoUsd {
  if (quote.price === undefined) return ZERO_USD;
  const hasProducedNothing = stream && !quote.hasUnseenOutput && !quote.hasUncountedMedia;
  if (quote.isHeld && !hasProducedNothing) return quote.estimate;
  const { likelyUnits, units } = quote.work ?? { units: {} };
  const { total } = costOf(quote.price, {
    promptTokens: quote.likelyPromptTokens,
    ...(likelyUnits ?? units),
  });
  return minUsd(total, quote.estimate);
}

/** What the price of a call hangs on. */
export const callOf = ({
  request,
  facts,
}: Exchange): { readonly dialect: DialectId; readonly startedAtMs: number } => ({
  dialect: request.dialect.id,
  startedAtMs: facts.startedAtMs,
});

/** Of what costs nothing, whatever is asked: no budget holds it, and it takes none of the tokens a minute. */
const FREE_QUOTE: Quote = {
  price: FREE_PRICE,
  bound: { promptTokens: 0, completionTokens: 0, hasAudio: false },
  estimate: ZERO_USD,
  likelyPromptTokens: 0,
  isHeld: false,
  hasUncountedMedia: false,
  tokensBeside: 0,
  hasUnseenOutput: false,
};

/** A share of an amount, in thousandths. */
export const shareOf = (amount: NanoUsd, share: number): NanoUsd =>
  nanoUsd((amount * BigInt(Math.round(share * 1_000))) / 1_000n);

const choices = (exchange: Exchange): number => exchange.request.chat.choices ?? 1;

/** A caller who gave no limit will send a field more, whose bytes count too. */
const withRoomForLimit = ({ request }: Exchange, bound: CallBound): CallBound =>
  request.chat.maxOutputTokens === undefined
    ? { ...bound, promptTokens: bound.promptTokens + LIMIT_FIELD_BYTES }
    : bound;

function promptBound(gateway: Gateway, exchange: Exchange, deployment: Deployment): PromptBound {
  const imageBound = gateway.providers.get(deployment.provider)?.provider.imageTokensBound;
  return boundPrompt(exchange.request.chat, exchange.request.bodyBytes + exchange.addedBytes, imageBound);
}

/**
 * Media that nothing else bounds are bounded by what the model can read, which callers can have widened at Anthropic; text
 * beside them counts by its bytes all the same.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/context-windows#1m-token-context-window
 */
function withContext(exchange: Exchange, tokens: number, price: Price | undefined): number | undefined {
  const listed = price?.contextTokens;
  if (listed === undefined) return undefined;
  const isWidened = betasOf(exchange).includes('context-1m');
  return Math.max(tokens, isWidened ? Math.max(listed, WIDENED_CONTEXT_TOKENS) : listed);
}

/** Features in beta that are asked for, in the header or, as on clouds, in the body. */
function betasOf({ request: { headers, chat } }: Exchange): string {
  const { anthropic_beta: ofBody, betas, additionalModelRequestFields: fields } = chat.nativeOptions;
  return JSON.stringify([headers['anthropic-beta'], ofBody, betas, fields]);
}

/**
 * Tokens of thinking that the limit of an answer does not hold for, at providers where it is so: no more than the model's
 * context; `undefined` where that is not listed.
 */
function reasoningBeside(
  gateway: Gateway,
  { request: { chat } }: Exchange,
  { provider }: Deployment,
  price: Price | undefined,
): number | undefined {
  const isBeside = gateway.providers.get(provider)?.provider.limitsOnlyAnswer === true;
  if (!isBeside || chat.work !== undefined || price?.capabilities.includes('reasoning') !== true) return 0;
  return price.contextTokens;
}

/** Whether the model may think unseen. Claude models think only where they are asked to. */
function mayReason(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  price: Price | undefined,
): boolean {
  if (price?.capabilities.includes('reasoning') !== true) return false;
  const { provider } = gateway.providers.get(deployment.provider) ?? {};
  const { dialect } = exchange.request;
  const api = provider && apiFor(gateway.dialects, provider, deployment.model, dialect.id);
  const isClaude = api?.dialect === 'anthropic-messages' && /claude/i.test(deployment.model);
  const { reasoning } = exchange.request.chat;
  return !isClaude || (reasoning !== undefined && reasoning.enabled !== false);
}

function refuseUnbounded(
  gateway: Gateway,
  exchange: Exchange,
  deployment: Deployment,
  price: Price | undefined,
  promptTokens: number | undefined,
): void {
  if (price === undefined && gateway.config.unknownPrice === 'refuse')
    throw new GatewayError(
      'price_unknown',
      `The price of ${deployment.id} is not known, so it cannot be held inside a hard budget. Declare it under "prices" in gateway.config.ts.`,
      { param: 'model' },
    );
  if (price !== undefined) refuseUnlistedImage(exchange.request.chat, price, deployment);
  const features = [
    ...(price === undefined ? [] : unboundedWork(exchange.request.chat, price)),
    ...unboundedFeatures(exchange.request.chat, exchange.request.dialect.harmless).filter(
      (name) => !isInRequestCharge(name, exchange, price),
    ),
    ...untrustedLimit(gateway, exchange, deployment),
    ...(reasoningBeside(gateway, exchange, deployment, price) === undefined
      ? ['reasoning that no limit holds for']
      : []),
    ...(promptTokens === undefined ? ['media whose size in tokens is not documented'] : []),
    ...unlistedTier(exchange, price),
  ];
  if (features.length > 0)
    throw new GatewayError(
      'cost_unbounded',
      `What this request may cost cannot be bounded, and a hard budget must hold it: ${features.join(', ')}.`,
      { metadata: { unbounded: features } },
    );
}

/** A limit of 0 is no limit to many servers. */
function untrustedLimit(
  { providers }: Gateway,
  { request: { chat } }: Exchange,
  { provider }: Deployment,
): readonly string[] {
  const asksForNone = chat.maxOutputTokens === 0 && chat.work === undefined;
  return asksForNone && providers.get(provider)?.provider.takesNoOutput !== true
    ? ['a limit of 0, which the provider may take for none']
    : [];
}

/** Options of a search that change no more than which of the listed charges is paid for the request. */
const SIZED_SEARCH: ReadonlySet<string> = new Set(['search_context_size', 'user_location']);

/** A model that is charged for each request searches at that charge, of which the dearest is set aside. */
function isInRequestCharge(feature: string, exchange: Exchange, price: Price | undefined): boolean {
  if (feature !== 'web_search_options' || price?.request === undefined) return false;
  const options = exchange.request.chat.nativeOptions[feature];
  return isJsonObject(options) && Object.keys(options).every((name) => SIZED_SEARCH.has(name));
}

/** Tiers that every model has, at its standard rates. */
const STANDARD_TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'standard', 'standard_only']);

/** A tier whose rates are not listed would be reserved for at the standard ones. */
function unlistedTier(exchange: Exchange, price: Price | undefined): readonly string[] {
  const tier = exchange.request.chat.serviceTier;
  if (tier === undefined || price === undefined || STANDARD_TIERS.has(tier)) return [];
  return Object.hasOwn(price.tiers, tier)
    ? []
    : [`the service tier ${tier.slice(0, 50)}, whose rates are not listed`];
}

/** What comparing the request with earlier ones may cost, beside all calls. */
export const comparingBound = ({ reuse }: Exchange): NanoUsd => reuse.cache?.comparison?.bound ?? ZERO_USD;

/** What a request may cost: a call, and comparing it with earlier ones. */
export const withComparing = (exchange: Exchange, quote: Quote): NanoUsd =>
  nanoUsd(quote.estimate + comparingBound(exchange));
