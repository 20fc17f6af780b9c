import { existsSync, readFileSync } from 'node:fs';
import type { CatalogueEntry } from '../../lambda/config/catalogue-entry.ts';

/** The file that stands in the project, as it is read and written. */
export interface Catalogue {
  /** ISO date since when the prices hold that name no day of their own; `undefined` in a new one. */
  readonly since: string | undefined;
  readonly models: ReadonlyMap<string, ReadonlyMap<string, CatalogueEntry>>;
}

/** Reads the catalogue of an address; an empty one where there is none yet. */
export function readCatalogue(address: URL | string): Catalogue {
  if (!existsSync(address)) return { since: undefined, models: new Map() };
  // The file was written by `catalogueText`, and its own tests read every entry.
  const { header, models } = JSON.parse(readFileSync(address, 'utf8')) as {
    readonly header: { readonly since: string };
    readonly models: Readonly<Record<string, Readonly<Record<string, CatalogueEntry>>>>;
  };
  return {
    since: header.since,
    models: new Map(
      Object.entries(models).map(([provider, entries]) => [provider, new Map(Object.entries(entries))]),
    ),
  };
}

/** One line a model, in the order of their names, so that the difference between two catalogues can be read. */
export function catalogueText(
  models: Catalogue['models'],
  header: Readonly<Record<'source' | 'licence' | 'date' | 'since' | 'unit', string>>,
): string {
  const providers = [...models].filter(([, entries]) => entries.size > 0).sort(byName);
  const count = providers.reduce((sum, [, entries]) => sum + entries.size, 0);
  const blocks = providers.map(([provider, entries]) => {
    const lines = [...entries]
      .sort(byName)
      .map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    return `${JSON.stringify(provider)}:{\n${lines.join(',\n')}\n}`;
  });
  return `{"header":${JSON.stringify({ ...header, models: count }, undefined, 1)},\n"models":{\n${blocks.join(',\n')}\n}}\n`;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
