import type { ChatEvent, Frame } from '../domain/chat/event.ts';
import type { ChatRequest, NamespacedTool } from '../domain/chat/request.ts';
import type { GatewayError, UpstreamError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import type { LeftOutFeature, RequestFeature } from './request-feature.ts';

/** What a caller wants done. Only formats of one operation can be translated into each other. */
export type Operation =
  | 'chat'
  | 'embeddings'
  | 'rerank'
  | 'moderation'
  | 'image-generation'
  | 'speech'
  | 'transcription'
  | 'token-count';

/** Every wire format, and the operation it is for. */
export const OPERATION_OF = {
  'openai-chat': 'chat',
  'openai-responses': 'chat',
  'anthropic-messages': 'chat',
  gemini: 'chat',
  'bedrock-converse': 'chat',
  'cohere-chat': 'chat',
  'openai-completions': 'chat',
  'openai-embeddings': 'embeddings',
  'cohere-rerank': 'rerank',
  'voyage-rerank': 'rerank',
  'openai-moderations': 'moderation',
  'openai-images': 'image-generation',
  'openai-speech': 'speech',
  'openai-transcriptions': 'transcription',
  'anthropic-count-tokens': 'token-count',
  'gemini-count-tokens': 'token-count',
} as const satisfies Record<string, Operation>;

export type DialectId = keyof typeof OPERATION_OF;

/** What an answer is called on its way to the caller, whoever made it. */
export interface AnswerEnvelope {
  /** The request's id: the answer's `id`. */
  readonly id: string;
  /** `provider/model` that served: the answer's `model`. */
  readonly model: string;
  /** Unix time in seconds. */
  readonly createdAtSeconds: number;
  /** Whether usage is shown where a stream shows it only on demand. */
  readonly includeUsage: boolean;
  /** What was asked, for formats in which the answer's form hangs on it. */
  readonly request?: ChatRequest;
  /** The dialect in which the answer was made, so that its proofs of origin can be named; left out: the caller's own. */
  readonly upstreamDialect?: DialectId;
  /** Tools that the caller knows by namespace, by the name under which they are called. */
  readonly namespacedTools?: Readonly<Record<string, NamespacedTool>>;
}

/** Members of OpenAI-compatible messages that hold reasoning. */
export type ReasoningField = 'reasoning_content' | 'reasoning' | 'reasoning_details';

/** Where an encoded request goes. */
export interface RequestTarget {
  /** The provider's own name for the model. */
  readonly model: string;
  /** The bound on completion tokens that has to be sent: the caller's own, or the one money was reserved for. */
  readonly maxOutputTokens: number | undefined;
  /** How this provider spells the bound, where its dialect has several spellings (`max_tokens`). */
  readonly maxOutputTokensField?: string;
  /**
   * How this provider takes its reasoning back, where its dialect has several spellings (`reasoning_content`, `reasoning`,
   * `reasoning_details`); left out: not known to take any, as many refuse all of them.
   */
  readonly reasoningField?: ReasoningField;
  /** The most the model can produce, for dialects that demand a bound where nobody gave one. */
  readonly modelMaxOutputTokens?: number;
}

export interface EncodedRequest {
  readonly body: JsonObject;
  /** What the caller asked for that this dialect cannot say: refused, or dropped where the caller would rather. */
  readonly unsupported: readonly LeftOutFeature[];
  /** What was left out and takes nothing from the answer: hints, another provider's proofs. Named, never refused. */
  readonly omitted: readonly LeftOutFeature[];
}

/** What a request's address says of it, in formats that say it there and not in the body. */
export interface RequestAddress {
  readonly model?: string;
  readonly stream?: boolean;
}

/** Turns events into the bytes of one stream. One object a stream; it holds what the format makes it remember. */
export interface StreamEncoder {
  /** The text for one event, often empty. The terminal event yields the format's normal end or its error event. */
  encode(event: ChatEvent): string;
  /** The text for a failure of ours, where it goes on from what was written. @default as `Dialect.encodeStreamError` */
  fail?(error: GatewayError): string;
}

/** How answers of a format are fetched and continued by their id. Texts of bodies and answers are JSON objects. */
export interface AnswerStorage {
  /** Whether the caller lets the answer be kept. */
  wants(request: ChatRequest): boolean;
  /** The id of the answer that a body goes on from; `undefined` where it begins a conversation. */
  previousOf(body: JsonObject): string | undefined;
  /** The body with all of the earlier conversation in it, in place of the id. @param kept as `kept` made it */
  continued(raw: string, kept: string): string;
  /** What is kept: the conversation that a body holds, and its answer. */
  kept(raw: string, answer: string): string;
  /** The answer in what is kept, as its caller saw it. */
  answerOf(kept: string): string;
  /** The whole answer, where a piece of a stream is the one that ends it well. */
  answerIn(chunk: string): string | undefined;
}

/** A wire format, spoken both ways. Requests and answers are text; every function but the decoders of streams is pure. */
export interface Dialect {
  readonly id: DialectId;
  /**
   * How a request's body is written, where it is no JSON: a form with a file. It is handed on as text of which each character
   * is one byte, and `decodeRequest` gets its fields, the file's among them. @default JSON
   */
  readonly requestFormat?: 'multipart';
  /** How callers of this dialect spell a feature, where not as Sluice does: `generationConfig.topK`. */
  readonly spellings: Readonly<Partial<Record<RequestFeature, string>>>;
  /** What this dialect cannot say, or says only in part, to a provider, and why: all that `encodeRequest` may leave out. */
  readonly inexpressible: Readonly<Partial<Record<RequestFeature, string>>>;
  /** Options only this dialect has that change no answer: elsewhere they are left out and named, never refused. */
  readonly hints: ReadonlySet<string>;
  /** Options that stand for a part of the conversation which a provider keeps: nothing else can be sent in their place. */
  readonly irreplaceable?: ReadonlySet<string>;

  /**
   * Options only this dialect has, and fields it does not read, by their names in `nativeOptions` and `unknownFields`: those
   * of which it is known that they leave what a call costs within what is reserved for it. On a hard budget all other options
   * are refused, and all other fields are left out.
   */
  readonly harmless: ReadonlySet<string>;

  /** Caller → Sluice. @throws GatewayError `invalid_request` naming the parameter, for wrong types and missing fields */
  decodeRequest(body: JsonObject, address?: RequestAddress): ChatRequest;
  /** Sluice → provider. `nativeOptions` of another dialect stay out; whoever calls this names them. */
  encodeRequest(request: ChatRequest, target: RequestTarget): EncodedRequest;
  /**
   * The caller's own body for a provider of the same dialect: the model's name, the bound and the wish for usage are
   * set, Sluice's own fields go; all else stays as it stood, byte for byte.
   */
  patchRequest(raw: string, request: ChatRequest, target: RequestTarget): string;

  /**
   * Provider → Sluice, whole answer. The events keep the rules of `ChatEvent`; a body that is no answer of this format
   * yields one `error` event (`upstream_invalid_response`). Never throws.
   */
  decodeAnswer(body: string): Frame;
  /** Sluice → caller, whole answer: from all events of an answer that ended well. */
  encodeAnswer(events: readonly ChatEvent[], envelope: AnswerEnvelope): string;
  /** The provider's whole answer for a caller of the same dialect: id and model replaced, `usage.cost` added. */
  patchAnswer(frame: Frame, envelope: AnswerEnvelope): string;

  /**
   * Provider → Sluice, streamed. One frame a wire chunk; ends with exactly one terminal event, for whatever bytes: a
   * stream that stops before its proper end gives an `error` event. Throws only what reading the bytes throws.
   */
  decodeStream(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Frame>;
  createStreamEncoder(envelope: AnswerEnvelope): StreamEncoder;
  /** One wire chunk for a caller of the same dialect: as it came but for id, model and cost; may be empty. */
  patchFrame(frame: Frame, envelope: AnswerEnvelope): string;
  /** What keeps an idle stream open, in this format; '' where it has nothing for that. */
  readonly keepAlive: string;
  /** Where the answer's type hangs on the request: what it is, where the provider does not say. @default JSON, or `streamContentType` */
  answerContentType?(request: ChatRequest): string;
  readonly streamContentType: string;
  /** How a stream's text becomes bytes: `latin1` for a binary format, of which each byte is one character. */
  readonly streamEncoding: 'utf8' | 'latin1';

  /** A provider's refusal. @param headers lower-case names */
  decodeError(status: number, headers: Readonly<Record<string, string>>, body: string): UpstreamError;
  /** An error before the first byte, as this format's callers know it. The status is the error's own. */
  encodeError(error: GatewayError, requestId: string): string;
  /** Headers beside that error, where the format's SDKs read some: lower-case names. */
  errorHeaders?(error: GatewayError): Readonly<Record<string, string>>;
  /** Where the format's SDKs read a request's id, if not in Sluice's own headers: a lower-case name. */
  readonly requestIdHeader?: string;
  /** An error after the first byte: one event in this format, after which the stream ends. */
  encodeStreamError(error: GatewayError, envelope: AnswerEnvelope): string;

  /** Left out where answers of this format have an id that nobody can ask for. */
  readonly storage?: AnswerStorage;
}
