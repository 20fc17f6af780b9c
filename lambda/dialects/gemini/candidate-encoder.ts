import type { ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { argumentsObject } from '../arguments-object.ts';
import { BlockQueue } from '../block-queue.ts';
import { carryProofBytes } from '../carried-proof.ts';
import type { AnswerEnvelope } from '../dialect.ts';
import { isProofEvent, proofOwner } from '../proof.ts';
import { CITATION_FIELDS, CODE_EXECUTION } from './candidate-decoder.ts';
import { encodeLogprobs } from './logprobs.ts';
import { DIALECT_ID, textIn } from './wire.ts';

type BlockEvent = Extract<ChatEvent, { readonly block: number }>;
type Start = Extract<BlockEvent, { readonly type: `${string}-start` | 'hosted-tool-result' }>;

/** A part of a candidate, or something that stands beside its content. */
export interface CandidatePiece {
  readonly part?: JsonObject;
  readonly beside?: JsonObject;
}

/** A block on its way out. */
interface Block {
  readonly start: Start;
  readonly pieces: CandidatePiece[];
  /** What can only be sent whole, at the end: arguments, media. */
  held: string;
  signature: string;
  /** Who takes the signature back. */
  owner: string;
  isEnded: boolean;
}

/**
 * One candidate, event by event. Google's parts stand one after another, so a block that begins while another is open waits
 * for its end. What Google has no word for is left out: other dialects' citations and results of hosted tools. Of proofs, those of reasoning stand as signatures whoever made them, all others are Google's own.
 */
export class CandidateEncoder {
  readonly #envelope: AnswerEnvelope;
  readonly #blocks = new BlockQueue<Block>();
  /** Whether a function was called with arguments that are no JSON object. */
  hasMalformedCall = false;

  constructor(envelope: AnswerEnvelope) {
    this.#envelope = envelope;
  }

  encode(event: BlockEvent): readonly CandidatePiece[] {
    if (isStart(event)) this.#blocks.open(event.block, newBlock(event));
    const block = this.#blocks.get(event.block);
    if (block === undefined || block.isEnded) return [];
    if (isProofEvent(event)) block.owner = proofOwner(event, this.#envelope, DIALECT_ID);
    if (event.type === 'block-end') this.#end(block);
    else addToBlock(block, event);
    return [...this.#blocks.sendable()].flatMap(({ pieces }) => pieces.splice(0));
  }

  #end(block: Block): void {
    block.isEnded = true;
    const part = this.#lastPart(block);
    if (part !== undefined) block.pieces.push({ part });
  }

  /** What a block says at its end: all of it, or the signature of its text. */
  #lastPart(block: Block): JsonObject | undefined {
    const { start, held } = block;
    const signature = block.owner === DIALECT_ID ? block.signature : '';
    const signed = signature === '' ? {} : { thoughtSignature: signature };
    switch (start.type) {
      case 'text-start':
      case 'refusal-start':
        return signature === '' ? undefined : { text: '', ...signed };
      case 'reasoning-start':
        return reasoningProof(start, block);
      case 'tool-call-start': {
        const call = start.kind === 'hosted' ? hostedCall(start, held) : this.#functionCall(start, held);
        return call === undefined ? undefined : { ...call, ...signed };
      }
      case 'hosted-tool-result':
        return start.dialect === DIALECT_ID && isJsonObject(start.result)
          ? { ...start.result, ...signed }
          : undefined;
      case 'media-start':
        return { inlineData: { mimeType: start.mediaType, data: held }, ...signed };
    }
  }

  /** Free text of a custom tool is wrapped, as Google's arguments are always an object. */
  #functionCall(
    { id, name, kind }: Extract<Start, { readonly type: 'tool-call-start' }>,
    text: string,
  ): JsonObject | undefined {
    const args = kind === 'custom' ? { input: text } : argumentsObject(text);
    if (args === undefined) this.hasMalformedCall = true;
    return args === undefined ? undefined : { functionCall: { id, name, args } };
  }
}

const newBlock = (start: Start): Block => ({
  start,
  pieces: [],
  held: '',
  signature: '',
  owner: DIALECT_ID,
  isEnded: false,
});

/** The proof of what was thought, behind the thoughts it is of. Google's own thoughts are never closed. */
function reasoningProof(
  { kind }: Extract<Start, { readonly type: 'reasoning-start' }>,
  { held, signature, owner }: Block,
): JsonObject | undefined {
  const isClosed = kind === 'encrypted';
  const data = isClosed ? held + signature : signature;
  const isOwn = owner === DIALECT_ID;
  if (data === '' || (isOwn && isClosed)) return undefined;
  const type = isClosed ? 'closed' : 'signature';
  const thoughtSignature = isOwn ? data : carryProofBytes({ type, dialect: owner, data });
  return { text: '', thought: true, thoughtSignature };
}

const isStart = (event: BlockEvent): event is Start =>
  event.type === 'hosted-tool-result' || event.type.endsWith('-start');

function addToBlock(block: Block, event: BlockEvent): void {
  switch (event.type) {
    case 'text-delta':
      addText(block, event.text, event.logprobs);
      return;
    case 'refusal-delta':
      addText(block, event.text, undefined);
      return;
    case 'reasoning-delta':
      if (!isReadable(block.start)) block.held += event.text;
      else if (event.text !== '') block.pieces.push({ part: { text: event.text, thought: true } });
      return;
    case 'text-citation':
      if (event.dialect === DIALECT_ID && isCitation(event.citation))
        block.pieces.push({ beside: event.citation });
      return;
    case 'tool-call-delta':
      block.held += event.arguments;
      return;
    case 'media-delta':
      block.held += event.base64;
      return;
    case 'block-signature':
      block.signature += event.signature;
      return;
    default:
      return;
  }
}

const isReadable = (start: Start): boolean => start.type === 'reasoning-start' && start.kind !== 'encrypted';

function addText(block: Block, text: string, logprobs: Json | undefined): void {
  const logprobsResult = logprobs === undefined ? undefined : encodeLogprobs(logprobs);
  if (text === '' && logprobsResult === undefined) return;
  block.pieces.push({
    ...(text !== '' && { part: { text } }),
    ...(logprobsResult !== undefined && { beside: { logprobsResult } }),
  });
}

const isCitation = (citation: Json): citation is JsonObject =>
  isJsonObject(citation) &&
  Object.keys(citation).every((name) => CITATION_FIELDS.some((known) => known === name));

/** Google's own tools: its code interpreter, and those it names in capitals. */
function hostedCall(
  { id, name }: Extract<Start, { readonly type: 'tool-call-start' }>,
  text: string,
): JsonObject | undefined {
  const args = argumentsObject(text) ?? {};
  const code = textIn(args, 'code');
  if (name === CODE_EXECUTION && code !== undefined)
    return { executableCode: { id, language: textIn(args, 'language') ?? 'PYTHON', code } };
  return /^[A-Z][A-Z_]*$/.test(name) ? { toolCall: { id, toolType: name, args } } : undefined;
}
