import type { ChatEvent } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { asObject, countIn, textIn } from '../loose.ts';
import { DIALECT_ID } from './wire.ts';

/**
 * A source as an annotation of a text; `undefined` where it has no address a caller could follow.
 * @param length how much of the text there is so far, for which the source stands
 * @see https://platform.openai.com/docs/guides/tools-web-search#output-and-citations
 */
export function citationAnnotation(
  { dialect, citation }: Pick<Extract<ChatEvent, { type: 'text-citation' }>, 'dialect' | 'citation'>,
  length: number,
): JsonObject | undefined {
  const given = asObject(citation);
  if (given === undefined || dialect === DIALECT_ID) return given;
  // OpenAI's chat completions hold the same members one level deeper.
  const source = asObject(given['url_citation']) ?? given;
  const url = textIn(source, 'url');
  if (url === undefined) return undefined;
  return {
    type: 'url_citation',
    url,
    title: textIn(source, 'title') ?? '',
    start_index: countIn(source, 'start_index') ?? 0,
    end_index: countIn(source, 'end_index') ?? length,
  };
}
