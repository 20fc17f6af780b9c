import type { ChatEvent } from '../domain/chat/event.ts';
import type { AnswerEnvelope, DialectId } from './dialect.ts';

/** Events that carry a proof of origin, or begin what is one. */
type ProofEvent = Extract<ChatEvent, { readonly type: 'reasoning-start' | 'block-signature' }>;

/** Whether an event says whose proof its block holds: the last one that says so counts. */
export const isProofEvent = (event: ChatEvent): event is ProofEvent =>
  event.type === 'reasoning-start' || event.type === 'block-signature';

/**
 * Who takes a proof of origin back: who the event says, else the dialect in which the answer was made.
 * @param own the caller's dialect, which an answer is in whose envelope says nothing
 */
export const proofOwner = (event: ProofEvent, envelope: AnswerEnvelope, own: DialectId): string =>
  event.dialect ?? envelope.upstreamDialect ?? own;
