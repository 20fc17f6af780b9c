import type { CacheSettings } from './cache-settings.ts';
import type { DeclaredTerms } from './money/price.ts';
import type { Deployment, ModelGroup } from './routing/deployment.ts';

/** How long each kind of waiting may last, in milliseconds. They are different limits, and fail with different errors. */
export interface Timeouts {
  /** Until the connection to the provider stands. */
  readonly connectMs: number;
  /** Until the first content of an answer that streams. */
  readonly firstContentMs: number;
  /** Between two chunks of a stream. */
  readonly idleMs: number;
  /** The whole request, all attempts together. */
  readonly totalMs: number;
}

/** What an operator says of one provider. */
export interface ProviderSettings {
  /** Which of Sluice's providers speaks here; the setting's own name, unless several are of one kind (`custom`). */
  readonly kind: string;
  /** Replaces the provider's own address. */
  readonly baseUrl: string | undefined;
  /** Environment variable of the credential on a local server; the provider's usual one unless said otherwise. */
  readonly credentialVariable: string | undefined;
}

/** How a request is compared with earlier ones by what it means. */
export interface SemanticCacheSettings {
  /** The model that turns a text into a vector. */
  readonly embedding: Deployment;
  /** How many numbers its vectors have. */
  readonly dimensions: number;
  /** The least similarity (cosine) at which an earlier answer is given again, 0..1. */
  readonly threshold: number;
  /** How long a request may wait for its vector and the nearest one, together. */
  readonly timeoutMs: number;
  /** The longest last turn that is compared. */
  readonly maxTurnCharacters: number;
}

/** A validated configuration: what the rest of Sluice reads. */
export interface GatewayConfig {
  readonly providers: Readonly<Record<string, ProviderSettings>>;
  readonly modelGroups: readonly ModelGroup[];
  /**
   * What the operator declares, by `provider/model` or `provider/model@region`, where `*` may end the model's name: in
   * ascending order of when it begins to hold. It wins over the catalogue's.
   */
  readonly declaredPrices: Readonly<Record<string, readonly DeclaredTerms[]>>;
  /** What a call without a limit of its own may produce, under a hard budget, in tokens. */
  readonly defaultMaxOutputTokens: number;
  /** The most of a hard budget's remainder that one call without a limit of its own may set aside, 0..1. */
  readonly largestShareOfRemainder: number;
  /** What a hard budget does with a call whose price is unknown. */
  readonly unknownPrice: 'refuse' | 'allow';
  /** What becomes of parameters that the answering dialect cannot express, unless the caller says. */
  readonly unsupportedParameters: 'reject' | 'drop';
  readonly timeouts: Timeouts;
  /** `undefined`: requests that ask for it are only compared exactly. */
  readonly semanticCache: SemanticCacheSettings | undefined;
  /** What becomes of finished answers, unless a model group says otherwise. */
  readonly cache: CacheSettings;
  /** Calls of one request at most, over all deployments. */
  readonly maxAttempts: number;
  readonly probes: {
    /** What probes may cost in a calendar month (UTC), in nano-dollars. */
    readonly monthlyCapNano: bigint;
  };
}
