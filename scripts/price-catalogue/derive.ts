import type { CatalogueEntry } from '../../lambda/config/catalogue-entry.ts';
import { isJsonObject, type JsonObject } from '../../lambda/domain/json.ts';
import type { Catalogue } from './catalogue.ts';
import { entryOf } from './entry.ts';
import { type Place, placeOf } from './providers.ts';

/** What became of a list of prices. */
export interface Derived {
  readonly models: Catalogue['models'];
  /** Keys of the list that were left out, by the reason. */
  readonly leftOut: ReadonlyMap<string, readonly LeftOut[]>;
}

/** A key of the list, and the name the model would have had here; `undefined` where it is no model's. */
export interface LeftOut {
  readonly key: string;
  readonly name: string | undefined;
}

/**
 * Turns the community's list into entries of the catalogue. A model listed twice is taken from the entry that carries the
 * provider's prefix: those are the better kept ones.
 * @throws Error for what is no list
 */
export function derive(text: string): Derived {
  const source = parseDecimals(text);
  const models = new Map<string, Map<string, CatalogueEntry>>();
  const leftOut = new Map<string, LeftOut[]>();
  const keys = Object.keys(source).sort((a, b) => Number(b.includes('/')) - Number(a.includes('/')));
  for (const key of keys) {
    const listing = source[key];
    const place = isJsonObject(listing) ? placeOf(key, listing['litellm_provider']) : undefined;
    if (place === undefined || !isJsonObject(listing)) continue;
    const ofProvider = models.get(place.provider) ?? new Map<string, CatalogueEntry>();
    models.set(place.provider, ofProvider);
    const reason = keep(ofProvider, place, listing);
    const name = place.model === undefined ? undefined : `${place.provider}/${place.model}`;
    if (reason !== undefined) leftOut.set(reason, [...(leftOut.get(reason) ?? []), { key, name }]);
  }
  return { models, leftOut };
}

/** Adds a model's entry, or answers why not. */
function keep(models: Map<string, CatalogueEntry>, place: Place, listing: JsonObject): string | undefined {
  if (place.model === undefined) return 'no name of a model';
  const entry = entryOf(place, listing);
  if (typeof entry === 'string') return entry;
  if (models.has(place.model)) return 'listed twice';
  models.set(place.model, entry);
  return undefined;
}

/** Parses JSON with each number as the decimal text it was written as: no binary fraction comes between. */
function parseDecimals(text: string): JsonObject {
  const keepText = (_key: string, value: unknown, context: { readonly source?: string }): unknown =>
    typeof value === 'number' ? context.source : value;
  // TypeScript's library does not know the third parameter yet; Node 24 passes it.
  const parsed: unknown = JSON.parse(text, keepText as (key: string, value: unknown) => unknown);
  if (!isJsonObject(parsed)) throw new Error('Expected an object of models.');
  return parsed;
}
