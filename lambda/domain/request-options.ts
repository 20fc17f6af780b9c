import type { CacheWishes } from './cache-settings.ts';
import type { NanoUsd } from './money/nano.ts';

/** A caller's wishes on routing: OpenRouter's `provider` object, as far as Sluice acts on it. */
export interface RoutePreferences {
  /** Providers to try first, in this order. */
  readonly order: readonly string[];
  /** Only these providers; `undefined`: all. */
  readonly only?: readonly string[];
  readonly ignore: readonly string[];
  /** False: the first choice or nothing. */
  readonly allowFallbacks: boolean;
  /** Only deployments that are not known to lack what the request needs, and nothing of it may be dropped. */
  readonly requireParameters?: true;
}

/** What a caller may say about one request beside the conversation itself, in any dialect. */
export interface RequestOptions {
  /** Models to try when the one asked for cannot answer, in order. */
  readonly fallbackModels: readonly string[];
  readonly preferences: RoutePreferences;
  readonly session?: string;
  readonly endUser?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly firstContentTimeoutMs?: number;
  /** What the caller wants its session bounded by. */
  readonly sessionCaps: { readonly maxCost?: NanoUsd; readonly maxCalls?: number };
  readonly unsupportedParameters?: 'reject' | 'drop';
  readonly cache: CacheWishes;
  /** The caller's own name for this request: sent again under it, it is answered and charged once. */
  readonly idempotencyKey?: string;
}

/** Fields of a request's body that are Sluice's own, in any dialect: read here, never sent upstream. */
export const OWN_FIELDS: readonly string[] = ['models', 'provider', 'session_id', 'usage'];
