import type { Catalogue } from '../price-catalogue/catalogue.ts';
import { familyOf } from './family.ts';

/** Families by name, each with its models as `provider/model`. */
export type Families = ReadonlyMap<string, readonly string[]>;

/** The models that at least two providers have. A provider's shortest name of one comes first: it binds the least. */
export function deriveEquivalents(models: Catalogue['models']): Families {
  const families = new Map<string, { readonly provider: string; readonly model: string }[]>();
  for (const [provider, entries] of models)
    for (const [model, { mode, capabilities = '', until }] of entries) {
      const canChat = mode === 'chat' && !capabilities.includes('completions-only') && until === undefined;
      const family = canChat ? familyOf(provider, model) : undefined;
      if (family !== undefined) families.set(family, [...(families.get(family) ?? []), { provider, model }]);
    }
  return new Map(
    [...families]
      .filter(([, members]) => new Set(members.map(({ provider }) => provider)).size > 1)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([family, members]) => [
        family,
        members.toSorted(byProviderThenLength).map(({ provider, model }) => `${provider}/${model}`),
      ]),
  );
}

type Member = Readonly<Record<'provider' | 'model', string>>;

const byProviderThenLength = (a: Member, b: Member): number =>
  a.provider === b.provider
    ? a.model.length - b.model.length || (a.model < b.model ? -1 : 1)
    : a.provider < b.provider
      ? -1
      : 1;

/** One line a family, so that the difference between two tables can be read. */
export function equivalentsText(families: Families): string {
  const lines = [...families].map(
    ([family, models]) => `${JSON.stringify(family)}:${JSON.stringify(models)}`,
  );
  return `{\n${lines.join(',\n')}\n}\n`;
}
