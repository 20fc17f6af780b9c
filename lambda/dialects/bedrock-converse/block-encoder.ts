import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { base64FromText, isBase64 } from '../base64.ts';
import { type CarriedProof, carryProof, carryProofBytes, SIGNER_OF_CALLS } from '../carried-proof.ts';
import { asObject, objectsIn, textIn } from '../loose.ts';
import { IMAGES } from './media.ts';
import { DIALECT_ID } from './wire.ts';

/** An event that belongs to a block. */
export type BlockEvent = Extract<ChatEvent, { readonly block: number }>;

/** A block on its way out. */
export interface Block {
  /** What it starts with; `undefined` for text and reasoning, which begin with their first piece. */
  readonly start: JsonObject | undefined;
  readonly deltas: JsonObject[];
  /** What can only be sent whole, at the end. */
  readonly holds: Holding | undefined;
  held: string;
  /** Who takes back what it proves. */
  owner: string;
  /** The proof of a tool call, for which the call itself has no place. */
  callProof: string;
  isSent: boolean;
  isEnded: boolean;
}

/** Which pieces wait for the end of their block, and what they become. */
interface Holding {
  readonly type: BlockEvent['type'];
  readonly finish: (held: string, owner: string) => JsonObject | undefined;
}

export type BlockStart = Pick<Block, 'start' | 'holds'>;

const UNSTARTED: BlockStart = { start: undefined, holds: undefined };

/** A signature is sent in one piece, as Bedrock sends it. */
const SIGNATURE: Holding = {
  type: 'block-signature',
  finish(data, owner) {
    if (data === '') return undefined;
    const isOwn = owner === DIALECT_ID;
    const signature = isOwn ? data : carryProof({ type: 'signature', dialect: owner, data });
    return { reasoningContent: { signature } };
  },
};

/** The format takes a blob; what another provider closed may be another kind of text. */
const REDACTED: Holding = {
  type: 'reasoning-delta',
  finish(text, owner) {
    if (text === '') return undefined;
    if (owner !== DIALECT_ID) return redacted({ type: 'closed', dialect: owner, data: text });
    return { reasoningContent: { redactedContent: isBase64(text) ? text : base64FromText(text) } };
  },
};

/** Another dialect's proof, as reasoning that is closed. */
const redacted = (proof: CarriedProof): JsonObject => ({
  reasoningContent: { redactedContent: carryProofBytes(proof) },
});

/** A custom tool's free text, as the object arguments always are. */
const WRAPPED_INPUT: Holding = {
  type: 'tool-call-delta',
  finish: (text) => ({ toolUse: { input: JSON.stringify({ input: text }) } }),
};

/** Each piece would have to be base64 of its own, which pieces that concatenate are not. */
const IMAGE_BYTES: Holding = {
  type: 'media-delta',
  finish: (bytes) => ({ image: { source: { bytes } } }),
};

/** How a block begins in Bedrock's words; `undefined` for events that begin none, and blocks it has no word for. */
export function blockStart(event: BlockEvent): BlockStart | undefined {
  switch (event.type) {
    case 'text-start':
    case 'refusal-start':
      return UNSTARTED;
    case 'reasoning-start':
      return { start: undefined, holds: event.kind === 'encrypted' ? REDACTED : SIGNATURE };
    case 'tool-call-start':
      return toolStart(event);
    case 'hosted-tool-result':
      return resultStart(event);
    case 'media-start':
      return mediaStart(event);
    default:
      return undefined;
  }
}

function toolStart(event: Extract<BlockEvent, { type: 'tool-call-start' }>): BlockStart {
  const type = event.kind === 'hosted' ? { type: 'server_tool_use' } : {};
  const toolUse = { toolUseId: event.id, name: event.name, ...type };
  return { start: { toolUse }, holds: event.kind === 'custom' ? WRAPPED_INPUT : undefined };
}

/** The whole block that was kept, as it is streamed: the content is a piece of its own. */
function resultStart(event: Extract<BlockEvent, { type: 'hosted-tool-result' }>): BlockStart | undefined {
  if (event.dialect !== DIALECT_ID) return undefined;
  const { content: _, ...toolResult } = asObject(event.result) ?? {};
  return { start: { toolResult }, holds: undefined };
}

function mediaStart(event: Extract<BlockEvent, { type: 'media-start' }>): BlockStart | undefined {
  const format = event.kind === 'image' ? IMAGES.formatOf(event.mediaType) : undefined;
  return format === undefined ? undefined : { start: { image: { format } }, holds: IMAGE_BYTES };
}

/** A block at its beginning. */
export const newBlock = (start: BlockStart): Block => ({
  deltas: [],
  held: '',
  owner: DIALECT_ID,
  callProof: '',
  isSent: false,
  isEnded: false,
  ...start,
});

/**
 * The block behind a call that holds its proof, as reasoning that is closed: that much every caller sends back as it came;
 * `undefined` for a call without one, and other blocks.
 */
export function callProofBlock({ start, callProof }: Block): Block | undefined {
  const call = asObject(start?.['toolUse']);
  if (callProof === '' || call === undefined) return undefined;
  const callId = textIn(call, 'toolUseId') ?? '';
  const delta = redacted({ type: 'call', dialect: SIGNER_OF_CALLS, data: callProof, callId });
  return { ...newBlock(UNSTARTED), deltas: [delta], isEnded: true };
}

/** Notes what an event adds to its block: a piece to send, one to hold, or the end. */
export function addToBlock(block: Block, event: BlockEvent): void {
  if (event.type === 'block-end') {
    endBlock(block);
    return;
  }
  if (event.type === block.holds?.type) {
    block.held += heldText(event);
    return;
  }
  if (event.type === 'block-signature' && block.owner === SIGNER_OF_CALLS) block.callProof += event.signature;
  const delta = deltaOf(event);
  if (delta !== undefined) block.deltas.push(delta);
}

function endBlock(block: Block): void {
  const last = block.holds?.finish(block.held, block.owner);
  if (last !== undefined) block.deltas.push(last);
  block.isEnded = true;
}

function heldText(event: BlockEvent): string {
  switch (event.type) {
    case 'block-signature':
      return event.signature;
    case 'reasoning-delta':
      return event.text;
    case 'tool-call-delta':
      return event.arguments;
    case 'media-delta':
      return event.base64;
    default:
      return '';
  }
}

/** `undefined` for what says nothing, and what has no place. */
function deltaOf(event: BlockEvent): JsonObject | undefined {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      return event.text === '' ? undefined : { text: event.text };
    case 'text-citation':
      return event.dialect === DIALECT_ID ? { citation: event.citation } : undefined;
    case 'reasoning-delta':
      return event.text === '' ? undefined : { reasoningContent: { text: event.text } };
    case 'tool-call-delta':
      return event.arguments === '' ? undefined : { toolUse: { input: event.arguments } };
    case 'hosted-tool-result':
      return { toolResult: objectsIn(asObject(event.result) ?? {}, 'content') };
    default:
      return undefined;
  }
}
