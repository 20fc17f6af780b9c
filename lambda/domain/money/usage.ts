/**
 * What a provider says it counted. Each field is `undefined` where it was not reported, which is never the same as 0.
 * `promptTokens` holds the cached, written, audio and image ones; `completionTokens` the reasoning, audio and image ones.
 */
export interface Usage {
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly cacheReadTokens?: number;
  /** Tokens written to the provider's prompt cache, for five minutes unless counted below. */
  readonly cacheWriteTokens?: number;
  /** The part of `cacheWriteTokens` that is kept for an hour. */
  readonly cacheWriteOneHourTokens?: number;
  readonly reasoningTokens?: number;
  readonly promptAudioTokens?: number;
  readonly completionAudioTokens?: number;
  /** Of pictures, as what is read and as what is made. */
  readonly promptImageTokens?: number;
  readonly completionImageTokens?: number;
  /** What operations beside chat are billed by, where that is no token: each in its own unit. */
  readonly searchUnits?: number;
  /** Pictures that were made and are billed by the piece, and of which kind, as the price names it (`high/1024x1024`). */
  readonly images?: number;
  readonly imageKind?: string;
  /** Of a text that was spoken. */
  readonly characters?: number;
  /** Of a sound that was written down, rounded up to whole seconds. */
  readonly audioSeconds?: number;
  /** Service tier that was billed, in the provider's word. */
  readonly serviceTier?: string;
  /** Calls of hosted tools that are billed apart. */
  readonly webSearchRequests?: number;
  /** How much was searched, where the request itself is charged by it. */
  readonly searchContextSize?: 'low' | 'medium' | 'high';
  /** Where the answer was made, in the provider's word, where that changes its price. */
  readonly region?: string;
  /** Counted by Sluice, as the provider reported nothing. */
  readonly estimated?: boolean;
}

/** How many of each unit that is no token. An absent one is none. */
export type UnitCounts = Pick<Usage, 'searchUnits' | 'images' | 'imageKind' | 'characters' | 'audioSeconds'>;

/** Disjoint token counts: each token is in exactly one bucket, so that each is billed once. */
export interface TokenBuckets {
  readonly prompt: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWriteOneHour: number;
  readonly promptAudio: number;
  readonly promptImage: number;
  readonly completion: number;
  readonly reasoning: number;
  readonly completionAudio: number;
  readonly completionImage: number;
}

/**
 * Splits reported totals into disjoint buckets whose sum is the totals. Where a provider reports a part larger than its
 * whole (seen in the wild), the part wins and the remainder is 0: nothing is billed twice, nothing below zero.
 */
export function tokenBuckets(usage: Usage): TokenBuckets {
  const cacheRead = wholeCount(usage.cacheReadTokens);
  const cacheWriteOneHour = wholeCount(usage.cacheWriteOneHourTokens);
  const cacheWrite = Math.max(0, wholeCount(usage.cacheWriteTokens) - cacheWriteOneHour);
  const promptAudio = wholeCount(usage.promptAudioTokens);
  const promptImage = wholeCount(usage.promptImageTokens);
  const reasoning = wholeCount(usage.reasoningTokens);
  const completionAudio = wholeCount(usage.completionAudioTokens);
  const completionImage = wholeCount(usage.completionImageTokens);
  const promptParts = cacheRead + cacheWrite + cacheWriteOneHour + promptAudio + promptImage;
  const completionParts = reasoning + completionAudio + completionImage;
  return {
    prompt: Math.max(0, wholeCount(usage.promptTokens) - promptParts),
    cacheRead,
    cacheWrite,
    cacheWriteOneHour,
    promptAudio,
    promptImage,
    completion: Math.max(0, wholeCount(usage.completionTokens) - completionParts),
    reasoning,
    completionAudio,
    completionImage,
  };
}

/** A fraction counts as one more token; what is no count at all as not reported. Settling never fails on a report. */
export const wholeCount = (reported: number | undefined): number =>
  reported !== undefined && reported > 0 && reported < Number.MAX_SAFE_INTEGER ? Math.ceil(reported) : 0;

/** Adds a later report to an earlier one: what the later one names replaces, what it leaves out stays. */
export function mergeUsage(earlier: Usage | undefined, later: Usage): Usage {
  return { ...earlier, ...later };
}
