import type { ChatRequest, ContentPart, MediaSource } from '../chat/request.ts';
import { isJsonObject, type Json } from '../json.ts';

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
  const textBytes = bodyBytes - parts.reduce((sum, part) => sum + mediaLength(part), 0);
  const imageTokens = images.length * (imageTokensBound ?? 0);
  const hasImagesOfAnySize = images.length > 0 && imageTokensBound === undefined;
  const framing = request.messages.length * TOKENS_A_MESSAGE + toolTokens(request);
  return {
    tokens: Math.max(textBytes + imageTokens + framing, request.work?.promptTokens ?? 0),
    hasMediaOfAnySize: hasImagesOfAnySize || parts.some(isMediaOfAnySize),
    likelyTokens: countTokensLocally(textBytes) + imageTokens,
    hasAudio:
      parts.some((part) => part.type === 'audio') ||
      request.nativeOptions['audio'] !== undefined ||
      request.work?.answer?.kind === 'audio',
  };
}

/**
 * Names what makes a call's cost impossible to bound: tools the provider runs, state it keeps, files it holds, options
 * that change its rates. Such a call is refused on a hard budget.
 */
export function unboundedFeatures(request: ChatRequest): readonly string[] {
  const tools = (request.tools ?? []).flatMap((tool) =>
    tool.type === 'hosted' && tool.runBy !== 'caller' ? [`tool ${tool.name}`] : [],
  );
  const options = Object.entries(request.nativeOptions).flatMap(unboundedOption);
  const unknown = request.unknownFields.filter((name) => UNBOUNDED_OPTIONS.has(name) || isDisguised(name));
  return [...tools, ...options, ...unknown, ...new Set(allParts(request).flatMap(unboundedContent))];
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

/** Request options with which a provider runs tools, adds to the prompt what we never see, or charges other rates. */
const UNBOUNDED_OPTIONS: ReadonlySet<string> = new Set([
  'background',
  'best_of',
  'cached_content',
  'compaction',
  'container',
  'conversation',
  'enable_search',
  'extra_body',
  'fallbacks',
  'inference_geo',
  'max_new_tokens',
  'mcp_servers',
  'num_predict',
  'plugins',
  'prediction',
  'previous_response_id',
  'prompt',
  'search_parameters',
  'speed',
  'thinking_budget',
  'thread',
  'web_search_options',
]);

/** Fields that decide what a call costs. */
const READ_FIELDS: ReadonlySet<string> = new Set([
  ...[
    'max_tokens',
    'max_completion_tokens',
    'max_output_tokens',
    'input',
    'instructions',
    'n',
    'tools',
    'messages',
    'system',
    'service_tier',
    'model',
    'stream',
  ],
  ...['thinking', 'reasoning', 'reasoning_effort', 'functions'],
]);

/**
 * `MAX_TOKENS`, or with a long s: a server that matches names in any case would follow it rather than what we read. Folded
 * both ways, as such servers fold.
 */
function isDisguised(name: string): boolean {
  const folded = name.toUpperCase().toLowerCase();
  return folded !== name && (READ_FIELDS.has(folded) || UNBOUNDED_OPTIONS.has(folded));
}

/** Whether an option is given so that it asks for nothing: `enable_search: false`, `plugins: []`, `speed: "standard"`. */
export function asksForNothing(name: string, value: Json | undefined): boolean {
  if (value === undefined || value === null || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  // Elsewhere an empty object asks for something: `web_search_options: {}` searches.
  if (isJsonObject(value)) return name === 'extra_body' && Object.keys(value).length === 0;
  return NEUTRAL_VALUES.get(name) === value;
}

const NEUTRAL_VALUES: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['speed', 'standard'],
  ['best_of', 1],
  ['truncation', 'disabled'],
]);

function unboundedOption([name, value]: readonly [string, Json | undefined]): readonly string[] {
  if (asksForNothing(name, value) || isOwnText(name, value)) return [];
  const isUnbounded =
    UNBOUNDED_OPTIONS.has(name) || isDisguised(name) || UNBOUNDED_VALUES.get(name)?.(value) === true;
  return isUnbounded ? [name] : [];
}

/** A conversation's `prompt` is a text that its provider keeps; that of a picture is the text itself. */
const isOwnText = (name: string, value: Json | undefined): boolean =>
  name === 'prompt' && typeof value === 'string';

const texts = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

/** Options that are harmless but for some of their values: pictures as output, and summaries made of a long prompt. */
const UNBOUNDED_VALUES: ReadonlyMap<string, (value: Json | undefined) => boolean> = new Map([
  ['modalities', (value: Json | undefined) => texts(value).includes('image')],
  [
    'context_management',
    (value: Json | undefined) =>
      isJsonObject(value) &&
      texts(value['edits']).some((edit) => isJsonObject(edit) && String(edit['type']).startsWith('compact')),
  ],
]);

/** Blocks of one dialect whose whole content stands in the body, so that its bytes bound it. */
const INLINE_CONTENT: ReadonlySet<string> = new Set([
  'search_result',
  'server_tool_use',
  'web_search_tool_result',
  'code_execution_tool_result',
  'bash_code_execution_tool_result',
  'text_editor_code_execution_tool_result',
  'tool_search_tool_result',
  'tool_reference',
]);

function unboundedContent(part: ContentPart): readonly string[] {
  if ('source' in part && part.source.type === 'provider-file') return ['a file kept by the provider'];
  if (part.type !== 'native' || isInline(part)) return [];
  return documentSource(part) === undefined ? [`content of the type ${part.name}`] : [];
}

const isInline = ({ dialect, name }: { readonly dialect: string; readonly name: string }): boolean =>
  dialect === 'anthropic-messages' && INLINE_CONTENT.has(name);

/** Where a document that only its own dialect can express has its content; `undefined` where it is kept elsewhere. */
function documentSource(part: ContentPart): 'inline' | 'media' | undefined {
  if (part.type !== 'native' || part.name !== 'document' || !isJsonObject(part.value)) return undefined;
  const source = part.value['source'];
  if (!isJsonObject(source)) return undefined;
  const { type, content } = source;
  if (type === 'text' || (type === 'content' && isOnlyText(content))) return 'inline';
  return type === 'base64' || type === 'url' ? 'media' : undefined;
}

const isOnlyText = (content: Json | undefined): boolean =>
  typeof content === 'string' ||
  (Array.isArray(content) && content.every((block: Json) => isJsonObject(block) && block['type'] === 'text'));

function toolTokens({ tools = [] }: ChatRequest): number {
  const own = tools.filter((tool) => tool.type === 'hosted').length;
  return tools.length === 0 ? 0 : TOKENS_FOR_TOOLS * (1 + own);
}

/** Sound, files and fetched documents: what they count for is not documented by size. */
const isMediaOfAnySize = (part: ContentPart): boolean =>
  part.type === 'audio' || part.type === 'file' || documentSource(part) === 'media';

const allParts = (request: ChatRequest): readonly ContentPart[] =>
  request.messages.flatMap((message) => message.content.flatMap(withNested));

const withNested = (part: ContentPart): readonly ContentPart[] =>
  part.type === 'tool-result' ? [part, ...part.content.flatMap(withNested)] : [part];

const mediaLength = (part: ContentPart): number => ('source' in part ? base64Length(part.source) : 0);
const base64Length = (source: MediaSource): number => (source.type === 'base64' ? source.data.length : 0);
