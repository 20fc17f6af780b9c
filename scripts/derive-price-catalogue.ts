/**
 * Derives lambda/config/price-catalogue.json from the community's list of model prices.
 *
 *     node scripts/derive-price-catalogue.ts <model_prices.json> --date 2026-08-01 --source <where the file is from>
 *
 * Prints what was kept by provider, and what was left out and why. Read the difference before committing it: a price that
 * is too low lets a hard budget overspend.
 *
 * @see https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isJsonObject, type JsonObject } from '../lambda/domain/json.ts';
import { entryOf } from './price-catalogue/entry.ts';
import { type Place, placeOf } from './price-catalogue/providers.ts';

const DEFAULT_SOURCE = 'https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json';

type Catalogue = Map<string, Map<string, object>>;

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { date: { type: 'string' }, source: { type: 'string' } },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error('Usage: derive-price-catalogue.ts <model_prices.json> [--date …]');
  const skipped = new Map<string, string[]>();
  const catalogue = derive(parseDecimals(readFileSync(path, 'utf8')), skipped);
  const text = catalogueText(catalogue, {
    source: values.source ?? DEFAULT_SOURCE,
    licence: 'MIT, Copyright (c) 2023 Berri AI: see price-catalogue.LICENSE.md',
    date: values.date ?? new Date().toISOString().slice(0, 10),
    unit: 'rates: 1e-15 US dollars per token; webSearchRequest: 1e-9 US dollars',
  });
  writeFileSync(new URL('../lambda/config/price-catalogue.json', import.meta.url), text);
  report(catalogue, skipped, text.length);
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

/** A model listed twice is taken from the entry that carries the provider's prefix: those are the better kept ones. */
function derive(source: JsonObject, skipped: Map<string, string[]>): Catalogue {
  const catalogue: Catalogue = new Map();
  const keys = Object.keys(source).sort((a, b) => Number(b.includes('/')) - Number(a.includes('/')));
  for (const key of keys) {
    const listing = source[key];
    const place = isJsonObject(listing) ? placeOf(key, listing['litellm_provider']) : undefined;
    if (place === undefined || !isJsonObject(listing)) continue;
    const models = catalogue.get(place.provider) ?? new Map<string, object>();
    catalogue.set(place.provider, models);
    const reason = keep(models, place, listing);
    if (reason !== undefined) skipped.set(reason, [...(skipped.get(reason) ?? []), key]);
  }
  return catalogue;
}

/** Adds a model's entry, or answers why not. */
function keep(models: Map<string, object>, place: Place, listing: JsonObject): string | undefined {
  if (place.model === undefined) return 'no name of a model';
  const entry = entryOf(place, listing);
  if (typeof entry === 'string') return entry;
  if (models.has(place.model)) return 'listed twice';
  models.set(place.model, entry);
  return undefined;
}

/** One line a model, in the order of their names, so that the difference between two catalogues can be read. */
function catalogueText(catalogue: Catalogue, header: Readonly<Record<string, string>>): string {
  const providers = [...catalogue].filter(([, models]) => models.size > 0).sort(byName);
  const count = providers.reduce((sum, [, models]) => sum + models.size, 0);
  const blocks = providers.map(([provider, models]) => {
    const lines = [...models]
      .sort(byName)
      .map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    return `${JSON.stringify(provider)}:{\n${lines.join(',\n')}\n}`;
  });
  return `{"header":${JSON.stringify({ ...header, models: count }, undefined, 1)},\n"models":{\n${blocks.join(',\n')}\n}}\n`;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

function report(catalogue: Catalogue, skipped: ReadonlyMap<string, readonly string[]>, bytes: number): void {
  for (const [provider, models] of [...catalogue].sort(byName)) console.log(`${provider}: ${models.size}`);
  for (const [reason, keys] of [...skipped].sort(byName)) console.log(`left out (${reason}): ${keys.length}`);
  for (const [reason, keys] of skipped) {
    if (!reason.startsWith('mode ')) console.log(`\n${reason}:\n  ${keys.join('\n  ')}`);
  }
  console.log(`\n${bytes} characters`);
}

main();
