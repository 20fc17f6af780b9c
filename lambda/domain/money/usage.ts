/**
 * What a provider says it counted. Each field is `undefined` where it was not reported, which is never the same as 0.
 * `promptTokens` holds the cached, written and audio ones; `completionTokens` holds the reasoning and audio ones.
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

/** Disjoint token counts: each token is in exactly one bucket, so that each is billed once. */
export interface TokenBuckets {
  readonly prompt: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWriteOneHour: number;
  readonly promptAudio: number;
  readonly completion: number;
  readonly reasoning: number;
  readonly completionAudio: number;
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
  const reasoning = wholeCount(usage.reasoningTokens);
  const completionAudio = wholeCount(usage.completionAudioTokens);
  const promptParts = cacheRead + cacheWrite + cacheWriteOneHour + promptAudio;
  return {
    prompt: Math.max(0, wholeCount(usage.promptTokens) - promptParts),
    cacheRead,
    cacheWrite,
    cacheWriteOneHour,
    promptAudio,
    completion: Math.max(0, wholeCount(usage.completionTokens) - reasoning - completionAudio),
    reasoning,
    completionAudio,
  };
}

/** A fraction counts as one more token; what is no count at all as not reported. Settling never fails on a report. */
const wholeCount = (reported: number | undefined): number =>
  reported !== undefined && reported > 0 && reported < Number.MAX_SAFE_INTEGER ? Math.ceil(reported) : 0;

/** Adds a later report to an earlier one: what the later one names replaces, what it leaves out stays. */
export function mergeUsage(earlier: Usage | undefined, later: Usage): Usage {
  return { ...earlier, ...later };
}
