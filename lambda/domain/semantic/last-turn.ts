import type { ChatRequest } from '../chat/request.ts';
import { literalsOf } from './literals.ts';

/** A request, taken apart into what must be the same and the one thing that is compared by meaning. */
export interface ComparableTurn {
  /** What the user said last. */
  readonly text: string;
  /** The request without it: everything else that can change the answer. */
  readonly rest: ChatRequest;
  /** What must be the same within the text too. @see literalsOf */
  readonly literals: readonly string[];
}

/**
 * Takes the last user turn out of a request; `undefined` where it cannot be compared by its meaning: where the last turn
 * is no user's, holds more than text, is longer than `maxCharacters` (the longer a text, the less a difference that
 * matters moves its vector), or is in a script without capital letters, in which names look like all words.
 */
export function comparableTurn(chat: ChatRequest, maxCharacters: number): ComparableTurn | undefined {
  const last = chat.messages.at(-1);
  if (last?.role !== 'user') return undefined;
  const texts = last.content.flatMap((part) => (part.type === 'text' ? [part.text] : []));
  if (texts.length !== last.content.length) return undefined;
  const text = texts.join('\n').trim();
  if (text === '' || text.length > maxCharacters || HAS_UNCASED_LETTER.test(text)) return undefined;
  const rest = { ...chat, messages: [...chat.messages.slice(0, -1), { ...last, content: [] }] };
  return { text, rest, literals: literalsOf(text) };
}

const HAS_UNCASED_LETTER = /\p{Lo}/u;
