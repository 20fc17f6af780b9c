import type {
  CatalogueEntry,
  CatalogueRates,
  CatalogueTier,
  CatalogueUnits,
} from '../../lambda/config/catalogue-entry.ts';
import { isJsonObject, type JsonObject } from '../../lambda/domain/json.ts';
import { femtoFromUsdPerUnit, nanoFromUsd } from '../../lambda/domain/money/nano.ts';
import type { PriceMode } from '../../lambda/domain/money/price.ts';
import type { Place } from './providers.ts';
import { type ListedRates, listedRates, type RateTable, raise, type Step, type TierTable } from './rates.ts';

const MODES: Readonly<Record<string, PriceMode>> = {
  chat: 'chat',
  responses: 'chat',
  completion: 'chat',
  embedding: 'embedding',
  rerank: 'rerank',
  moderation: 'moderation',
  image_generation: 'image',
  audio_speech: 'speech',
  audio_transcription: 'transcription',
};

/** The source's names of service tiers, and the ones providers use in requests. */
const TIERS = { batches: 'batch', flex: 'flex', priority: 'priority' } as const;

const CAPABILITIES: Readonly<Record<string, string>> = {
  supports_vision: 'vision',
  supports_function_calling: 'tools',
  supports_parallel_function_calling: 'parallel-tools',
  supports_reasoning: 'reasoning',
  supports_response_schema: 'structured-output',
  supports_prompt_caching: 'prompt-caching',
  supports_web_search: 'web-search',
  supports_pdf_input: 'pdf',
  supports_audio_input: 'audio-input',
  supports_audio_output: 'audio-output',
  supports_video_input: 'video-input',
  supports_computer_use: 'computer-use',
  supports_embedding_image_input: 'vision',
};

/** One model's line of the catalogue, or why it has none. */
export function entryOf(place: Place, listing: JsonObject): CatalogueEntry | string {
  const sourceMode = String(listing['mode']);
  const mode = Object.hasOwn(MODES, sourceMode) ? MODES[sourceMode] : undefined;
  if (mode === undefined) return `mode ${sourceMode}`;
  const units = unitsOf(listing, mode);
  const standard = standardOf(listing, mode, units !== undefined);
  if (typeof standard === 'string') return standard;
  const beyond = chargedBeyondTokens(place, listing, mode);
  if (beyond !== undefined) return beyond;
  const tiers = { ...tiersOf(listing, standard), ...fastTierOf(listing, standard) };
  return {
    mode,
    standard: flat(standard),
    ...defined({
      tiers: Object.keys(tiers).length > 0 ? tiers : undefined,
      units,
      webSearchRequest: searchesAlways(place) ? undefined : webSearchOf(place, listing, mode),
      request: searchesAlways(place) ? searchCharge(listing) : undefined,
      regionUplifts: regionUpliftsOf(listing),
      contextTokens: countOf(
        listing['max_input_tokens'] ?? (mode === 'embedding' ? listing['max_tokens'] : undefined),
      ),
      maxOutputTokens: HAS_ANSWER.has(mode) ? countOf(listing['max_output_tokens']) : undefined,
      capabilities: capabilitiesOf(listing, sourceMode),
      deprecatedOn:
        listing['deprecation_date'] === undefined ? undefined : String(listing['deprecation_date']),
    }),
  };
}

type Defined<Members> = { readonly [Name in keyof Members]?: Exclude<Members[Name], undefined> };

/** The members that are there. */
const defined = <Members extends object>(members: Members): Defined<Members> =>
  // What is left out is what `Defined` leaves open.
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<Members>;

/** Rates of the standard tier. A rate of 0 is how the source says that it does not know, and would open every budget. */
function standardOf(listing: JsonObject, mode: PriceMode, hasUnits: boolean): TierTable | string {
  if (isFree(listing, mode)) return { rates: { prompt: 0n, completion: 0n }, longContext: [] };
  const ranges = listing['tiered_pricing'];
  const [first, ...further] = Array.isArray(ranges) ? ranges.filter(isJsonObject) : [listing];
  const listed = first === undefined ? {} : listedRates(first);
  const prompt = listed.prompt ?? (hasUnits ? 0n : undefined);
  if (prompt === undefined) return 'no rate for prompt tokens';
  const completion = completionRate(listed, mode, hasUnits);
  if (completion === undefined) return 'no rate for completion tokens';
  const rates: RateTable = { ...listed, prompt, completion };
  const longContext = Array.isArray(ranges) ? rangeSteps(further, rates) : suffixSteps(listing, rates);
  return { rates, longContext };
}

/** Models whose answer is text in tokens. */
const HAS_ANSWER: ReadonlySet<PriceMode> = new Set(['chat', 'transcription', 'speech']);

