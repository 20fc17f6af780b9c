import type { ChatEvent, FinishReason } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { legacyLogprobs } from './logprobs.ts';

/** This format's word for how a completion ended. */
export function finishReason(reason: FinishReason): string {
  switch (reason) {
    case 'length':
      return 'length';
    case 'content-filter':
    case 'refusal':
      return 'content_filter';
    case 'error':
      return 'error';
    case 'stop':
    case 'pause':
    case 'tool-calls':
      return 'stop';
  }
}

/** A piece of text, with what is known of its tokens. */
export interface Piece {
  readonly choice: number;
  readonly text: string;
  readonly logprobs: JsonObject | undefined;
}

/** What of an answer is text: reasoning, tools and media have no place in a completion. */
export class Pieces {
  readonly #lengths = new Map<number, number>();

  read(event: ChatEvent): Piece | undefined {
    if (event.type !== 'text-delta' && event.type !== 'refusal-delta') return undefined;
    const { choice, text } = event;
    const start = this.#lengths.get(choice) ?? 0;
    this.#lengths.set(choice, start + text.length);
    const given = event.type === 'text-delta' ? event.logprobs : undefined;
    const logprobs = legacyLogprobs(given, start);
    return text === '' && logprobs === undefined ? undefined : { choice, text, logprobs };
  }
}
