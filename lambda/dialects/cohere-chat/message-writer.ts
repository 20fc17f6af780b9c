import type { ChatEvent, MediaKind, ReasoningKind } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { encodeCitation } from './citation.ts';
import { encodeLogprobs } from './logprobs.ts';

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
  | { readonly type: 'call-end'; readonly index: number };

/** What has to be remembered of a block until it ends. */
type OpenBlock =
  /** `index` is given when there is something to say: blocks that say nothing are not sent. */
  | { readonly type: 'text' | 'thinking'; index: number | undefined; text: string }
  | { readonly type: 'call'; readonly index: number; readonly isCustom: boolean; isEmpty: boolean }
  | { readonly type: 'picture'; readonly mediaType: string; base64: string }
  | { readonly type: 'other' };

/**
 * The blocks of an answer as parts of Cohere's message. A refusal is text there. Without a place in it are: closed
 * reasoning and signatures, which are proofs for another provider; tools that a provider runs itself, whose findings stand
 * in the text; sound and files. Free text for a custom tool is the one member of an object, as arguments are JSON.
 */
export class MessageWriter {
  readonly #blocks = new Map<number, OpenBlock>();
  #contents = 0;
  #calls = 0;
  #citations = 0;

  write(event: BlockEvent): MessagePart[] {
    const block = this.#blocks.get(event.block);
    switch (event.type) {
      case 'text-delta':
        return this.#addText(block, event.text, encodeLogprobs(event.logprobs));
      case 'refusal-delta':
      case 'reasoning-delta':
        return this.#addText(block, event.text, []);
      case 'text-citation':
        return this.#cite(block, event);
      case 'tool-call-delta':
        return addArguments(block, event.arguments);
      case 'media-delta':
        if (block?.type === 'picture') block.base64 += event.base64;
        return [];
      case 'block-signature':
        return [];
      case 'block-end':
        this.#blocks.delete(event.block);
        return this.#end(block);
      default:
        return this.#start(event);
    }
  }

  #start(
    event: Extract<BlockEvent, { readonly type: `${string}-start` | 'hosted-tool-result' }>,
  ): MessagePart[] {
    switch (event.type) {
      case 'text-start':
      case 'refusal-start':
        return this.#open(event.block, { type: 'text', index: undefined, text: '' });
      case 'reasoning-start':
        return this.#open(event.block, reasoningBlock(event.kind));
      case 'media-start':
        return this.#open(event.block, mediaBlock(event.kind, event.mediaType));
      case 'hosted-tool-result':
        return this.#open(event.block, { type: 'other' });
      case 'tool-call-start': {
        if (event.kind === 'hosted') return this.#open(event.block, { type: 'other' });
        const isCustom = event.kind === 'custom';
        const index = this.#calls++;
        this.#open(event.block, { type: 'call', index, isCustom, isEmpty: true });
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

  #begin(block: Extract<OpenBlock, { readonly type: 'text' | 'thinking' }>): {
    readonly index: number;
    readonly started: readonly MessagePart[];
  } {
    if (block.index !== undefined) return { index: block.index, started: [] };
    const index = this.#contents++;
    block.index = index;
    return { index, started: [{ type: 'content-start', index, kind: block.type }] };
  }

  #end(block: OpenBlock | undefined): MessagePart[] {
    switch (block?.type) {
      case 'text':
      case 'thinking':
        return block.index === undefined ? [] : [{ type: 'content-end', index: block.index }];
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

const reasoningBlock = (kind: ReasoningKind): OpenBlock =>
  kind === 'encrypted' ? { type: 'other' } : { type: 'thinking', index: undefined, text: '' };

const mediaBlock = (kind: MediaKind, mediaType: string): OpenBlock =>
  kind === 'image' ? { type: 'picture', mediaType, base64: '' } : { type: 'other' };

function addArguments(block: OpenBlock | undefined, text: string): MessagePart[] {
  if (block?.type !== 'call' || text === '') return [];
  block.isEmpty = false;
  const piece = block.isCustom ? JSON.stringify(text).slice(1, -1) : text;
  return [{ type: 'call-delta', index: block.index, arguments: piece }];
}

/** No arguments are the empty object. */
function endCall({ index, isCustom, isEmpty }: Extract<OpenBlock, { readonly type: 'call' }>): MessagePart[] {
  const end: MessagePart = { type: 'call-end', index };
  if (isCustom) return [{ type: 'call-delta', index, arguments: '"}' }, end];
  return isEmpty ? [{ type: 'call-delta', index, arguments: '{}' }, end] : [end];
}
