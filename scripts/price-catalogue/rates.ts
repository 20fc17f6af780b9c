import type { JsonObject } from '../../lambda/domain/json.ts';
import { femtoFromUsdPerToken } from '../../lambda/domain/money/nano.ts';
import type { Rates } from '../../lambda/domain/money/price.ts';

type RateName = keyof Rates;

/** Femto-dollars per token. */
export type ListedRates = { readonly [Name in RateName]?: bigint };
export type RateTable = ListedRates & { readonly prompt: bigint; readonly completion: bigint };

/** Rates for prompts longer than `abovePromptTokens`. */
export interface Step {
  readonly abovePromptTokens: number;
  readonly rates: RateTable;
}

export interface TierTable {
  readonly rates: RateTable;
  readonly longContext: readonly Step[];
}

/** The source's field for each rate; the first that is listed counts. Tiers and steps are suffixes. */
const FIELDS: Readonly<Record<RateName, readonly string[]>> = {
  prompt: ['input_cost_per_token'],
  completion: ['output_cost_per_token'],
  cacheRead: ['cache_read_input_token_cost', 'input_cost_per_token_cache_hit'],
  cacheWrite: ['cache_creation_input_token_cost'],
  cacheWriteOneHour: ['cache_creation_input_token_cost_above_1hr'],
  promptAudio: ['input_cost_per_audio_token'],
  reasoning: ['output_cost_per_reasoning_token'],
  completionAudio: ['output_cost_per_audio_token'],
  promptImage: ['input_cost_per_image_token'],
  completionImage: ['output_cost_per_image_token'],
};

/** Of pictures only models that make them are charged apart here. */
const IMAGE_RATES: ReadonlySet<string> = new Set(['promptImage', 'completionImage']);

const NAMES = Object.keys(FIELDS).filter((name): name is RateName => name in FIELDS);

/** The rates a listing names with this suffix (`_above_200k_tokens_priority`). A rate of 0 counts as not listed. */
export function listedRates(listing: JsonObject, suffix: string = ''): ListedRates {
  const makesImages = listing['mode'] === 'image_generation';
  const rates = NAMES.flatMap((name) => {
    if (IMAGE_RATES.has(name) && !makesImages) return [];
    const text = FIELDS[name].map((field) => listing[field + suffix]).find((value) => value !== undefined);
    const rate = text === undefined || text === null ? 0n : femtoFromUsdPerToken(String(text));
    return rate === 0n ? [] : [[name, rate] as const];
  });
  return Object.fromEntries(rates);
}

/**
 * Completes the rates listed for a tier or a long prompt from those of the base. What is not listed rises with what is,
 * and never falls below the base: a discount that nobody lists is not assumed.
 */
export function raise(
  listed: ListedRates,
  base: RateTable,
  ratio: { readonly from: RateTable; readonly to: ListedRates } = { from: base, to: listed },
): RateTable {
  const raised = (name: RateName, rate: bigint): bigint => {
    const isCompletion = name.startsWith('completion') || name === 'reasoning';
    const [side, other] = isCompletion
      ? (['completion', 'prompt'] as const)
      : (['prompt', 'completion'] as const);
    const reference = ratio.to[side] === undefined ? other : side;
    return times(rate, ratio.to[reference] ?? ratio.from[reference], ratio.from[reference]);
  };
  const completed = NAMES.flatMap((name) => {
    const own = listed[name];
    const inBase = base[name];
    if (own !== undefined) return [[name, own] as const];
    return inBase === undefined ? [] : [[name, raised(name, inBase)] as const];
  });
  return { prompt: base.prompt, completion: base.completion, ...Object.fromEntries(completed) };
}

/** `rate × to / from`, rounded up, where that is more than `rate`. */
function times(rate: bigint, to: bigint, from: bigint): bigint {
  return to <= from ? rate : (rate * to + from - 1n) / from;
}
