import type { ChatRequest, ContentPart, MediaSource } from '../chat/request.ts';

/** What is known, before a call, about how many tokens its prompt can have. */
export interface PromptBound {
  /** At most this many; `undefined` where nothing bounds it but the model's own context. */
  readonly tokens: number | undefined;
  readonly hasAudio: boolean;
}

/** Tokens a chat template may add for each message, and a tool prompt once: a bound, not a measure. */
const TOKENS_A_MESSAGE = 16;
/** Anthropic adds up to 530 tokens for tools. @see https://docs.anthropic.com/en/docs/build-with-claude/tool-use/overview */
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
  const parts = request.messages.flatMap((message) => message.content.flatMap(withNested));
  const images = parts.filter((part) => part.type === 'image');
  const others = parts.filter((part) => part.type === 'audio' || part.type === 'file');
  const hasAudio =
    parts.some((part) => part.type === 'audio') || request.nativeOptions['audio'] !== undefined;
  const unbounded = others.length > 0 || (images.length > 0 && imageTokensBound === undefined);
  if (unbounded) return { tokens: undefined, hasAudio };
  const mediaBytes = images.reduce((sum, part) => sum + base64Length(part.source), 0);
  const toolTokens = (request.tools?.length ?? 0) > 0 ? TOKENS_FOR_TOOLS : 0;
  const tokens =
    bodyBytes -
    mediaBytes +
    images.length * (imageTokensBound ?? 0) +
    request.messages.length * TOKENS_A_MESSAGE +
    toolTokens;
  return { tokens, hasAudio };
}

/**
 * Names what makes a call's cost impossible to bound: tools the provider runs, state it keeps, files it holds. Such a call
 * is refused on a hard budget.
 */
export function unboundedFeatures(request: ChatRequest): readonly string[] {
  const hostedTools = (request.tools ?? []).flatMap((tool) =>
    tool.type === 'hosted' ? [`tool ${tool.name}`] : [],
  );
  const options = UNBOUNDED_OPTIONS.filter((name) => request.nativeOptions[name] !== undefined);
  const files = request.messages.some((message) =>
    message.content
      .flatMap(withNested)
      .some((part) => 'source' in part && part.source.type === 'provider-file'),
  );
  return [...hostedTools, ...options, ...(files ? ['a file kept by the provider'] : [])];
}

/** Request options with which the provider runs tools, adds to the prompt what we never see, or charges another rate. */
const UNBOUNDED_OPTIONS = [
  'web_search_options',
  'mcp_servers',
  'container',
  'previous_response_id',
  'conversation',
  'fallbacks',
  'inference_geo',
  'speed',
];

/**
 * Tokens of a text whose provider reported none: a third of its UTF-8 bytes, rounded up. English has about four bytes a
 * token and Chinese about three, so this errs towards charging more.
 */
export const countTokensLocally = (utf8Bytes: number): number => Math.ceil(utf8Bytes / 3);

const withNested = (part: ContentPart): readonly ContentPart[] =>
  part.type === 'tool-result' ? [part, ...part.content.flatMap(withNested)] : [part];

const base64Length = (source: MediaSource): number => (source.type === 'base64' ? source.data.length : 0);
