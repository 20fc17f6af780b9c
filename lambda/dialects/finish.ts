import type { FinishReason } from '../domain/chat/event.ts';

/** How a choice ended, if not with an error. */
export interface Finish {
  readonly reason: Exclude<FinishReason, 'error'>;
  readonly upstreamReason: string | undefined;
  readonly stopSequence?: string;
}

/** An answer whose first choice never said why it ended. */
export const ENDED_QUIETLY: Finish = { reason: 'stop', upstreamReason: undefined };
