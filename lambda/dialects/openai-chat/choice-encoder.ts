import type {
  ChatEvent,
  FinishReason,
  MediaKind,
  ReasoningKind,
  ToolCallKind,
} from '../../domain/chat/event.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { defined } from '../loose.ts';
import { proofOwner } from '../proof.ts';
import { type Citation, citationAnnotation } from './citation.ts';
import { formatOf } from './reasoning-format.ts';
import { DIALECT_ID } from './wire.ts';

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;
type SignatureEvent = Extract<BlockEvent, { readonly type: 'block-signature' }>;
type StartEvent = Extract<BlockEvent, { readonly type: `${string}-start` | 'hosted-tool-result' }>;

interface OpenReasoning {
  readonly type: 'reasoning';
  readonly kind: ReasoningKind;
  readonly index: number;
  text: string;
  signature: string;
  /** Who takes the signature back. */
  owner: string;
}

interface OpenTool {
  readonly type: 'tool';
  readonly kind: ToolCallKind;
  readonly index: number;
  /** As much of it as was not said yet. */
  signature: string;
  /** Its first piece, as long as a signature may still join it: callers look for that nowhere else. */
  heldStart: JsonObject | undefined;
}

interface OpenMedia {
  readonly type: 'media';
  readonly kind: MediaKind;
  readonly mediaType: string;
  base64: string;
}

/** What has to be remembered of a block until it ends. */
type OpenBlock =
  | { readonly type: 'text'; readonly start: number; readonly citations: Citation[] }
  | OpenReasoning
  | OpenTool
  | OpenMedia
  | { readonly type: 'other' };

/** How a choice ended, if not with an error. */
export type GoodReason = Exclude<FinishReason, 'error'>;

/** OpenAI's word for how a choice ended. A refusal that stands in its own field is a normal end there. */
export function finishReason(reason: GoodReason, hasRefusal: boolean): string {
  switch (reason) {
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'refusal':
      return hasRefusal ? 'stop' : 'content_filter';
    case 'pause':
      return 'stop';
    case 'stop':
    case 'length':
      return reason;
  }
}

/** What an event adds to a message. */
export interface DeltaPart {
  readonly delta: JsonObject;
  /** Members that stand beside the delta. */
  readonly beside?: JsonObject;
}

/** One choice of an answer, encoded event by event: tool calls are numbered as they begin. */
export class ChoiceEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #blocks = new Map<number, OpenBlock>();
  #hasRefusal = false;
  #tools = 0;
  #reasonings = 0;
  #textLength = 0;
  #lastBlock = 0;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  get hasRefusal(): boolean {
    return this.#hasRefusal;
  }

  encode(event: BlockEvent): DeltaPart | undefined {
    const held = this.#blocks.get(this.#lastBlock);
    const isLeft = event.block !== this.#lastBlock && held?.type === 'tool' && held.heldStart !== undefined;
    this.#lastBlock = event.block;
    const part = this.#encode(event);
    return isLeft ? joined(callPiece(held, ''), part) : part;
  }

  #encode(event: BlockEvent): DeltaPart | undefined {
    const block = this.#blocks.get(event.block);
    switch (event.type) {
      case 'text-delta':
        this.#textLength += event.text.length;
        return textDelta(event.text, event.logprobs);
      case 'text-citation':
        if (block?.type === 'text') block.citations.push(event);
        return undefined;
      case 'reasoning-delta':
        return reasoningDelta(event.text, block);
      case 'refusal-delta':
        this.#hasRefusal = true;
        return event.text === '' ? undefined : { delta: { refusal: event.text } };
      case 'tool-call-delta':
        return this.#afterHeld(block, toolDelta(event.arguments, block));
      case 'media-delta':
        return mediaDelta(event.base64, block);
      case 'block-signature':
        this.#sign(block, event);
        return undefined;
      case 'block-end':
        this.#blocks.delete(event.block);
        return this.#end(block);
      default:
        return this.#start(event);
    }
  }

  /** Calls are told in the order of their indexes: the first pieces of earlier ones are held no longer. */
  #afterHeld(block: OpenBlock | undefined, part: DeltaPart | undefined): DeltaPart | undefined {
    if (block?.type !== 'tool' || part === undefined) return part;
    const earlier = [...this.#blocks.values()].flatMap((other) =>
      other.type === 'tool' && other.heldStart !== undefined && other.index < block.index ? [other] : [],
    );
    const held = earlier.flatMap((other) => callPiece(other, '')?.delta['tool_calls'] ?? []);
    const own = part.delta['tool_calls'];
    return { delta: { tool_calls: [...held, ...(Array.isArray(own) ? own : [])] } };
  }

  /** Of tool calls only Gemini's are signed, in this format as in its own. */
  #sign(block: OpenBlock | undefined, event: SignatureEvent): void {
    const owner = proofOwner(event, this.#envelope, DIALECT_ID);
    const isSigned = block?.type === 'reasoning' || (block?.type === 'tool' && SIGNERS_OF_CALLS.has(owner));
    if (!isSigned) return;
    block.signature += event.signature;
    if (block.type === 'reasoning') block.owner = owner;
  }

  #start(event: StartEvent): DeltaPart | undefined {
    const block = this.#open(event);
    this.#blocks.set(event.block, block);
    if (event.type !== 'tool-call-start' || block.type !== 'tool') return undefined;
    const { id, name, kind } = event;
    const isCustom = kind === 'custom';
    const body = isCustom ? { custom: { name, input: '' } } : { function: { name, arguments: '' } };
    const call = { index: block.index, id, type: isCustom ? 'custom' : 'function', ...body };
    if (this.#envelope.upstreamDialect !== 'gemini') return { delta: { tool_calls: [call] } };
    block.heldStart = call;
    return undefined;
  }

  #open(event: StartEvent): OpenBlock {
    switch (event.type) {
      case 'text-start':
        return { type: 'text', start: this.#textLength, citations: [] };
      case 'reasoning-start':
        return {
          type: 'reasoning',
          kind: event.kind,
          index: this.#reasonings++,
          text: '',
          signature: '',
          owner: proofOwner(event, this.#envelope, DIALECT_ID),
        };
      case 'media-start':
        return { type: 'media', kind: event.kind, mediaType: event.mediaType, base64: '' };
      case 'tool-call-start':
        // This format has no place for tools the provider runs itself; what they found stands in the text.
        if (event.kind === 'hosted') return { type: 'other' };
        return {
          type: 'tool',
          kind: event.kind,
          index: this.#tools++,
          signature: '',
          heldStart: undefined,
        };
      case 'refusal-start':
      case 'hosted-tool-result':
        return { type: 'other' };
    }
  }

  #end(block: OpenBlock | undefined): DeltaPart | undefined {
    if (block?.type === 'text') return citationsDelta(block.citations, block.start, this.#textLength);
    if (block?.type === 'media' && block.kind === 'image') return pictureDelta(block);
    if (block?.type === 'tool') return this.#afterHeld(block, callPiece(block, ''));
    if (block?.type !== 'reasoning') return undefined;
    const detail = reasoningDetail(block);
    return detail === undefined ? undefined : { delta: { reasoning_details: [detail] } };
  }
}

