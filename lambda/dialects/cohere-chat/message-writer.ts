import type { ChatEvent, MediaKind, ReasoningKind } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { carryProof, SIGNER_OF_CALLS } from '../carried-proof.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { proofOwner } from '../proof.ts';
import { encodeCitation } from './citation.ts';
import { encodeLogprobs } from './logprobs.ts';
import { DIALECT_ID } from './wire.ts';

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;

/** What is added to a message: the same in a whole answer and, one by one, in a stream. */
export type MessagePart =
  | { readonly type: 'content-start'; readonly index: number; readonly kind: 'text' | 'thinking' }
  | {
      readonly type: 'content-delta';
      readonly index: number;
      readonly kind: 'text' | 'thinking';
      readonly text: string;
      readonly logprobs: readonly JsonObject[];
    }
  | { readonly type: 'image'; readonly index: number; readonly url: string }
  | { readonly type: 'content-end'; readonly index: number }
  | { readonly type: 'citation'; readonly index: number; readonly citation: JsonObject }
  | { readonly type: 'call-start'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly type: 'call-delta'; readonly index: number; readonly arguments: string }
  | { readonly type: 'call-end'; readonly index: number }
  /** Another dialect's proof, which the format has no place for: a member of its own on what it proves. */
  | { readonly type: 'content-proof' | 'call-proof'; readonly index: number; readonly signature: string };

/** What has to be remembered of a block until it ends. */
type OpenBlock =
  /** `index` is given when there is something to say: blocks that say nothing are not sent. */
  | { readonly type: 'text' | 'thinking'; index: number | undefined; text: string; readonly proof: Proof }
  | {
      readonly type: 'call';
      readonly index: number;
      readonly isCustom: boolean;
      isEmpty: boolean;
      readonly proof: Proof;
    }
  | { readonly type: 'closed'; text: string; readonly proof: Proof }
  | { readonly type: 'picture'; readonly mediaType: string; base64: string }
  | { readonly type: 'other' };

/** What a block proves, and who takes that back. */
interface Proof {
  owner: string;
  signature: string;
}

/**
 * The blocks of an answer as parts of Cohere's message. A refusal is text there. Without a place in it are: tools that a
 * provider runs itself, whose findings stand in the text; sound and files. Another dialect's proofs are told beside what
 * they prove: Cohere's own SDK, and others, send back members they do not know. Free text for a custom tool is the one member of an object, as arguments are JSON.
 */
