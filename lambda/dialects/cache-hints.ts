import type { ChatRequest, ContentPart } from '../domain/chat/request.ts';

/** Whether the caller marked where the prompt may be cached. */
export const hasCacheHints = ({ messages, tools = [] }: ChatRequest): boolean =>
  messages.some(({ content }) => content.some(isMarked)) ||
  tools.some((tool) => 'cacheHint' in tool && tool.cacheHint !== undefined);

const isMarked = (part: ContentPart): boolean =>
  ('cacheHint' in part && part.cacheHint !== undefined) ||
  (part.type === 'tool-result' && part.content.some(isMarked));
