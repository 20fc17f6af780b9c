import type { Json, JsonObject } from '../json.ts';
import type { UnitCounts } from '../money/usage.ts';

/** Where a picture, a sound or a file comes from. */
export type MediaSource =
  | { readonly type: 'base64'; readonly mediaType: string; readonly data: string }
  | { readonly type: 'url'; readonly url: string }
  /** A file the provider keeps: only that provider can read it. */
  | { readonly type: 'provider-file'; readonly id: string };

/** A hint where a provider may cache the prompt up to here, in Anthropic's shape: `{type:'ephemeral', ttl?}`. */
export type CacheHint = JsonObject;

export type ContentPart =
  | { readonly type: 'text'; readonly text: string; readonly cacheHint?: CacheHint }
  | {
      readonly type: 'image';
      readonly source: MediaSource;
      readonly detail?: string;
      readonly cacheHint?: CacheHint;
    }
  | { readonly type: 'audio'; readonly source: MediaSource }
  | {
      readonly type: 'file';
      readonly source: MediaSource;
      readonly name?: string;
      readonly cacheHint?: CacheHint;
    }
  /** Reasoning of an earlier answer, sent back. `signature` and `encrypted` are opaque and only for their own dialect. */
  | {
      readonly type: 'reasoning';
      readonly text: string;
      readonly signature?: string;
      readonly dialect?: string;
    }
  | { readonly type: 'reasoning-encrypted'; readonly data: string; readonly dialect: string }
  | {
      readonly type: 'tool-call';
      readonly kind: 'function' | 'custom';
      readonly id: string;
      readonly name: string;
      /** JSON text for functions, free text for custom tools. */
      readonly arguments: string;
      readonly signature?: string;
      readonly cacheHint?: CacheHint;
    }
  | {
      readonly type: 'tool-result';
      readonly callId: string;
      readonly content: readonly ContentPart[];
      readonly isError: boolean;
      readonly cacheHint?: CacheHint;
    }
  | { readonly type: 'refusal'; readonly text: string }
  /** A part only its own dialect understands (a hosted tool's result, a document with citations), kept as it came. */
  | {
      readonly type: 'native';
      readonly dialect: string;
      readonly name: string;
      readonly value: Json;
      /** What it says in plain words, where those say enough to go on with in another dialect. */
      readonly text?: string;
    };

/**
 * One turn. Tool results stand in a `user` turn before its other parts, as the caller answers for the tools. A `system` or
 * `developer` turn may stand anywhere in the conversation.
 */
export interface Message {
  readonly role: 'system' | 'developer' | 'user' | 'assistant';
  readonly content: readonly ContentPart[];
  /** Which of several participants speaks (OpenAI's `name`). */
  readonly name?: string;
}

export type Tool =
  | {
      readonly type: 'function';
      readonly name: string;
      readonly description?: string;
      /** JSON Schema of the arguments. */
      readonly parameters?: JsonObject;
      readonly strict?: boolean;
      readonly cacheHint?: CacheHint;
    }
  | { readonly type: 'custom'; readonly name: string; readonly description?: string; readonly format?: Json }
  /**
   * A tool only its dialect knows, in its own shape. The provider runs it, so that what it costs cannot be bounded
   * beforehand, unless `runBy` says that the caller does (Anthropic's `bash`, `text_editor`, `computer`).
   */
  | {
      readonly type: 'hosted';
      readonly dialect: string;
      readonly name: string;
      readonly definition: JsonObject;
      readonly runBy?: 'caller';
    };

export type ToolChoice =
  | { readonly type: 'auto' | 'none' | 'required' }
  | { readonly type: 'tool'; readonly name: string };

export type ResponseFormat =
  | { readonly type: 'text' | 'json' }
  | {
      readonly type: 'json-schema';
      readonly name: string;
      readonly description?: string;
      readonly schema: JsonObject;
      readonly strict?: boolean;
    };

/** How much a model may think: an effort in the provider's words, a budget in tokens, or not at all. */
export interface ReasoningOptions {
  readonly enabled?: boolean;
  readonly effort?: string;
  readonly budgetTokens?: number;
  /** Anthropic's adaptive thinking: the model decides. */
  readonly adaptive?: boolean;
  /** Whether the answer shows its reasoning, in Anthropic's words: `summarized` or `omitted`. */
  readonly display?: string;
}

/** A tool as a caller knows it whose format groups tools in namespaces. */
export interface NamespacedTool {
  readonly namespace: string;
  readonly name: string;
}

/** Documents to be ranked by how well they answer a query. */
export interface RerankWork {
  readonly query: string;
  /** Texts, or objects with a text among their members. */
  readonly documents: readonly Json[];
  readonly mostResults?: number;
  /** Whether the documents shall stand in the answer again. */
  readonly returnsDocuments?: boolean;
}

/**
 * What an operation beside chat is billed by, as far as its request tells. Its answer has no more tokens than
 * `maxOutputTokens` says; where that says nothing, than the model can give.
 */
export interface OperationWork {
  /** An upper bound of each unit that is no token. */
  readonly units: UnitCounts;
  /** About how many they are, where that is less: charged where the provider does not say. @default as `units` */
  readonly likelyUnits?: UnitCounts;
  /** The most prompt tokens, where more are read than stand in the body: a query once for each document. */
  readonly promptTokens?: number;
  /** Of a rerank: what is ranked, by what. */
  readonly rerank?: RerankWork;
  /** The answer is sound or pictures, and about how many tokens of it there are. */
  readonly answer?: { readonly kind: 'audio' | 'image'; readonly likelyTokens: number };
}

/**
 * A conversation to be continued, in no dialect. What a caller left out is `undefined`, never a default: defaults belong
 * to the model that answers. Field names are ours; `param` in errors is the caller's own spelling.
 */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly stream: boolean;
  /** Whether the caller asked for usage in a stream (dialects that always send it say true). */
  readonly includeUsage: boolean;
  readonly tools?: readonly Tool[];
  /** Names of tools here that stand for tools of a namespace: the answer must call them as the caller knows them. */
  readonly namespacedTools?: Readonly<Record<string, NamespacedTool>>;
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  /** The caller's own limit on completion tokens, reasoning included. */
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly stop?: readonly string[];
  readonly seed?: number;
  readonly choices?: number;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
  readonly logitBias?: JsonObject;
  readonly responseFormat?: ResponseFormat;
  readonly reasoning?: ReasoningOptions;
  readonly verbosity?: string;
  readonly serviceTier?: string;
  readonly endUser?: string;
  readonly metadata?: JsonObject;
  /** Of operations beside chat; their messages hold the texts that are read. */
  readonly work?: OperationWork;
  /** Where the dialect has it at request level (`store`, `prompt_cache_key`, …): kept for its own dialect. */
  readonly nativeOptions: JsonObject;
  /** What the provider is to take from what it keeps, where no option says so: `reasoning that the provider keeps`. */
  readonly keptContent?: readonly string[];
  /** Names of fields this dialect does not know (`x_new`, `tools.x_new`): forwarded to it, dropped and named elsewhere. */
  readonly unknownFields: readonly string[];
}