/** Vectors and rankings are no tokens; pictures and sound that are have a rate of their own, or a charge by another unit. */
function completionRate(listed: ListedRates, mode: PriceMode, hasUnits: boolean): bigint | undefined {
  if (mode === 'embedding' || mode === 'rerank' || mode === 'moderation')
    return mode === 'embedding' ? (listed.completion ?? 0n) : 0n;
  const ownRate = mode === 'image' ? listed.completionImage : listed.completionAudio;
  return listed.completion ?? (mode === 'chat' ? undefined : (ownRate ?? (hasUnits ? 0n : undefined)));
}

/** OpenAI's moderations cost nothing, which is what their rates of 0 say. @see https://platform.openai.com/docs/guides/moderation */
const isFree = (listing: JsonObject, mode: PriceMode): boolean =>
  mode === 'moderation' && listing['litellm_provider'] === 'openai';

/** What is paid by other units than tokens. */
function unitsOf(listing: JsonObject, mode: PriceMode): CatalogueUnits | undefined {
  const listed = (...fields: readonly string[]): number | undefined => {
    const amounts = fields.map((field) => femtoFromUsdPerUnit(String(listing[field] ?? 0)));
    const most = amounts.toSorted((a, b) => Number(b - a))[0] ?? 0n;
    return most === 0n ? undefined : safeNumber(most);
  };
  const isInTokens = listedRates(listing).prompt !== undefined;
  const units = {
    rerank: () => defined({ searchUnit: listed('input_cost_per_query') }),
    speech: () => defined({ character: listed('input_cost_per_character') }),
    // The source lists some models at both ends of the call, and means the same charge.
    transcription: () =>
      isInTokens ? {} : defined({ audioSecond: listed('input_cost_per_second', 'output_cost_per_second') }),
    image: () => imageUnits(listing),
    chat: () => ({}),
    embedding: () => ({}),
    moderation: () => ({}),
  }[mode]();
  return Object.keys(units).length > 0 ? units : undefined;
}

/** Text rates of a model that makes pictures say nothing of what those cost. */
const chargesPictures = (listing: JsonObject): boolean =>
  listedRates(listing).completionImage !== undefined || imageUnits(listing).image !== undefined;

/** Models that list what their pictures' tokens cost are charged by those. */
function imageUnits(listing: JsonObject): CatalogueUnits {
  const usd = [listing['output_cost_per_image'], listing['input_cost_per_image']].find(
    (amount) => Number(amount ?? 0) > 0,
  );
  const isInTokens = listedRates(listing).completionImage !== undefined;
  return usd === undefined || isInTokens ? {} : { image: { any: Number(nanoFromUsd(String(usd))) } };
}

/** Fields whose charge no bucket of tokens counts; the model is left out, as its price would be too low. */
const UNCOUNTED = [
  'input_cost_per_request',
  'citation_cost_per_token',
  'output_cost_per_video_token',
  'input_cost_per_video_per_second',
] as const;

function chargedBeyondTokens(place: Place, listing: JsonObject, mode: PriceMode): string | undefined {
  if (mode === 'image') return chargesPictures(listing) ? undefined : 'no charge for pictures';
  if (mode !== 'chat') return undefined;
  const uncounted = UNCOUNTED.find((field) => Number(listing[field] ?? 0) > 0);
  if (uncounted !== undefined) return `also charged: ${uncounted}`;
  const isUnlisted = searchesAlways(place) && searchCharge(listing) === undefined;
  return isUnlisted ? 'also charged: a web search with every request, at a price not listed' : undefined;
}

/** Models that search the web with every request, and are charged for it each time. */
const searchesAlways = ({ provider, model = '' }: Place): boolean =>
  provider === 'perplexity' ? /^sonar(?!.*-chat$)/.test(model) : /-search-(preview|api)/.test(model);

/** Nano-dollars for each request, by the size of its search context. */
function searchCharge(listing: JsonObject): Readonly<Record<string, number>> | undefined {
  const sizes = listing['search_context_cost_per_query'];
  if (!isJsonObject(sizes)) return undefined;
  const amounts = Object.entries(sizes).map(([name, usd]) => [
    name.replace('search_context_size_', ''),
    Number(nanoFromUsd(String(usd))),
  ]);
  return Object.fromEntries(amounts);
}

/** What the source has no fields for, as factors of the standard rates: the fast tier, and regions (`us`). */
function factorsOf(listing: JsonObject): Readonly<Record<string, unknown>> {
  const factors = listing['provider_specific_entry'];
  return isJsonObject(factors) ? factors : {};
}

/** @see https://docs.anthropic.com/en/docs/build-with-claude/fast-mode */
function fastTierOf(listing: JsonObject, standard: TierTable): Readonly<Record<string, CatalogueTier>> {
  const { fast } = factorsOf(listing);
  return fast === undefined ? {} : { fast: flat(times(standard, thousandthsOf(fast))) };
}

/** Thousandths of the rates, by region. */
function regionUpliftsOf(listing: JsonObject): Readonly<Record<string, number>> | undefined {
  const listed = {
    eu: listing['regional_processing_uplift_multiplier_eu'],
    us: listing['regional_processing_uplift_multiplier_us'] ?? factorsOf(listing)['us'],
  };
  const uplifts = Object.entries(listed).flatMap(([region, factor]) =>
    factor === undefined ? [] : [[region, Number(thousandthsOf(factor))] as const],
  );
  return uplifts.length > 0 ? Object.fromEntries(uplifts) : undefined;
}

