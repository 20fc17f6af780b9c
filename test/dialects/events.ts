import type { ChatEvent, FinishReason } from '../../lambda/domain/chat/event.ts';

/** How an answer begins of which nothing is known. */
export const START: ChatEvent = {
  type: 'answer-start',
  upstreamId: undefined,
  upstreamModel: undefined,
  createdAtSeconds: undefined,
};

export const END: ChatEvent = { type: 'end' };

/** How the first choice ends. */
export const finish = (reason: FinishReason): ChatEvent => ({
  type: 'finish',
  choice: 0,
  reason,
  upstreamReason: undefined,
});

/** A block of the first choice. */
export const at = (block: number): { readonly choice: number; readonly block: number } => ({
  choice: 0,
  block,
});
