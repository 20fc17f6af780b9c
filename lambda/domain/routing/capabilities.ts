import type { ChatRequest, ContentPart } from '../chat/request.ts';

/** What a request can need of a model beyond text, in the catalogue's words. */
export type Capability = 'tools' | 'vision' | 'audio-input' | 'pdf' | 'structured-output' | 'reasoning';

/** What a model must be able to do for this request. */
export function neededCapabilities(
  chat: Pick<ChatRequest, 'messages' | 'tools' | 'responseFormat' | 'reasoning'>,
): readonly Capability[] {
  const needed = new Set<Capability>();
  if ((chat.tools ?? []).some(({ type }) => type !== 'hosted')) needed.add('tools');
  if (chat.responseFormat?.type === 'json-schema') needed.add('structured-output');
  if (asksForReasoning(chat.reasoning)) needed.add('reasoning');
  for (const { content } of chat.messages) for (const part of content) addNeeds(part, needed);
  return [...needed];
}

const asksForReasoning = (reasoning: ChatRequest['reasoning']): boolean =>
  reasoning !== undefined && reasoning.enabled !== false && reasoning.effort !== 'none';

const PDF = /^application\/pdf\b/i;

function addNeeds(part: ContentPart, needed: Set<Capability>): void {
  switch (part.type) {
    case 'image':
      needed.add('vision');
      break;
    case 'audio':
      needed.add('audio-input');
      break;
    case 'file':
      if (part.source.type === 'base64' && PDF.test(part.source.mediaType)) needed.add('pdf');
      break;
    case 'tool-result':
      for (const inner of part.content) addNeeds(inner, needed);
      break;
    default:
  }
}

/** What is needed and not among what is listed. A model of which nothing is listed is given the benefit of the doubt. */
export const missingCapabilities = (
  needed: readonly Capability[],
  listed: readonly string[],
): readonly Capability[] => (listed.length === 0 ? [] : needed.filter((one) => !listed.includes(one)));
