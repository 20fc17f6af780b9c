import type { CatalogueEntry } from '../../lambda/config/catalogue-entry.ts';
import { isJsonObject, type JsonObject } from '../../lambda/domain/json.ts';
import { femtoFromUsdPerUnit, nanoFromFemto, nanoFromUsd } from '../../lambda/domain/money/nano.ts';
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
    const place = isJsonObject(listing) ? placeOfModel(key, listing) : undefined;
    if (place === undefined || !isJsonObject(listing)) continue;
    const ofProvider = models.get(place.provider) ?? new Map<string, CatalogueEntry>();
    models.set(place.provider, ofProvider);
    const reason = keep(ofProvider, place, listing);
    if (reason !== undefined)
      leftOut.set(reason, [...(leftOut.get(reason) ?? []), { key, name: nameOf(place) }]);
  }
  for (const [provider, entries] of models) addImageKinds(entries, provider, source);
  return { models, leftOut };
}

/** `high/1024-x-1536/gpt-image-1`: what a picture of one quality and size costs, which is no model of its own. */
const IMAGE_KIND = /^(?:azure\/)?(?:(low|medium|high|standard|hd)\/)?(\d+)-x-(\d+)\/([^/]+)$/;
/** Any key of a size, also of sizes by the number of steps, which no request of ours can ask for. */
const IMAGE_SIZE = /(?:^|\/)(?:\d+-x-\d+|max-x-max)\//;
/** The source divides a picture's price by its pixels and cuts the digits off: prices are whole tenths of a cent. */
const ROUNDED_TO_NANO = 1_000_000n;

/** Lays what pictures cost by quality and size over the models they are of. */
function addImageKinds(entries: Map<string, CatalogueEntry>, provider: string, source: JsonObject): void {
  const kinds = new Map<string, Readonly<Record<string, number>>>();
  for (const [key, listing] of Object.entries(source)) {
    const found = isJsonObject(listing) ? imageKind(key, listing) : undefined;
    if (found === undefined || found.provider !== provider) continue;
    kinds.set(found.model, { ...kinds.get(found.model), [found.kind]: found.amount });
  }
  for (const [model, listed] of kinds) {
    const entry = entries.get(model);
    if (entry !== undefined)
      entries.set(model, { ...entry, units: { ...entry.units, image: ofQualities(listed) } });
  }
}

/** A size without its quality is listed at the cheapest one, where the model has several. */
function ofQualities(listed: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const withQuality = Object.entries(listed).filter(([kind]) => kind.includes('/'));
  return withQuality.length === 0 ? listed : Object.fromEntries(withQuality);
}

interface ImageKind {
  readonly provider: string;
  readonly model: string;
  /** `high/1024x1536`. */
  readonly kind: string;
  readonly amount: number;
}

function imageKind(key: string, listing: JsonObject): ImageKind | undefined {
  const [, quality, width, height, model = ''] = IMAGE_KIND.exec(key) ?? [];
  const place = placeOf(key, listing['litellm_provider']);
  const amount = imageAmount(listing, Number(width) * Number(height));
  if (place === undefined || amount === undefined || model === '') return undefined;
  const kind = `${quality === undefined ? '' : `${quality}/`}${width}x${height}`;
  return { provider: place.provider, model, kind, amount };
}

/** Nano-dollars. */
function imageAmount(listing: JsonObject, pixels: number): number | undefined {
  const whole = listing['output_cost_per_image'] ?? listing['input_cost_per_image'];
  if (Number(whole ?? 0) > 0) return Number(nanoFromUsd(String(whole)));
  const perPixel = listing['input_cost_per_pixel'];
  if (Number(perPixel ?? 0) <= 0 || Number.isNaN(pixels)) return undefined;
  const femto = femtoFromUsdPerUnit(String(perPixel)) * BigInt(pixels);
  const nano = nanoFromFemto(femto);
  return Number(((nano + ROUNDED_TO_NANO - 1n) / ROUNDED_TO_NANO) * ROUNDED_TO_NANO);
}

/** Where a model stands; `undefined` also for what is one only by its size. */
const placeOfModel = (key: string, listing: JsonObject): Place | undefined =>
  IMAGE_SIZE.test(key) ? undefined : placeOf(key, listing['litellm_provider']);

const nameOf = ({ provider, model }: Place): string | undefined =>
  model === undefined ? undefined : `${provider}/${model}`;

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
