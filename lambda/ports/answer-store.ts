import type { KeptAnswer } from '../domain/kept-answer.ts';

/** Where an answer is kept. */
export interface AnswerAddress {
  /** Who may be given it: whoever names another scope can neither find nor open it. */
  readonly scope: string;
  /** All that could make it another answer, as text of any length. It is stored as a keyed hash only. */
  readonly fingerprint: string;
}

/**
 * Keeps answers, so that whoever has the storage alone can read nothing of them, not even guess what was asked.
 * Each method throws GatewayError `store_unavailable`, and Error where what is stored was tampered with.
 */
export interface AnswerStore {
  /** The answer as it was put last; `undefined` where there is none, or none any more. */
  get(address: AnswerAddress): Promise<KeptAnswer | undefined>;
  /** Keeps an answer in place of another at its address. `too-large`: it is not kept. */
  put(address: AnswerAddress, answer: KeptAnswer): Promise<'kept' | 'too-large'>;
  /** The keyed hash that stands for an address: it tells nothing of it, and nobody can guess it. */
  nameOf(address: AnswerAddress): Promise<string>;
  /** The answer whose address has this name, for whom its scope allows it. */
  getNamed(scope: string, name: string): Promise<KeptAnswer | undefined>;
}
