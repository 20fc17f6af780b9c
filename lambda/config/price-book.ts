import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { femtoUsdPerToken, nanoUsd } from '../domain/money/nano.ts';
import type { Price, PriceBook, Rates, TierRates } from '../domain/money/price.ts';
import { simulatedPrices } from './simulated-prices.ts';

/** Rates of one tier as the catalogue writes them: whole femto-dollars per token. */
type CatalogueRates = { readonly [Name in keyof Rates]: number };
interface CatalogueTier extends CatalogueRates {
  readonly longContext?: readonly (CatalogueRates & { readonly abovePromptTokens: number })[];
}

/** One model of the catalogue, written by `scripts/derive-price-catalogue.ts`. */
interface CatalogueEntry {
  readonly mode: 'chat' | 'embedding';
  readonly standard: CatalogueTier;
  readonly tiers?: Readonly<Record<string, CatalogueTier>>;
  /** Nano-dollars. */
  readonly webSearchRequest?: number;
  readonly contextTokens?: number;
  readonly maxOutputTokens?: number;
  /** Words with a space between them. */
  readonly capabilities?: string;
  readonly deprecatedOn?: string;
}

/** `gpt-5-2025-08-07`, `claude-haiku-4-5-20251001`: a dated snapshot, and the name it is a snapshot of. */
const DATED_SNAPSHOT = /^(.+)-20\d\d(-?)(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])$/;

/**
 * Looks prices up: what the operator declared, by name and then by the longest wildcard; the simulated providers'; the
 * catalogue's, by name and then, for a dated snapshot, by the name it is a snapshot of.
 *
 * @param catalogue the parsed price-catalogue.json. Its entries are read only when they are asked for, so that a cold
 *   start does not pay for two thousand of them
 * @param declared the operator's prices by `provider/model`, with a `*` at the end as wildcard
 * @throws Error where the catalogue is none
 */
export function priceBook(catalogue: unknown, declared: Readonly<Record<string, Price>>): PriceBook {
  const { version, models } = openCatalogue(catalogue);
  const declaredPrices = new Map(Object.entries(declared));
  const wildcards = [...declaredPrices]
    .flatMap(([pattern, price]) => (pattern.endsWith('*') ? [{ prefix: pattern.slice(0, -1), price }] : []))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const known = new Map<CatalogueEntry, Price>();

  const declaredPriceOf = (name: string): Price | undefined =>
    declaredPrices.get(name) ?? wildcards.find(({ prefix }) => name.startsWith(prefix))?.price;

  const cataloguePriceOf = (provider: string, model: string): Price | undefined => {
    const entries = own(models, provider);
    const entry = own(entries, model) ?? own(entries, DATED_SNAPSHOT.exec(model)?.[1]);
    if (entry === undefined) return undefined;
    const price = known.get(entry) ?? priceOf(entry, version);
    known.set(entry, price);
    return price;
  };

  return {
    find: (provider, model) =>
      declaredPriceOf(`${provider}/${model}`) ??
      simulatedPrices(provider).get(model) ??
      cataloguePriceOf(provider, model),
    models: (provider) => {
      const named = [...declaredPrices.keys()]
        .filter((name) => name.startsWith(`${provider}/`) && !name.endsWith('*'))
        .map((name) => name.slice(provider.length + 1));
      const listed = Object.keys(own(models, provider) ?? {});
      return [...new Set([...named, ...simulatedPrices(provider).keys(), ...listed])].sort();
    },
  };
}

type CatalogueModels = Readonly<Record<string, Readonly<Record<string, CatalogueEntry>>>>;

function openCatalogue(catalogue: unknown): { readonly version: string; readonly models: CatalogueModels } {
  const { header, models }: JsonObject = isJsonObject(catalogue) ? catalogue : {};
  if (!isJsonObject(header) || typeof header['date'] !== 'string' || !isJsonObject(models))
    throw new Error('The price catalogue has no header with a date, or no models.');
  // The file is written by our own script, and its tests read every entry; checking them here would cost a cold start.
  return { version: `catalogue@${header['date']}`, models: models as unknown as CatalogueModels };
}

/** A table's own entry: names come from callers, and `constructor` is no model. */
function own<T>(table: Readonly<Record<string, T>> | undefined, name: string | undefined): T | undefined {
  return table !== undefined && name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

function priceOf(entry: CatalogueEntry, version: string): Price {
  const { contextTokens, maxOutputTokens, deprecatedOn, webSearchRequest } = entry;
  return {
    mode: entry.mode,
    version,
    standard: tierOf(entry.standard),
    tiers: Object.fromEntries(Object.entries(entry.tiers ?? {}).map(([name, tier]) => [name, tierOf(tier)])),
    capabilities: entry.capabilities?.split(' ') ?? [],
    ...(webSearchRequest === undefined ? {} : { webSearchRequest: nanoUsd(BigInt(webSearchRequest)) }),
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(deprecatedOn === undefined ? {} : { deprecatedOn }),
  };
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
