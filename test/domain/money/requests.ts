import type { ChatRequest, ContentPart } from '../../../lambda/domain/chat/request.ts';

/** A request whose only message holds these parts. */
export const requestOf = (
  parts: readonly ContentPart[],
  settings: Partial<ChatRequest> = {},
): ChatRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: parts }],
  stream: false,
  includeUsage: false,
  nativeOptions: {},
  unknownFields: [],
  ...settings,
});

export const picture = (data: string): ContentPart => ({
  type: 'image',
  source: { type: 'base64', mediaType: 'image/png', data },
});
/** The part within the result of a tool. */
export const nested = (part: ContentPart): ContentPart => ({
  type: 'tool-result',
  callId: 'a',
  content: [part],
  isError: false,
});
