import * as z from 'zod/mini';
import {
  type FemtoUsdPerUnit,
  femtoFromUsdPerMillion,
  femtoFromUsdPerUnit,
  femtoUsdPerUnit,
  maxUsd,
  nanoFromUsd,
  ZERO_USD,
} from '../domain/money/nano.ts';
import type { ImageCharge, Price, Rates, TierRates, UnitCharges } from '../domain/money/price.ts';

/** Dollars per million tokens, as a number or, where a number would lose digits, as decimal text. */
const usdPerMillion = z
  .union([z.number(), z.string()])
  .check(
    z.refine(isAmount, 'must be dollars per million tokens, such as 1.25 or "0.0375", and not negative'),
  );

function isAmount(value: number | string): boolean {
  try {
    return femtoFromUsdPerMillion(value) >= 0n;
  } catch {
    return false;
  }
}

const rateFields = {
  promptUsdPerMillion: usdPerMillion,
  completionUsdPerMillion: usdPerMillion,
  cacheReadUsdPerMillion: z.optional(usdPerMillion),
  cacheWriteUsdPerMillion: z.optional(usdPerMillion),
  cacheWriteOneHourUsdPerMillion: z.optional(usdPerMillion),
  promptAudioUsdPerMillion: z.optional(usdPerMillion),
  reasoningUsdPerMillion: z.optional(usdPerMillion),
  completionAudioUsdPerMillion: z.optional(usdPerMillion),
  promptImageUsdPerMillion: z.optional(usdPerMillion),
  completionImageUsdPerMillion: z.optional(usdPerMillion),
};

const usd = z
  .union([z.number(), z.string()])
  .check(z.refine(isAmount, 'must be dollars, such as 0.005 or "0.0125", and not negative'));

const tokenCount = z.int().check(z.positive());

const tierFields = {
  ...rateFields,
  longContext: z.optional(z.array(z.strictObject({ abovePromptTokens: tokenCount, ...rateFields }))),
};

/**
 * A price as an operator declares it, in dollars per million tokens. Cached, written and audio tokens that have no rate
 * cost what prompt tokens do, reasoning what completion does. `webSearchUsd` is for each search that the answer says it
 * made, `requestUsd` for each request. What is not paid by tokens has rates of 0, and `searchUnitUsd`, `imageUsd` (for any
 * picture, or by its kind: `high/1024x1024`), `characterUsdPerMillion` or `audioMinuteUsd`.
 */
export const declaredPrice = z.strictObject({
  ...tierFields,
  webSearchUsd: z.optional(usd),
  requestUsd: z.optional(usd),
  searchUnitUsd: z.optional(usd),
  imageUsd: z.optional(z.union([usd, z.record(z.string().check(z.minLength(1)), usd)])),
  characterUsdPerMillion: z.optional(usdPerMillion),
  audioMinuteUsd: z.optional(usd),
  mode: z.optional(z.enum(['chat', 'embedding', 'rerank', 'moderation', 'image', 'speech', 'transcription'])),
  tiers: z.optional(z.record(z.string().check(z.minLength(1)), z.strictObject(tierFields))),
  contextTokens: z.optional(tokenCount),
  maxOutputTokens: z.optional(tokenCount),
  capabilities: z.optional(z.array(z.string())),
});

type DeclaredPrice = z.output<typeof declaredPrice>;
type DeclaredRates = Pick<DeclaredPrice, keyof typeof rateFields>;

/** Turns a checked declaration into a price. @param version names it in the records */
export function priceFromDeclaration(declared: DeclaredPrice, version: string): Price {
  const { webSearchUsd, requestUsd } = declared;
  return {
    mode: declared.mode ?? 'chat',
    version,
    standard: tierFrom(declared),
    tiers: Object.fromEntries(
      Object.entries(declared.tiers ?? {}).map(([name, tier]) => [name, tierFrom(tier)]),
    ),
    capabilities: declared.capabilities ?? [],
    ...(webSearchUsd === undefined ? {} : { webSearchRequest: nanoFromUsd(webSearchUsd) }),
    ...(requestUsd === undefined ? {} : { request: { most: nanoFromUsd(requestUsd), bySearchSize: {} } }),
    ...unitsFrom(declared),
    ...(declared.contextTokens === undefined ? {} : { contextTokens: declared.contextTokens }),
    ...(declared.maxOutputTokens === undefined ? {} : { maxOutputTokens: declared.maxOutputTokens }),
  };
}

function unitsFrom(declared: DeclaredPrice): Pick<Price, 'units'> {
  const { searchUnitUsd, imageUsd, characterUsdPerMillion, audioMinuteUsd } = declared;
  const units: UnitCharges = {
    ...(searchUnitUsd !== undefined && { searchUnit: femtoFromUsdPerUnit(searchUnitUsd) }),
    // A millionth of what a million costs, in femto-dollars, is what one costs in the same digits.
    ...(characterUsdPerMillion !== undefined && {
      character: femtoUsdPerUnit(femtoFromUsdPerMillion(characterUsdPerMillion)),
    }),
    ...(audioMinuteUsd !== undefined && { audioSecond: perSecond(audioMinuteUsd) }),
    ...(imageUsd !== undefined && { image: imageCharge(imageUsd) }),
  };
  return Object.keys(units).length === 0 ? {} : { units };
}

/** A sixtieth, rounded up. */
const perSecond = (usdPerMinute: number | string): FemtoUsdPerUnit =>
  femtoUsdPerUnit((femtoFromUsdPerUnit(usdPerMinute) + 59n) / 60n);

function imageCharge(imageUsd: NonNullable<DeclaredPrice['imageUsd']>): ImageCharge {
  if (typeof imageUsd !== 'object') return { most: nanoFromUsd(imageUsd), byKind: {} };
  const kinds = Object.entries(imageUsd).map(([kind, amount]) => [kind, nanoFromUsd(amount)] as const);
  const most = kinds.map(([, amount]) => amount).reduce(maxUsd, ZERO_USD);
  return { most, byKind: Object.fromEntries(kinds) };
}

function tierFrom(declared: DeclaredRates & Pick<DeclaredPrice, 'longContext'>): TierRates {
  const longContext = (declared.longContext ?? [])
    .map((step) => ({ abovePromptTokens: step.abovePromptTokens, rates: ratesFrom(step) }))
    .sort((a, b) => a.abovePromptTokens - b.abovePromptTokens);
  return { rates: ratesFrom(declared), longContext };
}

function ratesFrom(declared: DeclaredRates): Rates {
  const optional = {
    cacheRead: declared.cacheReadUsdPerMillion,
    cacheWrite: declared.cacheWriteUsdPerMillion,
    cacheWriteOneHour: declared.cacheWriteOneHourUsdPerMillion,
    promptAudio: declared.promptAudioUsdPerMillion,
    reasoning: declared.reasoningUsdPerMillion,
    completionAudio: declared.completionAudioUsdPerMillion,
    promptImage: declared.promptImageUsdPerMillion,
    completionImage: declared.completionImageUsdPerMillion,
  };
  return {
    prompt: femtoFromUsdPerMillion(declared.promptUsdPerMillion),
    completion: femtoFromUsdPerMillion(declared.completionUsdPerMillion),
    ...Object.fromEntries(
      Object.entries(optional).flatMap(([name, usd]) =>
        usd === undefined ? [] : [[name, femtoFromUsdPerMillion(usd)]],
      ),
    ),
  };
}
