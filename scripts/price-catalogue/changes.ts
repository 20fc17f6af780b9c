import type {
  CatalogueEntry,
  CataloguePrice,
  CatalogueTier,
  CatalogueUnits,
} from '../../lambda/config/catalogue-entry.ts';
import type { Catalogue } from './catalogue.ts';
import { areSamePrices } from './history.ts';

/** One charge of a model before and after; `undefined`: not listed. Femto-dollars a token, or nano-dollars. */
export interface RateChange {
  /** `prompt`, `flex completion`, `prompt above 200000`, `request low`. */
  readonly name: string;
  readonly unit: 'femto-per-token' | 'femto-per-unit' | 'nano' | 'thousandths';
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** What is new of one model. Names are `provider/model`. */
export type ModelChange =
  | { readonly type: 'added'; readonly name: string; readonly entry: CatalogueEntry }
  | { readonly type: 'removed'; readonly name: string; readonly entry: CatalogueEntry }
  | { readonly type: 'changed'; readonly name: string; readonly rates: readonly RateChange[] };

/** What two catalogues differ in, the largest changes first. Limits and capabilities are no prices. */
export function changesBetween(before: Catalogue['models'], after: Catalogue['models']): ModelChange[] {
  const providers = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changes = providers.flatMap((provider) => {
    const [old, next] = [before.get(provider), after.get(provider)];
    const names = [...new Set([...(old?.keys() ?? []), ...(next?.keys() ?? [])])].sort();
    return names.flatMap(
      (model) => changeOf(`${provider}/${model}`, old?.get(model), next?.get(model)) ?? [],
    );
  });
  return changes.sort((a, b) => magnitudeOf(b) - magnitudeOf(a));
}

function changeOf(
  name: string,
  before: CatalogueEntry | undefined,
  after: CatalogueEntry | undefined,
): ModelChange | undefined {
  const stood = before?.until === undefined ? before : undefined;
  if (stood === undefined) return after && { type: 'added', name, entry: after };
  if (after === undefined) return { type: 'removed', name, entry: stood };
  if (areSamePrices(stood, after)) return undefined;
  const [old, next] = [chargesOf(stood), chargesOf(after)];
  const rates = [...new Set([...old.keys(), ...next.keys()])].flatMap((charge) => {
    const [was, is] = [old.get(charge), next.get(charge)];
    const unit = (is ?? was)?.unit ?? 'nano';
    return was?.amount === is?.amount ? [] : [{ name: charge, unit, before: was?.amount, after: is?.amount }];
  });
  return { type: 'changed', name, rates };
}

/** How many times dearer or cheaper a charge became: 2 for both double and half; none at all counts as endless. */
export function factorOf({ before, after }: RateChange): number {
  if (before === undefined || after === undefined) return 1;
  if (before === 0 || after === 0) return Number.POSITIVE_INFINITY;
  return Math.max(before / after, after / before);
}

const magnitudeOf = (change: ModelChange): number =>
  change.type === 'changed' ? Math.max(...change.rates.map(factorOf)) : 0;

interface Charge {
  readonly unit: RateChange['unit'];
  readonly amount: number;
}

/** Everything a model is charged for, by a name. */
function chargesOf(price: CataloguePrice): ReadonlyMap<string, Charge> {
  const tiers = Object.entries(price.tiers ?? {}).flatMap(([tier, rates]) => tierCharges(`${tier} `, rates));
  const charges: (readonly [string, Charge])[] = [
    ...tierCharges('', price.standard),
    ...tiers,
    ...inUnit('request ', 'nano', price.request ?? {}),
    ...unitCharges(price.units ?? {}),
    ...inUnit('region ', 'thousandths', price.regionUplifts ?? {}),
  ];
  if (price.webSearchRequest !== undefined)
    charges.push(['web search', { unit: 'nano', amount: price.webSearchRequest }]);
  return new Map(charges);
}

function unitCharges({ image = {}, ...rates }: CatalogueUnits): (readonly [string, Charge])[] {
  return [...inUnit('', 'femto-per-unit', rates), ...inUnit('image ', 'nano', image)];
}

function tierCharges(prefix: string, tier: CatalogueTier): (readonly [string, Charge])[] {
  const { longContext = [], ...rates } = tier;
  const steps = longContext.flatMap(({ abovePromptTokens, ...step }) =>
    inUnit(prefix, 'femto-per-token', step).map(
      ([name, charge]) => [`${name} above ${abovePromptTokens}`, charge] as const,
    ),
  );
  return [...inUnit(prefix, 'femto-per-token', rates), ...steps];
}

const inUnit = (
  prefix: string,
  unit: RateChange['unit'],
  amounts: Readonly<Record<string, number>>,
): (readonly [string, Charge])[] =>
  Object.entries(amounts).map(([name, amount]) => [`${prefix}${name}`, { unit, amount }]);
