import type { ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { textIn } from '../loose.ts';
import { DIALECT_ID } from './wire.ts';

/** A source of a text. */
export type Citation = Extract<ChatEvent, { readonly type: 'text-citation' }>;

/**
 * A source as an entry of `annotations`; `undefined` where it has no address a caller could follow.
 * @param span the part of the message's text that the source stands for
 * @see https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat
 */
export function citationAnnotation(
  { dialect, citation }: Pick<Citation, 'dialect' | 'citation'>,
  span: { readonly start: number; readonly end: number },
): JsonObject | undefined {
  if (!isJsonObject(citation)) return undefined;
  if (dialect === DIALECT_ID) return citation;
  const url = textIn(citation, 'url');
  if (url === undefined) return undefined;
  const title = textIn(citation, 'title') ?? '';
  return {
    type: 'url_citation',
    url_citation: { url, title, start_index: span.start, end_index: span.end },
  };
}
