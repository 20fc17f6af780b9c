import type { ChatRequest, ContentPart, MediaSource } from '../chat/request.ts';
import { allParts, documentSource } from './unbounded.ts';

/** What is known, before a call, about how many tokens its prompt can have. */
export interface PromptBound {
  /** At most this many, but for media of any size. */
  readonly tokens: number;
  /** It holds media that nothing bounds but the model's own context. */
  readonly hasMediaOfAnySize: boolean;
  /** About this many: charged where the provider does not say. */
  readonly likelyTokens: number;
  readonly hasAudio: boolean;
}

/** Tokens a chat template may add for each message, and a tool prompt once: a bound, not a measure. */
const TOKENS_A_MESSAGE = 16;
/**
 * Anthropic adds up to 530 tokens where there are tools, and up to some hundred for each tool whose definition is its own.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/tool-use/overview
 */
const TOKENS_FOR_TOOLS = 1_000;

/**
 * An upper bound of a prompt's tokens. Text has at most one token a byte, since byte-level tokenizers merge bytes and
 * never split them; the body's JSON framing is counted with it. Pictures count by the provider's documented worst case.
 *
 * @param bodyBytes length of the encoded body
 * @param imageTokensBound most tokens of one picture; `undefined`: not documented
 */
export function boundPrompt(
  request: ChatRequest,
  bodyBytes: number,
  imageTokensBound: number | undefined,
): PromptBound {
  const parts = allParts(request);
  const images = parts.filter((part) => part.type === 'image');
  // A text that became a file on its way here is longer in base64 than it stood in the body.
  const textBytes = Math.max(0, bodyBytes - parts.reduce((sum, part) => sum + mediaLength(part), 0));
  const imageTokens = images.length * (imageTokensBound ?? 0);
  const isOfAnySize = (part: ContentPart): boolean =>
    isMediaOfAnySize(part) || (part.type === 'image' && (imageTokensBound === undefined || !isPicture(part)));
  const framing = (request.messages.length + documentCount(request)) * TOKENS_A_MESSAGE + toolTokens(request);
  return {
    tokens: Math.max(textBytes + imageTokens + framing, request.work?.promptTokens ?? 0),
    hasMediaOfAnySize: parts.some(isOfAnySize),
    likelyTokens: countTokensLocally(textBytes) + imageTokens,
    hasAudio:
      parts.some(mayHoldSound) ||
      request.nativeOptions['audio'] !== undefined ||
      request.work?.answer?.kind === 'audio',
  };
}

/**
 * Tokens of a text whose provider reported none: a third of its UTF-8 bytes, rounded up. English has about four bytes a
 * token and Chinese about three, so this errs towards charging more.
 */
export const countTokensLocally = (utf8Bytes: number): number => Math.ceil(utf8Bytes / 3);

/** What a message's role and frame take: Anthropic and OpenAI document three to four. */
const LIKELY_TOKENS_A_MESSAGE = 4;
/** A picture whose size in tokens its provider does not document: Anthropic's most, for models before Claude Opus 4.7. */
const LIKELY_IMAGE_TOKENS = 1_568;
/** A page of a PDF has 1,500 to 3,000 tokens, and some 75 KB. @see https://docs.anthropic.com/en/docs/build-with-claude/pdf-support */
const FILE_CHARACTERS_A_TOKEN = 32;

/**
 * About how many tokens a prompt has: its texts as `countTokensLocally` counts them, its pictures at the provider's most, files by
 * their length. An estimate that errs towards more; no bound.
 *
 * @param imageTokensBound most tokens of one picture; `undefined`: not documented
 */
export function estimatePromptTokens(request: ChatRequest, imageTokensBound: number | undefined): number {
  const parts = allParts(request);
  const bytes = parts.reduce((sum, part) => sum + textBytesOf(part), 0) + byteLength(request.tools ?? []);
  const images = parts.filter(({ type }) => type === 'image').length;
  const files = parts.reduce(
    (sum, part) => sum + (part.type === 'image' ? 0 : Math.ceil(mediaLength(part) / FILE_CHARACTERS_A_TOKEN)),
    0,
  );
  return (
    countTokensLocally(bytes) +
    images * (imageTokensBound ?? LIKELY_IMAGE_TOKENS) +
    files +
    request.messages.length * LIKELY_TOKENS_A_MESSAGE
  );
}

const byteLength = (value: unknown): number => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '[]' ? 0 : new TextEncoder().encode(text).byteLength;
};

/** Reasoning that comes back, and what only its own dialect knows, count as they stand. Results count by their own parts. */
function textBytesOf(part: ContentPart): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
    case 'reasoning':
      return byteLength(part.text);
    case 'reasoning-encrypted':
      return byteLength(part.data);
    case 'tool-call':
      return byteLength(part.name) + byteLength(part.arguments);
    case 'native':
      return byteLength(part.value);
    case 'image':
    case 'audio':
    case 'file':
    case 'tool-result':
      return 0;
  }
}

function toolTokens({ tools = [] }: ChatRequest): number {
  const own = tools.filter((tool) => tool.type === 'hosted').length;
  return tools.length === 0 ? 0 : TOKENS_FOR_TOOLS * (1 + own);
}

/** Cohere's documents beside the conversation: each is framed like a message. */
function documentCount({ nativeOptions }: ChatRequest): number {
  const { documents } = nativeOptions;
  return Array.isArray(documents) ? documents.length : 0;
}

/** Whether bytes that are called a picture say so themselves: of a file the provider would count the pages. */
const isPicture = ({ source }: { readonly source: MediaSource }): boolean =>
  source.type !== 'base64' || /^image\//i.test(source.mediaType);

/** Sound costs a multiple, and a caller may call it a file: only what is known to be text and pages is not. */
function mayHoldSound(part: ContentPart): boolean {
  if (part.type === 'audio') return true;
  return part.type === 'file' && (part.source.type !== 'base64' || !IS_DOCUMENT.test(part.source.mediaType));
}

const IS_DOCUMENT = /^(?:text\/|application\/(?:pdf|json|xml|rtf|msword|vnd\.))/i;

/** Sound, files and fetched documents: what they count for is not documented by size. */
const isMediaOfAnySize = (part: ContentPart): boolean =>
  part.type === 'audio' || part.type === 'file' || documentSource(part) === 'media';

const mediaLength = (part: ContentPart): number => ('source' in part ? base64Length(part.source) : 0);
const base64Length = (source: MediaSource): number => (source.type === 'base64' ? source.data.length : 0);
