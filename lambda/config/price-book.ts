import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { DeclaredTerms, DiscountTerms, Price, PriceBook, PricedModel } from '../domain/money/price.ts';
import { scalePrice } from '../domain/money/scale-price.ts';
import { type CatalogueEntry, type CataloguePrice, priceInForce, priceOfEntry } from './catalogue-entry.ts';
import { simulatedPrices } from './simulated-prices.ts';

/** `gpt-5-2025-08-07`, `claude-haiku-4-5-20251001`: a dated snapshot, and the name it is a snapshot of. */
const DATED_SNAPSHOT = /^(.+)-20\d\d(-?)(?:0[1-9]|1[0-2])\2(?:0[1-9]|[12]\d|3[01])$/;

const BILLION = 1_000_000_000n;

/**
 * Looks prices up as they are at a moment: what the operator declared, by name and then by the longest wildcard; the
 * simulated providers'; the catalogue's, by name and then, for a dated snapshot, by the name it is a snapshot of. What runs
 * in a declared region is looked for as `model@region` first.
 *
 * @param catalogue the parsed price-catalogue.json. Its entries are read only when they are asked for, so that a cold
 *   start does not pay for two thousand of them
 * @param declared the operator's prices by `provider/model`, which may end in `@region` and hold a `*` as wildcard
 * @throws Error where the catalogue is none
 */
export function priceBook(
  catalogue: unknown,
  declared: Readonly<Record<string, readonly DeclaredTerms[]>>,
): PriceBook {
  const listed = cataloguePrices(catalogue);
  const termsOf = declaredTerms(declared);
  const listPriceOf = (model: PricedModel, atMs: number): Price | undefined =>
    simulatedPrices(model.provider).get(model.model) ?? listed.find(model, atMs);
  return {
    find: (model, atMs) => {
      const terms = termsOf(model, atMs);
      if (terms?.type === 'rates') return terms.price;
      const listPrice = listPriceOf(model, atMs);
      return terms === undefined || listPrice === undefined ? listPrice : discounted(listPrice, terms);
    },
    models: (provider) => {
      const named = Object.keys(declared)
        .filter((name) => name.startsWith(`${provider}/`) && !name.includes('*') && !REGIONAL.test(name))
        .map((name) => name.slice(provider.length + 1));
      return [...new Set([...named, ...simulatedPrices(provider).keys(), ...listed.models(provider)])].sort();
    },
  };
}

/** A region's name begins with a letter, unlike the version that some models have behind an `@`. */
const REGIONAL = /@[a-z][a-z0-9-]*$/;

const discounted = (price: Price, { billionthsOff, version }: DiscountTerms): Price => ({
  ...scalePrice(price, { numerator: BILLION - billionthsOff, denominator: BILLION }),
  version: `${price.version} ${version}`,
});

/** `provider/model`, the most telling name first. */
const namesOf = ({ provider, model, region }: PricedModel): readonly string[] =>
  region === undefined
    ? [`${provider}/${model}`]
    : [`${provider}/${model}@${region}`, `${provider}/${model}`];

type Terms = DeclaredTerms['terms'];

/** Finds what the operator declared for a model. A list that does not hold yet is passed over for a wildcard that does. */
function declaredTerms(
  declared: Readonly<Record<string, readonly DeclaredTerms[]>>,
): (model: PricedModel, atMs: number) => Terms | undefined {
  const exact = new Map(Object.entries(declared));
  const wildcards = [...exact]
    .flatMap(([pattern, terms]) => {
      const [prefix, suffix] = pattern.split('*');
      return prefix === undefined || suffix === undefined ? [] : [{ prefix, suffix, terms }];
    })
    .sort((a, b) => b.prefix.length - a.prefix.length || b.suffix.length - a.suffix.length);
  return (model, atMs) => {
    const names = namesOf(model);
    const matching = wildcards.filter(({ prefix, suffix }) =>
      names.some((name) => name.startsWith(prefix) && name.slice(prefix.length).endsWith(suffix)),
    );
    const lists = [...names.map((name) => exact.get(name) ?? []), ...matching.map(({ terms }) => terms)];
    return lists.flatMap((list) => termsInForce(list, atMs) ?? [])[0];
  };
}

/** @param list in ascending order of when they begin to hold */
const termsInForce = (list: readonly DeclaredTerms[], atMs: number): Terms | undefined =>
  list.findLast(({ fromMs }) => fromMs === undefined || fromMs <= atMs)?.terms;

function cataloguePrices(catalogue: unknown): PriceBook {
  const { since, models } = openCatalogue(catalogue);
  const known = new Map<CataloguePrice, Price>();

  const priceAt = (entry: CatalogueEntry, atMs: number): Price | undefined => {
    const charged = priceInForce(entry, atMs);
    if (charged === undefined) return undefined;
    const price = known.get(charged) ?? priceOfEntry(entry, charged, since);
    known.set(charged, price);
    return price;
  };

  return {
    find: ({ provider, model, region }, atMs) => {
      const entries = own(models, provider);
      const regional = region === undefined ? undefined : own(entries, `${model}@${region}`);
      if (regional !== undefined) return priceAt(regional, atMs);
      const entry = own(entries, model) ?? own(entries, DATED_SNAPSHOT.exec(model)?.[1]);
      const price = entry === undefined ? undefined : priceAt(entry, atMs);
      return price === undefined ? undefined : inRegion(price, region);
    },
    models: (provider) => Object.keys(own(models, provider) ?? {}),
  };
}

/** The price where the operator declares a region: its uplift is in the rates, and not added by the answer again. */
function inRegion(price: Price, region: string | undefined): Price {
  if (region === undefined || price.regionUplifts === undefined) return price;
  const { regionUplifts, ...plain } = price;
  const thousandths = own(regionUplifts, region) ?? 1_000;
  return scalePrice(plain, { numerator: BigInt(thousandths), denominator: 1_000n });
}

type CatalogueModels = Readonly<Record<string, Readonly<Record<string, CatalogueEntry>>>>;

function openCatalogue(catalogue: unknown): { readonly since: string; readonly models: CatalogueModels } {
  const { header, models }: JsonObject = isJsonObject(catalogue) ? catalogue : {};
  if (!isJsonObject(header) || typeof header['since'] !== 'string' || !isJsonObject(models))
    throw new Error('The price catalogue has no header with a date since when it holds, or no models.');
  // The file is written by our own script, and its tests read every entry; checking them here would cost a cold start.
  return { since: header['since'], models: models as unknown as CatalogueModels };
}

/** A table's own entry: names come from callers, and `constructor` is no model. */
function own<T>(table: Readonly<Record<string, T>> | undefined, name: string | undefined): T | undefined {
  return table !== undefined && name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}
