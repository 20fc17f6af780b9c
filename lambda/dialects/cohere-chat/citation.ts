import type { ChatEvent } from '../../domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { objectIn, textIn } from '../loose.ts';
import { DIALECT_ID, roundedUpIn } from './wire.ts';

type Citation = Extract<ChatEvent, { readonly type: 'text-citation' }>;

/** The text that a source of another dialect stands for, where it does not say itself. */
export interface CitedText {
  /** All of the block so far. */
  readonly text: string;
  /** The block's place in the content. */
  readonly contentIndex: number;
}

/**
 * A source in Cohere's form; `undefined` where it names nothing. Sources of other dialects are addresses (OpenAI's
 * `url_citation`, Anthropic's web results) or documents of the request: both are documents here.
 * @see https://docs.cohere.com/v2/docs/documents-and-citations
 */
export function encodeCitation(
  { dialect, citation }: Pick<Citation, 'dialect' | 'citation'>,
  { text, contentIndex }: CitedText,
): JsonObject | undefined {
  if (!isJsonObject(citation)) return undefined;
  // Blocks may have other numbers here than where the source was given.
  if (dialect === DIALECT_ID) return { ...citation, content_index: contentIndex };
  const body = isJsonObject(citation['url_citation']) ? objectIn(citation, 'url_citation') : citation;
  const url = textIn(body, 'url');
  const title = textIn(body, 'title') ?? textIn(body, 'document_title');
  const snippet = textIn(body, 'cited_text');
  if (url === undefined && title === undefined && snippet === undefined) return undefined;
  const start = Math.min(roundedUpIn(body, 'start_index') ?? 0, text.length);
  const end = Math.min(roundedUpIn(body, 'end_index') ?? text.length, text.length);
  const document = {
    ...(url !== undefined && { url }),
    ...(title !== undefined && { title }),
    ...(snippet !== undefined && { snippet }),
  };
  const id = url ?? title ?? 'document';
  return {
    start,
    end,
    text: text.slice(start, end),
    sources: [{ type: 'document', id, document }],
    type: 'TEXT_CONTENT',
    content_index: contentIndex,
  };
}
