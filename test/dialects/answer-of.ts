import type { BlockAddress, ChatEvent, FinishReason } from '../../lambda/domain/chat/event.ts';
import type { Json } from '../../lambda/domain/json.ts';
import { mergeUsage, type Usage } from '../../lambda/domain/money/usage.ts';

/** A block, put together. What its type does not have is empty. */
export interface AnswerBlock {
  readonly type: 'text' | 'reasoning' | 'tool-call' | 'hosted-tool-result' | 'media' | 'refusal';
  /** The kind of reasoning, tool or media. */
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly result: Json;
  /** Who takes the block's proof back, or whose result it is. */
  owner: string;
  text: string;
  signature: string;
  readonly citations: { readonly dialect: string; readonly citation: Json }[];
  readonly logprobs: Json[];
}

export interface AnswerChoice {
  /** In the order in which they begin. */
  readonly blocks: AnswerBlock[];
  /** Everything said in text blocks, in the order in which it was said; likewise the others. */
  readonly said: { text: string; reasoning: string; refusal: string; audio: string };
  /** Blocks in the order in which they end. */
  readonly ended: AnswerBlock[];
  reason: FinishReason | undefined;
  stopSequence: string | undefined;
}

/** What a sequence of events comes to, however it was cut into pieces. */
export interface Answer {
  readonly choices: ReadonlyMap<number, AnswerChoice>;
  readonly usage: Usage | undefined;
  readonly isFailed: boolean;
}

/** @param owner who made the answer: whose a proof is that says nothing itself */
export function answerOf(events: readonly ChatEvent[], owner: string): Answer {
  const choices = new Map<number, AnswerChoice>();
  const choiceOf = (index: number): AnswerChoice => {
    const choice = choices.get(index) ?? newChoice();
    choices.set(index, choice);
    return choice;
  };
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.type === 'usage') usage = mergeUsage(usage, event.usage);
    else if (event.type === 'finish') finish(choiceOf(event.choice), event);
    else if ('block' in event) addToChoice(choiceOf(event.choice), event, owner);
  }
  return { choices, usage, isFailed: events.at(-1)?.type === 'error' };
}

const newChoice = (): AnswerChoice => ({
  blocks: [],
  said: { text: '', reasoning: '', refusal: '', audio: '' },
  ended: [],
  reason: undefined,
  stopSequence: undefined,
});

function finish(choice: AnswerChoice, event: Extract<ChatEvent, { readonly type: 'finish' }>): void {
  choice.reason = event.reason;
  choice.stopSequence = event.stopSequence;
}

type BlockEvent = Extract<ChatEvent, BlockAddress>;

function addToChoice(choice: AnswerChoice, event: BlockEvent, owner: string): void {
  const begun = beginBlock(event, owner);
  if (begun !== undefined) choice.blocks[event.block] = begun;
  const block = choice.blocks[event.block];
  if (block === undefined) return;
  if (event.type === 'block-end') choice.ended.push(block);
  addToBlock(block, event, owner);
  const said = textOf(event);
  block.text += said;
  if (block.type === 'text') choice.said.text += said;
  if (block.type === 'refusal') choice.said.refusal += said;
  if (block.type === 'reasoning' && block.kind !== 'encrypted') choice.said.reasoning += said;
  if (block.kind === 'audio') choice.said.audio += said;
}

const EMPTY = { kind: '', id: '', name: '', mediaType: '', result: null, text: '', signature: '' } as const;

function beginBlock(event: BlockEvent, owner: string): AnswerBlock | undefined {
  const empty = { ...EMPTY, owner, citations: [], logprobs: [] };
  switch (event.type) {
    case 'text-start':
      return { ...empty, type: 'text' };
    case 'refusal-start':
      return { ...empty, type: 'refusal' };
    case 'reasoning-start':
      return { ...empty, type: 'reasoning', kind: event.kind, owner: event.dialect ?? owner };
    case 'tool-call-start':
      return { ...empty, type: 'tool-call', kind: event.kind, id: event.id, name: event.name };
    case 'media-start':
      return { ...empty, type: 'media', kind: event.kind, mediaType: event.mediaType };
    case 'hosted-tool-result':
      return {
        ...empty,
        type: 'hosted-tool-result',
        id: event.callId,
        result: event.result,
        owner: event.dialect,
      };
    default:
      return undefined;
  }
}

function addToBlock(block: AnswerBlock, event: BlockEvent, owner: string): void {
  if (event.type === 'text-citation')
    block.citations.push({ dialect: event.dialect, citation: event.citation });
  if (event.type === 'text-delta' && event.logprobs !== undefined) block.logprobs.push(event.logprobs);
  if (event.type !== 'block-signature') return;
  block.signature += event.signature;
  block.owner = event.dialect ?? owner;
}

function textOf(event: BlockEvent): string {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text;
    case 'tool-call-delta':
      return event.arguments;
    case 'media-delta':
      return event.base64;
    default:
      return '';
  }
}
