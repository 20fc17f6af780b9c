import type { ChatRequest } from '../domain/chat/request.ts';
import { GatewayError } from '../domain/errors.ts';
import { listedImageCharge } from '../domain/money/cost.ts';
import type { Price, UnitCharges } from '../domain/money/price.ts';
import type { UnitCounts } from '../domain/money/usage.ts';
import type { Deployment } from '../domain/routing/deployment.ts';

/** How many of each charge a request may need, and what it is called. */
const UNITS: Readonly<
  Record<keyof UnitCharges, { readonly count: keyof UnitCounts; readonly name: string }>
> = {
  searchUnit: { count: 'searchUnits', name: 'searches' },
  character: { count: 'characters', name: 'characters' },
  audioSecond: { count: 'audioSeconds', name: 'seconds of sound' },
  image: { count: 'images', name: 'pictures' },
};

/** The units a price charges for, with the name of their count. */
export const chargedUnits = ({ units = {} }: Price): readonly (keyof UnitCounts)[] =>
  Object.entries(UNITS).flatMap(([charge, { count }]) => (Object.hasOwn(units, charge) ? [count] : []));

/**
 * What of an operation beside chat nothing bounds: a unit that is charged for and that the request does not tell the number
 * of, or an answer in tokens that neither the request nor the model limits.
 */
export function unboundedWork({ work, maxOutputTokens }: ChatRequest, price: Price): readonly string[] {
  if (work === undefined) return [];
  const counted = chargedUnits(price);
  const untold = Object.values(UNITS).flatMap(({ count, name }) =>
    counted.includes(count) && work.units[count] === undefined ? [`the number of ${name}`] : [],
  );
  const { completion, completionAudio, completionImage } = price.standard.rates;
  // Of pictures, what the request limits is their drafts.
  const limit = work.units.images === undefined ? maxOutputTokens : undefined;
  const isLimited = (limit ?? price.maxOutputTokens) !== undefined || counted.includes('images');
  const isCharged = [completion, completionAudio, completionImage].some((rate = completion) => rate > 0n);
  return isCharged && !isLimited ? [...untold, 'an answer whose length nothing limits'] : untold;
}

/** @throws GatewayError `price_unknown` for a kind of picture whose price is not listed */
export function refuseUnlistedImage({ work }: ChatRequest, { units }: Price, { id }: Deployment): void {
  const kind = work?.units.imageKind;
  if (units?.image === undefined || kind === undefined) return;
  if (listedImageCharge(units.image, kind) !== undefined) return;
  throw new GatewayError(
    'price_unknown',
    `What ${id} asks for a picture of the kind ${kind.slice(0, 60)} is not known, so it cannot be held inside a hard budget. Declare it under "prices" in gateway.config.ts, or ask for another size or quality.`,
    { param: 'size' },
  );
}
