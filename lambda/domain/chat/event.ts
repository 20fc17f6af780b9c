import type { UpstreamError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { Cost } from '../money/cost.ts';
import type { Usage } from '../money/usage.ts';

/**
 * Where an event belongs: which of the `n` choices, and which block of that choice's answer, counted from 0 in the order
 * in which blocks begin. Blocks of one choice may be open at the same time (parallel tool calls that interleave).
 */
export interface BlockAddress {
  readonly choice: number;
  readonly block: number;
}

/** Why a choice ended. `tool-calls` only when the caller has to act; a hosted tool's turn that pauses is `pause`. */
export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool-calls'
  | 'content-filter'
  | 'refusal'
  | 'pause'
  | 'error';

/** How a model's reasoning is shown: as it thought, as a summary, or only as an opaque text for its own provider. */
export type ReasoningKind = 'raw' | 'summary' | 'encrypted';

/** Who runs a tool: the caller with JSON arguments, the caller with free text, or the provider itself. */
export type ToolCallKind = 'function' | 'custom' | 'hosted';

export type MediaKind = 'image' | 'audio' | 'file';

/**
 * Everything that can happen in an answer, in any dialect: the one language between decoding and encoding.
 *
 * Rules that hold for every decoder, and that encoders may rely on:
 * - `answer-start` comes first and once; exactly one terminal event (`end` or `error`) comes last.
 * - A block's deltas stand between its start and its `block-end`; every block is ended before its choice's `finish`.
 * - There is one `finish` for each choice of an answer that ends well.
 * - `usage` is cumulative: a later one replaces an earlier one, field by field where a field is reported.
 */
export type ChatEvent =
  | {
      readonly type: 'answer-start';
      readonly upstreamId: string | undefined;
      readonly upstreamModel: string | undefined;
      /** Unix time in seconds, where the provider says so. */
      readonly createdAtSeconds: number | undefined;
    }
  | ({ readonly type: 'text-start' } & BlockAddress)
  | ({ readonly type: 'text-delta'; readonly text: string; readonly logprobs?: Json } & BlockAddress)
  /** A source of the text so far, in the provider's own shape, named by its dialect. */
  | ({ readonly type: 'text-citation'; readonly dialect: string; readonly citation: Json } & BlockAddress)
  /** `dialect` says whose it is, where that is not the dialect in which the answer was made: see `block-signature`. */
  | ({
      readonly type: 'reasoning-start';
      readonly kind: ReasoningKind;
      readonly dialect?: string;
    } & BlockAddress)
  | ({ readonly type: 'reasoning-delta'; readonly text: string } & BlockAddress)
  | ({
      readonly type: 'tool-call-start';
      readonly kind: ToolCallKind;
      readonly id: string;
      readonly name: string;
    } & BlockAddress)
  /** A piece of the arguments: JSON text for functions and hosted tools, free text for custom tools. */
  | ({ readonly type: 'tool-call-delta'; readonly arguments: string } & BlockAddress)
  /** What a hosted tool answered, whole, in the provider's own shape. A block without deltas. */
  | ({
      readonly type: 'hosted-tool-result';
      readonly dialect: string;
      readonly callId: string;
      readonly result: Json;
    } & BlockAddress)
  | ({ readonly type: 'media-start'; readonly kind: MediaKind; readonly mediaType: string } & BlockAddress)
  /** A piece of the media in base64; pieces concatenate. */
  | ({ readonly type: 'media-delta'; readonly base64: string } & BlockAddress)
  | ({ readonly type: 'refusal-start' } & BlockAddress)
  | ({ readonly type: 'refusal-delta'; readonly text: string } & BlockAddress)
  /**
   * Proof of origin for a block of any kind (Anthropic signs thinking, Gemini also function calls); pieces concatenate.
   * `dialect` says who takes it back, where that is not the dialect in which the answer was made: formats that several
   * companies' models speak pass on the proofs of them all.
   */
  | ({
      readonly type: 'block-signature';
      readonly signature: string;
      readonly dialect?: string;
    } & BlockAddress)
  | ({ readonly type: 'block-end' } & BlockAddress)
  | { readonly type: 'usage'; readonly usage: Usage; readonly cost?: Cost }
  | {
      readonly type: 'finish';
      readonly choice: number;
      readonly reason: FinishReason;
      /** The provider's own word for it. */
      readonly upstreamReason: string | undefined;
      /** The caller's stop sequence that was met, where the provider says which. */
      readonly stopSequence?: string;
    }
  | { readonly type: 'end' }
  | { readonly type: 'error'; readonly error: UpstreamError };

/**
 * One chunk of an upstream's answer and what it means. A chunk may mean nothing (a keep-alive) or several events.
 * `raw` is the chunk's text exactly as it came, line ends included; `undefined` where the decoder had to add an event of
 * its own (the terminal event of a stream that ended without its terminator). In a binary format each byte is one character (Latin-1).
 */
export interface Frame {
  readonly raw: string | undefined;
  readonly events: readonly ChatEvent[];
}

/** Whether an event carries part of the answer: from the first one on, an attempt is committed and never retried. */
export function isContent(event: ChatEvent): boolean {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text !== '';
    case 'tool-call-start':
    case 'hosted-tool-result':
      return true;
    case 'tool-call-delta':
      return event.arguments !== '';
    case 'media-delta':
      return event.base64 !== '';
    case 'answer-start':
    case 'text-start':
    case 'text-citation':
    case 'reasoning-start':
    case 'media-start':
    case 'refusal-start':
    case 'block-signature':
    case 'block-end':
    case 'usage':
    case 'finish':
    case 'end':
    case 'error':
      return false;
  }
}
