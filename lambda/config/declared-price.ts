import * as z from 'zod/mini';
import { femtoFromUsdPerMillion } from '../domain/money/nano.ts';
import type { Price, Rates, TierRates } from '../domain/money/price.ts';

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
};

const tokenCount = z.int().check(z.positive());

const tierFields = {
  ...rateFields,
  longContext: z.optional(z.array(z.strictObject({ abovePromptTokens: tokenCount, ...rateFields }))),
};

/**
 * A price as an operator declares it, in dollars per million tokens. Cached, written and audio tokens that have no rate
 * cost what prompt tokens do, reasoning what completion does.
 */
export const declaredPrice = z.strictObject({
  ...tierFields,
  mode: z.optional(z.enum(['chat', 'embedding'])),
  tiers: z.optional(z.record(z.string().check(z.minLength(1)), z.strictObject(tierFields))),
  contextTokens: z.optional(tokenCount),
  maxOutputTokens: z.optional(tokenCount),
  capabilities: z.optional(z.array(z.string())),
});

type DeclaredPrice = z.output<typeof declaredPrice>;
type DeclaredRates = Pick<DeclaredPrice, keyof typeof rateFields>;

/** Turns a checked declaration into a price. */
export function priceFromDeclaration(declared: DeclaredPrice): Price {
  return {
    mode: declared.mode ?? 'chat',
    version: 'config',
    standard: tierFrom(declared),
    tiers: Object.fromEntries(
      Object.entries(declared.tiers ?? {}).map(([name, tier]) => [name, tierFrom(tier)]),
    ),
    capabilities: declared.capabilities ?? [],
    ...(declared.contextTokens === undefined ? {} : { contextTokens: declared.contextTokens }),
    ...(declared.maxOutputTokens === undefined ? {} : { maxOutputTokens: declared.maxOutputTokens }),
  };
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
