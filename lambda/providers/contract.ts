import type { DialectId, ReasoningField } from '../dialects/dialect.ts';
import type { ProviderId } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';

/** What a provider does with what it is sent, from its own documentation. */
export interface DataPolicy {
  /** Whether prompts may train models; `undefined`: not stated. */
  readonly trains: boolean | undefined;
  /** The most days that prompts are kept, as long as nobody turns on more; 0: not at all; `undefined`: not stated. */
  readonly retentionDays: number | undefined;
  /** Where prompts are processed, unless the address says so (`us`, `eu`, `cn`); `undefined`: not stated. */
  readonly regions: readonly string[] | undefined;
  /** Where that is written; `undefined`: nowhere that we found. */
  readonly documentation: string | undefined;
}

/** What a provider takes otherwise than its dialect says. Holds for encoded bodies and for those that pass as they are. */
export interface RequestQuirks {
  /** Members that are added, or stand in for the caller's: `anthropic_version`. */
  readonly set?: Readonly<Record<string, Json>>;
  /** Members that are taken out and missed by nobody: what they ask for comes anyway, or stands in the address. */
  readonly remove?: readonly string[];
  /** Members it refuses, which change no answer: left out, and named to the caller. */
  readonly drop?: readonly string[];
  /** As `remove`, inside other members, by their path: `*` stands for every item of a list. */
  readonly removeWithin?: readonly (readonly string[])[];
  /** As `drop`, inside other members. */
  readonly dropWithin?: readonly (readonly string[])[];
  /** Members under another name: `seed` → `random_seed`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Roles of messages under another name: `developer` → `system`. */
  readonly roles?: Readonly<Record<string, string>>;
  /** Ids of tool calls are exactly so many letters and digits: others are made to be. */
  readonly callIdLength?: number;
  /** What the model is made to say between a tool's result and the user's next words, where it has to say something. */
  readonly answerBetween?: string;
}

/** One way to talk to a provider: a dialect, and where it is spoken. */
export interface ProviderApi {
  readonly dialect: DialectId;
  /** The models that are served there. @default all */
  readonly models?: RegExp;
  /** After the base address; may end in a query. */
  path(model: string, stream: boolean): string;
  readonly quirks?: RequestQuirks;
}

/** A company or service with an address and an auth scheme: a dialect plus what is its own. */
export interface Provider {
  readonly id: ProviderId;
  readonly name: string;
  /** The first that serves the model is taken, unless the caller speaks the dialect of another. */
  readonly apis: readonly [ProviderApi, ...ProviderApi[]];
  /** Where the API stands, without a slash at the end; `undefined`: it holds what only the operator knows. */
  readonly baseUrl: string | undefined;
  /** What the operator's own address looks like, where there is none for all. */
  readonly exampleBaseUrl?: string;
  /** The environment variable that holds its credential, by custom of its own SDK; `undefined`: it needs none. */
  readonly credentialVariable: string | undefined;
  /** It may do without a credential (a server of one's own, a role); where there is none, `authHeaders` gets ''. */
  readonly credentialIsOptional?: true;
  /** How calls are signed: on AWS where there is no credential, at Google with it. @default `authHeaders` is all it takes */
  readonly signing?: 'aws-sigv4' | 'google-oauth';
  /** Headers that prove who calls. @param dialect of the API that is called, where its ways differ */
  authHeaders(credential: string, dialect: DialectId): Readonly<Record<string, string>>;
  /** Headers of this caller's request that this provider's API gives a meaning to, lower-case. */
  readonly forwardedHeaders: readonly string[];
  /** How it spells the bound on completion tokens, where its dialect has several. */
  readonly maxOutputTokensField?: string;
  /** How it takes its reasoning back, where its dialect has several spellings; left out: not known to take any. */
  readonly reasoningField?: ReasoningField;
  /** A limit of 0 asks it for no answer at all (Anthropic fills its cache so); elsewhere it may be taken for no limit. */
  readonly takesNoOutput?: true;
  /** The limit holds for the answer alone, and the model may think as long as it likes beside it. */
  readonly limitsOnlyAnswer?: true;
  /** The most prompt tokens one picture can count for; `undefined`: not documented, the model's whole context is assumed. */
  readonly imageTokensBound: number | undefined;
  /** Whether it stops charging when we end a call; `undefined`: not stated, and taken for no. */
  readonly cancelStopsBilling: boolean | undefined;
  readonly dataPolicy: DataPolicy;
  /** `verified`: answers that it gave are replayed in the tests. `declared`: its documentation is all there is. */
  readonly evidence: 'verified' | 'declared';
  /** The provider's own reference. */
  readonly documentation: string;
}

/** An upstream that is no server: it answers within the process, for trying things out. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}
