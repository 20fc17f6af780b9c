import type { CatalogueEntry, CataloguePrice } from '../../lambda/config/catalogue-entry.ts';
import type { Catalogue } from './catalogue.ts';

const DAY_MS = 86_400_000;

/** How new prices are taken over. */
export interface Takeover {
  /** ISO date of the first day on which they hold. */
  readonly from: string;
  /** Prices that no record can name any more are dropped: those that ended longer ago than this. */
  readonly keptDays: number;
}

/** What a model is charged for, without since when. */
export function pricesOf(entry: CataloguePrice): CataloguePrice {
  const { standard, tiers, webSearchRequest, request, units, regionUplifts } = entry;
  return {
    standard,
    ...(tiers !== undefined && { tiers }),
    ...(webSearchRequest !== undefined && { webSearchRequest }),
    ...(request !== undefined && { request }),
    ...(units !== undefined && { units }),
    ...(regionUplifts !== undefined && { regionUplifts }),
  };
}

/** Whether two entries charge the same; limits and capabilities are no prices. */
export const areSamePrices = (a: CataloguePrice, b: CataloguePrice): boolean =>
  sortedText(pricesOf(a)) === sortedText(pricesOf(b));

/** Text in which the order of members, which means nothing, does not show. */
const sortedText = (value: CataloguePrice): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );

/**
 * Lays new prices over those that stand there: what changes holds from a day on, and what it cost before stays beside it,
 * so that each record's price version can be looked up for as long as there are records.
 * @throws Error where a model has a price that begins on that day or later
 */
export function takeOver(old: Catalogue, next: Catalogue['models'], takeover: Takeover): Catalogue['models'] {
  const isNew = old.models.size === 0;
  const providers = new Set([...old.models.keys(), ...next.keys()]);
  return new Map(
    [...providers].map((provider) => {
      const before = old.models.get(provider) ?? new Map<string, CatalogueEntry>();
      const after = next.get(provider) ?? new Map<string, CatalogueEntry>();
      const names = new Set([...before.keys(), ...after.keys()]);
      const entries = [...names].flatMap((name) => {
        const listed = after.get(name);
        const stood = before.get(name);
        if (stood === undefined && listed !== undefined)
          return [[name, isNew ? listed : { ...listed, from: takeover.from }] as const];
        const entry = stood && merged(stood, listed, takeover, `${provider}/${name}`);
        return entry === undefined ? [] : [[name, entry] as const];
      });
      return [provider, new Map(entries)];
    }),
  );
}

function merged(
  stood: CatalogueEntry,
  listed: CatalogueEntry | undefined,
  takeover: Takeover,
  name: string,
): CatalogueEntry | undefined {
  const { from } = takeover;
  if (listed === undefined) {
    const gone = { ...stood, until: stood.until ?? from };
    return isForgotten(gone.until, takeover) ? undefined : gone;
  }
  const earlier = prune(stood, takeover);
  if (areSamePrices(stood, listed) && stood.until === undefined)
    return { ...listed, ...(stood.from !== undefined && { from: stood.from }), ...earlier };
  if (stood.from !== undefined && stood.from >= from)
    throw new Error(
      `${name} already has a price from ${stood.from}. Name a later day with --from, or restore the catalogue first.`,
    );
  const before = { ...pricesOf(stood), ...(stood.from !== undefined && { from: stood.from }) };
  return { ...listed, from, earlier: [...(earlier.earlier ?? []), before] };
}

/** The earlier prices of an entry that a record may still name. */
function prune(entry: CatalogueEntry, takeover: Takeover): Pick<CatalogueEntry, 'earlier'> {
  const { earlier = [] } = entry;
  const kept = earlier.filter((_price, index) => {
    const endedOn = (earlier[index + 1] ?? entry).from;
    return !isForgotten(endedOn, takeover);
  });
  return kept.length > 0 ? { earlier: kept } : {};
}

const isForgotten = (endedOn: string | undefined, { from, keptDays }: Takeover): boolean =>
  endedOn !== undefined && Date.parse(endedOn) + keptDays * DAY_MS < Date.parse(from);