export class MessageWriter {
  readonly #envelope: AnswerEnvelope;
  readonly #blocks = new Map<number, OpenBlock>();
  #contents = 0;
  #calls = 0;
  #citations = 0;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  write(event: BlockEvent): MessagePart[] {
    const block = this.#blocks.get(event.block);
    switch (event.type) {
      case 'text-delta':
        return this.#addText(block, event.text, encodeLogprobs(event.logprobs));
      case 'reasoning-delta':
        if (block?.type === 'closed') block.text += event.text;
        return this.#addText(block, event.text, []);
      case 'refusal-delta':
        return this.#addText(block, event.text, []);
      case 'text-citation':
        return this.#cite(block, event);
      case 'tool-call-delta':
        return addArguments(block, event.arguments);
      case 'media-delta':
        if (block?.type === 'picture') block.base64 += event.base64;
        return [];
      case 'block-signature':
        this.#sign(block, event);
        return [];
      case 'block-end':
        this.#blocks.delete(event.block);
        return this.#end(block);
      default:
        return this.#start(event);
    }
  }

  #sign(
    block: OpenBlock | undefined,
    event: Extract<BlockEvent, { readonly type: 'block-signature' }>,
  ): void {
    if (block === undefined || !('proof' in block)) return;
    block.proof.signature += event.signature;
    block.proof.owner = proofOwner(event, this.#envelope, DIALECT_ID);
  }

  #start(
    event: Extract<BlockEvent, { readonly type: `${string}-start` | 'hosted-tool-result' }>,
  ): MessagePart[] {
    switch (event.type) {
      case 'text-start':
      case 'refusal-start':
        return this.#open(event.block, { type: 'text', index: undefined, text: '', proof: noProof() });
      case 'reasoning-start':
        return this.#open(
          event.block,
          reasoningBlock(event.kind, proofOwner(event, this.#envelope, DIALECT_ID)),
        );
      case 'media-start':
        return this.#open(event.block, mediaBlock(event.kind, event.mediaType));
      case 'hosted-tool-result':
        return this.#open(event.block, { type: 'other' });
      case 'tool-call-start': {
        if (event.kind === 'hosted') return this.#open(event.block, { type: 'other' });
        const isCustom = event.kind === 'custom';
        const index = this.#calls++;
        this.#open(event.block, { type: 'call', index, isCustom, isEmpty: true, proof: noProof() });
        const { id, name } = event;
        const start = { type: 'call-start', index, id, name } as const;
        return isCustom ? [start, { type: 'call-delta', index, arguments: '{"input":"' }] : [start];
      }
    }
  }

  #open(key: number, block: OpenBlock): [] {
    this.#blocks.set(key, block);
    return [];
  }

  #addText(block: OpenBlock | undefined, text: string, logprobs: readonly JsonObject[]): MessagePart[] {
    if (block?.type !== 'text' && block?.type !== 'thinking') return [];
    if (text === '' && logprobs.length === 0) return [];
    const { type: kind } = block;
    block.text += text;
    const { index, started } = this.#begin(block);
    return [...started, { type: 'content-delta', index, kind, text, logprobs }];
  }

  #cite(
    block: OpenBlock | undefined,
    event: Extract<BlockEvent, { readonly type: 'text-citation' }>,
  ): MessagePart[] {
    if (block?.type !== 'text') return [];
    const contentIndex = block.index ?? this.#contents;
    const citation = encodeCitation(event, { text: block.text, contentIndex });
    if (citation === undefined) return [];
    const { started } = this.#begin(block);
    return [...started, { type: 'citation', index: this.#citations++, citation }];
  }

  #begin(block: { readonly type: 'text' | 'thinking'; index: number | undefined }): {
    readonly index: number;
    readonly started: readonly MessagePart[];
  } {
    if (block.index !== undefined) return { index: block.index, started: [] };
    const index = this.#contents++;
    block.index = index;
    return { index, started: [{ type: 'content-start', index, kind: block.type }] };
  }

  /** What another provider thought, with its proof; nothing where there is neither. */
  #endThinking(
    block: { readonly type: 'text' | 'thinking'; index: number | undefined },
    { type, owner, signature: data }: Proof & { readonly type: 'signature' | 'closed' },
  ): MessagePart[] {
    const isProven = data !== '' && owner !== DIALECT_ID;
    if (!isProven) return block.index === undefined ? [] : [{ type: 'content-end', index: block.index }];
    const { index, started } = this.#begin(block);
    const signature = carryProof({ type, dialect: owner, data });
    return [...started, { type: 'content-proof', index, signature }, { type: 'content-end', index }];
  }

  #end(block: OpenBlock | undefined): MessagePart[] {
    switch (block?.type) {
      case 'text':
        return block.index === undefined ? [] : [{ type: 'content-end', index: block.index }];
      case 'thinking':
        return this.#endThinking(block, { type: 'signature', ...block.proof });
      case 'closed': {
        const { owner, signature } = block.proof;
        const proof = { owner, signature: block.text + signature };
        return this.#endThinking({ type: 'thinking', index: undefined }, { type: 'closed', ...proof });
      }
      case 'call':
        return endCall(block);
      case 'picture': {
        if (block.base64 === '') return [];
        const index = this.#contents++;
        const url = `data:${block.mediaType};base64,${block.base64}`;
        return [
          { type: 'image', index, url },
          { type: 'content-end', index },
        ];
      }
      default:
        return [];
    }
  }
}

const noProof = (owner: string = DIALECT_ID): Proof => ({ owner, signature: '' });

const reasoningBlock = (kind: ReasoningKind, owner: string): OpenBlock =>
  kind === 'encrypted'
    ? { type: 'closed', text: '', proof: noProof(owner) }
    : { type: 'thinking', index: undefined, text: '', proof: noProof(owner) };

const mediaBlock = (kind: MediaKind, mediaType: string): OpenBlock =>
  kind === 'image' ? { type: 'picture', mediaType, base64: '' } : { type: 'other' };

function addArguments(block: OpenBlock | undefined, text: string): MessagePart[] {
  if (block?.type !== 'call' || text === '') return [];
  block.isEmpty = false;
  const piece = block.isCustom ? JSON.stringify(text).slice(1, -1) : text;
  return [{ type: 'call-delta', index: block.index, arguments: piece }];
}

/** No arguments are the empty object. */
function endCall({
  index,
  isCustom,
  isEmpty,
  proof,
}: Extract<OpenBlock, { readonly type: 'call' }>): MessagePart[] {
  const rest = isCustom ? '"}' : isEmpty ? '{}' : '';
  const { owner, signature: data } = proof;
  const isProven = data !== '' && owner === SIGNER_OF_CALLS;
  return [
    ...(rest === '' ? [] : [{ type: 'call-delta', index, arguments: rest } as const]),
    ...(isProven
      ? [
          {
            type: 'call-proof',
            index,
            signature: carryProof({ type: 'signature', dialect: owner, data }),
          } as const,
        ]
      : []),
    { type: 'call-end', index },
  ];
}