function textDelta(text: string, logprobs: Json | undefined): DeltaPart | undefined {
  if (logprobs !== undefined) return { delta: { content: text }, beside: { logprobs } };
  return text === '' ? undefined : { delta: { content: text } };
}

function reasoningDelta(text: string, block: OpenBlock | undefined): DeltaPart | undefined {
  if (block?.type !== 'reasoning' || text === '') return undefined;
  block.text += text;
  return block.kind === 'encrypted' ? undefined : { delta: { reasoning_content: text } };
}

function toolDelta(text: string, block: OpenBlock | undefined): DeltaPart | undefined {
  return block?.type !== 'tool' || text === '' ? undefined : callPiece(block, text);
}

/**
 * What there is to say of a call: its first piece if that was held, its arguments, and its signature, with the first piece
 * or at the end.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures#openai
 */
function callPiece(block: OpenTool, text: string): DeltaPart | undefined {
  const { heldStart, signature, index, kind } = block;
  const isDue = signature !== '' && (heldStart !== undefined || text === '');
  const signed = isDue ? { extra_content: { google: { thought_signature: signature } } } : {};
  const body = kind === 'custom' ? { custom: { input: text } } : { function: { arguments: text } };
  const isLate = isDue && heldStart === undefined;
  const pieces = [
    ...(heldStart === undefined ? [] : [{ ...heldStart, ...signed }]),
    ...(text === '' && !isLate ? [] : [{ index, ...body, ...(isLate && signed) }]),
  ];
  block.heldStart = undefined;
  if (isDue) block.signature = '';
  return pieces.length === 0 ? undefined : { delta: { tool_calls: pieces } };
}

/** Two parts in one delta; a call's pieces stand in the order in which calls began. */
function joined(first: DeltaPart | undefined, second: DeltaPart | undefined): DeltaPart | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const calls = [first, second].flatMap(({ delta }) => delta['tool_calls'] ?? []);
  return { ...second, delta: { ...second.delta, tool_calls: calls } };
}

/** Sound goes on as it comes; a picture is one URL, so it waits for its end. Files have no place in answers here. */
function mediaDelta(base64: string, block: OpenBlock | undefined): DeltaPart | undefined {
  if (block?.type !== 'media' || base64 === '') return undefined;
  if (block.kind === 'audio') return { delta: { audio: { data: base64 } } };
  block.base64 += base64;
  return undefined;
}

function pictureDelta({ mediaType, base64 }: OpenMedia): DeltaPart | undefined {
  if (base64 === '') return undefined;
  const url = `data:${mediaType};base64,${base64}`;
  return { delta: { images: [{ type: 'image_url', image_url: { url } }] } };
}

function citationsDelta(citations: readonly Citation[], start: number, end: number): DeltaPart | undefined {
  const annotations = citations
    .map((citation) => citationAnnotation(citation, { start, end }))
    .filter((annotation) => annotation !== undefined);
  return annotations.length === 0 ? undefined : { delta: { annotations } };
}

const SIGNERS_OF_CALLS: ReadonlySet<string> = new Set([DIALECT_ID, 'gemini']);

/**
 * Reasoning, whole, so that a caller who keeps the last value of an unknown field can send it back. The
 * text stands in `reasoning_content` too, which is all that most callers know.
 */
function reasoningDetail({ kind, index, text, signature, owner }: OpenReasoning): JsonObject | undefined {
  const format = formatOf(owner);
  if (kind === 'encrypted') {
    const data = text + signature;
    return data === '' ? undefined : defined({ type: 'reasoning.encrypted', data, format, index });
  }
  if (text === '' && signature === '') return undefined;
  const [type, member] = kind === 'raw' ? ['reasoning.text', 'text'] : ['reasoning.summary', 'summary'];
  return defined({
    type,
    [member]: text,
    signature: signature === '' ? undefined : signature,
    format,
    index,
  });
}