/** A factor is written with as many decimals as dollars are: `1.1` is 1,100 thousandths. */
const thousandthsOf = (factor: unknown): bigint => nanoFromUsd(String(factor)) / 1_000_000n;

function times({ rates, longContext }: TierTable, thousandths: bigint): TierTable {
  return {
    rates: timesRates(rates, thousandths),
    longContext: longContext.map((step) => ({ ...step, rates: timesRates(step.rates, thousandths) })),
  };
}

function timesRates(rates: RateTable, thousandths: bigint): RateTable {
  const scaled = Object.entries(rates).map(([name, rate]) => [name, (rate * thousandths) / 1_000n]);
  return { prompt: rates.prompt, completion: rates.completion, ...Object.fromEntries(scaled) };
}

/** Lists of ranges (`range: [32000, 128000]`) hold for prompts longer than where the range begins. */
function rangeSteps(ranges: readonly JsonObject[], standard: RateTable): Step[] {
  return ranges.map((range) => {
    const bounds = range['range'];
    const from = countOf(Array.isArray(bounds) ? bounds[0] : undefined);
    if (from === undefined) throw new Error('A range of tiered_pricing names no beginning.');
    return { abovePromptTokens: from, rates: raise(listedRates(range), standard) };
  });
}

function suffixSteps(listing: JsonObject, standard: RateTable): Step[] {
  const thresholds = Object.keys(listing).flatMap(
    (field) => /_token_above_(\d+)k_tokens/.exec(field)?.[1] ?? [],
  );
  return [...new Set(thresholds.map(Number))]
    .sort((a, b) => a - b)
    .map((thousands) => ({
      abovePromptTokens: thousands * 1000,
      rates: raise(listedRates(listing, `_above_${thousands}k_tokens`), standard),
    }));
}

function tiersOf(listing: JsonObject, standard: TierTable): Readonly<Record<string, CatalogueTier>> {
  const entries = Object.entries(TIERS).flatMap(([suffix, name]) => {
    const listed = listedRates(listing, `_${suffix}`);
    if (listed.prompt === undefined && listed.completion === undefined) return [];
    const rates = raise(listed, standard.rates);
    const longContext = standard.longContext.map((step) => ({
      abovePromptTokens: step.abovePromptTokens,
      rates: raise(
        listedRates(listing, `_above_${step.abovePromptTokens / 1000}k_tokens_${suffix}`),
        raise({}, step.rates, { from: standard.rates, to: rates }),
      ),
    }));
    return [[name, flat({ rates, longContext })] as const];
  });
  return Object.fromEntries(entries);
}

/** Rates, and the steps beside them, as they stand in the file. */
function flat({ rates, longContext }: TierTable): CatalogueTier {
  const steps = longContext.map((step) => ({
    abovePromptTokens: step.abovePromptTokens,
    ...numbers(step.rates),
  }));
  return { ...numbers(rates), ...(steps.length > 0 && { longContext: steps }) };
}

function numbers({ prompt, completion, ...others }: RateTable): CatalogueRates {
  const rest = Object.entries(others).map(([name, rate]) => [name, safeNumber(rate)]);
  return { prompt: safeNumber(prompt), completion: safeNumber(completion), ...Object.fromEntries(rest) };
}

function safeNumber(rate: bigint): number {
  if (rate < 0n || rate > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`A rate of ${rate} cannot be.`);
  return Number(rate);
}

/** The dearest of the sizes a search can have: what was asked for is not known when the cost is. */
function webSearchOf({ provider }: Place, listing: JsonObject, mode: PriceMode): number | undefined {
  if (mode !== 'chat' && mode !== 'embedding') return undefined;
  const amounts = Object.values(searchCharge(listing) ?? {});
  if (amounts.length > 0) return Math.max(...amounts);
  return provider === 'anthropic' && mode === 'chat' ? ANTHROPIC_SEARCH_NANO : undefined;
}

/**
 * What a search costs with every model of Anthropic's; the source leaves it out of some.
 * @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/web-search-tool#usage-and-pricing
 */
const ANTHROPIC_SEARCH_NANO = 10_000_000;

function countOf(value: unknown): number | undefined {
  const count = Number(value);
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

/** Named once each, in one string: two thousand lists of strings would cost more to load than all the rates. */
function capabilitiesOf(listing: JsonObject, sourceMode: string): string | undefined {
  const named = Object.entries(CAPABILITIES).flatMap(([field, name]) =>
    listing[field] === true ? [name] : [],
  );
  if (sourceMode === 'responses') named.push('responses-only');
  if (sourceMode === 'completion') named.push('completions-only');
  return named.length > 0 ? [...new Set(named)].join(' ') : undefined;
}
