import type { DialectId, ReasoningField } from '../dialects/dialect.ts';
import type { ProviderId } from '../domain/ids.ts';

/** What a provider does with what it is sent, from its own documentation. */
export interface DataPolicy {
  /** Whether prompts may train models; `undefined`: not stated. */
  readonly trains: boolean | undefined;
  /** Days prompts are kept; 0: not at all; `undefined`: not stated. */
  readonly retentionDays: number | undefined;
  readonly documentation: string;
}

/** One way to talk to a provider: a dialect, and where it is spoken. */
export interface ProviderApi {
  readonly dialect: DialectId;
  /** The models that are served there. @default all */
  readonly models?: RegExp;
  /** After the base address; may end in a query. */
  path(model: string, stream: boolean): string;
}

/** A company or service with an address and an auth scheme: a dialect plus what is its own. */
export interface Provider {
  readonly id: ProviderId;
  readonly name: string;
  /** The first that serves the model is taken, unless the caller speaks the dialect of another. */
  readonly apis: readonly [ProviderApi, ...ProviderApi[]];
  /** Where the API stands, without a slash at the end; `undefined`: the operator must say. */
  readonly baseUrl: string | undefined;
  /** The environment variable that holds its credential, by custom of its own SDK; `undefined`: it needs none. */
  readonly credentialVariable: string | undefined;
  /** It may want a credential, or none (a server of one's own); where there is none, `authHeaders` gets ''. */
  readonly credentialIsOptional?: true;
  /** Path of an embedding call in OpenAI's form, after the base address; `undefined`: it has none. */
  readonly embeddingsPath?: string;
  /** Headers that prove who calls. */
  authHeaders(credential: string): Readonly<Record<string, string>>;
  /** Headers of this caller's request that this provider's API gives a meaning to, lower-case. */
  readonly forwardedHeaders: readonly string[];
  /** How it spells the bound on completion tokens, where its dialect has several. */
  readonly maxOutputTokensField?: string;
  /** How it takes its reasoning back, where its dialect has several spellings; left out: not known to take any. */
  readonly reasoningField?: ReasoningField;
  /** The most prompt tokens one picture can count for; `undefined`: not documented, the model's whole context is assumed. */
  readonly imageTokensBound: number | undefined;
  /** Whether it stops charging when we end a call; `undefined`: not stated, and taken for no. */
  readonly cancelStopsBilling: boolean | undefined;
  readonly dataPolicy: DataPolicy;
  /** The provider's own reference. */
  readonly documentation: string;
}

/** An upstream that is no server: it answers within the process, for trying things out. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}
