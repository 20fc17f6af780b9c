import { femtoUsdPerToken, femtoUsdPerUnit, nanoUsd } from '../domain/money/nano.ts';
import type {
  Price,
  PriceMode,
  Rates,
  RequestCharge,
  TierRates,
  UnitCharges,
} from '../domain/money/price.ts';

/** Rates of one tier as the catalogue writes them: whole femto-dollars per token. */
export type CatalogueRates = { readonly [Name in keyof Rates]: number };

/** The rates of one service tier, with those for longer prompts. */
export interface CatalogueTier extends CatalogueRates {
  readonly longContext?: readonly (CatalogueRates & { readonly abovePromptTokens: number })[];
}

/** What is paid by other units than tokens: whole femto-dollars for one, nano-dollars for a picture, by its kind. */
export interface CatalogueUnits {
  readonly searchUnit?: number;
  readonly character?: number;
  readonly audioSecond?: number;
  /** `any` for kinds that are not listed, where there is but one price. */
  readonly image?: Readonly<Record<string, number>>;
}

/** What a model costs, from a day on. */
export interface CataloguePrice {
  /** ISO date (UTC) of the first day it holds; the header's `since` where there is none. */
  readonly from?: string;
  readonly standard: CatalogueTier;
  readonly tiers?: Readonly<Record<string, CatalogueTier>>;
  /** Nano-dollars. */
  readonly webSearchRequest?: number;
  /** Nano-dollars for each request, by the size of its search context; `any` where there is but one. */
  readonly request?: Readonly<Record<string, number>>;
  readonly units?: CatalogueUnits;
  /** Thousandths of the rates, by region. */
  readonly regionUplifts?: Readonly<Record<string, number>>;
}

/** One model of the catalogue, written by `scripts/refresh-price-catalogue.ts`. */
export interface CatalogueEntry extends CataloguePrice {
  readonly mode: PriceMode;
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  /** Words with a space between them. */
  readonly capabilities?: string;
  readonly deprecatedOn?: string;
  /** ISO date (UTC) of the first day on which it is no longer listed. */
  readonly until?: string;
  /** What it cost before, oldest first. */
  readonly earlier?: readonly CataloguePrice[];
}

/**
 * What an entry asks at a moment; `undefined`: it is no longer listed. Its first price also holds before its date: nothing
 * better is known.
 */
export function priceInForce(entry: CatalogueEntry, atMs: number): CataloguePrice | undefined {
  const { earlier = [], until } = entry;
  if (until !== undefined && Date.parse(until) <= atMs) return undefined;
  const holds = ({ from }: CataloguePrice): boolean => from === undefined || Date.parse(from) <= atMs;
  return holds(entry) ? entry : (earlier.findLast(holds) ?? earlier[0] ?? entry);
}

/**
 * @param charged what the entry asks at the moment that matters
 * @param since the date from which prices without one of their own hold
 */
export function priceOfEntry(entry: CatalogueEntry, charged: CataloguePrice, since: string): Price {
  const { contextTokens, maxOutputTokens, deprecatedOn } = entry;
  const { webSearchRequest, request, units, regionUplifts } = charged;
  return {
    mode: entry.mode,
    version: `catalogue@${charged.from ?? since}`,
    standard: tierOf(charged.standard),
    tiers: Object.fromEntries(
      Object.entries(charged.tiers ?? {}).map(([name, tier]) => [name, tierOf(tier)]),
    ),
    capabilities: entry.capabilities?.split(' ') ?? [],
    ...(webSearchRequest === undefined ? {} : { webSearchRequest: nanoUsd(BigInt(webSearchRequest)) }),
    ...(request === undefined ? {} : { request: requestCharge(request) }),
    ...(units === undefined ? {} : { units: unitsOf(units) }),
    ...(regionUplifts === undefined ? {} : { regionUplifts }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(deprecatedOn === undefined ? {} : { deprecatedOn }),
  };
}

function unitsOf({ image, ...rates }: CatalogueUnits): UnitCharges {
  const charges = Object.entries(rates).map(([name, rate]) => [name, femtoUsdPerUnit(BigInt(rate))]);
  if (image === undefined) return Object.fromEntries(charges);
  const { any, ...kinds } = image;
  const most = nanoUsd(BigInt(Math.max(...Object.values(kinds), any ?? 0)));
  const byKind = Object.entries(kinds).map(([kind, amount]) => [kind, nanoUsd(BigInt(amount))]);
  return { ...Object.fromEntries(charges), image: { most, byKind: Object.fromEntries(byKind) } };
}

function requestCharge(bySize: Readonly<Record<string, number>>): RequestCharge {
  const amounts = Object.entries(bySize).map(([size, amount]) => [size, nanoUsd(BigInt(amount))] as const);
  const most = Math.max(...Object.values(bySize));
  return { most: nanoUsd(BigInt(most)), bySearchSize: Object.fromEntries(amounts) };
}

function tierOf({ longContext = [], ...rates }: CatalogueTier): TierRates {
  return {
    rates: ratesOf(rates),
    longContext: longContext.map(({ abovePromptTokens, ...step }) => ({
      abovePromptTokens,
      rates: ratesOf(step),
    })),
  };
}

function ratesOf(rates: CatalogueRates): Rates {
  const { prompt, completion, ...optional } = rates;
  return {
    prompt: femtoUsdPerToken(BigInt(prompt)),
    completion: femtoUsdPerToken(BigInt(completion)),
    ...Object.fromEntries(
      Object.entries(optional).map(([name, rate]) => [name, femtoUsdPerToken(BigInt(rate))]),
    ),
  };
}
